//! AdamW with state that can be saved, and the schedule of its step size.
//!
//! Our own because tch cannot save an optimiser's state, without which a resumed run would differ from one
//! without a break.

use std::collections::BTreeMap;

use tch::{Kind, Tensor, nn};

/// AdamW (Loshchilov and Hutter 2019); with no decay it is Adam.
pub struct AdamW {
    slots: BTreeMap<String, Slot>,
    decay: f64,
    clip: f64,
    steps: i64,
}

struct Slot {
    value: Tensor,
    mean: Tensor,
    square: Tensor,
    decays: bool,
}

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

impl AdamW {
    /// For the trainable variables of `vars`. Only kernels decay, not biases and norms. `clip` limits the
    /// length of the gradient; 0 leaves it.
    pub fn new(vars: &nn::VarStore, decay: f64, clip: f64) -> Self {
        let slots = vars
            .variables()
            .into_iter()
            .filter(|(_, value)| value.requires_grad())
            .map(|(name, value)| {
                let (mean, square) = (value.zeros_like(), value.zeros_like());
                let decays = value.dim() > 1 && !name.ends_with("pool");
                (name, Slot { mean: mean.detach(), square: square.detach(), value, decays })
            })
            .collect();
        Self { slots, decay, clip, steps: 0 }
    }

    /// One step down the gradient of `loss`. A gradient that is not finite is left out, and false returned.
    pub fn step(&mut self, loss: &Tensor, rate: f64) -> bool {
        // Not `backward`: it adds to gradients that must be cleared first, which is twice the memory traffic.
        let values: Vec<&Tensor> = self.slots.values().map(|slot| &slot.value).collect();
        let grads = Tensor::run_backward(&[loss], &values, false, false);
        tch::no_grad(|| {
            let norms: Vec<Tensor> =
                grads.iter().filter(|g| g.defined()).map(|g| g.norm()).collect();
            let norm = Tensor::stack(&norms, 0).norm().double_value(&[]);
            if !norm.is_finite() {
                return false;
            }
            let scale = if self.clip > 0.0 { (self.clip / norm.max(1e-12)).min(1.0) } else { 1.0 };
            self.steps += 1;
            let (c1, c2) =
                (1.0 - BETA1.powi(self.steps as i32), 1.0 - BETA2.powi(self.steps as i32));
            for (slot, grad) in self.slots.values_mut().zip(grads) {
                if !grad.defined() {
                    continue;
                }
                let decay = if slot.decays { 1.0 - rate * self.decay } else { 1.0 };
                for (start, rows) in chunks(&slot.value) {
                    let part = |tensor: &Tensor| tensor.narrow(0, start, rows);
                    let (mut value, mut mean, mut square) =
                        (part(&slot.value), part(&slot.mean), part(&slot.square));
                    let grad = part(&grad) * scale;
                    if decay < 1.0 {
                        let _ = value.g_mul_scalar_(decay);
                    }
                    let _ = mean.lerp_(&grad, 1.0 - BETA1);
                    let _ = square.g_mul_scalar_(BETA2).addcmul_(&grad, &(&grad * (1.0 - BETA2)));
                    let root = (&square / c2).sqrt() + EPSILON;
                    let _ = value.addcdiv_(&mean, &(root * (-c1 / rate)));
                }
            }
            true
        })
    }

    /// State by name, for a checkpoint.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let mut state = vec![("adam/steps".to_owned(), Tensor::from_slice(&[self.steps]))];
        for (name, slot) in &self.slots {
            state.push((format!("adam/mean/{name}"), slot.mean.shallow_clone()));
            state.push((format!("adam/square/{name}"), slot.square.shallow_clone()));
        }
        state
    }

    /// Takes back what [`AdamW::state`] gave.
    pub fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> anyhow::Result<()> {
        use anyhow::Context;
        let find =
            |name: String| state.get(&name).with_context(|| format!("checkpoint lacks {name}"));
        self.steps = find("adam/steps".into())?.int64_value(&[0]);
        for (name, slot) in &mut self.slots {
            slot.mean.copy_(&find(format!("adam/mean/{name}"))?.to_kind(Kind::Float));
            slot.square.copy_(&find(format!("adam/square/{name}"))?.to_kind(Kind::Float));
        }
        Ok(())
    }
}

/// Parts of `tensor`'s first dimension, as start and length, that stay in the cache through the steps above. The dense
/// layers of the paper networks have 31 and 63 million weights: whole temporaries of that size took half of a step.
fn chunks(tensor: &Tensor) -> impl Iterator<Item = (i64, i64)> {
    const NUMBERS: i64 = 1 << 17;
    let rows = tensor.size()[0];
    let step = (NUMBERS * rows / (tensor.numel() as i64).max(1)).max(1);
    (0..rows).step_by(step as usize).map(move |start| (start, step.min(rows - start)))
}

/// Step size at `step` of `total`: a linear warm-up, then half a cosine down to a hundredth.
pub fn cosine(peak: f64, step: usize, total: usize, warm_up: usize) -> f64 {
    if step < warm_up {
        return peak * (step + 1) as f64 / warm_up as f64;
    }
    let progress = (step - warm_up) as f64 / (total - warm_up).max(1) as f64;
    let floor = 0.01 * peak;
    floor + (peak - floor) * 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
}
