//! Prints a model file's card.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use face_predict::{AgeSpec, Metadata};

use crate::model::paper::thousands;
use crate::onnx;

/// Prints the description in a model file.
#[derive(Args, Debug)]
#[command(after_help = "Example: face-train inspect base.onnx")]
pub struct Inspect {
    /// ONNX file.
    file: PathBuf,
}

impl Inspect {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let shown = self.file.display();
        let bytes = std::fs::read(&self.file).with_context(|| format!("{shown}"))?;
        let model = onnx::decode(&bytes).with_context(|| format!("{shown}"))?;
        let props = model.metadata_props.iter().map(|p| (p.key.as_str(), p.value.as_str()));
        let card = Metadata::from_props(props).with_context(|| format!("{shown}"))?;
        let graph = model.graph.unwrap_or_default();
        let weights: i64 = graph.initializer.iter().map(|t| t.dims.iter().product::<i64>()).sum();
        let task = serde_json::to_value(card.task)?;
        println!("name      {} {}", card.name, card.version);
        println!("task      {}", task.as_str().unwrap_or_default());
        println!(
            "file      {} bytes, {} weights",
            thousands(bytes.len() as i64),
            thousands(weights)
        );
        println!("licence   {}", card.license);
        println!("data      {}", card.data);
        println!("revision  {}", card.revision);
        println!("input     {}", serde_json::to_string(&card.input)?);
        match &card.age {
            Some(AgeSpec::Distribution { first, count, temperature, .. }) => {
                println!("age       {count} years from {first}, temperature {temperature:.3}");
            }
            Some(AgeSpec::Regression { residuals, .. }) => {
                println!("age       in years, {} residual quantiles", residuals.len());
            }
            _ => {}
        }
        if let Some(gender) = &card.gender {
            println!(
                "gender    positive is {:?}, temperature {:.3}, threshold {}",
                gender.positive, gender.temperature, gender.threshold
            );
        }
        if let Some(detect) = &card.detect {
            println!("detect    {}", serde_json::to_string(detect)?);
        }
        println!("written   {} {}", model.producer_name, model.producer_version);
        let mut operators = std::collections::BTreeMap::<&str, usize>::new();
        for node in &graph.node {
            *operators.entry(&node.op_type).or_default() += 1;
        }
        let operators: Vec<_> = operators.iter().map(|(op, n)| format!("{op} {n}")).collect();
        println!("operators {}", operators.join(", "));
        Ok(())
    }
}
