//! AdamW with state that can be saved, and the schedule of the learning rate.
//!
//! It is our own because tch cannot save an optimiser's state. Without that, a resumed run would differ from one
//! without a break. It works on long pieces of memory, and never asks the device for a number. A step that is not
//! finite changes nothing, and is counted on the device.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use tch::{Kind, Tensor};

use crate::flat::{Flat, Span, padded};

/// How the weights move.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The weight decay. Only kernels decay, and not biases and norms.
    pub weight_decay: f64,
    /// The length to which a longer gradient is shortened. 0 turns this off.
    pub grad_clip_norm: f64,
    /// The number that is added to the root of the second moment.
    pub epsilon: f64,
    /// The factor of the learning rate for the heads.
    pub head_lr_scale: f64,
}

/// AdamW (Loshchilov and Hutter 2019). Without decay it is Adam.
pub struct AdamW {
    variables: Vec<Span>,
    slots: Vec<Slot>,
    options: Options,
    /// The steps that were taken.
    steps: Tensor,
    /// The steps that were left out.
    skipped: Tensor,
}

/// Neighbouring variables that are moved together.
struct Slot {
    start: i64,
    /// Their places in the list of variables.
    members: std::ops::Range<usize>,
    value: Tensor,
    mean: Tensor,
    square: Tensor,
    decays: bool,
    scale: f64,
}

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
/// This is added to each number of a gradient. Without it, the mean for a unit that no face excites halves until it is
/// a denormal number, with which a processor calculates a hundred times more slowly. In the study's age network, 94 %
/// of the means had become denormal after seven epochs. The square of this number, and its small distances from the
/// second moment, are not denormal either.
const SMALLEST: f64 = 1e-15;
/// A variable with more numbers is moved alone, because copying its gradient beside others would take longer.
const LARGE: i64 = 1 << 20;

/// Returns whether a variable decays, and whether it belongs to a head.
fn kind(name: &str, value: &Tensor) -> (bool, bool) {
    let decays = value.dim() > 1 && !name.ends_with("pool");
    (decays, name.starts_with("age") || name.starts_with("gender"))
}

/// The order in which [`Flat`] must hold the variables. Those that are moved alike lie beside each other, and then come
/// those that are not moved.
pub fn class(name: &str, value: &Tensor) -> usize {
    let (decays, head) = kind(name, value);
    if value.requires_grad() { usize::from(decays) + 2 * usize::from(head) } else { 4 }
}

impl AdamW {
    /// Makes it for the trainable variables of `flat`, which is sorted by [`class`].
    pub fn new(flat: &Flat, options: Options) -> Self {
        let variables: Vec<Span> =
            flat.spans().iter().filter(|span| span.value.requires_grad()).cloned().collect();
        let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
        for (index, span) in variables.iter().enumerate() {
            let alone = |span: &Span| span.length >= LARGE;
            let joins = groups.last().is_some_and(|group| {
                let before = &variables[group.start];
                kind(&before.name, &before.value) == kind(&span.name, &span.value)
                    && !alone(before)
                    && !alone(span)
            });
            match groups.last_mut().filter(|_| joins) {
                Some(group) => group.end = index + 1,
                None => groups.push(index..index + 1),
            }
        }
        let slot = |members: std::ops::Range<usize>| {
            let (first, last) = (&variables[members.start], &variables[members.end - 1]);
            let (decays, head) = kind(&first.name, &first.value);
            let value = flat.part(&(first.start..padded(last)));
            let (mean, square) = (value.zeros_like(), value.zeros_like());
            let scale = if head { options.head_lr_scale } else { 1.0 };
            Slot { start: first.start, members, value, mean, square, decays, scale }
        };
        let slots = groups.into_iter().map(slot).collect();
        let zero = || Tensor::zeros([], (Kind::Double, flat.all().device()));
        Self { variables, slots, options, steps: zero(), skipped: zero() }
    }

    /// Takes one step down the gradient of `loss`. Returns 1, or 0 if the gradient is not finite and nothing moves.
    pub fn step(&mut self, loss: &Tensor, learning_rate: f64) -> Tensor {
        // `backward` is not used: it adds to gradients that must be cleared first, which is twice the memory traffic.
        let values: Vec<&Tensor> = self.variables.iter().map(|span| &span.value).collect();
        let grads = Tensor::run_backward(&[loss], &values, false, false);
        tch::no_grad(|| {
            let grads: Vec<Tensor> =
                self.slots.iter().map(|slot| self.joined(slot, &grads)).collect();
            let norms: Vec<Tensor> = grads.iter().map(Tensor::norm).collect();
            let norm = Tensor::stack(&norms, 0).norm();
            let fine = norm.isfinite().to_kind(Kind::Double);
            let clip = self.options.grad_clip_norm;
            let shrink: Tensor = if clip > 0.0 {
                (norm.clamp_min(1e-12).reciprocal() * clip).clamp_max(1.0)
            } else {
                norm.ones_like()
            };
            let shrink = shrink.where_self(&norm.isfinite(), &norm.zeros_like());
            self.steps += &fine;
            self.skipped += 1.0 - &fine;
            let steps = self.steps.clamp_min(1.0);
            let undone = |beta: f64| -> Tensor { 1.0 - (&steps * beta.ln()).exp() };
            let (first, second) = (undone(BETA1), undone(BETA2));
            // The weights of the new values in the moments. They are 0 if nothing moves.
            let (w1, w2) = (
                (&fine * (1.0 - BETA1)).to_kind(Kind::Float),
                (&fine * (1.0 - BETA2)).to_kind(Kind::Float),
            );
            let second = second.reciprocal().to_kind(Kind::Float);
            for (slot, grad) in self.slots.iter().zip(&grads) {
                let rate = learning_rate * slot.scale;
                let keep = if slot.decays { 1.0 - rate * self.options.weight_decay } else { 1.0 };
                let keep = (&fine * (keep - 1.0) + 1.0).to_kind(Kind::Float);
                let go = (&fine * -rate / &first).to_kind(Kind::Float);
                for (start, length) in chunks(&slot.value) {
                    let part = |tensor: &Tensor| tensor.narrow(0, start, length);
                    let (mut value, mut mean, mut square) =
                        (part(&slot.value), part(&slot.mean), part(&slot.square));
                    // NaN times zero stays NaN, so it is removed.
                    let mut grad = (part(grad) * &shrink).nan_to_num_(0.0, 0.0, 0.0);
                    let _ = grad.g_add_scalar_(SMALLEST);
                    if slot.decays && self.options.weight_decay > 0.0 {
                        let _ = value.g_mul_(&keep);
                    }
                    let _ = mean.lerp_tensor_(&grad, &w1);
                    let _ = square.lerp_tensor_(&grad.square_(), &w2);
                    let root = (&square * &second).sqrt_().g_add_scalar_(self.options.epsilon);
                    let _ = value.addcdiv_(&(&mean * &go), &root);
                }
            }
            fine
        })
    }

    /// The gradients of a slot in one stretch.
    fn joined(&self, slot: &Slot, grads: &[Tensor]) -> Tensor {
        let flat = |index: usize| {
            let grad = &grads[index];
            let span = &self.variables[index];
            if grad.defined() {
                grad.reshape([-1])
            } else {
                Tensor::zeros([span.length], (Kind::Float, span.value.device()))
            }
        };
        let mut parts = Vec::with_capacity(2 * slot.members.len());
        for index in slot.members.clone() {
            let span = &self.variables[index];
            let padding = padded(span) - span.start - span.length;
            parts.push(flat(index));
            if padding > 0 {
                parts.push(Tensor::zeros([padding], (Kind::Float, span.value.device())));
            }
        }
        if let [one] = &parts[..] { one.shallow_clone() } else { Tensor::cat(&parts, 0) }
    }

    /// Returns the steps that were left out because they were not finite. Waits for the device.
    pub fn skipped(&self) -> f64 {
        self.skipped.double_value(&[])
    }

    /// Returns the state by name, for a checkpoint.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let counts = Tensor::stack(&[&self.steps, &self.skipped], 0).to_kind(Kind::Int64);
        let mut state = vec![("adam/steps".to_owned(), counts.to_device(tch::Device::Cpu))];
        for (span, mean, square) in self.moments() {
            let copy = |tensor: Tensor| tensor.copy().to_device(tch::Device::Cpu);
            state.push((format!("adam/mean/{}", span.name), copy(mean)));
            state.push((format!("adam/square/{}", span.name), copy(square)));
        }
        state
    }

    fn moments(&self) -> impl Iterator<Item = (&Span, Tensor, Tensor)> {
        self.slots.iter().flat_map(|slot| {
            self.variables[slot.members.clone()].iter().map(move |span| {
                let part = |of: &Tensor| {
                    of.narrow(0, span.start - slot.start, span.length).view_as(&span.value)
                };
                (span, part(&slot.mean), part(&slot.square))
            })
        })
    }

    /// Restores the result of [`AdamW::state`].
    pub fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let find =
            |name: String| state.get(&name).with_context(|| format!("checkpoint lacks {name}"));
        let counts = find("adam/steps".into())?;
        let count = |index: i64| counts.get(index).to_kind(Kind::Double);
        tch::no_grad(|| {
            self.steps.copy_(&count(0));
            // Checkpoints up to 0.3.0 have only the steps.
            if counts.numel() > 1 {
                self.skipped.copy_(&count(1));
            }
            for (span, mut mean, mut square) in self.moments() {
                mean.copy_(find(format!("adam/mean/{}", span.name))?);
                square.copy_(find(format!("adam/square/{}", span.name))?);
            }
            Ok(())
        })
    }
}

/// Returns parts of `tensor`, as start and length, that stay in the cache through the steps above. The dense layers of
/// the paper networks have 31 and 63 million weights. Whole temporaries of that size took half of a step. A GPU is
/// faster with whole tensors.
fn chunks(tensor: &Tensor) -> impl Iterator<Item = (i64, i64)> {
    let all = tensor.numel() as i64;
    let step = if tensor.device().is_cuda() { all.max(1) } else { 1 << 17 };
    (0..all).step_by(step as usize).map(move |start| (start, step.min(all - start)))
}

/// Returns the learning rate at `step` of `total`: a linear warm-up, then half a cosine down to a hundredth.
pub fn cosine(peak: f64, step: usize, total: usize, warm_up: usize) -> f64 {
    if step < warm_up {
        return peak * (step + 1) as f64 / warm_up as f64;
    }
    let progress = (step - warm_up) as f64 / (total - warm_up).max(1) as f64;
    let floor = 0.01 * peak;
    floor + (peak - floor) * 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::nn;

    const OPTIONS: Options =
        Options { weight_decay: 0.0, grad_clip_norm: 0.0, epsilon: 1e-8, head_lr_scale: 1.0 };

    fn store(values: &[(&str, &[f32], &[i64])]) -> nn::VarStore {
        let vars = nn::VarStore::new(tch::Device::Cpu);
        for (name, numbers, shape) in values {
            let tensor = Tensor::from_slice(numbers).reshape(*shape);
            let (layer, variable) = name.split_once('.').expect("a layer's variable");
            let _ = (vars.root() / layer).var_copy(variable, &tensor);
        }
        vars
    }

    fn numbers(vars: &nn::VarStore, name: &str) -> Vec<f32> {
        Vec::try_from(vars.variables()[name].detach().reshape([-1])).expect("numbers")
    }

    fn close(found: &[f32], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len());
        let near = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() < 1e-6 * b.abs().max(1.0);
        assert!(found.iter().zip(wanted).all(near), "{found:?} {wanted:?}");
    }

    /// Adam as its paper writes it, for one number.
    fn by_hand(mut x: f64, rate: f64, decay: f64, grads: &[f64]) -> f64 {
        let (mut m, mut v) = (0.0, 0.0);
        for (t, g) in grads.iter().enumerate() {
            let t = t as i32 + 1;
            m = BETA1 * m + (1.0 - BETA1) * g;
            v = BETA2 * v + (1.0 - BETA2) * g * g;
            let (m, v) = (m / (1.0 - BETA1.powi(t)), v / (1.0 - BETA2.powi(t)));
            x = x * (1.0 - rate * decay) - rate * m / (v.sqrt() + 1e-8);
        }
        x
    }

    /// The gradients of this loss are `ga` for a.weight and `gb` for b.bias.
    fn slope(vars: &nn::VarStore, ga: f64, gb: f64) -> Tensor {
        slope_of_a(vars, ga) + vars.variables()["b.bias"].sum(Kind::Float) * gb
    }

    fn slope_of_a(vars: &nn::VarStore, ga: f64) -> Tensor {
        vars.variables()["a.weight"].sum(Kind::Float) * ga
    }

    #[test]
    fn steps_are_those_of_the_paper_and_only_kernels_decay() {
        let vars = store(&[("a.weight", &[1.0, -2.0], &[1, 2]), ("b.bias", &[0.5], &[1])]);
        let flat = Flat::new(&vars, class);
        let mut adam = AdamW::new(&flat, Options { weight_decay: 0.1, ..OPTIONS });
        let grads = [(0.3, -1.0), (0.1, 2.0), (-0.2, 0.0)];
        for (ga, gb) in grads {
            assert_eq!(adam.step(&slope(&vars, ga, gb), 0.01).double_value(&[]), 1.0);
        }
        let (a, b): (Vec<f64>, Vec<f64>) = grads.into_iter().unzip();
        let wanted = [by_hand(1.0, 0.01, 0.1, &a), by_hand(-2.0, 0.01, 0.1, &a)];
        close(&numbers(&vars, "a.weight"), &wanted);
        close(&numbers(&vars, "b.bias"), &[by_hand(0.5, 0.01, 0.0, &b)]);
    }

    #[test]
    fn a_step_that_is_not_finite_changes_nothing_and_is_counted() {
        let vars = store(&[("a.weight", &[1.0, -2.0], &[1, 2]), ("b.bias", &[0.5], &[1])]);
        let flat = Flat::new(&vars, class);
        let mut adam = AdamW::new(&flat, OPTIONS);
        let _ = adam.step(&slope(&vars, 0.3, -1.0), 0.01);
        let (values, state) = (flat.all().copy(), adam.state());
        for bad in [f64::NAN, f64::INFINITY] {
            assert_eq!(adam.step(&slope(&vars, bad, 1.0), 0.01).double_value(&[]), 0.0);
        }
        assert_eq!(values, *flat.all());
        assert_eq!(adam.skipped(), 2.0);
        let moments = |state: &[(String, Tensor)]| -> Vec<Tensor> {
            state[1..].iter().map(|(_, t)| t.shallow_clone()).collect()
        };
        assert_eq!(moments(&state), moments(&adam.state()));
        let _ = adam.step(&slope(&vars, 0.1, 2.0), 0.01);
        close(&numbers(&vars, "b.bias"), &[by_hand(0.5, 0.01, 0.0, &[-1.0, 2.0])]);
    }

    #[test]
    fn a_long_gradient_is_shortened_and_heads_may_learn_faster() {
        let start =
            [("body.weight", &[0.0f32; 2][..], &[1, 2][..]), ("age.weight", &[0.0], &[1, 1])];
        let vars = store(&start);
        let flat = Flat::new(&vars, class);
        let options = Options { grad_clip_norm: 1.0, head_lr_scale: 10.0, epsilon: 1.0, ..OPTIONS };
        let mut adam = AdamW::new(&flat, options);
        let of = |name: &str| vars.variables()[name].sum(Kind::Float);
        // The gradient is (3, 3, 3 sqrt 2), of length 6.
        let _ = adam.step(&(of("body.weight") * 3.0 + of("age.weight") * 18f64.sqrt()), 0.1);
        let moved = |g: f64, rate: f64| -rate * g / (g + 1.0);
        close(&numbers(&vars, "body.weight"), &[moved(0.5, 0.1); 2]);
        close(&numbers(&vars, "age.weight"), &[moved(0.5f64.sqrt(), 1.0)]);
    }

    #[test]
    fn state_comes_back() {
        let make = || store(&[("a.weight", &[1.0, -2.0], &[1, 2]), ("b.bias", &[0.5], &[1])]);
        let (one, two) = (make(), make());
        let (flat_one, flat_two) = (Flat::new(&one, class), Flat::new(&two, class));
        let mut first = AdamW::new(&flat_one, OPTIONS);
        let _ = first.step(&slope(&one, 0.3, -1.0), 0.01);
        let mut second = AdamW::new(&flat_two, OPTIONS);
        second.restore(&first.state().into_iter().collect()).expect("all is there");
        flat_two.all().shallow_clone().copy_(flat_one.all());
        let _ = first.step(&slope(&one, 0.1, 1.0), 0.01);
        let _ = second.step(&slope(&two, 0.1, 1.0), 0.01);
        for name in ["a.weight", "b.bias"] {
            assert_eq!(numbers(&one, name), numbers(&two, name));
        }
    }

    #[test]
    fn moments_without_a_gradient_do_not_become_denormal() {
        let vars = store(&[("a.weight", &[1.0], &[1, 1])]);
        let mut adam = AdamW::new(&Flat::new(&vars, class), OPTIONS);
        let _ = adam.step(&slope_of_a(&vars, 1.0), 0.01);
        let small = f64::from(f32::MIN_POSITIVE);
        // Without the smallest gradient, the mean is denormal after 830 steps, and the square after 87,000.
        for _ in 0..1000 {
            let _ = adam.step(&slope_of_a(&vars, 0.0), 1e-9);
        }
        let state: BTreeMap<String, Tensor> = adam.state().into_iter().collect();
        assert!(state["adam/mean/a.weight"].double_value(&[0, 0]) > small);
        // The square of a weight that never had a gradient moves towards that of the smallest gradient.
        let still = store(&[("a.weight", &[1.0], &[1, 1])]);
        let mut adam = AdamW::new(&Flat::new(&still, class), OPTIONS);
        for _ in 0..6000 {
            let _ = adam.step(&slope_of_a(&still, 0.0), 0.001);
        }
        let state: BTreeMap<String, Tensor> = adam.state().into_iter().collect();
        let square = state["adam/square/a.weight"].double_value(&[0, 0]);
        let distance = SMALLEST * SMALLEST - square;
        assert!(square > small && (distance == 0.0 || distance.abs() > small), "{square:e}");
        // Such a weight stays where it is.
        assert_eq!(numbers(&still, "a.weight"), [1.0]);
    }

    #[test]
    fn the_rate_rises_then_falls_to_a_hundredth() {
        assert_eq!(cosine(1.0, 0, 100, 10), 0.1);
        assert_eq!(cosine(1.0, 9, 100, 10), 1.0);
        assert!((cosine(1.0, 55, 100, 10) - 0.505).abs() < 1e-9);
        assert!((cosine(1.0, 100, 100, 10) - 0.01).abs() < 1e-9);
        assert_eq!(cosine(1.0, 3, 3, 5), 0.8);
    }
}
