//! The sizes of a network whose weights come from a model file.

use std::path::Path;

use tch::Tensor;
use toml::{Table, Value};

use crate::onnx;

/// Returns the settings `channels` and `blocks` of the estimator in a model file. Of a file with another network it
/// returns nothing, and loading the weights then says what does not fit.
pub fn sizes(path: &Path) -> Option<Table> {
    let weights = onnx::constants(&onnx::decode(&std::fs::read(path).ok()?).ok()?).ok()?;
    let mut shapes = (0..).map_while(|i| weights.get(&format!("conv{i}.weight"))).map(Tensor::size);
    let first = shapes.next()?;
    // A stem of two convolutions has sides of 3, and a single one has patches of 4.
    let stem = if *first.get(2)? == 3 { shapes.next()? } else { first };
    let (mut channels, mut blocks) = (vec![*stem.first()?], vec![0]);
    for shape in shapes {
        let [to, from, ..] = shape[..] else { return None };
        if to == from {
            *blocks.last_mut()? += 1;
        } else {
            // The next stage begins with another number of channels.
            channels.push(to);
            blocks.push(0);
        }
    }
    let mut sizes = Table::new();
    sizes.insert("channels".into(), Value::from(channels));
    sizes.insert("blocks".into(), Value::from(blocks));
    Some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_the_sizes_of_its_network() {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
        let of =
            |name: &str| sizes(Path::new(&format!("{models}/{name}.onnx"))).map(|t| t.to_string());
        let told = |channels: &str, blocks: &str| {
            Some(format!("blocks = [{blocks}]\nchannels = [{channels}]\n"))
        };
        assert_eq!(of("base"), told("48, 96, 192", "4, 8, 3"));
        assert_eq!(of("base-open"), told("48, 96, 192", "4, 6, 2"));
        assert_eq!(of("tiny"), told("32, 64, 96", "2, 6, 2"));
        assert_eq!(of("missing"), None);
    }
}
