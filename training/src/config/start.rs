//! The layers of a network whose weights come from a model file.

use std::path::Path;

use tch::Tensor;
use toml::Value;

use crate::onnx;

/// Returns the setting `blocks` of the estimator in a model file. Of a file whose stages have other channels than
/// `channels` it returns nothing. Loading the weights then says what does not fit.
pub fn blocks(path: &Path, channels: &[i64]) -> Option<Value> {
    let weights = onnx::constants(&onnx::decode(&std::fs::read(path).ok()?).ok()?).ok()?;
    let mut shapes = (0..).map_while(|i| weights.get(&format!("conv{i}.weight"))).map(Tensor::size);
    let first = shapes.next()?;
    // A stem of two convolutions has sides of 3, and a single one has patches of 4.
    let stem = if *first.get(2)? == 3 { shapes.next()? } else { first };
    let (mut found, mut blocks) = (vec![*stem.first()?], vec![0]);
    for shape in shapes {
        let [to, from, ..] = shape[..] else { return None };
        if to == from {
            *blocks.last_mut()? += 1;
        } else {
            // The next stage begins with another number of channels.
            found.push(to);
            blocks.push(0);
        }
    }
    (found == channels).then(|| Value::from(blocks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_the_layers_of_its_network() {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
        let of = |name: &str, channels: [i64; 3]| {
            blocks(Path::new(&format!("{models}/{name}.onnx")), &channels).map(|b| b.to_string())
        };
        let (base, tiny) = ([48, 96, 192], [32, 64, 96]);
        assert_eq!(of("base", base).as_deref(), Some("[4, 8, 3]"));
        assert_eq!(of("base-open", base).as_deref(), Some("[4, 6, 2]"));
        assert_eq!(of("tiny", tiny).as_deref(), Some("[2, 6, 2]"));
        assert_eq!(of("tiny", base), None);
        assert_eq!(of("missing", base), None);
    }
}
