//! Predicting, from a picture in memory, a file or its bytes.

use core::ffi::{c_char, c_void};

use super::handle::{self, Entry, Growing};
use super::image::{face_predict_image, input};
use super::model::face_predict_model;
use super::panic::{value, wall};
use super::result::{face_predict_point, face_predict_result};
use super::sink;
use super::status::face_predict_status;
use crate::error::Result;
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

/// A face that the caller found already, in upright pixels. All zero but the box is a face without landmarks.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_region {
    /// Left edge of the box around the face, from forehead to chin. The box may reach out of the picture; its numbers are
    /// finite, of at most 10000000.
    pub x: f32,
    /// Its top edge.
    pub y: f32,
    /// Its width, above 0.
    pub width: f32,
    /// Its height, above 0.
    pub height: f32,
    /// Left eye, right eye, nose, left and right mouth corner, left and right as seen in the picture; all zero where they
    /// are unknown. Landmarks that cannot be those of the box are not used.
    pub landmarks: [face_predict_point; 5],
}

/// What to predict. NULL, FACE_PREDICT_OPTIONS_INIT, or all zero but struct_size, means the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_options {
    /// sizeof(face_predict_options)
    pub struct_size: u32,
    /// FACE_PREDICT_SKIP_AGE, FACE_PREDICT_SKIP_GENDER and FACE_PREDICT_CROPPED, or-ed. Others are UNSUPPORTED.
    pub flags: u32,
    /// How many faces are kept, the largest of them. 0 means all.
    pub max_faces: u32,
    /// Number of entries of `regions`.
    pub region_count: u32,
    /// The faces, where they were found already: nothing is searched, even if there are none of them. They come back the
    /// largest first, each with its box bit for bit and with its place here as region_index. NULL means a search.
    pub regions: *const face_predict_region,
    /// Probability that an age lies from age_low to age_high, above 0 and below 1. 0 means 0.8.
    pub age_coverage: f32,
    /// Probability that a gender label needs, 0.5 to 1. 0 means the model's own threshold.
    pub gender_threshold: f32,
    /// Pixels of the shorter side of the smallest box searched for. 0 means all that show at the detector's own scale, from a
    /// fortieth of the picture's longer side; below a sixteenth many are missed. Smaller faces cost more time.
    pub min_face_size: u32,
    /// Score that a found face needs, above 0 and below 1. 0 means the model's threshold.
    pub min_score: f32,
    /// Crops of each face whose answers are averaged, at most 8: the second is mirrored, further ones are a little shifted,
    /// turned and scaled, too. Each costs as much as the first. 0 means 1 crop.
    pub crops: u32,
    /// sizeof(face_predict_region), so that regions of a later header can be told from those of this one. 0 means 56.
    pub region_size: u32,
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
        region_size: 0,
    };
}

impl Entry for face_predict_region {
    const TYPE: &'static str = "face_predict_region";
    const NAME: &'static str = "options.region";
    const FIRST_SIZE: usize = 56;
    const ZERO: Self = {
        let zero = face_predict_point { x: 0.0, y: 0.0 };
        Self { x: 0.0, y: 0.0, width: 0.0, height: 0.0, landmarks: [zero; 5] }
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
    handle::known_flags("options.flags", given.flags, known)?;
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

/// Checks the arguments, predicts into `result`, and leaves it empty, with the reason, on failure.
pub(super) unsafe fn fill(
    options: *const face_predict_options,
    result: *mut face_predict_result,
    predict: impl FnOnce(&Options<'_>, &mut Workspace, &mut Predictions) -> Result<()>,
) -> face_predict_status {
    let done = value(|| {
        // SAFETY: the pointer is the caller's, as the header asks.
        let result = unsafe { handle::exclusive(result)? };
        result.start();
        // SAFETY: NULL or a struct that starts with its size.
        let given = unsafe { handle::read_optional(options)? };
        let mut options = plain(&given)?;
        let (predictions, workspace, buffer) = result.parts();
        buffer.clear();
        if !given.regions.is_null() || given.region_count > 0 {
            let (count, size) = (given.region_count as usize, given.region_size as usize);
            // SAFETY: the caller promises `region_count` entries.
            unsafe {
                handle::entries(given.regions, count, size, |given| buffer.push(region(given)))?;
            }
            options = options.regions(buffer);
        }
        predict(&options, workspace, predictions)
    });
    wall(|| {
        if let Err(error) = &done {
            // SAFETY: as above. A handle that is none of ours was the failure itself, and keeps nothing.
            if let Ok(result) = unsafe { handle::exclusive(result) } {
                result.fail(error);
            }
        }
        done
    })
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

/// Prepares for pictures of `width` x `height` pixels, so that the first of them takes no longer than the others: loads the
/// detector, and optimises it for the size that these options search at. Nothing is prepared where the faces are given or the picture
/// is one. Takes tens of milliseconds the first time. Fails with NULL_ARGUMENT, INVALID_ARGUMENT, UNSUPPORTED (this
/// build has no detector) or OUT_OF_MEMORY.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_warm_up(
    model: *const face_predict_model,
    width: u32,
    height: u32,
    options: *const face_predict_options,
) -> face_predict_status {
    wall(|| {
        // SAFETY: the pointers are the caller's, as the header asks.
        let (loaded, given) = unsafe { (handle::shared(model)?, handle::read_optional(options)?) };
        let mut options = plain(&given)?;
        if !given.regions.is_null() || given.region_count > 0 {
            options = options.regions(&[]);
        }
        let start = sink::start();
        loaded.model.warm_up(width as usize, height as usize, &options)?;
        sink::info(|| format!("ready for pictures of {width}x{height}{}", sink::took(start)));
        Ok(())
    })
}

/// Finds the faces of a picture, unless `options` gives them, estimates each, and fills `result` with them, the largest
/// first, in place of what it held. `options` may be NULL. A picture without a face is a success with a count of 0. On failure
/// `result` is empty and keeps the status and the message. Fails with NULL_ARGUMENT, INVALID_ARGUMENT, BUFFER_TOO_SMALL,
/// UNSUPPORTED, LIMIT (more than max_pixels), OUT_OF_MEMORY or, for encoded pictures, IMAGE.
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
            model.predict_input(input(image)?, options, workspace, out)
        })
    }
}

/// Does the same with a JPEG, PNG, WebP or BMP file, whose Exif orientation is applied. `path` is UTF-8 on every system. Also fails
/// with IO (the file cannot be read) or IMAGE (it cannot be decoded).
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

/// Does the same with the `size` bytes of such a file, which are only read.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_encoded(
    model: *const face_predict_model,
    data: *const c_void,
    size: usize,
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
