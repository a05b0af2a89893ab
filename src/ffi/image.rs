//! Pictures in the caller's memory.

use core::ffi::c_void;

use super::handle::{self, Growing};
use super::panic::wall;
use super::status::face_predict_status;
use crate::error::{Error, ErrorKind, Result};
use crate::picture::{Format, Image, Layout, Orientation, Yuv};
use crate::predict::source::Input;

/// One byte of brightness for each pixel. 0 is no format, so a forgotten field is an error and not a wrong answer.
pub const FACE_PREDICT_FORMAT_GRAY: u32 = 1;
/// Red, green, blue, in the order of the bytes in memory.
pub const FACE_PREDICT_FORMAT_RGB: u32 = 2;
/// Blue, green, red. OpenCV uses this order.
pub const FACE_PREDICT_FORMAT_BGR: u32 = 3;
/// Red, green, blue, alpha. Android's ARGB_8888 bitmaps use this order. Alpha is ignored.
pub const FACE_PREDICT_FORMAT_RGBA: u32 = 4;
/// Blue, green, red, alpha. Bitmaps of Windows, .NET and CoreVideo use this order. Alpha is ignored.
pub const FACE_PREDICT_FORMAT_BGRA: u32 = 5;

/// A plane of Y, then a plane of interleaved U and V. A pair of U and V belongs to 2 x 2 pixels.
pub const FACE_PREDICT_FORMAT_NV12: u32 = 6;
/// The same as NV12, but V comes before U.
pub const FACE_PREDICT_FORMAT_NV21: u32 = 7;
/// A plane of Y, one of U and one of V. Android's YUV_420_888 is read with `chroma_step`.
pub const FACE_PREDICT_FORMAT_I420: u32 = 8;
/// One plane that repeats Y U Y V. USB cameras often give it.
pub const FACE_PREDICT_FORMAT_YUYV: u32 = 9;

/// One plane that repeats U Y V Y. Capture cards and Apple's cameras give it.
pub const FACE_PREDICT_FORMAT_UYVY: u32 = 10;
/// Alpha, red, green, blue, in the order of the bytes in memory. Alpha is ignored. Numbers such as 0xAARRGGBB are not
/// this format: a little-endian processor stores them as BGRA.
pub const FACE_PREDICT_FORMAT_ARGB: u32 = 11;
/// Alpha, blue, green, red, in the order of the bytes in memory. Alpha is ignored.
pub const FACE_PREDICT_FORMAT_ABGR: u32 = 12;
/// NV12 with 16 little-endian bits for each sample, of which the upper 10 are used. Decoders of HDR video give it. Only
/// the upper 8 bits are read.
pub const FACE_PREDICT_FORMAT_P010: u32 = 13;
/// The bytes of a JPEG, PNG, WebP or BMP file, such as an MJPEG frame of a camera. `planes[0]` points to them, and
/// `sizes[0]` is their number. The Exif orientation is applied first, then `rotation` and `mirrored`. The other fields
/// are not read.
pub const FACE_PREDICT_FORMAT_ENCODED: u32 = 14;

/// YUV is converted to colours by BT.601, and Y runs from 16 to 235. Most cameras give it.
pub const FACE_PREDICT_YUV_BT601_LIMITED: u32 = 0;
/// YUV is converted to colours by BT.601, and Y runs from 0 to 255. JPEG uses it, and many phones do.
pub const FACE_PREDICT_YUV_BT601_FULL: u32 = 1;
/// YUV is converted to colours by BT.709, and Y runs from 16 to 235. HD video uses it.
pub const FACE_PREDICT_YUV_BT709_LIMITED: u32 = 2;
/// YUV is converted to colours by BT.709, and Y runs from 0 to 255.
pub const FACE_PREDICT_YUV_BT709_FULL: u32 = 3;

/// A picture in your memory. The library reads it in place, never writes to it, and keeps no pointer to it after the
/// call. The pixels must not change during the call. Start from FACE_PREDICT_IMAGE_INIT, or from zeros with
/// `struct_size` set. Then set the format, the width, the height and the first plane.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_image {
    /// sizeof(face_predict_image)
    pub struct_size: u32,
    /// One of FACE_PREDICT_FORMAT_...
    pub format: u32,
    /// The number of pixels in a stored row, before rotation: 1 to 16777216.
    pub width: u32,
    /// The number of stored rows, before rotation: 1 to 16777216.
    pub height: u32,
    /// `planes[0]` points to the pixels, or to their brightness (Y). A colour plane that is NULL follows the rows of
    /// the plane before it without a gap. Formats of one plane leave the others NULL.
    pub planes: [*const c_void; 3],
    /// The number of bytes from one row to the next. In the first plane, 0 means that rows have no padding. In a colour
    /// plane, 0 means the stride of the first plane, or half of it for I420.
    pub strides: [usize; 3],
    /// The number of bytes that may be read at each plane. If a plane is too small, the call fails with BUFFER_TOO_SMALL.
    /// 0 means that the size is not checked, so the plane must be large enough.
    pub sizes: [usize; 3],
    /// The clockwise rotation that makes the picture upright, in degrees: 0, 90, 180 or 270.
    pub rotation: u32,
    /// If not 0, left and right are swapped after the rotation. Selfie cameras need it.
    pub mirrored: u32,
    /// The number of bytes from one colour sample to the next in I420, from 1 to 256. Android calls it pixelStride. 0
    /// means 1.
    pub chroma_step: u32,
    /// One of FACE_PREDICT_YUV_...
    pub yuv: u32,
    /// If not 0, the first row in memory is the lowest one, as in bitmaps of Windows. The planes still point to their
    /// first byte in memory.
    pub bottom_up: u32,
    /// Zero.
    pub reserved: u32,
}

impl Growing for face_predict_image {
    const NAME: &'static str = "face_predict_image";
    const FIRST_SIZE: usize = 16 + 9 * size_of::<usize>() + 8;
    const ZERO: Self = Self {
        struct_size: 0,
        format: 0,
        width: 0,
        height: 0,
        planes: [std::ptr::null(); 3],
        strides: [0; 3],
        sizes: [0; 3],
        rotation: 0,
        mirrored: 0,
        chroma_step: 0,
        yuv: 0,
        bottom_up: 0,
        reserved: 0,
    };
}

/// Reads the picture that a descriptor describes.
pub(super) unsafe fn input<'a>(pointer: *const face_predict_image) -> Result<Input<'a>> {
    // SAFETY: the caller promises a struct that starts with its size, as the header asks.
    let given = unsafe { handle::read(pointer, "image")? };
    if given.reserved != 0 {
        let message = format!("image.reserved is {}, but it must be 0", given.reserved);
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let orientation = Orientation::from_degrees(given.rotation, given.mirrored != 0)?;
    if given.format == FACE_PREDICT_FORMAT_ENCODED {
        // SAFETY: the caller promises so many bytes.
        let bytes = unsafe { handle::bytes(given.planes[0], given.sizes[0], PLANES[0])? };
        return Ok(Input::Encoded { bytes, orientation });
    }
    // SAFETY: as above.
    let image = unsafe { view(&given)? }.with_orientation(orientation);
    Ok(if given.bottom_up != 0 { image.bottom_up() } else { image }.into())
}

/// Makes a view of the pixels that a descriptor describes. Planes that are not given follow the last one that is. An
/// example:
///
/// NV12 has 4 x 2 pixels, strides[0] is 6, only planes[0] is given, and sizes[0] is 16. The brightness has 2 rows of 4
/// bytes, 6 apart. It needs 6 + 4 = 10 bytes, and takes 2 x 6 = 12. The colours have 1 row of 4 bytes, whose stride is
/// that of the first plane. They need 4 bytes from 12 on, and 16 - 12 = 4 are there. If planes[1] is given, both planes
/// begin at their own byte 0, and `taken` starts at 0 again.
unsafe fn view<'a>(given: &face_predict_image) -> Result<Image<'a>> {
    let format = match given.format {
        FACE_PREDICT_FORMAT_GRAY => Format::Gray,
        FACE_PREDICT_FORMAT_RGB => Format::Rgb,
        FACE_PREDICT_FORMAT_BGR => Format::Bgr,
        FACE_PREDICT_FORMAT_RGBA => Format::Rgba,
        FACE_PREDICT_FORMAT_BGRA => Format::Bgra,
        FACE_PREDICT_FORMAT_NV12 => Format::Nv12,
        FACE_PREDICT_FORMAT_NV21 => Format::Nv21,
        FACE_PREDICT_FORMAT_I420 => Format::I420,
        FACE_PREDICT_FORMAT_YUYV => Format::Yuyv,
        FACE_PREDICT_FORMAT_UYVY => Format::Uyvy,
        FACE_PREDICT_FORMAT_ARGB => Format::Argb,
        FACE_PREDICT_FORMAT_ABGR => Format::Abgr,
        FACE_PREDICT_FORMAT_P010 => Format::P010,
        other => {
            return Err(Error::invalid(format!("image.format is {other}, but it must be 1 to 14")));
        }
    };
    let yuv = match given.yuv {
        FACE_PREDICT_YUV_BT601_LIMITED => Yuv::Bt601Limited,
        FACE_PREDICT_YUV_BT601_FULL => Yuv::Bt601Full,
        FACE_PREDICT_YUV_BT709_LIMITED => Yuv::Bt709Limited,
        FACE_PREDICT_YUV_BT709_FULL => Yuv::Bt709Full,
        other => {
            return Err(Error::invalid(format!("image.yuv is {other}, but it must be 0 to 3")));
        }
    };
    let (width, height) = (given.width as usize, given.height as usize);
    let layout = Layout { strides: given.strides, chroma_step: given.chroma_step as usize };
    let (shapes, count) = layout.shapes(format, width, height)?;
    if given.planes[count..].iter().any(|plane| !plane.is_null()) {
        return Err(Error::invalid(format!(
            "the format {format} has {count} planes, but more are given"
        )));
    }
    let mut planes: [&[u8]; 3] = [&[]; 3];
    // The index of the last plane that was given, its bytes that earlier planes took, and its size.
    let (mut start, mut taken, mut size) = (0, 0, 0);
    for (index, shape) in shapes[..count].iter().enumerate() {
        if index == 0 || !given.planes[index].is_null() {
            (start, taken, size) = (index, 0, given.sizes[index]);
        }
        let needed = shape.needed();
        if size != 0 && size - taken.min(size) < needed {
            return Err(Error::new(
                ErrorKind::BufferTooSmall,
                format!(
                    "plane {index} has {} bytes, but a {format} picture of {width}x{height} needs {needed}",
                    size - taken.min(size)
                ),
            ));
        }
        let total = taken.checked_add(needed).ok_or_else(|| {
            Error::invalid(format!("{height} rows of {format} overflow the address space"))
        })?;
        // SAFETY: the caller promises so many bytes, either by `sizes` or by leaving it 0.
        let data = unsafe { handle::bytes(given.planes[start], total, PLANES[start])? };
        planes[index] = &data[taken..];
        taken += shape.whole();
    }
    Ok(Image::from_planes(format, width, height, &planes[..count], &layout)?.with_yuv(yuv))
}

const PLANES: [&str; 3] = ["image.planes[0]", "image.planes[1]", "image.planes[2]"];

/// Sets `rotation` and `mirrored` of `image` from an Exif orientation of 1 to 8. The field `struct_size` must be set
/// before. Fails with NULL_ARGUMENT or INVALID_ARGUMENT, and then changes nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_image_set_exif(
    image: *mut face_predict_image,
    orientation: u32,
) -> face_predict_status {
    wall(|| {
        // SAFETY: the caller promises a struct that starts with its size, as the header asks.
        unsafe { handle::read(image.cast_const(), "image")? };
        let orientation = Orientation::from_exif(orientation)?;
        // SAFETY: it was just read, and is at least as large as the first version, which has both fields.
        unsafe {
            (&raw mut (*image).rotation).write_unaligned(orientation.degrees());
            (&raw mut (*image).mirrored).write_unaligned(u32::from(orientation.is_mirrored()));
        }
        Ok(())
    })
}
