//! The convolution by its definition, in `f64`, and the distance of a kernel from it. The tests and the program that
//! runs on another processor share it.

use face_predict_kernels::layout::{padded, to_first, to_last};
use face_predict_kernels::{Buffer, ConvShape, Patch, Pointwise, SimdKind, Size, Tiling, Winograd};

/// Numbers from -1 to 1 that look random and are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 2.0
    }

    fn take(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// A convolution and its input, with channels first.
#[derive(Clone, Debug)]
pub struct Case {
    pub images: usize,
    pub channels_in: usize,
    pub channels_out: usize,
    pub size: Size,
    pub kernel: usize,
    pub stride: usize,
    pub pad: usize,
    pub relu: bool,
    pub input: Vec<f32>,
    pub weights: Vec<f32>,
    pub bias: Vec<f32>,
    pub residual: Option<Vec<f32>>,
}

impl Case {
    /// Makes a 3 x 3 convolution with a border of one, of random numbers.
    #[allow(clippy::too_many_arguments)]
    pub fn three(
        images: usize,
        channels_in: usize,
        channels_out: usize,
        size: Size,
        stride: usize,
        relu: bool,
        residual: bool,
        seed: u64,
    ) -> Case {
        let mut numbers = Numbers(seed);
        let outputs =
            images * channels_out * size.height.div_ceil(stride) * size.width.div_ceil(stride);
        Case {
            images,
            channels_in,
            channels_out,
            size,
            kernel: 3,
            stride,
            pad: 1,
            relu,
            input: numbers.take(images * channels_in * size.height * size.width),
            weights: numbers.take(channels_in * channels_out * 9),
            bias: numbers.take(channels_out),
            residual: residual.then(|| numbers.take(outputs)),
        }
    }

    /// Makes a patch stem, or a 1 x 1 convolution, of random numbers.
    pub fn patch(
        images: usize,
        channels_in: usize,
        channels_out: usize,
        size: Size,
        kernel: usize,
        relu: bool,
        seed: u64,
    ) -> Case {
        let mut numbers = Numbers(seed);
        Case {
            images,
            channels_in,
            channels_out,
            size,
            kernel,
            stride: kernel,
            pad: 0,
            relu,
            input: numbers.take(images * channels_in * size.height * size.width),
            weights: numbers.take(channels_in * channels_out * kernel * kernel),
            bias: numbers.take(channels_out),
            residual: None,
        }
    }

    pub fn output_size(&self) -> Size {
        let along = |n: usize| (n + 2 * self.pad - self.kernel) / self.stride + 1;
        Size { height: along(self.size.height), width: along(self.size.width) }
    }

    /// Computes it by the definition.
    pub fn naive(&self) -> Vec<f64> {
        let (size, out) = (self.size, self.output_size());
        let mut all = vec![];
        for image in 0..self.images {
            for o in 0..self.channels_out {
                for y in 0..out.height {
                    for x in 0..out.width {
                        let mut sum = f64::from(self.bias[o]);
                        for c in 0..self.channels_in {
                            for i in 0..self.kernel {
                                for j in 0..self.kernel {
                                    let row = (y * self.stride + i).wrapping_sub(self.pad);
                                    let column = (x * self.stride + j).wrapping_sub(self.pad);
                                    if row < size.height && column < size.width {
                                        let plane = (image * self.channels_in + c) * size.height;
                                        let place = (plane + row) * size.width + column;
                                        let tap = (o * self.channels_in + c) * self.kernel + i;
                                        sum += f64::from(self.input[place])
                                            * f64::from(self.weights[tap * self.kernel + j]);
                                    }
                                }
                            }
                        }
                        if let Some(residual) = &self.residual {
                            sum += f64::from(residual[all.len()]);
                        }
                        all.push(if self.relu && sum < 0.0 { 0.0 } else { sum });
                    }
                }
            }
        }
        all
    }

    /// Computes it by the kernels, in lanes of this kind.
    pub fn run(&self, kind: SimdKind) -> Vec<f32> {
        let (size, out) = (self.size, self.output_size());
        let pixels = out.height * out.width;
        let lines = self.images * pixels * padded(self.channels_out);
        let mut to = vec![f32::NAN; lines];
        if self.kernel == 1 {
            let pixels = self.images * pixels;
            let mut from = vec![f32::NAN; pixels * padded(self.channels_in)];
            to_last(kind, &self.input, self.channels_in, size.height * size.width, &mut from);
            Pointwise::new(kind, self.channels_in, &self.weights, &self.bias, self.relu)
                .expect("memory")
                .run(pixels, &from, &mut to);
        } else if self.kernel == self.stride {
            let (weights, bias) = (&self.weights, &self.bias);
            Patch::new(kind, self.kernel, self.channels_in, weights, bias, self.relu)
                .expect("memory")
                .run(self.images, size, &self.input, &mut to);
        } else {
            let shape = ConvShape {
                channels_in: self.channels_in,
                channels_out: self.channels_out,
                tiling: Tiling::fastest(self.stride, size),
                relu: self.relu,
            };
            let conv = Winograd::new(kind, shape, &self.weights, &self.bias).expect("memory");
            let mut from =
                vec![f32::NAN; self.images * size.height * size.width * padded(self.channels_in)];
            to_last(kind, &self.input, self.channels_in, size.height * size.width, &mut from);
            let residual = self.residual.as_ref().map(|residual| {
                let mut last = vec![f32::NAN; lines];
                to_last(kind, residual, self.channels_out, pixels, &mut last);
                last
            });
            let (mut windows, mut products) = (Buffer::default(), Buffer::default());
            let scratch = (&mut windows, &mut products);
            conv.run(self.images, size, &from, residual.as_deref(), &mut to, scratch)
                .expect("memory");
        }
        let mut first = vec![f32::NAN; self.images * pixels * self.channels_out];
        to_first(kind, &to, self.channels_out, pixels, &mut first);
        first
    }

    /// Returns the largest difference as a part of the largest sum of absolute products. Rounding is relative to that
    /// where terms cancel.
    pub fn error(&self, kind: SimdKind) -> f64 {
        let naive = self.naive();
        let fast = self.run(kind);
        assert_eq!(naive.len(), fast.len());
        let largest = |numbers: &[f32]| numbers.iter().fold(0f32, |a, b| a.max(b.abs()));
        let taps = (self.channels_in * self.kernel * self.kernel) as f64;
        let scale =
            f64::from(largest(&self.input)) * f64::from(largest(&self.weights)) * taps.sqrt()
                + f64::from(largest(&self.bias))
                + self.residual.as_deref().map_or(0.0, |residual| f64::from(largest(residual)))
                + f64::MIN_POSITIVE;
        naive
            .iter()
            .zip(&fast)
            .map(|(a, b)| if b.is_finite() { (a - f64::from(*b)).abs() / scale } else { f64::MAX })
            .fold(0.0, f64::max)
    }
}

/// The limit of [`Case::error`] for every kernel.
pub const TOLERANCE: f64 = 1e-5;

/// Shapes that reach every edge case of the kernels. They have maps from 1 x 1 on, channels on and off the multiples of
/// eight and sixteen, both tile sizes, and blocks of tiles that do not divide.
///
/// Shapes of which the definition takes more multiplications than `most` are left out.
pub fn sweep(most: usize) -> Vec<Case> {
    let mut cases = vec![];
    let mut seed = 0;
    // It is asked before the numbers are made, which takes long under Miri.
    let fits = |images: usize, channels: usize, height: usize, width: usize, kernel: usize| {
        images * channels * height * width * kernel * kernel <= most
    };
    for (height, width) in [
        (1, 1),
        (1, 5),
        (2, 2),
        (3, 4),
        (5, 3),
        (6, 6),
        (7, 9),
        (8, 8),
        (12, 12),
        (13, 17),
        (24, 20),
    ] {
        for (channels_in, channels_out) in [(1, 1), (3, 17), (8, 8), (16, 24), (19, 40)] {
            for stride in [1, 2] {
                seed += 1;
                let size = Size { height, width };
                let images = 1 + seed as usize % 2;
                let (relu, sum) = (seed % 3 == 0, seed % 4 == 1);
                let (rows, columns) = (height.div_ceil(stride), width.div_ceil(stride));
                if !fits(images, channels_in * channels_out, rows, columns, 3) {
                    continue;
                }
                cases.push(Case::three(
                    images,
                    channels_in,
                    channels_out,
                    size,
                    stride,
                    relu,
                    sum,
                    seed,
                ));
            }
        }
    }
    for (height, width, kernel) in
        [(4, 4, 4), (9, 17, 4), (32, 28, 4), (6, 7, 2), (16, 24, 8), (9, 11, 1)]
    {
        for (channels_in, channels_out) in [(1, 1), (3, 17), (3, 32), (12, 48)] {
            seed += 1;
            let size = Size { height, width };
            let relu = seed % 2 == 0;
            if !fits(2, channels_in * channels_out, height / kernel, width / kernel, kernel) {
                continue;
            }
            cases.push(Case::patch(2, channels_in, channels_out, size, kernel, relu, seed));
        }
    }
    cases
}
