#!/usr/bin/env python3
"""Makes the pictures of tests/cases from the portrait. They are committed, so this runs only when a case needs a new one.

Needs Pillow. Raw files hold the bytes of plane 0 as a program would hand them over, padding included.
"""

import io
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
OUT = HERE / "pictures"
PAD = 7  # Bytes after each row of the padded raw files; their value must not matter.


def raw(image: Image.Image, order: str, pad: int = 0) -> bytes:
    """Pixels in a channel order such as "BGRA", each row followed by `pad` bytes of noise."""
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


def main() -> None:
    OUT.mkdir(exist_ok=True)
    portrait = Image.open(HERE / "../../examples/images/eileen_collins.png").convert("RGB")
    # 160x180 around the head, made 96x108: the face lies at 20,22 and measures 56x73.
    face = portrait.crop((144, 30, 304, 210)).resize((96, 108), Image.Resampling.LANCZOS)
    for name, order, pad in [
        ("gray", "L", 0),
        ("rgb", "RGB", 0),
        ("bgr_padded", "BGR", PAD),
        ("rgba", "RGBA", 0),
        ("bgra_padded", "BGRA", PAD),
    ]:
        (OUT / f"face_{name}.raw").write_bytes(raw(face, order, pad))
    # Turned by 90 degrees clockwise and then mirrored, this is upright again.
    turned = face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).transpose(Image.Transpose.ROTATE_90)
    (OUT / "face_turned_rgb.raw").write_bytes(raw(turned, "RGB"))

    face.convert("L").save(OUT / "face_gray.png")
    face.save(OUT / "face.bmp")
    face.save(OUT / "face.webp", lossless=True)
    face.save(OUT / "face.jpg", quality=92)
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn by 90 degrees clockwise.
    face.transpose(Image.Transpose.ROTATE_90).save(OUT / "face_exif6.jpg", quality=92, exif=exif)

    gradient = Image.new("RGB", (80, 64))
    gradient.putdata([(x * 3, y * 4, (x * y) % 256) for y in range(64) for x in range(80)])
    gradient.save(OUT / "gradient.png")
    # A name beyond ASCII: paths are UTF-8 on every system.
    gradient.save(OUT / "Bild ä 顔.png")
    buffer = io.BytesIO()
    face.save(buffer, "PNG")
    (OUT / "cut_short.png").write_bytes(buffer.getvalue()[:3000])
    (OUT / "no_picture.txt").write_text("This is no picture.\n")
    (OUT / "empty.jpg").write_bytes(b"")


if __name__ == "__main__":
    main()
