//! Pictures in the caller's memory.

use core::ffi::c_void;

use super::handle::{self, Growing};
use super::panic::wall;
use super::status::face_predict_status;
use crate::error::{Error, ErrorKind, Result};
use crate::picture::{Format, Image, Layout, Orientation, Yuv};
use crate::predict::source::Input;

/// One byte of brightness. 0 is not a format, so that a forgotten field is an error and not a wrong answer.
pub const FACE_PREDICT_FORMAT_GRAY: u32 = 1;
/// Red, green, blue: byte order in memory.
pub const FACE_PREDICT_FORMAT_RGB: u32 = 2;
/// Blue, green, red: OpenCV's order.
pub const FACE_PREDICT_FORMAT_BGR: u32 = 3;
/// Red, green, blue, alpha: Android's ARGB_8888 bitmaps. Alpha is ignored.
pub const FACE_PREDICT_FORMAT_RGBA: u32 = 4;
/// Blue, green, red, alpha: Windows, .NET and CoreVideo bitmaps. Alpha is ignored.
pub const FACE_PREDICT_FORMAT_BGRA: u32 = 5;

/// Y, then interleaved U V, both for two by two pixels.
pub const FACE_PREDICT_FORMAT_NV12: u32 = 6;
/// Y, then interleaved V U.
pub const FACE_PREDICT_FORMAT_NV21: u32 = 7;
/// Y, U, V; see chroma_step for Android's YUV_420_888.
pub const FACE_PREDICT_FORMAT_I420: u32 = 8;
/// One plane of Y U Y V; usual for USB cameras.
pub const FACE_PREDICT_FORMAT_YUYV: u32 = 9;

/// One plane of U Y V Y; capture cards, and cameras of Apple's.
pub const FACE_PREDICT_FORMAT_UYVY: u32 = 10;
/// Alpha, red, green, blue: byte order in memory. Alpha is ignored. (Numbers of 0xAARRGGBB are BGRA in the memory of usual
/// processors.)
pub const FACE_PREDICT_FORMAT_ARGB: u32 = 11;
/// Alpha, blue, green, red. Alpha is ignored.
pub const FACE_PREDICT_FORMAT_ABGR: u32 = 12;
/// NV12 with 16 bits a sample, little-endian, whose upper 10 count: decoders of HDR films. The upper 8 bits are read.
pub const FACE_PREDICT_FORMAT_P010: u32 = 13;
/// The bytes of a JPEG, PNG, WebP or BMP file, such as the frames of a camera that gives MJPEG. The first plane points to them and
/// the first size says how many there are. The Exif orientation is applied first, then rotation and mirrored. The other fields
/// are not read.
pub const FACE_PREDICT_FORMAT_ENCODED: u32 = 14;

/// How YUV numbers map to colours. Most cameras.
pub const FACE_PREDICT_YUV_BT601_LIMITED: u32 = 0;
/// JPEG, and many phones.
pub const FACE_PREDICT_YUV_BT601_FULL: u32 = 1;
/// HD video.
pub const FACE_PREDICT_YUV_BT709_LIMITED: u32 = 2;
/// BT.709 with Y from 0 to 255.
pub const FACE_PREDICT_YUV_BT709_FULL: u32 = 3;

/// A picture in your memory. It is read in place, never written, and never kept after the call; its pixels must not change
/// during the call. Start from FACE_PREDICT_IMAGE_INIT or from zeros with struct_size, then set format, width, height and the
/// first plane.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_image {
    /// sizeof(face_predict_image)
    pub struct_size: u32,
    /// FACE_PREDICT_FORMAT_...
    pub format: u32,
    /// Pixels of a row as stored, before rotation, 1 to 16777216.
    pub width: u32,
    /// Rows as stored, 1 to 16777216.
    pub height: u32,
    /// The first plane holds the pixels, or their brightness. A plane of colours that is NULL follows the rows of the plane
    /// before without a gap. Formats of one plane leave the others NULL.
    pub planes: [*const c_void; 3],
    /// Bytes from one row to the next. 0 means no padding for the first plane. For planes of colours it means as much padding
    /// as the first has: the same stride, or half of it for I420.
    pub strides: [usize; 3],
    /// Bytes that are readable at each plane, which are checked. 0 means that they are not checked: they are then as many as
    /// the picture needs.
    pub sizes: [usize; 3],
    /// Degrees clockwise that make the picture upright: 0, 90, 180 or 270.
    pub rotation: u32,
    /// Not 0 swaps left and right after rotating, as selfie cameras need it.
    pub mirrored: u32,
    /// I420: bytes between samples of colour, Android's pixelStride, 1 to 256. 0 means 1.
    pub chroma_step: u32,
    /// FACE_PREDICT_YUV_...
    pub yuv: u32,
    /// Not 0 says that the first row in memory is the lowest one, as in bitmaps of Windows. The planes still point to their
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

/// The picture that a descriptor means.
pub(super) unsafe fn input<'a>(pointer: *const face_predict_image) -> Result<Input<'a>> {
    // SAFETY: a struct that starts with its size, as the header asks.
    let given = unsafe { handle::read(pointer)? };
    if given.reserved != 0 {
        let message = format!("image.reserved is {}, it must be 0", given.reserved);
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

/// The pixels that a descriptor means. Planes that are not given follow the last one that is:
///
/// NV12 of 4 x 2 pixels, strides[0] 6, only planes[0] given, sizes[0] 16. Brightness is 2 rows of 4 bytes, 6 apart: it needs
/// 6 + 4 = 10 bytes and takes 2 x 6 = 12. Colours are 1 row of 4 bytes, whose stride is the first plane's: they need 4 bytes
/// from 12 on, which 16 - 12 = 4 are there for. With planes[1] given, both begin at 0 of their own planes, and `taken` with them.
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
            return Err(Error::invalid(format!("image.format is {other}, it must be 1 to 14")));
        }
    };
    let yuv = match given.yuv {
        FACE_PREDICT_YUV_BT601_LIMITED => Yuv::Bt601Limited,
        FACE_PREDICT_YUV_BT601_FULL => Yuv::Bt601Full,
        FACE_PREDICT_YUV_BT709_LIMITED => Yuv::Bt709Limited,
        FACE_PREDICT_YUV_BT709_FULL => Yuv::Bt709Full,
        other => {
            return Err(Error::invalid(format!("image.yuv is {other}, it must be 0 to 3")));
        }
    };
    let (width, height) = (given.width as usize, given.height as usize);
    let layout = Layout { strides: given.strides, chroma_step: given.chroma_step as usize };
    let (shapes, count) = layout.shapes(format, width, height)?;
    if given.planes[count..].iter().any(|plane| !plane.is_null()) {
        return Err(Error::invalid(format!("{format:?} has {count} planes, more are given")));
    }
    let mut planes: [&[u8]; 3] = [&[]; 3];
    // The last plane given, the bytes of it that the planes before took, and its size.
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
                    "plane {index} has {} bytes, {width}x{height} {format:?} needs {needed}",
                    size - taken.min(size)
                ),
            ));
        }
        let total = taken.checked_add(needed).ok_or_else(|| {
            Error::invalid(format!("{height} rows of {format:?} overflow the address space"))
        })?;
        // SAFETY: the caller promises so many bytes, either by `sizes` or by leaving it 0.
        let data = unsafe { handle::bytes(given.planes[start], total, PLANES[start])? };
        planes[index] = &data[taken..];
        taken += shape.whole();
    }
    Ok(Image::from_planes(format, width, height, &planes[..count], &layout)?.with_yuv(yuv))
}

const PLANES: [&str; 3] = ["image.planes[0]", "image.planes[1]", "image.planes[2]"];

/// Sets rotation and mirrored of `image`, whose struct_size must be set, from an Exif orientation of 1 to 8. Fails with
/// NULL_ARGUMENT or INVALID_ARGUMENT, and then changes nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_image_set_exif(
    image: *mut face_predict_image,
    orientation: u32,
) -> face_predict_status {
    wall(|| {
        // SAFETY: a struct that starts with its size, as the header asks.
        unsafe { handle::read(image.cast_const())? };
        let orientation = Orientation::from_exif(orientation)?;
        // SAFETY: just read, and at least as large as the first version, which has both fields.
        unsafe {
            (&raw mut (*image).rotation).write_unaligned(orientation.degrees());
            (&raw mut (*image).mirrored).write_unaligned(u32::from(orientation.is_mirrored()));
        }
        Ok(())
    })
}
