//! Pictures in the caller's memory.

use libc::{c_void, size_t};

use super::error::face_predict_status;
use super::handle::{self, Growing};
use super::panic::wall;
use crate::error::{Error, ErrorKind, Result};
use crate::image::{Format, Image, Orientation, bytes_needed};

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
    /// The first: the pixels. Formats of one plane leave the others NULL.
    pub planes: [*const c_void; 3],
    /// Bytes from one row to the next. 0: no padding.
    pub strides: [size_t; 3],
    /// Bytes readable at each plane, checked. 0: trust me.
    pub sizes: [size_t; 3],
    /// Degrees clockwise that make it upright: 0, 90, 180 or 270.
    pub rotation: u32,
    /// Not 0: swap left and right after rotating (selfie cameras).
    pub mirrored: u32,
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
        other => {
            return Err(Error::invalid(format!("image.format is {other}, it must be 1 to 5")));
        }
    };
    if given.planes[1..].iter().any(|plane| !plane.is_null()) {
        return Err(Error::invalid(format!("{format:?} has one plane, more are given")));
    }
    let (width, height, stride) = (given.width as usize, given.height as usize, given.strides[0]);
    let orientation = Orientation::from_degrees(given.rotation, given.mirrored != 0)?;
    let needed = bytes_needed(format, width, height, stride)?;
    let size = given.sizes[0];
    if size != 0 && size < needed {
        return Err(Error::new(
            ErrorKind::BufferTooSmall,
            format!("plane 0 has {size} bytes, {width}x{height} {format:?} needs {needed}"),
        ));
    }
    // SAFETY: the caller promises so many bytes, either by `sizes` or by leaving it 0.
    let data = unsafe { handle::bytes(given.planes[0], needed, "image.planes[0]")? };
    Ok(Image::with_stride(format, width, height, data, stride)?.with_orientation(orientation))
}

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
