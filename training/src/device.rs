//! The device of the tensors.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tch::{Device, Kind, Tensor};

const TRIED: &str = "FACE_TRAIN_CUDA_PRELOADED";

/// Chooses `cpu`, `cuda`, or `auto`, which is a GPU if there is one. The program is linked only with the processor's
/// part of libtorch, so that it runs without CUDA. The other part is preloaded by starting the program again, which is
/// the only way without unsafe code.
pub fn open(name: &str) -> Result<Device> {
    match name {
        "cpu" => Ok(Device::Cpu),
        "auto" => automatic(),
        "cuda" if tch::Cuda::is_available() => Ok(Device::Cuda(0)),
        "cuda" => {
            ensure!(std::env::var_os(TRIED).is_none(), "libtorch_cuda.so finds no CUDA device");
            let library = library().context(
                "no libtorch_cuda.so: set LIBTORCH to a libtorch of CUDA, the same version as the one built with",
            )?;
            start_again(&library)
        }
        other => bail!("device is {other:?}, but it must be auto, cpu or cuda"),
    }
}

/// Moves a tensor to a device, as another kind of number.
pub fn upload(tensor: Tensor, device: Device, kind: Kind) -> Tensor {
    if device.is_cuda() {
        let pinned = tensor.pin_memory(device);
        return pinned.to_device_(device, pinned.kind(), true, false).to_kind(kind);
    }
    tensor.to_kind(kind)
}

/// Chooses a GPU if there is one and a libtorch for it. Otherwise it chooses the processor, and says why if somebody
/// may wonder.
fn automatic() -> Result<Device> {
    if tch::Cuda::is_available() {
        return Ok(Device::Cuda(0));
    }
    if !Path::new("/dev/nvidiactl").exists() {
        return Ok(Device::Cpu);
    }
    if std::env::var_os(TRIED).is_some() {
        eprintln!("libtorch_cuda.so finds no CUDA device: on the CPU");
        return Ok(Device::Cpu);
    }
    match library() {
        Some(library) => start_again(&library),
        None => {
            eprintln!("there is a GPU, and no libtorch_cuda.so (training/README.md): on the CPU");
            Ok(Device::Cpu)
        }
    }
}

/// Starts the program again with `library` preloaded.
fn start_again(library: &Path) -> Result<Device> {
    let mut arguments = std::env::args_os();
    let program = std::env::current_exe()
        .ok()
        .or_else(|| arguments.next().map(PathBuf::from))
        .context("the program's own name is unknown")?;
    let error = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .env("LD_PRELOAD", library)
        .env(TRIED, "1")
        .exec();
    Err(error).with_context(|| format!("starting again with {}", library.display()))
}

fn library() -> Option<PathBuf> {
    let libtorch = std::env::var_os("LIBTORCH").map(|dir| PathBuf::from(dir).join("lib"));
    let paths = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    libtorch
        .into_iter()
        .chain(std::env::split_paths(&paths))
        .map(|dir| dir.join("libtorch_cuda.so"))
        .find(|file| file.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_found_or_named() {
        assert_eq!(open("cpu").expect("always there"), Device::Cpu);
        // Tests both a machine without a GPU, on which tests run, and one with it.
        assert!(matches!(open("auto").expect("one of both"), Device::Cpu | Device::Cuda(0)));
        let error = open("gpu").expect_err("no such device").to_string();
        assert!(error.contains("auto, cpu or cuda"), "{error}");
    }
}
