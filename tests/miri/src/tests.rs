//! Tests every function of the C interface, with the arguments of a correct caller and of a careless one.

use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::ffi::*;
use crate::model::{DETECTOR, FILE};

fn zeroed<T>() -> T {
    // SAFETY: only for the interface's structs, of which zero is a valid value.
    unsafe { std::mem::zeroed() }
}

fn last() -> String {
    // SAFETY: it is never NULL.
    unsafe { CStr::from_ptr(face_predict_last_error()) }.to_string_lossy().into_owned()
}

fn loaded() -> *mut face_predict_model {
    let mut model = null_mut();
    // SAFETY: the bytes are alive, and there is a place for the model.
    let status = unsafe {
        face_predict_model_load_memory(FILE.as_ptr().cast(), FILE.len(), null(), &mut model)
    };
    assert_eq!(status, FACE_PREDICT_OK, "{}", last());
    model
}

const WIDTH: usize = 40;
const HEIGHT: usize = 32;
/// The faces of a still picture. Each of its two passes has two, and two are the same.
const IN_STILL: usize = 3;

fn image(pixels: &[u8], format: u32) -> face_predict_image {
    let mut image: face_predict_image = zeroed();
    image.struct_size = size_of_val(&image) as u32;
    image.format = format;
    (image.width, image.height) = (WIDTH as u32, HEIGHT as u32);
    image.planes[0] = pixels.as_ptr().cast();
    image.sizes[0] = pixels.len();
    image
}

fn options() -> face_predict_options {
    let mut options: face_predict_options = zeroed();
    options.struct_size = size_of_val(&options) as u32;
    options
}

fn regions() -> [face_predict_region; 2] {
    let mut regions = [zeroed::<face_predict_region>(); 2];
    for (index, region) in regions.iter_mut().enumerate() {
        (region.x, region.y) = (3.0 + index as f32, 4.0);
        (region.width, region.height) = (16.0, 18.0);
    }
    regions
}

/// Reads all of an answer.
fn read(result: *const face_predict_result) -> usize {
    // SAFETY: the handle is alive, and the places are writable.
    unsafe {
        let count = face_predict_result_count(result);
        for index in 0..=count {
            let mut face: face_predict_face = zeroed();
            let status = face_predict_result_face(result, index, &mut face, size_of_val(&face));
            assert_eq!(status == FACE_PREDICT_OK, index < count);
            // The struct of an older header lies at an odd address.
            let mut bytes = [0xA5u8; 200];
            let odd = bytes.as_mut_ptr().add(1).cast::<face_predict_face>();
            let status = face_predict_result_face(result, index, odd, 40);
            assert_eq!(status == FACE_PREDICT_OK, index < count);
            assert_eq!(bytes[41], 0xA5);
            let (mut low, mut high) = (0.0, 0.0);
            let _ = face_predict_result_age_interval(result, index, 0.5, &mut low, &mut high);
            face_predict_result_age_at_least(result, index, 18.0);
            let mut years = 0;
            let first = face_predict_result_age_distribution(result, index, &mut years);
            if !first.is_null() {
                let sum: f32 = std::slice::from_raw_parts(first, years).iter().sum();
                assert!((sum - 1.0).abs() < 0.01);
            }
        }
        let (mut width, mut height) = (0, 0);
        let _ = face_predict_result_size(result, &mut width, &mut height);
        let _ = CStr::from_ptr(face_predict_result_message(result)).to_bytes();
        count
    }
}

#[test]
fn predicting() {
    let (model, result) = (loaded(), face_predict_result_new());
    let pixels: Vec<u8> = (0..WIDTH * HEIGHT * 4).map(|i| (i * 37 % 251) as u8).collect();
    let (regions, mut options) = (regions(), options());
    for format in [FACE_PREDICT_FORMAT_RGB, FACE_PREDICT_FORMAT_NV12, FACE_PREDICT_FORMAT_YUYV] {
        let image = image(&pixels, format);
        // SAFETY: the handles are alive, and the structs are valid.
        unsafe {
            // Makes a search, gives regions, and gives a picture that is one face. Under Miri a search takes minutes,
            // and it differs by format only while the picture is read, as with regions.
            if format == FACE_PREDICT_FORMAT_RGB {
                let status = face_predict(model, &image, null(), result);
                assert_eq!(status, FACE_PREDICT_OK, "{}", last());
                assert_eq!(read(result), IN_STILL);
            }
            (options.regions, options.region_count) = (regions.as_ptr(), 2);
            assert_eq!(
                face_predict(model, &image, &options, result),
                FACE_PREDICT_OK,
                "{}",
                last()
            );
            assert_eq!(read(result), 2);
            (options.regions, options.region_count) = (null(), 0);
            options.flags = FACE_PREDICT_CROPPED;
            options.crops = 3;
            assert_eq!(
                face_predict(model, &image, &options, result),
                FACE_PREDICT_OK,
                "{}",
                last()
            );
            assert_eq!(read(result), 1);
            (options.flags, options.crops) = (0, 0);
        }
    }
    // SAFETY: it is freed once.
    unsafe {
        face_predict_model_free(model);
        assert_eq!(read(result), 1);
        face_predict_result_free(result);
    }
}

#[test]
fn tracking_outlives_the_model() {
    let (model, result) = (loaded(), face_predict_result_new());
    let pixels = vec![90; WIDTH * HEIGHT * 3];
    let image = image(&pixels, FACE_PREDICT_FORMAT_RGB);
    let mut tracker = null_mut();
    let mut given: face_predict_tracker_options = zeroed();
    given.struct_size = size_of_val(&given) as u32;
    given.detect_every = 2;
    // SAFETY: the handles are alive and the structs valid, and each is freed once.
    unsafe {
        assert_eq!(face_predict_tracker_new(model, &given, &mut tracker), FACE_PREDICT_OK);
        face_predict_model_free(model);
        for time in 0..4 {
            let status = face_predict_tracker_update(tracker, &image, time, null(), result);
            assert_eq!(status, FACE_PREDICT_OK, "{}", last());
            assert_eq!(read(result), 2);
        }
        let back = face_predict_tracker_update(tracker, &image, 1, null(), result);
        assert_eq!(back, FACE_PREDICT_ERROR_INVALID_ARGUMENT);
        face_predict_tracker_reset(tracker);
        face_predict_tracker_reset(null_mut());
        face_predict_tracker_free(tracker);
        face_predict_result_free(result);
    }
}

#[test]
fn batches_on_threads() {
    let model = loaded();
    let pixels = vec![90; WIDTH * HEIGHT * 3];
    let right = image(&pixels, FACE_PREDICT_FORMAT_RGB);
    let wrong = image(&pixels[..100], FACE_PREDICT_FORMAT_RGB);
    let results: [_; 4] = std::array::from_fn(|_| face_predict_result_new());
    let images = [&raw const right, &raw const wrong, null(), &raw const right];
    // SAFETY: there are as many pictures and results as stated, and each is freed once.
    unsafe {
        let status = face_predict_batch(model, images.as_ptr(), 4, null(), 3, results.as_ptr());
        assert_eq!(status, FACE_PREDICT_ERROR_BUFFER_TOO_SMALL, "{}", last());
        let statuses = results.map(|result| face_predict_result_status(result));
        let (small, null_image) =
            (FACE_PREDICT_ERROR_BUFFER_TOO_SMALL, FACE_PREDICT_ERROR_NULL_ARGUMENT);
        assert_eq!(statuses, [FACE_PREDICT_OK, small, null_image, FACE_PREDICT_OK]);
        assert_eq!(results.map(|result| read(result)), [IN_STILL, 0, 0, IN_STILL]);
        // One result is given twice, and one is no result.
        let twice = [results[0], results[0]];
        let status = face_predict_batch(model, images.as_ptr(), 2, null(), 2, twice.as_ptr());
        assert_eq!(status, FACE_PREDICT_ERROR_INVALID_ARGUMENT);
        let status =
            face_predict_batch(model, images.as_ptr(), 1, null(), 1, [null_mut()].as_ptr());
        assert_eq!(status, FACE_PREDICT_ERROR_NULL_ARGUMENT);
        results.into_iter().for_each(|result| face_predict_result_free(result));
        face_predict_model_free(model);
    }
}

#[test]
fn loading() {
    let mut model = null_mut();
    let folder = std::env::temp_dir();
    let path = |name: &str| folder.join(format!("miri-{}-{name}", std::process::id()));
    let (age, detector) = (path("age"), path("detector"));
    std::fs::write(&age, FILE).expect("a file");
    std::fs::write(&detector, DETECTOR).expect("a file");
    let names =
        [&age, &detector].map(|p| CString::new(p.to_str().expect("UTF-8")).expect("no NUL"));
    let paths = [names[0].as_ptr(), names[1].as_ptr()];
    // SAFETY: the paths are alive, there is a place for the model, and it is freed once.
    unsafe {
        assert_eq!(
            face_predict_model_load_files(paths.as_ptr(), 2, null(), &mut model),
            0,
            "{}",
            last()
        );
        let mut network: face_predict_network = zeroed();
        for task in [1, 2, 4, 8] {
            let status =
                face_predict_model_network(model, task, &mut network, size_of_val(&network));
            assert_eq!(status == FACE_PREDICT_OK, task < 8, "{}", last());
            assert_eq!(CStr::from_ptr(network.name).to_bytes(), b"made up");
        }
        let _ = CStr::from_ptr(face_predict_model_name(model)).to_bytes();
        let _ = CStr::from_ptr(face_predict_model_license(model)).to_bytes();
        assert_eq!(face_predict_model_warm_up(model, 64, 48, null()), FACE_PREDICT_OK);
        let result = face_predict_result_new();
        let status = face_predict_file(model, names[0].as_ptr(), null(), result);
        // The decoders are not included.
        assert_eq!(status, FACE_PREDICT_ERROR_UNSUPPORTED, "{}", last());
        face_predict_result_free(result);
        face_predict_model_free(model);
        let missing = c"/missing".as_ptr();
        assert_eq!(
            face_predict_model_load_file(missing, null(), &mut model),
            FACE_PREDICT_ERROR_IO
        );
        // The engine panics, and the panic is caught.
        let status =
            face_predict_model_load_memory(b"panic".as_ptr().cast(), 5, null(), &mut model);
        assert_eq!(status, FACE_PREDICT_ERROR_MODEL, "{}", last());
        assert!(last().contains("a file that breaks the engine"), "{}", last());
    }
    let _ = (std::fs::remove_file(age), std::fs::remove_file(detector));
}

#[test]
fn careless_callers() {
    let (model, result) = (loaded(), face_predict_result_new());
    let pixels = vec![90; WIDTH * HEIGHT * 3];
    let right = image(&pixels, FACE_PREDICT_FORMAT_RGB);
    // SAFETY: the pointers are NULL, or point to live memory of the stated size.
    unsafe {
        assert_eq!(face_predict(null(), &right, null(), result), FACE_PREDICT_ERROR_NULL_ARGUMENT);
        assert_eq!(face_predict(model, null(), null(), result), FACE_PREDICT_ERROR_NULL_ARGUMENT);
        assert_eq!(
            face_predict(model, &right, null(), null_mut()),
            FACE_PREDICT_ERROR_NULL_ARGUMENT
        );
        // The handles are of another kind.
        assert_eq!(
            face_predict(result.cast(), &right, null(), result),
            FACE_PREDICT_ERROR_INVALID_ARGUMENT
        );
        assert_eq!(
            face_predict(model, &right, null(), model.cast()),
            FACE_PREDICT_ERROR_INVALID_ARGUMENT
        );
        // The options are those of an older header and of a newer one, and lie at an odd address.
        let mut old = options();
        old.struct_size = 24 + size_of::<usize>() as u32;
        assert_eq!(face_predict(model, &right, &old, result), FACE_PREDICT_OK);
        let mut newer = [0u8; 256];
        newer[0] = 200;
        let at = newer.as_ptr().cast();
        assert_eq!(face_predict(model, &right, at, result), FACE_PREDICT_OK, "{}", last());
        newer[199] = 1;
        let at = newer.as_ptr().cast();
        assert_eq!(face_predict(model, &right, at, result), FACE_PREDICT_ERROR_UNSUPPORTED);
        let mut bytes = [0u8; 256];
        let odd = bytes.as_mut_ptr().add(1).cast::<face_predict_options>();
        odd.write_unaligned(options());
        assert_eq!(face_predict(model, &right, odd, result), FACE_PREDICT_OK);
        // The regions are those of a newer header, and have another size.
        let mut wide = [0u8; 2 * 64];
        for (index, region) in regions().into_iter().enumerate() {
            wide.as_mut_ptr().add(64 * index).cast::<face_predict_region>().write_unaligned(region);
        }
        let mut given = options();
        (given.regions, given.region_count, given.region_size) = (wide.as_ptr().cast(), 2, 64);
        assert_eq!(face_predict(model, &right, &given, result), FACE_PREDICT_OK, "{}", last());
        assert_eq!(read(result), 2);
        given.region_count = u32::MAX;
        given.regions = null();
        assert_ne!(face_predict(model, &right, &given, result), FACE_PREDICT_OK);
        assert_eq!(face_predict_result_count(null()), 0);
        face_predict_result_free(null_mut());
        face_predict_model_free(null_mut());
        face_predict_tracker_free(null_mut());
        face_predict_result_free(result);
        face_predict_model_free(model);
    }
}

#[test]
fn logging_and_exif() {
    unsafe extern "C" fn line(
        data: *mut core::ffi::c_void,
        level: i32,
        text: *const core::ffi::c_char,
    ) {
        assert!(level >= 0);
        // SAFETY: it is the pointer that was given below, and a text.
        unsafe {
            (*data.cast::<AtomicUsize>()).fetch_add(CStr::from_ptr(text).to_bytes().len(), Relaxed);
        }
    }
    let length = AtomicUsize::new(0);
    let mut image = image(&[], FACE_PREDICT_FORMAT_RGB);
    // SAFETY: the place lives until the function is removed.
    unsafe {
        let _ = face_predict_set_log(Some(line), (&raw const length).cast_mut().cast());
        assert_ne!(face_predict(null(), null(), null(), null_mut()), FACE_PREDICT_OK);
        face_predict_model_free(loaded());
        let _ = face_predict_set_log(None, null_mut());
        assert_eq!(face_predict_image_set_exif(&mut image, 6), FACE_PREDICT_OK);
        assert_eq!((image.rotation, image.mirrored), (90, 0));
        assert_ne!(face_predict_image_set_exif(null_mut(), 6), FACE_PREDICT_OK);
    }
    assert!(length.into_inner() > 0);
}
