"""Makes a film of the portrait for Chromium's fake camera: 640 x 480, Y4M, in which the face moves a little."""

import numpy as np
from PIL import Image


def write(portrait, path, frames=30):
    face = Image.open(portrait).convert("RGB").resize((480, 480))
    with open(path, "wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420mpeg2\n")
        for i in range(frames):
            picture = Image.new("RGB", (640, 480), (90, 110, 130))
            picture.paste(face, (80 + round(20 * np.sin(2 * np.pi * i / frames)), 0))
            y, u, v = (np.asarray(plane, np.float32) for plane in picture.convert("YCbCr").split())
            # It has limited range, and one colour for two by two pixels.
            y = 16 + y * 219 / 255
            u, v = (16 + c.reshape(240, 2, 320, 2).mean((1, 3)) * 224 / 255 for c in (u, v))
            file.write(b"FRAME\n" + b"".join(np.rint(plane).astype(np.uint8).tobytes() for plane in (y, u, v)))
