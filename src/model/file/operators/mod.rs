//! ONNX operators, translated to those of the engine.
//!
//! tract-onnx reads every operator of ONNX, and its table keeps the code of all of them in the library: a quarter of
//! the size. The [`table`] here has those that networks on pictures are made of. A node that is not in the table, or
//! not in this form, is refused. With the feature `all-operators`, tract-onnx then reads the graph.
//!
//! The size of the picture is known before anything is read. So each operator goes straight into the typed graph, and
//! nothing has to be inferred backwards.

mod activations;
mod arithmetic;
pub(super) mod arrays;
mod layers;
mod reductions;
pub(super) mod row;
mod site;
mod slices;
pub(super) mod table;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use tract_core::internal::*;

use super::onnx::{GraphProto, NodeProto};
#[cfg(feature = "all-operators")]
pub(super) use site::Wrong;
use site::{Site, constant, ensure_right, value};

/// Returns the typed graph that computes `outputs` from one picture, `fact`. Nodes that no output depends on are left
/// out.
pub(super) fn build(
    graph: &GraphProto,
    opset: i64,
    picture: (&str, TypedFact),
    outputs: &[&str],
) -> TractResult<TypedModel> {
    let mut model = TypedModel::default();
    let mut wires: HashMap<&str, OutletId> = HashMap::new();
    wires.insert(picture.0, model.add_source(picture.0, picture.1)?);

    let mut needed: HashSet<&str> = outputs.iter().copied().collect();
    let mut nodes: Vec<&NodeProto> = Vec::new();
    for node in graph.node.iter().rev() {
        if node.output.iter().any(|name| needed.contains(name.as_str())) {
            needed.extend(node.input.iter().map(String::as_str).filter(|name| !name.is_empty()));
            nodes.push(node);
        }
    }
    for proto in &graph.initializer {
        if needed.contains(proto.name.as_str()) && !wires.contains_key(proto.name.as_str()) {
            let wire = constant(&mut model, &proto.name, proto.read()?.into_arc_tensor())?;
            wires.insert(&proto.name, wire);
        }
    }
    for node in nodes.into_iter().rev() {
        let name = node.output.iter().find(|name| !name.is_empty()).map_or("", String::as_str);
        let inputs = node
            .input
            .iter()
            .map(|name| match (name.as_str(), wires.get(name.as_str())) {
                ("", _) => Ok(None),
                (_, Some(wire)) => Ok(Some(*wire)),
                (_, None) => bail!("reads {name:?}, which no node computes"),
            })
            .collect::<TractResult<Vec<_>>>();
        let given = inputs
            .and_then(|inputs| place(&mut model, Site { node, opset, name, inputs }))
            .with_context(|| format!("node {:?} ({})", node.name, node.op_type))?;
        for (name, wire) in node.output.iter().zip(given).filter(|(name, _)| !name.is_empty()) {
            wires.insert(name, wire);
        }
    }
    let outputs = outputs
        .iter()
        .map(|name| wires.get(name).copied().with_context(|| format!("no node computes {name:?}")))
        .collect::<TractResult<Vec<_>>>()?;
    model.select_output_outlets(&outputs)?;
    Ok(model)
}

/// Operators whose first input may have no numbers, and those whose further inputs may have none.
const FIRST_MAY_BE_EMPTY: [&str; 5] = ["Cast", "Concat", "ConstantOfShape", "Identity", "Shape"];
const FURTHER_MAY_BE_EMPTY: [&str; 9] =
    ["Concat", "Expand", "Pad", "Reshape", "Resize", "Slice", "Split", "Squeeze", "Unsqueeze"];

/// Refuses inputs without numbers, unless they are lists. The engine takes all numbers of a constant for equal if there
/// are none, and would read the first.
fn check_numbers(model: &TypedModel, site: &Site<'_>) -> TractResult<()> {
    let operator = site.node.op_type.as_str();
    for (index, wire) in site.inputs.iter().enumerate() {
        let Some(wire) = wire else { continue };
        let shape = &model.outlet_fact(*wire)?.shape;
        let may_be_empty = if index == 0 {
            FIRST_MAY_BE_EMPTY.contains(&operator)
        } else {
            FURTHER_MAY_BE_EMPTY.contains(&operator) || operator.starts_with("Reduce")
        };
        let empty = shape.as_concrete().is_some_and(|sizes| sizes.contains(&0));
        ensure_right(may_be_empty || !empty, || {
            format!("input {index} of shape {shape:?} has no numbers")
        })?;
    }
    Ok(())
}

/// Puts a node into the graph. If all of its inputs are constant, it is computed at once.
fn place(model: &mut TypedModel, mut site: Site<'_>) -> TractResult<TVec<OutletId>> {
    // Other domains have operators with the same names.
    let domain = &site.node.domain;
    ensure!(domain.is_empty() || domain == "ai.onnx", "operators of {domain:?} are not supported");
    let operator = &site.node.op_type;
    let operator =
        table::find(operator).with_context(|| format!("{operator:.60} is not supported"))?;
    operator.check(&site)?;
    check_numbers(model, &site)?;
    let values: Option<Vec<Arc<Tensor>>> =
        site.inputs.iter().flatten().map(|wire| value(model, *wire)).collect();
    let Some(values) = values else {
        return operator.place(&site, model);
    };
    let mut apart = TypedModel::default();
    for (i, (input, value)) in site.inputs.iter_mut().flatten().zip(values).enumerate() {
        *input = constant(&mut apart, &i.to_string(), value)?;
    }
    let wires = operator.place(&site, &mut apart)?;
    apart.select_output_outlets(&wires)?;
    let computed = apart.into_runnable()?.run(tvec!())?;
    computed
        .into_iter()
        .enumerate()
        .map(|(i, value)| constant(model, &format!("{}.{i}", site.name), value.into_arc_tensor()))
        .collect()
}
