//! Following faces over the frames of a camera.

use super::handle::{self, Growing, Handle, Tagged};
use super::image::{face_predict_image, input};
use super::model::face_predict_model;
use super::panic::{wall, wall_or};
use super::predict::{face_predict_options, fill};
use super::result::face_predict_result;
use super::status::face_predict_status;
use crate::error::Result;
use crate::predict::track::{Tracker, TrackerOptions};

/// Follows faces over the frames of one camera. It gives each face a `track_id`, and averages its estimates, so that
/// the numbers settle and do not flicker. Only one thread may use a tracker at a time.
pub struct face_predict_tracker(
    #[expect(dead_code, reason = "C sees only the name; `handle` reads the fields")]
    Tagged<Tracker>,
);

impl Handle for face_predict_tracker {
    const TAG: u64 = 0x6661_6365_7472_6b31;
    const NAME: &'static str = "tracker";
    type Value = Tracker;
}

/// Options of a tracker. NULL means the defaults, and so does FACE_PREDICT_TRACKER_OPTIONS_INIT. Otherwise start from
/// zeros with `struct_size` set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_tracker_options {
    /// sizeof(face_predict_tracker_options)
    pub struct_size: u32,
    /// The detector runs on every n-th frame, and on each frame of another size than the one before. On the frames in
    /// between, each box moves on with its last speed, which decreases from frame to frame. Faces keep their numbers if
    /// the size changes and the shape does not. If the shape changes, all faces get new numbers. 0 means 1.
    pub detect_every: u32,
    /// A face is estimated on every n-th frame in which the detector finds it. 0 means 1.
    pub estimate_every: u32,
    /// The time constant of the average over estimates, in seconds, above 0 and at most 3600. 0 means 2.
    pub memory_seconds: f32,
    /// The time in seconds after which a face that is no longer found is forgotten, above 0 and at most 3600. A face is
    /// kept until at least two searches have missed it, even if this takes longer. 0 means 1.
    pub lost_seconds: f32,
}

impl Growing for face_predict_tracker_options {
    const NAME: &'static str = "face_predict_tracker_options";
    const FIRST_SIZE: usize = 20;
    const ZERO: Self = Self {
        struct_size: 0,
        detect_every: 0,
        estimate_every: 0,
        memory_seconds: 0.0,
        lost_seconds: 0.0,
    };
}

unsafe fn options(pointer: *const face_predict_tracker_options) -> Result<TrackerOptions> {
    // SAFETY: the pointer is NULL or points to a struct that starts with its size, as the header asks.
    let given = unsafe { handle::read_optional(pointer, "options")? };
    let mut options = TrackerOptions::default();
    if given.detect_every != 0 {
        options.detect_every = given.detect_every;
    }
    if given.estimate_every != 0 {
        options.estimate_every = given.estimate_every;
    }
    if given.memory_seconds != 0.0 {
        options.memory_seconds = given.memory_seconds;
    }
    if given.lost_seconds != 0.0 {
        options.lost_seconds = given.lost_seconds;
    }
    Ok(options)
}

/// Makes a tracker, and writes its handle to `tracker_out`. The model may be freed before the tracker, which keeps what
/// it needs. Fails with NULL_ARGUMENT, INVALID_ARGUMENT (options) or OUT_OF_MEMORY.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_tracker_new(
    model: *const face_predict_model,
    options_in: *const face_predict_tracker_options,
    tracker_out: *mut *mut face_predict_tracker,
) -> face_predict_status {
    wall(|| {
        if tracker_out.is_null() {
            return Err(handle::null("tracker_out"));
        }
        // SAFETY: the pointers are the caller's, as the header asks.
        let (model, options) = unsafe { (handle::shared(model)?, options(options_in)?) };
        let tracker = handle::give(Tracker::new(&model.model, options)?)?;
        // SAFETY: the pointer is not NULL, and the caller promises that it can be written.
        unsafe { handle::put(tracker_out, "tracker_out", tracker) }
    })
}

/// Takes the next frame, and fills `result` as face_predict() does. The frame may also be the bytes of a file
/// (FACE_PREDICT_FORMAT_ENCODED). `time_us` is the time of the frame in microseconds, counted from any start. If it is
/// smaller than that of the frame before, the call fails with INVALID_ARGUMENT, and leaves the tracker unchanged.
/// Otherwise it fails as face_predict() does.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_tracker_update(
    tracker: *mut face_predict_tracker,
    image: *const face_predict_image,
    time_us: i64,
    options: *const face_predict_options,
    result: *mut face_predict_result,
) -> face_predict_status {
    // SAFETY: the pointers are the caller's, as the header asks.
    unsafe {
        fill(options, result, |options, workspace, out| {
            let input = input(image)?;
            handle::exclusive(tracker)?.update_input(input, time_us, options, workspace, out)
        })
    }
}

/// Forgets all faces and the time, for example after a jump in a video. Their `track_id` numbers are not used again.
/// NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_tracker_reset(tracker: *mut face_predict_tracker) {
    if !tracker.is_null() {
        wall_or((), || {
            // SAFETY: the pointer is the caller's, as the header asks.
            unsafe { handle::exclusive(tracker)? }.reset();
            Ok(())
        });
    }
}

/// Frees a tracker. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_tracker_free(tracker: *mut face_predict_tracker) {
    // SAFETY: the pointer is the caller's, as the header asks.
    wall_or((), || unsafe { handle::free(tracker) });
}
