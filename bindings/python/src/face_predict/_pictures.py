"""Makes C views of pictures in memory, in place."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator, Sequence
from ctypes import byref
from dataclasses import dataclass
from typing import Any, Literal, Optional

from . import _native as native
from ._errors import ArgumentError, ImageError
from ._options import whole

Format = Literal["GRAY", "RGB", "BGR", "RGBA", "BGRA", "ARGB", "ABGR", "NV12", "NV21", "I420", "YUYV", "UYVY", "P010"]
Yuv = Literal["BT601_LIMITED", "BT601_FULL", "BT709_LIMITED", "BT709_FULL"]

WHAT = "a picture is a path, bytes of a file, an array of uint8 (P010: of uint16), a list of planes or a PIL image"
_YUV_FORMATS = ("NV12", "NV21", "I420", "YUYV", "UYVY", "P010")


@dataclass(frozen=True)
class Interpretation:
    """The meaning of an array's pixels."""

    format: Optional[str] = None
    rotation: int = 0
    mirrored: bool = False
    yuv: Optional[str] = None

    def refuse_for_files(self, *more: str) -> None:
        for name in ("format", "yuv", *more):
            if getattr(self, name):
                raise ArgumentError(f"{name} is for arrays; a file says it itself")


@contextlib.contextmanager
def borrow(image: Any, meaning: Interpretation) -> Iterator[native.Image]:
    """Makes the C view of a picture, whose memory stays in place meanwhile."""
    if meaning.format is not None and meaning.format not in native.FORMATS:
        raise ArgumentError(f"format is {meaning.format!r}, but it must be one of {', '.join(native.FORMATS)}")
    exif = 1
    if type(image).__module__.partition(".")[0] == "PIL":
        image, exif = _from_pil(image, meaning)
    with contextlib.ExitStack() as stack:
        if isinstance(image, (list, tuple)):
            count = native.PLANES.get(meaning.format or "")
            if count is None:
                raise ArgumentError(f"{WHAT}, not {type(image).__name__} (planes need format='NV12', 'NV21', 'I420' or 'P010')")
            if len(image) != count:
                raise ArgumentError(f"{meaning.format} has {count} planes, but {len(image)} are given")
            out = _planes([stack.enter_context(_borrowed(plane, meaning.format)) for plane in image], meaning.format or "")
        else:
            view = stack.enter_context(_borrowed(image, meaning.format))
            if len(view.shape) == 1:
                out = _encoded(view, meaning)
            elif meaning.format in native.PLANES:
                out = _frame(view, meaning.format or "")
            else:
                out = _pixels(view, meaning.format)
        if meaning.yuv is not None:
            if meaning.format not in _YUV_FORMATS:
                raise ArgumentError(f"yuv is {meaning.yuv!r}, format {meaning.format or 'RGB'} has none")
            if meaning.yuv not in native.YUV:
                raise ArgumentError(f"yuv is {meaning.yuv!r}, but it must be one of {', '.join(native.YUV)}")
            out.yuv = native.YUV[meaning.yuv]
        out.rotation, out.mirrored = whole("rotation", meaning.rotation, 32), bool(meaning.mirrored)
        if exif != 1:
            _turn_first(out, exif)
        yield out


def _turn_first(out: native.Image, exif: int) -> None:
    """Puts an Exif orientation before the rotation and mirroring that are set, as in a file."""
    rotation, mirrored = out.rotation, out.mirrored
    if rotation not in (0, 90, 180, 270):
        return  # The library refuses it.
    library = native.library()
    library.check(library.image_set_exif(byref(out), exif))
    # A rotation after a mirroring is the opposite rotation before it.
    out.rotation = (out.rotation + (360 - rotation if out.mirrored else rotation)) % 360
    out.mirrored ^= mirrored


def _borrowed(array: Any, format: Optional[str]) -> native.Borrowed:
    try:
        view = native.Borrowed(array)
    except (TypeError, BufferError, ValueError) as error:
        raise ArgumentError(f"{WHAT}, not {type(array).__name__} ({error})") from None
    if not (_is_p010(view.format) if format == "P010" else view.format.lstrip("@=<>!") == "B"):
        kind = getattr(array, "dtype", view.format)
        view.__exit__()
        raise ArgumentError(
            f"pixels are of type {kind}, P010 is of uint16, little-endian"
            if format == "P010"
            else f"pixels are of type {kind}, uint8 from 0 to 255 is wanted: (image * 255).astype(np.uint8) if they run from 0 to 1"
        )
    return view


def _is_p010(format: str) -> bool:
    """Returns whether a buffer's numbers have two bytes, with the lower one first."""
    return format == "<H" or (sys.byteorder == "little" and format.lstrip("@=") == "H")


def _image(format: str, width: int, height: int) -> native.Image:
    return native.Image(struct_size=ctypes.sizeof(native.Image), format=native.FORMATS[format], width=width, height=height)


def _encoded(view: native.Borrowed, meaning: Interpretation) -> native.Image:
    """Makes a view of the bytes of a file in a bytearray, a memoryview or an array of one dimension."""
    meaning.refuse_for_files()
    if view.strides[0] != 1 and view.shape[0] > 1:
        raise ArgumentError(f"{view.what}: the bytes of a file must follow each other; numpy.ascontiguousarray(image) copies them so")
    out = native.Image(struct_size=ctypes.sizeof(native.Image), format=native.ENCODED)
    # NULL would mean that there are no bytes at all.
    out.planes[0] = view.address or ctypes.addressof(out)
    out.sizes[0] = view.bytes
    return out


def _set(out: native.Image, index: int, view: native.Borrowed, row: int) -> None:
    """Sets a plane of rows of which `row` bytes are read."""
    rows = view.shape[0]
    stride = view.strides[0] if rows > 1 else row
    address = view.address
    # The rows run from the lowest one up, as in `image[::-1]`.
    up = stride < 0
    if index == 0:
        out.bottom_up = up
    elif rows > 1 and up != bool(out.bottom_up):
        # C turns all planes over, or none.
        raise ArgumentError(
            f"{view.what}: rows must run from top to bottom in all planes, or in none; numpy.ascontiguousarray(image) copies them so"
        )
    if up:
        stride = -stride
        address -= (rows - 1) * stride
    out.planes[index] = address
    out.strides[index] = stride
    out.sizes[index] = (rows - 1) * stride + row if rows and row > 0 else 0


def _planes(views: Sequence[native.Borrowed], format: str) -> native.Image:
    """Makes a view of separate planes: Y, and UV of shape (rows, samples) or (rows, columns, 2), or U and V."""
    first, size = views[0], native.SAMPLE_BYTES.get(format, 1)
    if len(first.shape) != 2 or (first.strides[1] != size and first.shape[1] > 1):
        raise ArgumentError(f"{first.what}: plane 0 is (height, width) with the pixels of a row after each other")
    out = _image(format, first.shape[1], first.shape[0])
    _set(out, 0, first, first.shape[1] * size)
    steps = set()
    for index, view in enumerate(views[1:], 1):
        if 0 in view.shape:
            # In C a size of 0 means that nothing is checked.
            raise ArgumentError(f"{view.what}: plane {index} is empty")
        if format == "I420":
            if len(view.shape) != 2 or (view.shape[1] > 1 and view.strides[1] < 1):
                raise ArgumentError(f"{view.what}: plane {index} is (rows, columns), half of the picture's")
            step = view.strides[1] if view.shape[1] > 1 else 0
            steps |= {step} - {0}
            _set(out, index, view, (view.shape[1] - 1) * step + 1)
        else:
            pairs = len(view.shape) == 3 and view.shape[2] == 2 and view.strides[1:] == (2 * size, size)
            if not pairs and (len(view.shape) != 2 or view.strides[1] != size):
                raise ArgumentError(f"{view.what}: plane 1 is (rows, columns, 2), half of the picture's, or (rows, samples)")
            _set(out, index, view, view.shape[1] * size * (2 if pairs else 1))
    if len(steps) > 1:
        raise ArgumentError(f"samples of U and V lie {' and '.join(map(str, sorted(steps)))} bytes apart, both must lie alike")
    out.chroma_step = steps.pop() if steps else 0
    return out


def _frame(view: native.Borrowed, format: str) -> native.Image:
    """Makes a view of a whole frame in OpenCV's layout: an array with 3/2 of the picture's height."""
    flat = len(view.shape) == 2 or (len(view.shape) == 3 and view.shape[2] == 1)
    if not flat or view.shape[0] % 3 or view.shape[1] % 2 or 0 in view.shape:
        raise ArgumentError(
            f"{view.what}: format {format} is (height * 3 / 2, width) with an even width and height, or a list of planes"
        )
    height, width, size = view.shape[0] // 3 * 2, view.shape[1], native.SAMPLE_BYTES.get(format, 1)
    packed = format != "I420" or view.strides[0] == width
    if view.strides[1] != size or view.strides[0] < width * size or not packed:
        raise ArgumentError(
            f"{view.what}: pixels of a row must follow each other, rows of {format} "
            + ("without padding" if format == "I420" else "from top to bottom")
            + "; numpy.ascontiguousarray(image) copies them so"
        )
    out = _image(format, width, height)
    _set(out, 0, view, width * size)
    return out


def _pixels(view: native.Borrowed, format: Optional[str]) -> native.Image:
    """Makes the C view of an array of rows, columns and channels, whose memory stays where it is."""
    channels = view.shape[2] if len(view.shape) == 3 else 1
    if len(view.shape) not in (2, 3) or channels not in (1, 2, 3, 4):
        raise ArgumentError(f"{view.what}: (height, width), (height, width, 3) or (height, width, 4) is wanted, without a batch")
    if format is None:
        if channels == 2:
            raise ArgumentError(f"{view.what} has 2 channels: format='YUYV' if it is that")
        format = {1: "GRAY", 3: "RGB", 4: "RGBA"}[channels]
    if native.CHANNELS[format] != channels:
        raise ArgumentError(f"{view.what} has {channels} channels, format {format} has {native.CHANNELS[format]}")
    height, width = view.shape[:2]
    if len(view.shape) == 3 and channels > 1 and view.strides[2] == -1 and width:
        raise ArgumentError(f"{view.what} has its channels reversed: pass the array before [..., ::-1], with format='BGR' or 'RGB'")
    close = view.strides[1] == channels and (len(view.shape) == 2 or channels == 1 or view.strides[2] == 1)
    if height and width and ((not close and width > 1) or (abs(view.strides[0]) < width * channels and height > 1)):
        raise ArgumentError(f"{view.what}: pixels of a row must follow each other; numpy.ascontiguousarray(image) copies them so")
    out = _image(format, width, height)
    _set(out, 0, view, width * channels)
    return out


def _from_pil(image: Any, meaning: Interpretation) -> tuple[Any, int]:
    """Copies the pixels of a PIL image, since PIL gives no access to its own memory, and returns its Exif
    orientation."""
    if meaning.format or meaning.yuv:
        raise ArgumentError("format and yuv are for arrays; a PIL image says it itself")
    if 0 in image.size:
        raise ArgumentError(f"the PIL image has {image.width}x{image.height} pixels")
    # PIL reads a file when its pixels are first asked for, and can then fail in many ways.
    try:
        pixels = _eight_bits(image)
        data = pixels.tobytes()
        orientation = image.getexif().get(0x0112, 1) if hasattr(image, "getexif") else 1
    except (ArgumentError, MemoryError):
        raise
    except Exception as error:
        raise ImageError(f"the PIL image cannot be read: {error}") from error
    mode = pixels.mode
    shape = (image.height, image.width) if mode == "L" else (image.height, image.width, len(mode))
    return memoryview(data).cast("B", shape), orientation if orientation in range(1, 9) else 1


def _eight_bits(image: Any) -> Any:
    """Returns the image in mode L, RGB or RGBA. PIL's own conversion cuts off what is above 255 instead of scaling
    it."""
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    # The image has 16 bits, which PIL keeps in 32 bits if it comes from a PNG.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        # It is rounded to the nearest, as the library does.
        return image.convert("F").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if image.mode in ("I", "F"):
        raise ArgumentError(f"the PIL image is of mode {image.mode}, whose range is not known: scale it to 0..255, then image.convert('L')")
    return image.convert("RGB")
