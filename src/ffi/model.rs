//! Loading models.

use std::ffi::CString;

use libc::{c_char, c_void, size_t};

use super::error::face_predict_status;
use super::handle::{self, Growing, Handle, Tagged};
use super::panic::{wall, wall_or};
use crate::error::{Error, Result};
use crate::model::{Model, ModelOptions};

/// Loaded networks. Immutable: share one between all threads. Loading is slow, so load once.
pub struct face_predict_model(
    #[expect(dead_code, reason = "C's view: read through `handle`")] Tagged<Loaded>,
);

pub(super) struct Loaded {
    pub(super) model: Model,
    /// For a batch.
    pub(super) threads: usize,
    name: CString,
}

impl Handle for face_predict_model {
    const TAG: u64 = 0x6661_6365_6d6f_6431;
    const NAME: &'static str = "model";
    type Value = Loaded;
}

/// Flag of face_predict_model_options: leaves every convolution to the engine, for comparison.
pub const FACE_PREDICT_PLAIN_CONVOLUTIONS: u32 = 1 << 0;

/// How to load. NULL, or all zero but struct_size, means the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_model_options {
    /// sizeof(face_predict_model_options)
    pub struct_size: u32,
    /// FACE_PREDICT_PLAIN_CONVOLUTIONS or 0.
    pub flags: u32,
    /// Largest picture accepted, in pixels. 0: 64 Mi.
    pub max_pixels: u64,
    /// Threads for face_predict_batch(). 0 or 1: the caller's only.
    pub threads: u32,
    /// Zero.
    pub reserved: u32,
}

impl Growing for face_predict_model_options {
    const NAME: &'static str = "face_predict_model_options";
    const FIRST_SIZE: usize = 16;
    const ZERO: Self = Self { struct_size: 0, flags: 0, max_pixels: 0, threads: 0, reserved: 0 };
}

/// How to load, and the threads for a batch.
unsafe fn options(pointer: *const face_predict_model_options) -> Result<(ModelOptions, usize)> {
    // SAFETY: NULL or a struct that starts with its size, as the header asks.
    let given = unsafe { handle::read_optional(pointer)? };
    if given.flags & !FACE_PREDICT_PLAIN_CONVOLUTIONS != 0 {
        return Err(Error::invalid(format!(
            "model flags are {:#x}, only 0x1 is known",
            given.flags
        )));
    }
    if given.reserved != 0 || given.threads > 1024 {
        return Err(Error::invalid(format!(
            "model options: threads is {}, at most 1024, and reserved is {}, it must be 0",
            given.threads, given.reserved
        )));
    }
    let options =
        ModelOptions::new().plain_convolutions(given.flags & FACE_PREDICT_PLAIN_CONVOLUTIONS != 0);
    let limited = given.max_pixels > 0;
    let options = if limited { options.max_pixels(given.max_pixels) } else { options };
    Ok((options, given.threads.max(1) as usize))
}

/// Loads, and hands over on success.
unsafe fn load(
    options_in: *const face_predict_model_options,
    model_out: *mut *mut face_predict_model,
    load: impl FnOnce(&ModelOptions) -> Result<Model>,
) -> face_predict_status {
    wall(|| {
        if model_out.is_null() {
            return Err(handle::null("model_out"));
        }
        // SAFETY: as the header asks of `options`.
        let (options, threads) = unsafe { options(options_in)? };
        let model = load(&options)?;
        let name = CString::new(model.name().replace('\0', " ")).unwrap_or_default();
        let model = handle::give(Loaded { model, threads, name })?;
        // SAFETY: not NULL, and the caller's to write.
        unsafe { handle::put(model_out, "model_out", model) }
    })
}

/// Loads the model that is built into the library. Parsed once a process, so further calls are fast.
/// Fails with NULL_ARGUMENT, INVALID_ARGUMENT (options), UNSUPPORTED or OUT_OF_MEMORY.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_load_default(
    options: *const face_predict_model_options,
    model_out: *mut *mut face_predict_model,
) -> face_predict_status {
    // SAFETY: the pointers are the caller's, as the header asks.
    unsafe { load(options, model_out, Model::load_default_with) }
}

/// Loads a model file. `path` is UTF-8 on every system. A part that the file lacks (detector, age or gender) comes from the
/// built-in model. Fails with IO (no such file), LIMIT, MODEL, INVALID_ARGUMENT (path, options) or NULL_ARGUMENT.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_load_file(
    path: *const c_char,
    options: *const face_predict_model_options,
    model_out: *mut *mut face_predict_model,
) -> face_predict_status {
    // SAFETY: the pointers are the caller's, as the header asks.
    unsafe {
        load(options, model_out, |options| Model::load_file(handle::text(path, "path")?, options))
    }
}

/// Loads a model from memory. The bytes may be freed as soon as the call returns.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_load_memory(
    data: *const c_void,
    size: size_t,
    options: *const face_predict_model_options,
    model_out: *mut *mut face_predict_model,
) -> face_predict_status {
    // SAFETY: the pointers are the caller's, as the header asks.
    unsafe {
        load(options, model_out, |options| {
            Model::load_bytes(handle::bytes(data, size, "data")?, options)
        })
    }
}

/// Loads several files, each a part: a detector, an age network, a gender network, or one for both. Of two files for the same
/// part the later counts; parts not given come from the built-in model.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_load_files(
    paths: *const *const c_char,
    count: size_t,
    options: *const face_predict_model_options,
    model_out: *mut *mut face_predict_model,
) -> face_predict_status {
    // SAFETY: the pointers are the caller's, as the header asks.
    unsafe {
        load(options, model_out, |options| {
            let paths = handle::array(paths, count, "paths")?
                .iter()
                .enumerate()
                .map(|(i, path)| handle::text(*path, &format!("paths[{i}]")))
                .collect::<Result<Vec<_>>>()?;
            Model::load_files(&paths, options)
        })
    }
}

/// Name and version of the estimators, and of the detector where a file brought it, for logs; NULL for NULL. Borrowed; lives as long as the model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_name(
    model: *const face_predict_model,
) -> *const c_char {
    // SAFETY: the pointer is the caller's, as the header asks.
    wall_or(std::ptr::null(), || Ok(unsafe { handle::shared(model)? }.name.as_ptr()))
}

/// Frees a model; NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_free(model: *mut face_predict_model) {
    // SAFETY: the pointer is the caller's, as the header asks.
    wall_or((), || unsafe { handle::free(model) });
}
