//! Runs whole sessions of calls on handles, in any order.

use std::ptr::{null, null_mut};

use face_predict::ffi::*;

use super::Source;

/// The handles of each kind in a session.
const HANDLES: usize = 3;
const SIDE: usize = 48;

struct Session {
    models: [*mut face_predict_model; HANDLES],
    results: [*mut face_predict_result; HANDLES],
    trackers: [*mut face_predict_tracker; HANDLES],
    pixels: Vec<u8>,
}

fn zeroed<T>() -> T {
    // SAFETY: this is only for structs of the interface, for which zero is a valid value.
    unsafe { std::mem::zeroed() }
}

/// Returns mostly a valid picture, and NULL in one of eight.
fn picture(source: &mut Source<'_>, pixels: &[u8]) -> Option<face_predict_image> {
    let mut image: face_predict_image = zeroed();
    image.struct_size = size_of_val(&image) as u32;
    image.format = 1 + u32::from(source.byte()) % 7;
    (image.width, image.height) = (1 + u32::from(source.byte()) % 64, SIDE as u32);
    image.planes[0] = pixels.as_ptr().cast();
    image.sizes[0] = pixels.len();
    image.rotation = u32::from(source.byte()) % 4 * 90;
    (!source.byte().is_multiple_of(8)).then_some(image)
}

fn options(source: &mut Source<'_>, regions: &[face_predict_region]) -> face_predict_options {
    let mut options: face_predict_options = zeroed();
    options.struct_size = size_of_val(&options) as u32;
    options.flags = u32::from(source.byte()) % 8;
    // There are at most three, since a low score lets hundreds pass.
    options.max_faces = 1 + u32::from(source.byte()) % 3;
    // The score is low, so that the small network finds something in anything.
    options.min_score = 0.01 + f32::from(source.byte() % 64) / 100.0;
    if source.byte().is_multiple_of(2) {
        (options.regions, options.region_count) = (regions.as_ptr(), regions.len() as u32);
    }
    options
}

impl Session {
    fn step(&mut self, source: &mut Source<'_>) {
        let (call, a, b) = (source.byte() % 16, source.byte() as usize, source.byte() as usize);
        let (model, tracker) = (a % HANDLES, a % HANDLES);
        let result = b % HANDLES;
        let mut regions = [zeroed::<face_predict_region>(); 2];
        for region in &mut regions {
            (region.x, region.y) = (f32::from(source.byte()), f32::from(source.byte()));
            (region.width, region.height) = (20.0, 30.0);
        }
        let options = options(source, &regions);
        let image = picture(source, &self.pixels);
        let image = image.as_ref().map_or(null(), |image| image as *const _);
        // SAFETY: handles are NULL or live, pointers are NULL or right, and every place is writable.
        let status = unsafe {
            match call {
                0 => {
                    face_predict_model_free(std::mem::replace(&mut self.models[model], null_mut()));
                    face_predict_model_load_default(null(), &mut self.models[model])
                }
                1 => {
                    face_predict_model_free(std::mem::replace(&mut self.models[model], null_mut()));
                    FACE_PREDICT_OK
                }
                2 => {
                    face_predict_result_free(std::mem::replace(
                        &mut self.results[result],
                        face_predict_result_new(),
                    ));
                    FACE_PREDICT_OK
                }
                3 => {
                    face_predict_result_free(std::mem::replace(
                        &mut self.results[result],
                        null_mut(),
                    ));
                    FACE_PREDICT_OK
                }
                4 | 5 => {
                    let old = std::mem::replace(&mut self.trackers[tracker], null_mut());
                    face_predict_tracker_free(old);
                    let mut given: face_predict_tracker_options = zeroed();
                    given.struct_size = size_of_val(&given) as u32;
                    given.detect_every = u32::from(source.byte()) % 4;
                    given.estimate_every = u32::from(source.byte()) % 4;
                    given.lost_seconds = f32::from(source.byte()) / 50.0;
                    face_predict_tracker_new(
                        self.models[b % HANDLES],
                        &given,
                        &mut self.trackers[tracker],
                    )
                }
                6 => {
                    face_predict_tracker_reset(self.trackers[tracker]);
                    FACE_PREDICT_OK
                }
                7..=9 => {
                    let time = source.number() as i64;
                    let result = self.results[result];
                    face_predict_tracker_update(
                        self.trackers[tracker],
                        image,
                        time,
                        &options,
                        result,
                    )
                }
                10 => {
                    // One of them may be given twice.
                    let count = source.byte() as usize % (HANDLES + 1);
                    let images = [image; HANDLES];
                    let mut results = self.results;
                    results[0] = self.results[result];
                    face_predict_batch(
                        self.models[model],
                        images.as_ptr(),
                        count,
                        &options,
                        1,
                        results.as_ptr(),
                    )
                }
                11 => face_predict_encoded(
                    self.models[model],
                    self.pixels.as_ptr().cast(),
                    self.pixels.len(),
                    &options,
                    self.results[result],
                ),
                12 => face_predict_model_warm_up(self.models[model], 40, 30, &options),
                _ => face_predict(self.models[model], image, &options, self.results[result]),
            }
        };
        assert_ne!(status, FACE_PREDICT_ERROR_INTERNAL);
        self.read(result, source);
    }

    /// Reads an answer in every way, with indices that exist and others.
    fn read(&self, result: usize, source: &mut Source<'_>) {
        let (result, index) = (self.results[result], source.byte() as usize % 5);
        // SAFETY: the handle is NULL or live, and the places are writable.
        unsafe {
            let count = face_predict_result_count(result);
            let status = face_predict_result_status(result);
            assert!(status == FACE_PREDICT_OK || count == 0);
            let mut face: face_predict_face = zeroed();
            let read = face_predict_result_face(result, index, &mut face, size_of_val(&face));
            assert_eq!(read == FACE_PREDICT_OK, index < count);
            let (mut low, mut high) = (0.0, 0.0);
            let _ = face_predict_result_age_interval(result, index, 0.5, &mut low, &mut high);
            assert!(low <= high || low.is_nan());
            face_predict_result_age_at_least(result, index, 18.0);
            let message = face_predict_result_message(result);
            assert!(!message.is_null());
            let _ = std::ffi::CStr::from_ptr(message).to_bytes();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: each is NULL or live, and freed once. Models are freed first, because trackers keep what they need.
        unsafe {
            self.models.into_iter().for_each(|model| face_predict_model_free(model));
            self.trackers.into_iter().for_each(|tracker| face_predict_tracker_free(tracker));
            self.results.into_iter().for_each(|result| face_predict_result_free(result));
        }
    }
}

/// Makes any calls in any order, with handles that are right or NULL.
pub fn session(data: &[u8]) {
    let mut source = Source(data);
    let shade = source.byte();
    let mut session = Session {
        models: [null_mut(); HANDLES],
        results: [null_mut(); HANDLES],
        trackers: [null_mut(); HANDLES],
        pixels: (0..SIDE * 64 * 4).map(|i| (i * 37 % 251) as u8 ^ shade).collect(),
    };
    // SAFETY: the places are writable, and the options are the defaults.
    unsafe {
        let _ = face_predict_model_load_default(null(), &mut session.models[0]);
        let _ = face_predict_tracker_new(session.models[0], null(), &mut session.trackers[0]);
    }
    session.results[0] = face_predict_result_new();
    for _ in 0..24 {
        if source.0.is_empty() {
            break;
        }
        session.step(&mut source);
    }
}
