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
use crate::memory::reserve;
use crate::model::Model;
use crate::predict::options::Options;
use crate::predict::workspace::Workspace;

/// Flag of face_predict_options: the age is not estimated. If the gender is skipped, too, faces are only found.
pub const FACE_PREDICT_SKIP_AGE: u32 = 1 << 0;
/// Flag of face_predict_options: the gender is not estimated.
pub const FACE_PREDICT_SKIP_GENDER: u32 = 1 << 1;
/// Flag of face_predict_options: the whole picture is one face, cropped as in face data sets. Nothing is searched. With
/// regions the call fails with INVALID_ARGUMENT.
pub const FACE_PREDICT_CROPPED: u32 = 1 << 2;

/// Flag of face_predict_options: the picture is searched as a tracker searches its frames: at one small scale, in a fifth
/// to a sixth of the time. Most faces below a sixteenth of the picture's longer side are then missed. It is meant for
/// frames that no tracker follows; a tracker does so anyway.
pub const FACE_PREDICT_FAST_SEARCH: u32 = 1 << 3;
/// Flag of face_predict_options: the picture is searched upright and in the three other quarter turns. It is meant for
/// pictures without an Exif orientation that may lie on a side or stand upside down, and for people who lie. It takes
/// four to five times as long, and needs a higher score, so that some small upright faces are lost. Without this flag
/// such a face is often missed. If it is found and estimated in a still picture, and has 40 pixels or more, it is usually
/// marked FACE_PREDICT_QUALITY_NOT_UPRIGHT.
pub const FACE_PREDICT_TRY_TURNS: u32 = 1 << 4;

/// A face that the caller has found already, in pixels of the upright picture. If the landmarks are unknown, leave them
/// zero. The library does not check whether the region shows a face, and estimates what is there.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_region {
    /// The left edge of the box around the face. The box reaches from the forehead to the chin, and may reach beyond
    /// the picture. If no part of it lies in the picture, the call fails with INVALID_ARGUMENT. Its numbers must be
    /// finite and between -10000000 and 10000000.
    pub x: f32,
    /// The top edge of the box.
    pub y: f32,
    /// The width of the box, above 0.
    pub width: f32,
    /// The height of the box, above 0.
    pub height: f32,
    /// The left eye, the right eye, the nose, and the left and right corner of the mouth. Left and right are as seen in
    /// the picture. All zero means that they are unknown. Landmarks that do not fit the box are ignored.
    pub landmarks: [face_predict_point; 5],
}

/// Options of a prediction. NULL means the defaults, and so does FACE_PREDICT_OPTIONS_INIT. Otherwise start from zeros
/// with `struct_size` set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_options {
    /// sizeof(face_predict_options)
    pub struct_size: u32,
    /// FACE_PREDICT_SKIP_AGE, _SKIP_GENDER, _CROPPED, _FAST_SEARCH and _TRY_TURNS, combined with OR. Other flags are
    /// UNSUPPORTED.
    pub flags: u32,
    /// The largest number of faces to keep. If there are more, the largest faces are kept. 0 means all. A search
    /// finds at most 4,000.
    pub max_faces: u32,
    /// The number of entries in `regions`.
    pub region_count: u32,
    /// The faces, if they were found already. NULL means that the library searches. If it is not NULL, nothing is
    /// searched, even if `region_count` is 0. The faces come back with the largest first, each with its unchanged box.
    /// Their `region_index` is the index here.
    pub regions: *const face_predict_region,
    /// The probability that the true age lies between `age_low` and `age_high`, above 0 and below 1. 0 means 0.8.
    pub age_coverage: f32,
    /// The smallest probability for which a gender label is given, from 0.5 to 1. 0 means the threshold of the model.
    pub gender_threshold: f32,
    /// The smallest face that is searched for, as the shorter side of its box in pixels of the picture. 0 means a
    /// fiftieth of the picture's longer side (20 pixels of 1024), and at least 13 pixels. The smallest of these faces
    /// are often missed. With any other number the picture is searched closely enough for faces of that size. A face of
    /// that size that is found with 0 is then found, too. Half the number can take four times as long. A tracker searches
    /// its frames less closely.
    pub min_face_size: u32,
    /// The smallest score of a found face that is kept, above 0 and below 1. 0 means the threshold of the model.
    pub min_score: f32,
    /// The number of crops of each face whose answers are averaged, from 1 to 8. The second crop is mirrored; further
    /// ones are also shifted, rotated and scaled a little. Each crop takes as much time as the first. 0 means 1 crop.
    pub crops: u32,
    /// sizeof(face_predict_region). It tells the library which version of this struct your header has. 0 means 56.
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
    let known = FACE_PREDICT_SKIP_AGE
        | FACE_PREDICT_SKIP_GENDER
        | FACE_PREDICT_CROPPED
        | FACE_PREDICT_FAST_SEARCH
        | FACE_PREDICT_TRY_TURNS;
    handle::known_flags("options.flags", given.flags, known)?;
    let mut options = Options::new()
        .cropped(given.flags & FACE_PREDICT_CROPPED != 0)
        .fast_search(given.flags & FACE_PREDICT_FAST_SEARCH != 0)
        .try_turns(given.flags & FACE_PREDICT_TRY_TURNS != 0)
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

/// Checks the arguments and predicts into `result`. On failure the result is empty, and keeps the reason.
pub(super) unsafe fn fill(
    options: *const face_predict_options,
    result: *mut face_predict_result,
    predict: impl FnOnce(&Options<'_>, &mut Workspace, &mut Predictions) -> Result<()>,
) -> face_predict_status {
    let done = value(|| {
        // SAFETY: the pointer is the caller's, as the header asks.
        let result = unsafe { handle::exclusive(result)? };
        result.start();
        // SAFETY: the pointer is NULL or points to a struct that starts with its size.
        let given = unsafe { handle::read_optional(options, "options")? };
        let mut options = plain(&given)?;
        let (predictions, workspace, buffer) = result.parts();
        buffer.clear();
        if !given.regions.is_null() || given.region_count > 0 {
            let (count, size) = (given.region_count as usize, given.region_size as usize);
            // SAFETY: the caller promises `region_count` entries.
            unsafe {
                handle::entries(given.regions, count, size, |given| {
                    reserve(buffer, 1)?;
                    buffer.push(region(given));
                    Ok(())
                })?;
            }
            options = options.regions(buffer);
        }
        predict(&options, workspace, predictions)
    });
    wall(|| {
        if let Err(error) = &done {
            // SAFETY: as above. A handle that is none of ours was the failure itself, so there is no result that could
            // keep it.
            if let Ok(result) = unsafe { handle::exclusive(result) } {
                result.fail(error);
            }
        }
        done
    })
}

/// Does the same, and checks the handle of the model.
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

/// Prepares for pictures of `width` x `height` pixels, so that the first of them takes no longer than the others. This
/// loads the detector, and optimises it for the size at which these options search. If the options leave nothing to
/// search, nothing is prepared. The first call takes tens of milliseconds. Fails with NULL_ARGUMENT, INVALID_ARGUMENT,
/// UNSUPPORTED (this build has no detector), LIMIT (more than max_pixels), MODEL or OUT_OF_MEMORY.
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
        let (loaded, given) =
            unsafe { (handle::shared(model)?, handle::read_optional(options, "options")?) };
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

/// Finds the faces of a picture, estimates each of them, and writes them to `result` with the largest first. Earlier
/// content of `result` is replaced. If `options` gives the faces, nothing is searched; `options` may be NULL. A picture
/// without a face is a success with a count of 0. On failure `result` is empty, and keeps the status and the message.
/// Fails with NULL_ARGUMENT, INVALID_ARGUMENT, BUFFER_TOO_SMALL, UNSUPPORTED, LIMIT (more than max_pixels), MODEL (a
/// network does not give finite numbers), OUT_OF_MEMORY or, for encoded pictures, IMAGE.
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

/// Predicts a JPEG, PNG, WebP or BMP file as face_predict() does. Its Exif orientation is applied. `path` is UTF-8 on
/// every system. Also fails with IO (the file cannot be read) or IMAGE (it cannot be decoded).
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

/// Predicts the `size` bytes of such a file as face_predict_file() does. The bytes are only read.
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
