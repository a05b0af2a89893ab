//! Replaces the fusions that were found by operators.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tract_core::internal::*;

use super::kernels::{Kernels, ScratchPool};
use super::matching::{Fusion, Method, find_fusions};
use super::operator::{ChannelOrder, Convolution};

/// Puts operators into a network. They share `kernels` and `pool` with the operators of the same network for other
/// sizes.
pub(super) fn rewrite(
    mut model: TypedModel,
    kernels: &Kernels,
    pool: &Arc<ScratchPool>,
) -> TractResult<(TypedModel, usize)> {
    let order = model.eval_order()?;
    let mut fusions = find_fusions(&model, &order)?;
    if fusions.is_empty() {
        return Ok((model, 0));
    }
    // An operator takes the place of its last part, since all that it reads exists there.
    let place: HashMap<usize, usize> = order.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    fusions.sort_by_key(|fusion| place[&fusion.result.node]);

    let last = channels_last(&model, &fusions);
    let channels =
        |outlet| if last.contains(&outlet) { ChannelOrder::Last } else { ChannelOrder::First };
    let mut patch = TypedModelPatch::new("convolutions");
    let mut wires: HashMap<OutletId, OutletId> = HashMap::new();
    for fusion in &fusions {
        let input = model.node(fusion.node).inputs[0];
        let residual = fusion.residual.map(|inlet| model.node(inlet.node).inputs[inlet.slot]);
        let mut inputs = tvec!();
        for outlet in std::iter::once(input).chain(residual) {
            inputs.push(match wires.get(&outlet) {
                Some(wire) => *wire,
                None => patch.tap_model(&model, outlet)?,
            });
        }
        let op = Convolution {
            kernel: kernels.get(&model, fusion)?,
            pool: Arc::clone(pool),
            kind: kernels.kind(),
            images: fusion.images,
            batched: fusion.batched,
            batched_out: fusion.batched_out,
            size: fusion.size,
            input: channels(input),
            residual: residual.map(channels),
            output: channels(fusion.result),
        };
        let wire = patch.wire_node(&model.node(fusion.result.node).name, op, &inputs)?[0];
        wires.insert(fusion.result, wire);
        if channels(fusion.result) == ChannelOrder::First {
            patch.shunt_outside(&model, fusion.result, wire)?;
        }
    }
    patch.apply(&mut model)?;
    model.compact()?;
    Ok((model, fusions.len()))
}

/// Returns the results that only the new operators read. Their channels may come last.
fn channels_last(model: &TypedModel, fusions: &[Fusion]) -> HashSet<OutletId> {
    // A patch stem reads a picture as it is.
    let readers: HashSet<InletId> = fusions
        .iter()
        .filter(|fusion| !matches!(fusion.method, Method::Patch { .. }))
        .flat_map(|fusion| std::iter::once(InletId::new(fusion.node, 0)).chain(fusion.residual))
        .collect();
    fusions
        .iter()
        .map(|fusion| fusion.result)
        .filter(|result| {
            !model.outputs.contains(result)
                && model.outlet_successors(*result).iter().all(|inlet| readers.contains(inlet))
        })
        .collect()
}
