//! A network's variables in one piece of memory. The optimiser, the average and the checks then take a few operations
//! on long tensors, instead of hundreds on short ones.

use std::ops::Range;

use tch::{Tensor, nn};

/// Variables are padded to whole cache lines, which suits vector instructions and cuDNN.
const ALIGN: i64 = 16;

/// The place of a variable.
#[derive(Debug)]
pub struct Span {
    /// Its name.
    pub name: String,
    /// The variable itself, which shares the memory.
    pub value: Tensor,
    /// Its first number.
    pub start: i64,
    /// The count of its numbers, without the padding.
    pub length: i64,
}

impl Clone for Span {
    fn clone(&self) -> Self {
        let (name, value) = (self.name.clone(), self.value.shallow_clone());
        Self { name, value, ..*self }
    }
}

/// All variables of a store.
pub struct Flat {
    all: Tensor,
    spans: Vec<Span>,
}

impl Flat {
    /// Moves the variables of `vars`, sorted by `class`, then by name.
    pub fn new(vars: &nn::VarStore, class: impl Fn(&str, &Tensor) -> usize) -> Self {
        let mut variables: Vec<(String, Tensor)> = vars.variables().into_iter().collect();
        variables.sort_by_cached_key(|(name, value)| (class(name, value), name.clone()));
        let mut start = 0;
        let mut spans = Vec::with_capacity(variables.len());
        for (name, value) in variables {
            let length = value.numel() as i64;
            spans.push(Span { name, value, start, length });
            start += (length + ALIGN - 1) / ALIGN * ALIGN;
        }
        let all = tch::no_grad(|| {
            let all = Tensor::zeros([start], (tch::Kind::Float, vars.device()));
            for span in &mut spans {
                let place = all.narrow(0, span.start, span.length).view_as(&span.value);
                place.shallow_clone().copy_(&span.value.detach());
                span.value.set_data(&place);
            }
            all
        });
        Self { all, spans }
    }

    /// Returns the numbers of all variables, with the padding.
    pub fn all(&self) -> &Tensor {
        &self.all
    }

    /// The variables, in the order of their places.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Returns the range of the variables that `wanted` picks. They must be neighbours.
    pub fn range(&self, wanted: impl Fn(&Span) -> bool) -> Range<i64> {
        let mut of = self.spans.iter().filter(|span| wanted(span));
        let Some(first) = of.next() else { return 0..0 };
        let last = of.next_back().unwrap_or(first);
        first.start..padded(last)
    }

    /// The numbers of a range.
    pub fn part(&self, range: &Range<i64>) -> Tensor {
        self.all.narrow(0, range.start, range.end - range.start)
    }
}

/// The end of a variable and its padding.
pub fn padded(span: &Span) -> i64 {
    span.start + (span.length + ALIGN - 1) / ALIGN * ALIGN
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::nn::Module;

    #[test]
    fn a_network_computes_the_same_and_moves_with_its_memory() {
        tch::manual_seed(3);
        let vars = nn::VarStore::new(tch::Device::Cpu);
        let layer = nn::linear(vars.root() / "a", 5, 3, nn::LinearConfig::default());
        let x = Tensor::randn([2, 5], tch::kind::FLOAT_CPU);
        let before = layer.forward(&x);
        let flat = Flat::new(&vars, |name, _| usize::from(name.ends_with("weight")));
        assert_eq!(before, layer.forward(&x));
        assert_eq!(flat.spans()[0].name, "a.bias");
        let weights = flat.range(|span| span.name.ends_with("weight"));
        assert_eq!(weights, 16..32);
        tch::no_grad(|| drop(flat.part(&weights).zero_()));
        let bias = layer.bs.as_ref().expect("a bias");
        assert_eq!(layer.forward(&x), bias.expand([2, 3], false));
        assert!(layer.ws.requires_grad());
    }
}
