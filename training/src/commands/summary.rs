//! Prints a network's layers.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tch::nn;

use crate::model::paper::thousands;
use crate::model::{Arch, NAMES};
use crate::onnx::{Graph, Storage};

#[derive(Args, Debug)]
#[command(after_help = "Example: face-train summary --arch paper-age")]
pub struct Summary {
    /// Name of the network.
    #[arg(long, help = format!("Network: {NAMES}"))]
    arch: String,
    /// Write the untrained network to this file as ONNX, to be timed.
    #[arg(long)]
    onnx: Option<PathBuf>,
}

impl Summary {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let arch = Arch::named(&self.arch)?;
        if let Arch::Paper(paper) = &arch {
            println!("{:40} {:>14} {:>12}", "layer", "output", "parameters");
            for layer in paper.layers() {
                let count = thousands(layer.parameters);
                println!("{:40} {:>14} {count:>12}", layer.name, layer.output);
            }
        }
        let vars = nn::VarStore::new(tch::Device::Cpu);
        let net = arch.build(&vars.root());
        if let Some(path) = &self.onnx {
            let (mut graph, image) = match arch {
                Arch::Detector(_) => Graph::of_any_size(&self.arch, Storage::F32),
                _ => Graph::new(&self.arch, arch.side(), arch.side(), Storage::F32),
            };
            net.export(&mut graph, &image)?;
            crate::files::replace_bytes(path, &graph.finish(Vec::new()))?;
        }
        if !matches!(arch, Arch::Paper(_)) {
            println!("{:40} {:>14} {:>12}", "variable", "shape", "parameters");
            let mut variables: Vec<_> = vars.variables().into_iter().collect();
            variables.sort_by(|a, b| a.0.cmp(&b.0));
            for (name, value) in variables {
                let shape: Vec<String> = value.size().iter().map(i64::to_string).collect();
                println!(
                    "{name:40} {:>14} {:>12}",
                    shape.join(" x "),
                    thousands(value.numel() as i64)
                );
            }
        }
        let size =
            |tensors: Vec<tch::Tensor>| tensors.iter().map(tch::Tensor::numel).sum::<usize>();
        let total = size(vars.variables().into_values().collect());
        let trained = size(vars.trainable_variables());
        println!(
            "total {}; trained {}; not trained {}; {:.1} million multiplications a picture",
            thousands(total as i64),
            thousands(trained as i64),
            thousands((total - trained) as i64),
            arch.mega_macs()
        );
        Ok(())
    }
}
