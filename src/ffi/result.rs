//! Reading the faces of a result.

use std::ffi::CString;

use core::ffi::c_char;

use super::error::message;
use super::handle::{self, Handle, Tagged};
use super::panic::{wall, wall_or};
use super::status::{self, FACE_PREDICT_OK, face_predict_status};
use crate::error::{Error, ErrorKind, Result};
use crate::face::answer::{Face, Gender, Predictions};
use crate::face::pose::Pose;
use crate::face::region::Region;
use crate::predict::workspace::Workspace;

/// No label is given: the gender was skipped, or its probability is below the threshold.
pub const FACE_PREDICT_GENDER_UNDECIDED: u32 = 0;
/// Strangers would label the face female.
pub const FACE_PREDICT_GENDER_FEMALE: u32 = 1;
/// Strangers would label the face male.
pub const FACE_PREDICT_GENDER_MALE: u32 = 2;

/// Value of `region_index` for a face that the caller did not give, or that comes from an earlier frame.
pub const FACE_PREDICT_NO_REGION: u32 = 0xFFFF_FFFF;

/// A position in pixels. (0, 0) is the top left corner of the upright picture.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_point {
    /// The distance from the left edge, to the right.
    pub x: f32,
    /// The distance from the top edge, downwards.
    pub y: f32,
}

/// One face. Positions are in pixels of the upright picture. Numbers that were not estimated are NaN. It is a plain
/// copy, which you may keep as long as you like.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_face {
    /// The left edge of the box, which may reach beyond the picture.
    pub x: f32,
    /// The top edge of the box.
    pub y: f32,
    /// The width of the box.
    pub width: f32,
    /// The height of the box.
    pub height: f32,
    /// The left eye, the right eye, the nose, and the left and right corner of the mouth. Left and right are as seen in
    /// the picture.
    pub landmarks: [face_predict_point; 5],
    /// How sure the detector is that this is a face, from 0 to 1. NaN for a face that the caller gave.
    pub score: f32,
    /// The estimated age in years: the median of the distribution.
    pub age: f32,
    /// The lower end of the interval that holds the true age with the probability `age_coverage`.
    pub age_low: f32,
    /// The upper end of that interval.
    pub age_high: f32,
    /// The calibrated probability of the label female, from 0 to 1.
    pub female_probability: f32,
    /// One of FACE_PREDICT_GENDER_...
    pub gender: u32,
    /// Reasons to trust this face less: FACE_PREDICT_QUALITY_... combined with OR. 0 means that there is no such
    /// reason. It does not mean that a region shows a face, because regions are estimated without a search.
    pub quality: u32,
    /// The direction of the head in degrees, with an error of about ten. Positive means towards the right of the
    /// picture.
    pub yaw: f32,
    /// The tilt of the head in degrees. Positive means upwards.
    pub pitch: f32,
    /// The rotation of the head in the picture, in degrees. Positive means clockwise.
    pub roll: f32,
    /// The number of estimates that this answer averages: one for each frame in which the tracker estimated the face. 0
    /// without a tracker.
    pub track_estimates: u32,
    /// The index of this face in `options.regions`. FACE_PREDICT_NO_REGION for a face that the library found.
    pub region_index: u32,
    /// A number that stays the same while a tracker follows the face. 0 without a tracker.
    pub track_id: u64,
}

/// The faces of one picture, and the working memory to find them. Only one thread may use it at a time, so keep one for
/// each thread and use it again. Its buffers grow to what the largest picture needs, and are then kept.
pub struct face_predict_result(
    #[expect(dead_code, reason = "C sees only the name; `handle` reads the fields")] Tagged<Filled>,
);

pub(super) struct Filled {
    predictions: Predictions,
    workspace: Workspace,
    regions: Vec<Region>,
    status: face_predict_status,
    /// The message of a failure.
    message: Option<CString>,
}

impl Handle for face_predict_result {
    const TAG: u64 = 0x6661_6365_7265_7331;
    const NAME: &'static str = "result";
    type Value = Filled;
}

impl Filled {
    pub(super) fn start(&mut self) {
        self.predictions.clear();
        (self.status, self.message) = (FACE_PREDICT_OK, None);
    }

    /// Returns the answer, the memory to find it, and memory for the caller's regions.
    pub(super) fn parts(&mut self) -> (&mut Predictions, &mut Workspace, &mut Vec<Region>) {
        (&mut self.predictions, &mut self.workspace, &mut self.regions)
    }

    /// Keeps why a call failed, and empties the answer.
    pub(super) fn fail(&mut self, error: &Error) {
        // A panic may have left half of a face.
        self.predictions.clear();
        (self.status, self.message) = (status::of(error.kind()), Some(message(error)));
    }

    fn face(&self, index: usize) -> Result<Face<'_>> {
        self.predictions.face(index).ok_or_else(|| {
            Error::new(
                ErrorKind::OutOfRange,
                format!(
                    "face {index} was asked for, but the result has {} faces",
                    self.predictions.len()
                ),
            )
        })
    }
}

fn copy(face: &Face<'_>) -> face_predict_face {
    const NAN: f32 = f32::NAN;
    let rect = face.rect();
    let (age_low, age_high) = face.age_interval().unwrap_or((NAN, NAN));
    let pose = face.pose().unwrap_or(Pose { yaw: NAN, pitch: NAN, roll: NAN });
    let unknown = face_predict_point { x: NAN, y: NAN };
    face_predict_face {
        x: rect.x,
        y: rect.y,
        width: rect.width,
        height: rect.height,
        landmarks: face.landmarks().map_or([unknown; 5], |landmarks| {
            landmarks.map(|p| face_predict_point { x: p.x, y: p.y })
        }),
        score: face.score().unwrap_or(NAN),
        age: face.age().map_or(NAN, |age| age.median()),
        age_low,
        age_high,
        female_probability: face.female_probability().unwrap_or(NAN),
        gender: match face.gender() {
            None => FACE_PREDICT_GENDER_UNDECIDED,
            Some(Gender::Female) => FACE_PREDICT_GENDER_FEMALE,
            Some(Gender::Male) => FACE_PREDICT_GENDER_MALE,
        },
        quality: face.quality().bits(),
        yaw: pose.yaw,
        pitch: pose.pitch,
        roll: pose.roll,
        track_estimates: face.track().map_or(0, |track| track.estimates),
        region_index: face.region_index().map_or(FACE_PREDICT_NO_REGION, |index| index as u32),
        track_id: face.track().map_or(0, |track| track.id),
    }
}

/// Makes an empty result. Returns NULL if there is not enough memory; the calls below report a NULL result as an error.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_result_new() -> *mut face_predict_result {
    wall_or(std::ptr::null_mut(), || {
        handle::give(Filled {
            predictions: Predictions::new(),
            workspace: Workspace::new(),
            regions: Vec::new(),
            status: FACE_PREDICT_OK,
            message: None,
        })
    })
}

/// Frees a result. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_free(result: *mut face_predict_result) {
    // SAFETY: the pointer is the caller's, as the header asks.
    wall_or((), || unsafe { handle::free(result) });
}

/// Returns the number of faces, or 0 if `result` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_count(result: *const face_predict_result) -> usize {
    // SAFETY: the pointer is the caller's, as the header asks.
    wall_or(0, || Ok(unsafe { handle::shared(result)? }.predictions.len()))
}

/// Returns the status of the call that filled this result. It is FACE_PREDICT_OK after a success, and before the first
/// call. Returns NULL_ARGUMENT or INVALID_ARGUMENT if `result` is not a result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_status(
    result: *const face_predict_result,
) -> face_predict_status {
    let mut status = FACE_PREDICT_OK;
    let failed = wall(|| {
        // SAFETY: the pointer is the caller's, as the header asks.
        status = unsafe { handle::shared(result)? }.status;
        Ok(())
    });
    if failed == FACE_PREDICT_OK { status } else { failed }
}

/// Returns the message that belongs to face_predict_result_status(), or "" after a success; never NULL. Any thread may
/// read it, also for each picture of a batch. It is borrowed until the result is filled again or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_message(
    result: *const face_predict_result,
) -> *const c_char {
    let none = c"".as_ptr();
    wall_or(none, || {
        // SAFETY: the pointer is the caller's, as the header asks.
        let filled = unsafe { handle::shared(result)? };
        Ok(filled.message.as_ref().map_or(none, |message| message.as_ptr()))
    })
}

/// Writes the size of the upright picture in pixels. Both numbers are 0 before the first picture and after a failure.
/// Fails with NULL_ARGUMENT or INVALID_ARGUMENT (not a result).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_size(
    result: *const face_predict_result,
    width_out: *mut u32,
    height_out: *mut u32,
) -> face_predict_status {
    wall(|| {
        if height_out.is_null() {
            return Err(handle::null("height_out"));
        }
        // SAFETY: the pointers are the caller's, as the header asks.
        unsafe {
            let (width, height) = handle::shared(result)?.predictions.size();
            handle::put(width_out, "width_out", width as u32)?;
            handle::put(height_out, "height_out", height as u32)
        }
    })
}

/// Copies the face at `index`, which counts from 0. `size` is sizeof(face_predict_face). If your header is newer than
/// the library, fields that the library does not know are 0. Fails with OUT_OF_RANGE, NULL_ARGUMENT or
/// INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_face(
    result: *const face_predict_result,
    index: usize,
    face_out: *mut face_predict_face,
    size: usize,
) -> face_predict_status {
    wall(|| {
        handle::check_output(face_out, "face_out", "face_predict_face", size)?;
        // SAFETY: the pointers are the caller's, as the header asks.
        unsafe {
            let face = copy(&handle::shared(result)?.face(index)?);
            handle::put_part(face_out, face, size);
        }
        Ok(())
    })
}

/// Returns the probability that the person has lived `years` years or more. Returns NaN if there is no such face, or no
/// age.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_age_at_least(
    result: *const face_predict_result,
    index: usize,
    years: f32,
) -> f32 {
    wall_or(f32::NAN, || {
        // SAFETY: the pointer is the caller's, as the header asks.
        let face = unsafe { handle::shared(result)? }.face(index)?;
        Ok(face.age().map_or(f32::NAN, |age| age.at_least(years)))
    })
}

/// Writes the age interval for any coverage above 0 and below 1. Both ends are NaN if the age was skipped. Fails with
/// NULL_ARGUMENT, INVALID_ARGUMENT (coverage) or OUT_OF_RANGE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_age_interval(
    result: *const face_predict_result,
    index: usize,
    coverage: f32,
    low_out: *mut f32,
    high_out: *mut f32,
) -> face_predict_status {
    wall(|| {
        if high_out.is_null() {
            return Err(handle::null("high_out"));
        }
        if !(coverage > 0.0 && coverage < 1.0) {
            return Err(Error::invalid(format!(
                "coverage is {coverage}, but it must be above 0 and below 1"
            )));
        }
        // SAFETY: the pointers are the caller's, as the header asks.
        unsafe {
            let face = handle::shared(result)?.face(index)?;
            let (low, high) = face.age().map_or((f32::NAN, f32::NAN), |age| age.interval(coverage));
            handle::put(low_out, "low_out", low)?;
            handle::put(high_out, "high_out", high)
        }
    })
}

/// Returns the probabilities of the years 0, 1, 2 and so on, which sum to 1, or NULL if there is no age. `count_out`
/// receives the number of years, and may be NULL. The array is borrowed until the result is filled again or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_age_distribution(
    result: *const face_predict_result,
    index: usize,
    count_out: *mut usize,
) -> *const f32 {
    wall_or(std::ptr::null(), || {
        // SAFETY: the pointers are the caller's, as the header asks.
        let face = unsafe { handle::shared(result)? }.face(index)?;
        let years = face.age().map(|age| age.years()).unwrap_or_default();
        if !count_out.is_null() {
            // SAFETY: the pointer is not NULL, and the caller promises that it can be written.
            unsafe { handle::put(count_out, "count_out", years.len())? };
        }
        Ok(if years.is_empty() { std::ptr::null() } else { years.as_ptr() })
    })
}
