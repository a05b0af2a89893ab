//! Loading models.

use core::ffi::{c_char, c_void};
use std::ffi::CString;
use std::sync::OnceLock;

use super::handle::{self, Growing, Handle, Tagged};
use super::panic::{wall, wall_or};
use super::sink;
use super::status::face_predict_status;
use crate::error::Result;
use crate::model::{Model, ModelOptions};

/// Loaded networks. A model never changes, so all threads can share one. Loading is slow, so load it once.
pub struct face_predict_model(
    #[expect(dead_code, reason = "C sees only the name; `handle` reads the fields")] Tagged<Loaded>,
);

pub(super) struct Loaded {
    pub(super) model: Model,
    pub(super) texts: Texts,
}

impl Loaded {
    fn new(model: Model) -> Self {
        let texts = Texts::new(&model);
        Self { model, texts }
    }
}

/// The texts of a model that C reads. They are made when they are first asked for, and kept as long as the model.
pub(super) struct Texts {
    pub(super) name: CString,
    pub(super) license: OnceLock<CString>,
    /// The texts of the networks for age, gender and detection.
    pub(super) networks: [OnceLock<[CString; 4]>; 3],
}

pub(super) fn text(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}

impl Texts {
    fn new(model: &Model) -> Self {
        let networks = [const { OnceLock::new() }; 3];
        Self { name: text(model.name()), license: OnceLock::new(), networks }
    }
}

impl Handle for face_predict_model {
    const TAG: u64 = 0x6661_6365_6d6f_6431;
    const NAME: &'static str = "model";
    type Value = Loaded;
}

/// Flag of face_predict_model_options: all convolutions are left to the engine, for comparison.
pub const FACE_PREDICT_PLAIN_CONVOLUTIONS: u32 = 1 << 0;

/// Options of loading. NULL means the defaults. Otherwise start from zeros with `struct_size` set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_model_options {
    /// sizeof(face_predict_model_options)
    pub struct_size: u32,
    /// FACE_PREDICT_PLAIN_CONVOLUTIONS or 0.
    pub flags: u32,
    /// The largest picture that is accepted, as width times height in pixels. 0 means 67108864.
    pub max_pixels: u64,
}

impl Growing for face_predict_model_options {
    const NAME: &'static str = "face_predict_model_options";
    const FIRST_SIZE: usize = 16;
    const ZERO: Self = Self { struct_size: 0, flags: 0, max_pixels: 0 };
}

unsafe fn options(pointer: *const face_predict_model_options) -> Result<ModelOptions> {
    // SAFETY: the pointer is NULL or points to a struct that starts with its size, as the header asks.
    let given = unsafe { handle::read_optional(pointer, "options")? };
    handle::known_flags("options.flags", given.flags, FACE_PREDICT_PLAIN_CONVOLUTIONS)?;
    let options =
        ModelOptions::new().plain_convolutions(given.flags & FACE_PREDICT_PLAIN_CONVOLUTIONS != 0);
    Ok(if given.max_pixels > 0 { options.max_pixels(given.max_pixels) } else { options })
}

/// Loads a model, and writes its handle after a success.
unsafe fn load(
    options_in: *const face_predict_model_options,
    model_out: *mut *mut face_predict_model,
    load: impl FnOnce(&ModelOptions) -> Result<Model>,
) -> face_predict_status {
    wall(|| {
        if model_out.is_null() {
            return Err(handle::null("model_out"));
        }
        let start = sink::start();
        // SAFETY: the header asks for a valid `options`.
        let model = load(&unsafe { options(options_in)? })?;
        sink::info(|| format!("{} was loaded{}", model.name(), sink::took(start)));
        let model = handle::give(Loaded::new(model))?;
        // SAFETY: the pointer is not NULL, and the caller promises that it can be written.
        unsafe { handle::put(model_out, "model_out", model) }
    })
}

/// Loads the built-in model, and writes its handle to `model_out`. The first call in a process parses it, so further
/// calls are fast. In the default build the weights are for NON-COMMERCIAL RESEARCH only, as some of their training
/// data is. face_predict_model_license() returns the licences. A build with the feature `weights-open` has weights for
/// any use. Fails with NULL_ARGUMENT, INVALID_ARGUMENT (options), UNSUPPORTED (unknown flags, or a build without a
/// model) or OUT_OF_MEMORY.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_load_default(
    options: *const face_predict_model_options,
    model_out: *mut *mut face_predict_model,
) -> face_predict_status {
    // SAFETY: the pointers are the caller's, as the header asks.
    unsafe { load(options, model_out, Model::load_default_with) }
}

/// Loads a model file. `path` is UTF-8 on every system. A part that the file lacks (detector, age or gender) comes from
/// the built-in model, whose licence then counts, too. Fails with IO (the file cannot be read), LIMIT (the file has
/// more than 512 MiB), MODEL, INVALID_ARGUMENT (path, options), UNSUPPORTED, OUT_OF_MEMORY or NULL_ARGUMENT.
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

/// Loads a model from `size` bytes of a model file in memory, as face_predict_model_load_file() does. The bytes may be freed
/// as soon as the call returns.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_load_memory(
    data: *const c_void,
    size: usize,
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

/// Loads `count` model files. Each is a detector, an age network, a gender network, or a network for both. If two files
/// are for the same part, the later one is used. Parts that no file brings come from the built-in model. Fails as
/// face_predict_model_load_file() does.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_load_files(
    paths: *const *const c_char,
    count: usize,
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

/// Frees a model. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_free(model: *mut face_predict_model) {
    // SAFETY: the pointer is the caller's, as the header asks.
    wall_or((), || unsafe { handle::free(model) });
}
