//! Pictures in the caller's memory.

use libc::{c_void, size_t};

use super::error::face_predict_status;
use super::handle::{self, Growing};
use super::panic::wall;
use crate::error::{Error, ErrorKind, Result};
use crate::picture::{Format, Image, Layout, Orientation, Yuv};

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

/// How YUV numbers map to colours. Most cameras.
pub const FACE_PREDICT_YUV_BT601_LIMITED: u32 = 0;
/// JPEG, and many phones.
pub const FACE_PREDICT_YUV_BT601_FULL: u32 = 1;
/// HD video.
pub const FACE_PREDICT_YUV_BT709_LIMITED: u32 = 2;
/// BT.709 with Y from 0 to 255.
pub const FACE_PREDICT_YUV_BT709_FULL: u32 = 3;

/// A picture in your memory. It is read in place, never written, never kept after the call. Zero the struct,
/// then set struct_size, format, width, height and the first plane.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_image {
    /// sizeof(face_predict_image)
    pub struct_size: u32,
    /// FACE_PREDICT_FORMAT_...
    pub format: u32,
    /// Pixels as stored, before rotation.
    pub width: u32,
    /// Rows as stored.
    pub height: u32,
    /// The first: the pixels, or their brightness. A chroma plane that is NULL follows the one before without a
    /// gap. Formats of one plane leave the others NULL.
    pub planes: [*const c_void; 3],
    /// Bytes from one row to the next. 0: no padding.
    pub strides: [size_t; 3],
    /// Bytes readable at each plane, checked. 0: trust me.
    pub sizes: [size_t; 3],
    /// Degrees clockwise that make it upright: 0, 90, 180 or 270.
    pub rotation: u32,
    /// Not 0: swap left and right after rotating (selfie cameras).
    pub mirrored: u32,
    /// I420: bytes between chroma samples, Android's pixelStride. 0: 1.
    pub chroma_step: u32,
    /// FACE_PREDICT_YUV_...
    pub yuv: u32,
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
    };
}

/// The picture that a descriptor means.
pub(super) unsafe fn view<'a>(pointer: *const face_predict_image) -> Result<Image<'a>> {
    // SAFETY: a struct that starts with its size, as the header asks.
    let given = unsafe { handle::read(pointer)? };
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
        other => {
            return Err(Error::invalid(format!("image.format is {other}, it must be 1 to 9")));
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
    let orientation = Orientation::from_degrees(given.rotation, given.mirrored != 0)?;
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
    let image = Image::from_planes(format, width, height, &planes[..count], &layout)?;
    Ok(image.with_yuv(yuv).with_orientation(orientation))
}

const PLANES: [&str; 3] = ["image.planes[0]", "image.planes[1]", "image.planes[2]"];

/// Sets rotation and mirrored from an Exif orientation of 1 to 8; struct_size must be set.
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
