//! What the library contains: the networks of a model, and the features of this build.

use core::ffi::c_char;

use super::handle;
use super::model::{face_predict_model, text};
use super::panic::{wall, wall_or};
use super::status::face_predict_status;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Metadata, Model, Task};

/// The network estimates ages.
pub const FACE_PREDICT_TASK_AGE: u32 = 1 << 0;
/// The network estimates genders.
pub const FACE_PREDICT_TASK_GENDER: u32 = 1 << 1;
/// The network finds faces.
pub const FACE_PREDICT_TASK_DETECT: u32 = 1 << 2;

/// This build decodes JPEG, PNG, WebP and BMP.
pub const FACE_PREDICT_FEATURE_DECODE: u32 = 1 << 0;
/// A detector is built in.
pub const FACE_PREDICT_FEATURE_DETECTOR: u32 = 1 << 1;
/// Weights that estimate age and gender are built in.
pub const FACE_PREDICT_FEATURE_WEIGHTS: u32 = 1 << 2;
/// The built-in weights may be used for any purpose, if FairFace is credited (feature `weights-open`).
pub const FACE_PREDICT_FEATURE_OPEN_WEIGHTS: u32 = 1 << 3;
/// Model files may use any operator that the engine knows, and not only those in docs/models.md.
pub const FACE_PREDICT_FEATURE_ALL_OPERATORS: u32 = 1 << 4;

/// What the file of a network says about it. Texts are UTF-8, and "" if the file says nothing. They live as long as the
/// model.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct face_predict_network {
    /// The name of the network, such as "base".
    pub name: *const c_char,
    /// The version of the weights, such as "0.6.0".
    pub version: *const c_char,
    /// The licence of the weights, such as "CC BY 4.0 (FairFace)".
    pub license: *const c_char,
    /// The data that the network was trained on.
    pub data: *const c_char,
    /// The tasks of the network: FACE_PREDICT_TASK_... combined with OR.
    pub tasks: u32,
    /// The width of the network's input in pixels. A detector also takes inputs of other sizes, and was trained for this
    /// one.
    pub input_width: u32,
    /// The height of the input in pixels.
    pub input_height: u32,
    /// Zero.
    pub reserved: u32,
}

/// Returns the name and version of the networks for age and gender, such as "base 0.6.0", for logs. A detector is named
/// only if a file brought it. Returns NULL if `model` is NULL. The text lives as long as the model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_name(
    model: *const face_predict_model,
) -> *const c_char {
    // SAFETY: the pointer is the caller's, as the header asks.
    wall_or(std::ptr::null(), || Ok(unsafe { handle::shared(model)? }.texts.name.as_ptr()))
}

/// Returns the licences of all weights that this model uses, each with the name and version of its network. This call
/// loads the detector, since its licence counts, too. Returns NULL if `model` is NULL, or if there is no memory for the
/// detector. The text lives as long as the model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_license(
    model: *const face_predict_model,
) -> *const c_char {
    wall_or(std::ptr::null(), || {
        // SAFETY: the pointer is the caller's, as the header asks.
        let loaded = unsafe { handle::shared(model)? };
        // Without memory for the detector the text would lack its licence for as long as the model lives.
        match loaded.model.detector_metadata() {
            Err(error) if error.kind() != ErrorKind::Unsupported => Err(error),
            _ => Ok(loaded.texts.license.get_or_init(|| text(&loaded.model.license())).as_ptr()),
        }
    })
}

/// Describes the network that does one of FACE_PREDICT_TASK_...; one network may do several tasks. Asking for the
/// detector loads it. `size` is sizeof(face_predict_network). If your header is newer than the library, fields that the
/// library does not know are 0. Fails with NULL_ARGUMENT, INVALID_ARGUMENT (no such task, or another size) or
/// UNSUPPORTED (this build has no detector).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_model_network(
    model: *const face_predict_model,
    task: u32,
    network_out: *mut face_predict_network,
    size: usize,
) -> face_predict_status {
    wall(|| {
        handle::check_output(network_out, "network_out", "face_predict_network", size)?;
        // SAFETY: the pointer is the caller's, as the header asks.
        let loaded = unsafe { handle::shared(model)? };
        let (place, metadata) = network(&loaded.model, task)?;
        let texts = loaded.texts.networks[place].get_or_init(|| {
            let Metadata { name, version, license, data, .. } = metadata;
            [name, version, license, data].map(|part| text(part))
        });
        let [name, version, license, data] = texts.each_ref().map(|text| text.as_ptr());
        let network = face_predict_network {
            name,
            version,
            license,
            data,
            tasks: tasks(metadata.task),
            input_width: metadata.input.width as u32,
            input_height: metadata.input.height as u32,
            reserved: 0,
        };
        // SAFETY: the pointer is not NULL, and the caller promises `size` writable bytes.
        unsafe { handle::put_part(network_out, network, size) };
        Ok(())
    })
}

/// Returns the network of a task, and the index of its texts.
fn network(model: &Model, task: u32) -> Result<(usize, &Metadata)> {
    match task {
        FACE_PREDICT_TASK_AGE => Ok((0, model.age_metadata())),
        FACE_PREDICT_TASK_GENDER => Ok((1, model.gender_metadata())),
        FACE_PREDICT_TASK_DETECT => Ok((2, model.detector_metadata()?)),
        other => Err(Error::invalid(format!("task is {other:#x}, but it must be 0x1, 0x2 or 0x4"))),
    }
}

fn tasks(task: Task) -> u32 {
    let bit = |has: bool, bit: u32| if has { bit } else { 0 };
    bit(task.has_age(), FACE_PREDICT_TASK_AGE)
        | bit(task.has_gender(), FACE_PREDICT_TASK_GENDER)
        | bit(task == Task::Detect, FACE_PREDICT_TASK_DETECT)
}

/// Returns the features of this build of the library: FACE_PREDICT_FEATURE_... combined with OR. Calls that need a
/// missing feature fail with UNSUPPORTED.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_features() -> u32 {
    let bit = |has: bool, bit: u32| if has { bit } else { 0 };
    bit(cfg!(feature = "decode"), FACE_PREDICT_FEATURE_DECODE)
        | bit(cfg!(feature = "detector"), FACE_PREDICT_FEATURE_DETECTOR)
        | bit(Model::has_built_in(), FACE_PREDICT_FEATURE_WEIGHTS)
        | bit(cfg!(feature = "weights-open"), FACE_PREDICT_FEATURE_OPEN_WEIGHTS)
        | bit(cfg!(feature = "all-operators"), FACE_PREDICT_FEATURE_ALL_OPERATORS)
}
