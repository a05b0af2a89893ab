//! Where tensors live.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use tch::Device;

const TRIED: &str = "FACE_TRAIN_CUDA_PRELOADED";

/// `cpu` or `cuda`. The program is linked with the processor's part of libtorch alone, so that it runs where there is
/// no CUDA; the other part is preloaded by starting the program anew, the one way without unsafe code.
pub fn open(name: &str) -> Result<Device> {
    match name {
        "cpu" => Ok(Device::Cpu),
        "cuda" if tch::Cuda::is_available() => Ok(Device::Cuda(0)),
        "cuda" => {
            ensure!(std::env::var_os(TRIED).is_none(), "libtorch_cuda.so finds no CUDA device");
            let library = library().context(
                "no libtorch_cuda.so: set LIBTORCH to a libtorch of CUDA, the same version as the one built with",
            )?;
            let mut arguments = std::env::args_os();
            let program = std::env::current_exe()
                .ok()
                .or_else(|| arguments.next().map(PathBuf::from))
                .context("the program's own name is unknown")?;
            let error = std::process::Command::new(program)
                .args(std::env::args_os().skip(1))
                .env("LD_PRELOAD", &library)
                .env(TRIED, "1")
                .exec();
            Err(error).with_context(|| format!("starting again with {}", library.display()))
        }
        other => bail!("device is {other:?}, it must be cpu or cuda"),
    }
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
