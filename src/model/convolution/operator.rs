//! The operator that replaces a convolution, its residual sum and its ReLU in a network.

use std::sync::Arc;

use tract_core::internal::*;

use super::kernels::{Kernel, ScratchPool};

use face_predict_kernels::layout::{padded, to_first, to_last};
use face_predict_kernels::memory::count;
use face_predict_kernels::{OutOfMemory, Scratch, SimdKind, Size};

/// The order of a tensor's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChannelOrder {
    /// `[picture, channel, row, column]`, the order in the model file.
    First,
    /// `[picture, row, column, channel]`, with the channels padded to a multiple of eight. It is used between two of
    /// these operators.
    Last,
}

/// A convolution, its residual sum and its ReLU as one operator of a tract network.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    pub(super) kernel: Arc<Kernel>,
    pub(super) pool: Arc<ScratchPool>,
    pub(super) kind: SimdKind,
    pub(super) images: usize,
    /// Whether the input and the output have an axis for pictures, where channels come first.
    pub(super) batched: bool,
    pub(super) batched_out: bool,
    /// The shape of the input.
    pub(super) size: Size,
    pub(super) input: ChannelOrder,
    pub(super) residual: Option<ChannelOrder>,
    pub(super) output: ChannelOrder,
}

impl PartialEq for Convolution {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kernel, &other.kernel)
            && (self.images, self.size) == (other.images, other.size)
            && (self.batched, self.batched_out) == (other.batched, other.batched_out)
            && (self.input, self.residual, self.output)
                == (other.input, other.residual, other.output)
    }
}

impl Eq for Convolution {}

impl Convolution {
    /// Returns the shape of the input, or that of the output and of the residual.
    fn shape(&self, order: ChannelOrder, input: bool) -> TVec<usize> {
        let (channels, size, batched) = if input {
            (self.kernel.channels_in(), self.size, self.batched)
        } else {
            let size = self.kernel.output_size(self.size);
            (self.kernel.channels_out(), size, self.batched_out)
        };
        let Size { height, width } = size;
        match (order, batched) {
            (ChannelOrder::Last, _) => tvec!(self.images, height, width, padded(channels)),
            (ChannelOrder::First, true) => tvec!(self.images, channels, height, width),
            (ChannelOrder::First, false) => tvec!(channels, height, width),
        }
    }

    fn output_shape(&self) -> TVec<usize> {
        self.shape(self.output, false)
    }

    /// Returns the shapes that the operator reads.
    fn input_shapes(&self) -> TVec<TVec<usize>> {
        std::iter::once(self.shape(self.input, true))
            .chain(self.residual.map(|order| self.shape(order, false)))
            .collect()
    }

    fn compute(
        &self,
        input: &[f32],
        residual: Option<&[f32]>,
        output: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), OutOfMemory> {
        let Size { height, width } = self.size;
        let (pixels, channels) = (height * width, self.kernel.channels_in());
        let out = self.kernel.output_size(self.size);
        let (out_pixels, out_channels) = (out.height * out.width, self.kernel.channels_out());
        let out_lines = count(&[self.images, out_pixels, padded(out_channels)])?;

        let to = match self.output {
            ChannelOrder::Last => &mut *output,
            ChannelOrder::First => scratch.output.grow_to(out_lines)?,
        };
        let last = match (&*self.kernel, self.input) {
            (Kernel::Patch(_), _) | (_, ChannelOrder::Last) => input,
            (_, ChannelOrder::First) => {
                let last =
                    scratch.input.grow_to(count(&[self.images, pixels, padded(channels)])?)?;
                to_last(self.kind, input, channels, pixels, last);
                last
            }
        };
        match &*self.kernel {
            Kernel::Patch(conv) => conv.run(self.images, self.size, input, to),
            Kernel::Pointwise(conv) => conv.run(self.images * pixels, last, to),
            Kernel::Winograd(conv) => {
                let residual = match (residual, self.residual) {
                    (Some(residual), Some(ChannelOrder::First)) => {
                        let last = scratch.residual.grow_to(out_lines)?;
                        to_last(self.kind, residual, out_channels, out_pixels, last);
                        Some(&*last)
                    }
                    (residual, _) => residual,
                };
                let work = (&mut scratch.windows, &mut scratch.products);
                conv.run(self.images, self.size, last, residual, to, work)?;
            }
        }
        if self.output == ChannelOrder::First {
            let last = scratch.output.as_slice();
            to_first(self.kind, &last[..out_lines], out_channels, out_pixels, output);
        }
        Ok(())
    }
}

impl Op for Convolution {
    fn name(&self) -> StaticName {
        match *self.kernel {
            Kernel::Winograd(_) => "FacePredictWinograd".into(),
            Kernel::Patch(_) => "FacePredictPatch".into(),
            Kernel::Pointwise(_) => "FacePredictPointwise".into(),
        }
    }

    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl EvalOp for Convolution {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let shapes = self.input_shapes();
        ensure!(
            inputs.len() == shapes.len(),
            "there are {} inputs, but there must be {}",
            inputs.len(),
            shapes.len()
        );
        for (input, shape) in inputs.iter().zip(&shapes) {
            ensure!(
                input.shape() == &**shape,
                "the input has shape {:?}, but it must be {shape:?}",
                input.shape()
            );
        }
        let shape = self.output_shape();
        let mut output = Tensor::zero_aligned::<f32>(&shape, 64)?;
        let input = inputs[0].try_as_plain_ram()?;
        let residual = inputs.get(1).map(|input| input.try_as_plain_ram()).transpose()?;
        let residual = residual.as_ref().map(|residual| residual.as_slice::<f32>()).transpose()?;
        let mut scratch = self.pool.take();
        let done = self.compute(
            input.as_slice::<f32>()?,
            residual,
            output.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?,
            &mut scratch,
        );
        self.pool.give(scratch);
        done?;
        Ok(tvec!(output.into_tvalue()))
    }
}

impl TypedOp for Convolution {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shapes = self.input_shapes();
        ensure!(
            inputs.len() == shapes.len(),
            "there are {} inputs, but there must be {}",
            inputs.len(),
            shapes.len()
        );
        for (input, shape) in inputs.iter().zip(&shapes) {
            let same = input.shape.as_concrete() == Some(&**shape);
            ensure!(
                same && input.datum_type == f32::datum_type(),
                "the input {input:?} does not have the shape {shape:?}"
            );
        }
        Ok(tvec!(f32::fact(&*self.output_shape())))
    }

    as_op!();
}
