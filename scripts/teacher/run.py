#!/usr/bin/env python3
"""Trains a teacher from weights that a package carries, and writes its answers down. scripts/teacher.sh installs and calls this."""
import argparse
import csv
import os
import time

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from faces import BRACKETS, YEARS, Faces
from network import Teacher

BATCH = 64
RATE = 2.5e-4
# Edges are edges: the first blocks learn nothing, and cost half of a step.
FROZEN = 4


def arguments():
    parser = argparse.ArgumentParser(description="A teacher for face-train train --teacher.")
    parser.add_argument("job", choices=["train", "answer"])
    parser.add_argument("--manifest", action="append", required=True, help="manifest of faces with landmarks")
    parser.add_argument("--root", required=True, help="folder that the manifests' paths start from")
    parser.add_argument("--run", required=True, help="folder of the teacher")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", help="answer: the file to write")
    options = parser.parse_args()
    if (options.job == "answer") != bool(options.out):
        parser.error("answer needs --out, train has none")
    return options


def losses(faces, numbers, ages, male):
    """face-train's: age, then gender."""
    target, exact = torch.from_numpy(faces.targets(numbers)), torch.from_numpy(faces.exact[numbers])
    log = F.log_softmax(ages, 1)
    expected = (log.exp() * torch.from_numpy(YEARS)).sum(1)
    divergence = F.kl_div(log, target, reduction="none").sum(1)
    far = (expected - torch.from_numpy(faces.age[numbers])).abs()
    inside = -(log.exp() * target).sum(1).clamp_min(1e-6).log()
    known = exact | torch.from_numpy(faces.bracket[numbers])
    age = (torch.where(exact, divergence + 0.1 * far, inside) * known).mean()
    wanted = torch.from_numpy(faces.male[numbers]) * 0.95 + 0.025
    gender = F.binary_cross_entropy_with_logits(male, wanted, reduction="none")
    return age, (gender * torch.from_numpy(faces.has_gender[numbers])).mean()


@torch.no_grad()
def answers(net, faces, numbers):
    """Probabilities of the years and of male, the means over each face and its mirror image."""
    net.eval()
    ages, males = [], []
    for first in range(0, len(numbers), BATCH):
        both = []
        for flip in (False, True):
            images = torch.from_numpy(faces.images(numbers[first : first + BATCH], flip))
            with torch.autocast("cpu", torch.bfloat16):
                age, male = net(images)
            both.append((age.float().softmax(1), male.float().sigmoid()))
        ages.append((both[0][0] + both[1][0]) / 2)
        males.append((both[0][1] + both[1][1]) / 2)
    net.train()
    return torch.cat(ages).numpy(), torch.cat(males).numpy()


def judged(faces, numbers, ages, male):
    """Figures in words."""
    exact, bracket = faces.exact[numbers], faces.bracket[numbers]
    off = np.abs((ages * YEARS).sum(1) - faces.age[numbers])[exact]
    right = ((male > 0.5) == (faces.male[numbers] > 0.5))[faces.has_gender[numbers] > 0]
    mass = np.stack([ages[:, a : b + 1].sum(1) for a, b in BRACKETS], 1).argmax(1)
    true = np.searchsorted([a for a, _ in BRACKETS], faces.first[numbers], "right") - 1
    parts = [f"gender {100 * right.mean():.1f} %"]
    if exact.any():
        parts.append(f"MAE {off.mean():.2f} years")
    if bracket.any():
        parts.append(f"bracket {100 * (mass == true)[bracket].mean():.1f} %")
    return ", ".join(parts)


def train(options):
    faces = Faces(options.manifest, options.root, {"train", "val"})
    numbers, kept_back = np.where(~faces.validation)[0], np.where(faces.validation)[0]
    net = Teacher(os.environ["HUMAN_MODELS"]).to(memory_format=torch.channels_last)
    average = Teacher(os.environ["HUMAN_MODELS"])
    average.load_state_dict(net.state_dict())
    heads = [*net.age.parameters(), *net.gender.parameters()]
    body = [*net.stem.parameters(), *net.blocks.parameters()]
    groups = [{"params": body, "of": RATE}, {"params": heads, "of": 5 * RATE}]
    optimiser = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.02)
    per_epoch = len(numbers) // BATCH
    steps, step, start = options.epochs * per_epoch, 0, time.time()
    random = np.random.default_rng(1)
    for epoch in range(options.epochs):
        order, sum_of = random.permutation(numbers), 0.0
        for first in range(0, per_epoch * BATCH, BATCH):
            batch = order[first : first + BATCH]
            shape = min(1, (step + 1) / min(300, per_epoch)) * (0.5 + 0.5 * np.cos(np.pi * step / steps))
            for group in optimiser.param_groups:
                group["lr"] = group["of"] * shape
            with torch.autocast("cpu", torch.bfloat16):
                ages, male = net(torch.from_numpy(faces.images(batch, random=random)), FROZEN, dropout=0.3)
            age, gender = losses(faces, batch, ages.float(), male.float())
            optimiser.zero_grad()
            (age + gender).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            optimiser.step()
            step += 1
            sum_of += (age + gender).item()
            with torch.no_grad():
                decay = min(0.998, (1 + step) / (10 + step))
                for kept, new in zip(average.parameters(), net.parameters()):
                    kept.lerp_(new, 1 - decay)
        print(f"epoch {epoch + 1}: loss {sum_of / per_epoch:.3f}, {step * BATCH / (time.time() - start):.0f} faces a second")
        ages, male = answers(average, faces, kept_back)
        for name in sorted({faces.rows[n]["source"] for n in kept_back}):
            of = np.array([faces.rows[n]["source"] == name for n in kept_back])
            print(f"  {name}: {judged(faces, kept_back[of], ages[of], male[of])}", flush=True)
        os.makedirs(options.run, exist_ok=True)
        torch.save(average.state_dict(), os.path.join(options.run, "teacher.pt"))


def answer(options):
    faces = Faces(options.manifest, options.root, {"train"})
    net = Teacher(os.environ["HUMAN_MODELS"])
    net.load_state_dict(torch.load(os.path.join(options.run, "teacher.pt")))
    ages, male = answers(net, faces, np.arange(len(faces.rows)))
    with open(options.out + ".part", "w", newline="") as file:
        file.write(f"# face-train answers 1 | scripts/teacher.sh answer --run {options.run}\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["path", "male", *range(len(YEARS))])
        for row, probability, years in zip(faces.rows, male, ages):
            table.writerow([row["path"], f"{probability:.5f}", *(f"{p:.5f}" for p in years)])
    os.replace(options.out + ".part", options.out)
    print(f"{options.out}: {len(faces.rows)} faces")


if __name__ == "__main__":
    torch.manual_seed(1)
    cv2.setNumThreads(1)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    chosen = arguments()
    {"train": train, "answer": answer}[chosen.job](chosen)
