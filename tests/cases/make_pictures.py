#!/usr/bin/env python3
"""Makes the pictures of tests/cases from the portrait. They are committed, so this runs only if a case needs a new one.

This needs Pillow and numpy. Raw files hold the planes as a program would pass them, with the padding.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
OUT = HERE / "pictures"
PAD = 7  # The bytes after each row of the padded raw files. Their value must not matter.


def raw(image: Image.Image, order: str, pad: int = 0) -> bytes:
    """Returns pixels in a channel order such as "BGRA", where `pad` bytes of noise follow each row."""
    channels = dict(zip("RGBAL", (*image.convert("RGBA").split(), image.convert("L"))))
    pixels = [channels[c].tobytes() for c in order]
    rows = []
    for y in range(image.height):
        row = bytearray(image.width * len(order) + pad)
        for i, channel in enumerate(pixels):
            row[i : image.width * len(order) : len(order)] = channel[y * image.width :][: image.width]
        for i in range(pad):
            row[-1 - i] = (y * 37 + i * 101) % 256
        rows.append(bytes(row))
    return b"".join(rows)


def yuv(image: Image.Image, kr: float, kb: float, full: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the planes of Y, and of U and V for two by two pixels, by the definition of BT.601 or BT.709 (kr, kb)."""
    red, green, blue = np.moveaxis(np.asarray(image.convert("RGB"), np.float64) / 255, 2, 0)
    y = kr * red + (1 - kr - kb) * green + kb * blue
    # An odd row or column counts twice.
    halves = []
    for chroma in ((blue - y) / (2 - 2 * kb), (red - y) / (2 - 2 * kr)):
        even = np.pad(chroma, [(0, size % 2) for size in chroma.shape], "edge")
        halves.append(even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean((1, 3)))
    scale, offset, chroma_scale = (255, 0, 255) if full else (219, 16, 224)
    planes = [y * scale + offset, *(half * chroma_scale + 128 for half in halves)]
    return tuple(np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in planes)


BT601, BT709 = (0.299, 0.114), (0.2126, 0.0722)


def rows(plane: np.ndarray, stride: int) -> bytes:
    """Returns rows of a plane that are `stride` bytes apart, with noise between them. The last row ends early."""
    out = np.random.default_rng(1).integers(0, 256, (plane.shape[0], stride), np.uint8)
    plane = plane.reshape(plane.shape[0], -1)
    out[:, : plane.shape[1]] = plane
    return out.tobytes()[: stride * (plane.shape[0] - 1) + plane.shape[1]]


def cameras(face: Image.Image, turned: Image.Image) -> None:
    """This is the face in the formats of cameras."""

    def write(name: str, *planes: bytes) -> None:
        (OUT / f"face_{name}.raw").write_bytes(b"".join(planes))

    y, u, v = yuv(face, *BT601, full=False)
    write("nv12", y.tobytes(), np.stack([u, v], 2).tobytes())
    # The same values are in the upper halves of 16 bits. The lower halves are not read.
    write("p010", *(np.stack([np.full_like(part, 0x40), part], -1).tobytes() for part in (y, np.stack([u, v], 2))))
    # A row of 96 bytes starts every 103 bytes, and 11 bytes lie between the planes.
    y, u, v = yuv(face, *BT601, full=True)
    write("nv21_padded", rows(y, 103), b"\x80" * 11, rows(np.stack([v, u], 2), 103))
    # The same, where the colours follow the brightness with as much padding.
    y, u, v = yuv(face, *BT601, full=False)
    write("nv12_padded", rows(y, 103), b"\x80" * 7, rows(np.stack([u, v], 2), 103))
    # The size is odd, and there is no gap between the planes.
    y, u, v = yuv(face.crop((0, 0, 95, 107)), *BT709, full=False)
    write("i420_odd", y.tobytes(), u.tobytes(), v.tobytes())
    # This is Android's YUV_420_888 of a sensor on its side. V and U are in one buffer, and each plane sees every second
    # byte.
    y, u, v = yuv(turned, *BT601, full=True)
    write("android_turned", rows(y, 128), rows(np.stack([v, u], 2), 128))
    y, u, v = yuv(face, *BT709, full=True)
    # Each row has its own colour here, and the colour of two rows is good enough.
    u, v = (np.repeat(plane, 2, 0) for plane in (u, v))
    write("yuyv_padded", rows(np.stack([y[:, 0::2], u, y[:, 1::2], v], 2), 200))
    write("uyvy_padded", rows(np.stack([u, y[:, 0::2], v, y[:, 1::2]], 2), 200))


def main() -> None:
    OUT.mkdir(exist_ok=True)
    portrait = Image.open(HERE / "../../examples/images/eileen_collins.png").convert("RGB")
    # The part of 160x180 around the head is reduced to 96x108. The face lies at 20,22 and measures 56x73.
    face = portrait.crop((144, 30, 304, 210)).resize((96, 108), Image.Resampling.LANCZOS)
    for name, order, pad in [
        ("gray", "L", 0),
        ("rgb", "RGB", 0),
        ("bgr_padded", "BGR", PAD),
        ("rgba", "RGBA", 0),
        ("bgra_padded", "BGRA", PAD),
        ("argb_padded", "ARGB", PAD),
    ]:
        (OUT / f"face_{name}.raw").write_bytes(raw(face, order, pad))
    # Turned by 90 degrees clockwise and then mirrored, this is upright again.
    turned = face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).transpose(Image.Transpose.ROTATE_90)
    (OUT / "face_turned_rgb.raw").write_bytes(raw(turned, "RGB"))
    cameras(face, turned)

    face.convert("L").save(OUT / "face_gray.png")
    # These files do not state their orientation.
    portrait.transpose(Image.Transpose.ROTATE_180).save(OUT / "upside_down.jpg", quality=85)
    portrait.transpose(Image.Transpose.ROTATE_90).save(OUT / "sideways.jpg", quality=85)
    face.save(OUT / "face.bmp")
    face.save(OUT / "face.webp", lossless=True)
    face.save(OUT / "face.jpg", quality=92)
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn by 90 degrees clockwise.
    face.transpose(Image.Transpose.ROTATE_90).save(OUT / "face_exif6.jpg", quality=92, exif=exif)

    gradient = Image.new("RGB", (80, 64))
    gradient.putdata([(x * 3, y * 4, (x * y) % 256) for y in range(64) for x in range(80)])
    gradient.save(OUT / "gradient.png")
    # The name has characters beyond ASCII, because paths are UTF-8 on every system.
    gradient.save(OUT / "Bild ä 顔.png")
    buffer = io.BytesIO()
    face.save(buffer, "PNG")
    (OUT / "cut_short.png").write_bytes(buffer.getvalue()[:3000])
    (OUT / "no_picture.txt").write_text("This is no picture.\n")
    (OUT / "empty.jpg").write_bytes(b"")


if __name__ == "__main__":
    main()
