//! Predicting, from a picture in memory, a file or its bytes.

use libc::{c_char, c_void, size_t};

use super::error::face_predict_status;
use super::handle::{self, Growing};
use super::image::{face_predict_image, view};
use super::model::face_predict_model;
use super::panic::wall;
use super::result::{face_predict_point, face_predict_result};
use crate::error::{Error, Result};
use crate::face::answer::Predictions;
use crate::face::region::Region;
use crate::geometry::{Point, Rect};
use crate::model::Model;
use crate::predict::options::Options;
use crate::predict::workspace::Workspace;

/// Flag of face_predict_options: leaves the age out. Skipping both leaves the faces alone.
pub const FACE_PREDICT_SKIP_AGE: u32 = 1 << 0;
/// Flag of face_predict_options: leaves the gender out.
pub const FACE_PREDICT_SKIP_GENDER: u32 = 1 << 1;
/// Flag of face_predict_options: the picture is one face, cut as face data sets cut it.
pub const FACE_PREDICT_CROPPED: u32 = 1 << 2;

/// A face that the caller found already, in upright pixels.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_region {
    /// Left edge of the box around the face, forehead to chin.
    pub x: f32,
    /// Its top edge.
    pub y: f32,
    /// Its width.
    pub width: f32,
    /// Its height.
    pub height: f32,
    /// Left eye, right eye, nose, left and right mouth corner, left and right as seen; all zero where unknown.
    /// Landmarks that cannot be those of the box are not used.
    pub landmarks: [face_predict_point; 5],
}

/// What to predict. NULL, or all zero but struct_size, means the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_options {
    /// sizeof(face_predict_options)
    pub struct_size: u32,
    /// FACE_PREDICT_SKIP_AGE and so on, or-ed.
    pub flags: u32,
    /// Keeps the largest so many faces. 0: all.
    pub max_faces: u32,
    /// Entries of `regions`.
    pub region_count: u32,
    /// The faces, found already: nothing is searched, even if there are none of them. They come back the largest first, each
    /// with its box bit for bit. NULL: search.
    pub regions: *const face_predict_region,
    /// Probability inside age_low to age_high, below 1. 0: 0.8.
    pub age_coverage: f32,
    /// Probability that a gender label needs, 0.5 to 1. 0: the model's.
    pub gender_threshold: f32,
    /// Pixels of the shorter side of the smallest box searched for. 0: all that show at the detector's own scale, from a
    /// fortieth of the picture's longer side; below a sixteenth many are missed. Smaller faces cost more time.
    pub min_face_size: u32,
    /// Score that a found face needs, above 0 and below 1. 0: the model's threshold.
    pub min_score: f32,
    /// Crops of each face whose answers are averaged, at most 8: the second is mirrored, further ones are a little shifted,
    /// turned and scaled, too. Each costs as much as the first. 0: 1.
    pub crops: u32,
    /// Zero.
    pub reserved: u32,
}

impl Growing for face_predict_options {
    const NAME: &'static str = "face_predict_options";
    const FIRST_SIZE: usize = 24 + size_of::<usize>();
    const ZERO: Self = Self {
        struct_size: 0,
        flags: 0,
        max_faces: 0,
        region_count: 0,
        regions: std::ptr::null(),
        age_coverage: 0.0,
        gender_threshold: 0.0,
        min_face_size: 0,
        min_score: 0.0,
        crops: 0,
        reserved: 0,
    };
}

fn region(given: &face_predict_region) -> Region {
    let landmarks = given.landmarks.map(|p| Point::new(p.x, p.y));
    let known = landmarks.iter().any(|p| *p != Point::default());
    Region {
        rect: Rect::new(given.x, given.y, given.width, given.height),
        landmarks: known.then_some(landmarks),
    }
}

/// The options without their regions.
pub(super) fn plain(given: &face_predict_options) -> Result<Options<'static>> {
    let known = FACE_PREDICT_SKIP_AGE | FACE_PREDICT_SKIP_GENDER | FACE_PREDICT_CROPPED;
    if given.flags & !known != 0 {
        return Err(Error::invalid(format!(
            "options.flags are {:#x}, {known:#x} are known",
            given.flags
        )));
    }
    if given.reserved != 0 {
        return Err(Error::invalid(format!(
            "options.reserved is {}, it must be 0",
            given.reserved
        )));
    }
    let mut options = Options::new()
        .cropped(given.flags & FACE_PREDICT_CROPPED != 0)
        .skip_age(given.flags & FACE_PREDICT_SKIP_AGE != 0)
        .skip_gender(given.flags & FACE_PREDICT_SKIP_GENDER != 0)
        .max_faces(given.max_faces as usize)
        .min_face_size(given.min_face_size as f32);
    if given.crops != 0 {
        options = options.crops(given.crops as usize);
    }
    if given.min_score != 0.0 {
        options = options.min_score(given.min_score);
    }
    if given.age_coverage != 0.0 {
        options = options.age_coverage(given.age_coverage);
    }
    if given.gender_threshold != 0.0 {
        options = options.gender_threshold(given.gender_threshold);
    }
    Ok(options)
}

/// Checks the arguments, predicts into `result`, and leaves it empty on failure.
pub(super) unsafe fn fill(
    options: *const face_predict_options,
    result: *mut face_predict_result,
    predict: impl FnOnce(&Options<'_>, &mut Workspace, &mut Predictions) -> Result<()>,
) -> face_predict_status {
    let status = wall(|| {
        // SAFETY: the pointer is the caller's, as the header asks.
        let result = unsafe { handle::exclusive(result)? };
        result.start();
        // SAFETY: NULL or a struct that starts with its size.
        let given = unsafe { handle::read_optional(options)? };
        let mut options = plain(&given)?;
        // SAFETY: the caller promises `region_count` entries.
        let regions = unsafe {
            handle::array(given.regions, given.region_count as usize, "options.regions")?
        };
        let (predictions, workspace, buffer) = result.parts();
        buffer.clear();
        buffer.extend(regions.iter().map(region));
        if !given.regions.is_null() {
            options = options.regions(buffer);
        }
        predict(&options, workspace, predictions)
    });
    // SAFETY: as above. A handle that is none of ours was the failure itself, and keeps no status.
    if let Ok(result) = unsafe { handle::exclusive(result) } {
        result.finish(status);
    }
    status
}

/// The same with a model.
unsafe fn run(
    model: *const face_predict_model,
    options: *const face_predict_options,
    result: *mut face_predict_result,
    predict: impl FnOnce(&Model, &Options<'_>, &mut Workspace, &mut Predictions) -> Result<()>,
) -> face_predict_status {
    // SAFETY: the pointers are the caller's, as the header asks.
    unsafe {
        fill(options, result, |options, workspace, out| {
            predict(&handle::shared(model)?.model, options, workspace, out)
        })
    }
}

/// Finds the faces of a picture, unless they are given, and estimates them, largest first. Replaces what `result` held. On failure `result` is
/// empty. Fails with NULL_ARGUMENT, INVALID_ARGUMENT, BUFFER_TOO_SMALL, UNSUPPORTED, LIMIT or OUT_OF_MEMORY.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict(
    model: *const face_predict_model,
    image: *const face_predict_image,
    options: *const face_predict_options,
    result: *mut face_predict_result,
) -> face_predict_status {
    // SAFETY: the pointers are the caller's, as the header asks.
    unsafe {
        run(model, options, result, |model, options, workspace, out| {
            model.predict_into(&view(image)?, options, workspace, out)
        })
    }
}

/// The same for a JPEG, PNG, WebP or BMP file; its Exif orientation is applied. `path` is UTF-8. Also fails with
/// IO or IMAGE.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_file(
    model: *const face_predict_model,
    path: *const c_char,
    options: *const face_predict_options,
    result: *mut face_predict_result,
) -> face_predict_status {
    // SAFETY: the pointers are the caller's, as the header asks.
    unsafe {
        run(model, options, result, |model, options, workspace, out| {
            model.predict_file(handle::text(path, "path")?, options, workspace, out)
        })
    }
}

/// The same for the bytes of such a file.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_encoded(
    model: *const face_predict_model,
    data: *const c_void,
    size: size_t,
    options: *const face_predict_options,
    result: *mut face_predict_result,
) -> face_predict_status {
    // SAFETY: the pointers are the caller's, as the header asks.
    unsafe {
        run(model, options, result, |model, options, workspace, out| {
            model.predict_encoded(handle::bytes(data, size, "data")?, options, workspace, out)
        })
    }
}
