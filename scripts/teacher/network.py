"""MobileNet (Howard et al. 2017) with an age and a gender head, read from a tfjs file."""
import json
import math
import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
YEARS = 101


def constants(folder, name):
    """Tensors of a tfjs graph by name, in float32."""
    with open(os.path.join(folder, name + ".json")) as file:
        groups = json.load(file)["weightsManifest"]
    found = {}
    for group in groups:
        raw, at = b"", 0
        for path in group["paths"]:
            with open(os.path.join(folder, path), "rb") as file:
                raw += file.read()
        for entry in group["weights"]:
            kind = np.dtype(entry.get("quantization", entry)["dtype"])
            count = math.prod(entry["shape"])
            found[entry["name"]] = np.frombuffer(raw, kind, count, at).reshape(entry["shape"]).astype(np.float32)
            at += count * kind.itemsize
    return found


class Teacher(nn.Module):
    """Batch norm is folded in the file, and stays so: there are few epochs."""

    def __init__(self, folder):
        super().__init__()
        weights = constants(folder, "faceres")
        parameter = lambda array: nn.Parameter(torch.from_numpy(np.ascontiguousarray(array)))
        offset = lambda name: parameter(weights[f"{name}_bn/batchnorm_1/sub"])
        kernel = lambda name: weights[f"{name}/convolution/merged_input"].transpose(3, 2, 0, 1)
        self.stem = nn.ParameterList([parameter(kernel("conv1")), offset("conv1")])
        self.blocks = nn.ModuleList()
        for block in range(1, len(STRIDES) + 1):
            scale = weights[f"conv_dw_{block}_bn/batchnorm_1/mul"].reshape(-1, 1, 1, 1)
            depth = weights[f"conv_dw_{block}/depthwise_kernel"].transpose(2, 3, 0, 1) * scale
            parts = [parameter(depth), offset(f"conv_dw_{block}"), parameter(kernel(f"conv_pw_{block}")), offset(f"conv_pw_{block}")]
            self.blocks.append(nn.ParameterList(parts))
        self.age = nn.Linear(1024, YEARS)
        self.gender = nn.Linear(1024, 1)
        for head in (self.age, self.gender):
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)

    @staticmethod
    def layer(x, kernel, offset, stride=1):
        depthwise = kernel.shape[1] == 1
        # TensorFlow's "same": at stride 2 the zeros come after.
        before, after = (0, 1) if stride == 2 else (kernel.shape[2] // 2,) * 2
        if after:
            x = F.pad(x, (before, after, before, after))
        return F.conv2d(x, kernel, offset, stride, groups=x.shape[1] if depthwise else 1).clamp(0, 6)

    def forward(self, images, frozen=0, dropout=0.0):
        """Logits of the years and of male for BGR images less their mean; the first `frozen` blocks learn nothing."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and frozen == 0):
            x = self.layer(images, *self.stem, stride=2)
        for number, (depth, depth_offset, point, point_offset) in enumerate(self.blocks):
            with torch.set_grad_enabled(torch.is_grad_enabled() and number >= frozen):
                x = self.layer(x, depth, depth_offset, STRIDES[number])
                x = self.layer(x, point, point_offset)
        features = F.dropout(x.float().mean((2, 3)), dropout, self.training)
        return self.age(features), self.gender(features)[:, 0]
