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
use crate::face::quality::Quality;
use crate::face::region::Region;
use crate::predict::workspace::Workspace;

/// Skipped, or below the threshold.
pub const FACE_PREDICT_GENDER_UNDECIDED: u32 = 0;
/// Strangers would label the face female.
pub const FACE_PREDICT_GENDER_FEMALE: u32 = 1;
/// Strangers would label the face male.
pub const FACE_PREDICT_GENDER_MALE: u32 = 2;

/// Quality: few pixels.
pub const FACE_PREDICT_QUALITY_SMALL: u32 = 1 << 0;
/// Quality: out of focus or moving.
pub const FACE_PREDICT_QUALITY_BLURRED: u32 = 1 << 1;
/// Quality: under-exposed.
pub const FACE_PREDICT_QUALITY_DARK: u32 = 1 << 2;
/// Quality: over-exposed.
pub const FACE_PREDICT_QUALITY_BRIGHT: u32 = 1 << 3;
/// Quality: far from frontal.
pub const FACE_PREDICT_QUALITY_TURNED: u32 = 1 << 4;
/// Quality: reaches beyond the picture.
pub const FACE_PREDICT_QUALITY_CUT_OFF: u32 = 1 << 5;

/// The face was not given, or belongs to an earlier frame.
pub const FACE_PREDICT_NO_REGION: u32 = 0xFFFF_FFFF;

// The header needs literals; this is what keeps them true.
const _: () = assert!(
    Quality::SMALL.bits() == FACE_PREDICT_QUALITY_SMALL
        && Quality::BLURRED.bits() == FACE_PREDICT_QUALITY_BLURRED
        && Quality::DARK.bits() == FACE_PREDICT_QUALITY_DARK
        && Quality::BRIGHT.bits() == FACE_PREDICT_QUALITY_BRIGHT
        && Quality::TURNED.bits() == FACE_PREDICT_QUALITY_TURNED
        && Quality::CUT_OFF.bits() == FACE_PREDICT_QUALITY_CUT_OFF
);

/// A place in pixels; (0, 0) is the top left corner of the upright picture.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

/// One face, in upright pixels. Numbers that were not estimated are NaN. A plain copy: keep it as long as you
/// like.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_face {
    /// Left edge of its box, which may reach outside the picture.
    pub x: f32,
    /// Its top edge.
    pub y: f32,
    /// Its width.
    pub width: f32,
    /// Its height.
    pub height: f32,
    /// Left eye, right eye, nose, left and right mouth corner, left and right as seen in the picture.
    pub landmarks: [face_predict_point; 5],
    /// How sure that this is a face, 0 to 1; NaN for a face that was given.
    pub score: f32,
    /// Years; the median of the distribution.
    pub age: f32,
    /// Interval that holds the age with age_coverage: its lower end.
    pub age_low: f32,
    /// Its upper end.
    pub age_high: f32,
    /// Calibrated probability of the label female, 0 to 1.
    pub female_probability: f32,
    /// FACE_PREDICT_GENDER_...
    pub gender: u32,
    /// Reasons to trust the face less: FACE_PREDICT_QUALITY_..., or-ed. 0 means nothing against it.
    pub quality: u32,
    /// Where the head looks, in degrees, good to some ten: positive to the right of the picture.
    pub yaw: f32,
    /// Positive up.
    pub pitch: f32,
    /// Positive when tilted clockwise as seen.
    pub roll: f32,
    /// Estimates that the answer averages, one for each frame in which a tracker estimated the face; else 0.
    pub track_estimates: u32,
    /// Which of `options.regions` it is, from 0; FACE_PREDICT_NO_REGION for a face that was found.
    pub region_index: u32,
    /// With a tracker the same face has the same number; else 0.
    pub track_id: u64,
}

/// Faces of one picture, with the working memory to find them. For one thread at a time; reuse one per thread:
/// buffers grow to the largest picture seen and are then kept.
pub struct face_predict_result(
    #[expect(dead_code, reason = "C's view: read through `handle`")] Tagged<Filled>,
);

pub(super) struct Filled {
    predictions: Predictions,
    workspace: Workspace,
    regions: Vec<Region>,
    status: face_predict_status,
    /// Of a failure.
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

    /// The answer, the memory to find it, and memory for the caller's regions.
    pub(super) fn parts(&mut self) -> (&mut Predictions, &mut Workspace, &mut Vec<Region>) {
        (&mut self.predictions, &mut self.workspace, &mut self.regions)
    }

    /// Keeps why a call failed, whose faces there are none of.
    pub(super) fn fail(&mut self, error: &Error) {
        // A panic may have left half a face.
        self.predictions.clear();
        (self.status, self.message) = (status::of(error.kind()), Some(message(error)));
    }

    fn face(&self, index: usize) -> Result<Face<'_>> {
        self.predictions.face(index).ok_or_else(|| {
            Error::new(
                ErrorKind::OutOfRange,
                format!("face {index} is asked for, the result has {}", self.predictions.len()),
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

/// Makes an empty result. NULL if memory is short, which every call below reports.
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

/// Frees a result; NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_free(result: *mut face_predict_result) {
    // SAFETY: the pointer is the caller's, as the header asks.
    wall_or((), || unsafe { handle::free(result) });
}

/// Number of faces; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_result_count(result: *const face_predict_result) -> usize {
    // SAFETY: the pointer is the caller's, as the header asks.
    wall_or(0, || Ok(unsafe { handle::shared(result)? }.predictions.len()))
}

/// Gives the status of the call that filled this result: FACE_PREDICT_OK where it succeeded, and before the first one. Fails
/// itself with NULL_ARGUMENT or INVALID_ARGUMENT where `result` is no result.
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

/// Gives the message that belongs to face_predict_result_status(), or "" where that is FACE_PREDICT_OK; never NULL. It says the
/// same on every thread, and of each picture of a batch. It is borrowed until the result is filled again or freed.
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

/// Size of the upright picture in pixels; zeros before the first picture and after a failure.
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

/// Copies face `index`. `size` is sizeof(face_predict_face): a newer header gets zeros for what this library does
/// not know. Fails with OUT_OF_RANGE, NULL_ARGUMENT or INVALID_ARGUMENT.
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

/// Probability that the person has lived `years` or more; NaN if there is no such face or age.
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

/// Age interval for any coverage above 0 and below 1; NaN where the age was skipped.
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
                "coverage is {coverage}, it must be above 0 and below 1"
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

/// Probability of each whole year from 0, summing to 1, or NULL where there is none. `count_out`, the number of
/// years, may be NULL. Borrowed until the result is filled again or freed.
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
            // SAFETY: not NULL, and the caller's to write.
            unsafe { handle::put(count_out, "count_out", years.len())? };
        }
        Ok(if years.is_empty() { std::ptr::null() } else { years.as_ptr() })
    })
}
