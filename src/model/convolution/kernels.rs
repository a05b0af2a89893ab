//! The parts that the operators of one network share for all sizes of its input: kernels with their weights, and
//! scratch memory.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use face_predict_kernels::{
    ConvShape, OutOfMemory, Patch, Pointwise, Scratch, SimdKind, Size, Winograd,
};
use tract_core::internal::*;

use super::matching::{Fusion, Method};

/// A convolution's kernel with its weights, transformed or packed.
#[derive(Debug)]
pub(super) enum Kernel {
    Winograd(Winograd),
    Patch(Patch),
    Pointwise(Pointwise),
}

impl Kernel {
    pub(super) fn channels_out(&self) -> usize {
        match self {
            Kernel::Winograd(conv) => conv.channels_out(),
            Kernel::Patch(conv) => conv.channels_out(),
            Kernel::Pointwise(conv) => conv.channels_out(),
        }
    }

    pub(super) fn channels_in(&self) -> usize {
        match self {
            Kernel::Winograd(conv) => conv.channels_in(),
            Kernel::Patch(conv) => conv.channels_in(),
            Kernel::Pointwise(conv) => conv.channels_in(),
        }
    }

    pub(super) fn output_size(&self, input: Size) -> Size {
        match self {
            Kernel::Winograd(conv) => conv.output_size(input),
            Kernel::Patch(conv) => conv.output_size(input),
            Kernel::Pointwise(_) => input,
        }
    }
}

/// The properties that a kernel depends on. Two convolutions that agree in all of them share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    method: Method,
    channels_in: usize,
    channels_out: usize,
    relu: bool,
    /// A hash of the weights and the bias. Its keys are random, so that no file can be made to collide.
    hash: u64,
}

/// The kernels of one network. Its weights are the same for every size of the input, so the second size finds most of
/// them here.
///
/// The operators own the kernels, so a kernel that no plan uses any more is freed.
#[derive(Debug)]
pub(super) struct Kernels {
    kind: SimdKind,
    hashes: RandomState,
    made: Mutex<HashMap<Key, Weak<Kernel>>>,
}

impl Kernels {
    pub(super) fn new(kind: SimdKind) -> Self {
        Self { kind, hashes: RandomState::new(), made: Mutex::default() }
    }

    pub(super) fn kind(&self) -> SimdKind {
        self.kind
    }

    /// Returns the number of kernels.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.values().filter(|kernel| kernel.strong_count() > 0).count()
    }

    /// Returns the kernel of a fusion. It is transformed or packed unless it is there already.
    pub(super) fn get(&self, model: &TypedModel, fusion: &Fusion) -> TractResult<Arc<Kernel>> {
        let constant = |outlet: OutletId| {
            let fact = model.outlet_fact(outlet)?;
            fact.konst.clone().context("weights were found constant")
        };
        let weights = constant(model.node(fusion.node).inputs[1])?;
        let weights = weights.try_as_plain_ram()?.as_slice::<f32>()?;
        let bias = match fusion.bias {
            None => vec![0.0; fusion.channels_out],
            Some(outlet) => match *constant(outlet)?.try_as_plain_ram()?.as_slice::<f32>()? {
                [all] => vec![all; fusion.channels_out],
                ref each => each.to_vec(),
            },
        };
        let &Fusion { method, channels_in, channels_out, relu, .. } = fusion;
        let hash = self.hash(weights, &bias);
        let key = Key { method, channels_in, channels_out, relu, hash };
        // The lock is held while the kernel is made, so that two threads do not both make it.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kernel) = made.get(&key).and_then(Weak::upgrade) {
            return Ok(kernel);
        }
        let kernel = Arc::new(self.make(key, weights, &bias)?);
        made.retain(|_, kernel| kernel.strong_count() > 0);
        made.insert(key, Arc::downgrade(&kernel));
        Ok(kernel)
    }

    fn make(&self, key: Key, weights: &[f32], bias: &[f32]) -> Result<Kernel, OutOfMemory> {
        let Key { method, channels_in, channels_out, relu, .. } = key;
        let kind = self.kind;
        Ok(match method {
            Method::Winograd { tiling } => {
                let shape = ConvShape { channels_in, channels_out, tiling, relu };
                Kernel::Winograd(Winograd::new(kind, shape, weights, bias)?)
            }
            Method::Patch { kernel } => {
                Kernel::Patch(Patch::new(kind, kernel, channels_in, weights, bias, relu)?)
            }
            Method::Pointwise => {
                Kernel::Pointwise(Pointwise::new(kind, channels_in, weights, bias, relu)?)
            }
        })
    }

    fn hash(&self, weights: &[f32], bias: &[f32]) -> u64 {
        let mut hasher = self.hashes.build_hasher();
        for numbers in [weights, bias] {
            hasher.write_usize(numbers.len());
            let pairs = numbers.chunks_exact(2);
            pairs.remainder().iter().for_each(|n| hasher.write_u32(n.to_bits()));
            for pair in pairs {
                hasher.write_u64(u64::from(pair[0].to_bits()) << 32 | u64::from(pair[1].to_bits()));
            }
        }
        hasher.finish()
    }
}

/// The scratch memory of one network for all sizes of its input. There is as much as has run at once. All operators of
/// a run use the same piece in turn, so that it stays in the cache. It is freed with the network. Thread-local memory
/// would outlive the network in every thread that ever ran it.
#[derive(Default)]
pub(super) struct ScratchPool(Mutex<Vec<Scratch>>);

impl ScratchPool {
    pub(super) fn take(&self) -> Scratch {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(super) fn give(&self, scratch: Scratch) {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // If there is no memory to keep it, it is dropped, and made anew when it is needed.
        if free.try_reserve(1).is_ok() {
            free.push(scratch);
        }
    }
}

impl fmt::Debug for ScratchPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScratchPool")
    }
}
