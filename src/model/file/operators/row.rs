//! One row of the table of operators.

use tract_core::internal::*;

use super::site::Site;
#[cfg(test)]
use crate::model::onnx::Onnx;

/// A row.
pub(in crate::model::file) struct Operator {
    pub(super) name: &'static str,
    /// The number of inputs that it may have, at least and at most.
    pub(super) inputs: (usize, usize),
    /// The attributes that are obeyed, or that change nothing in the supported cases. A node with another attribute is
    /// refused.
    pub(super) attributes: &'static [&'static str],
    /// The other conditions in words, for the documents and for the message of a refusal.
    pub(super) bounds: &'static str,
    /// The size of the answer when all inputs are constant.
    pub(in crate::model::file) growth: Growth,
    /// The function that puts a node into the graph.
    pub(super) wire: fn(&Site<'_>, &mut TypedModel) -> TractResult<TVec<OutletId>>,
    #[cfg(test)]
    pub(super) cases: &'static [Case],
}

/// Any number of inputs is allowed.
pub(super) const ANY: usize = usize::MAX;

/// How many numbers an answer can have when all inputs are constant. It is then computed while the file loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model::file) enum Growth {
    /// The answer has the shape of the first input.
    Same,
    /// The answer has no more numbers than the first input.
    NoLarger,
    /// The answer has as many numbers as all inputs together.
    Sum,
    /// The answer has the shape to which the inputs are broadcast.
    Broadcast,
    /// The answer has no more numbers than the product of the inputs' numbers.
    Product,
    /// The answer is the value of an attribute.
    Attribute,
    /// The last input lists a shape, and the answer has that shape after broadcasting with the other inputs.
    Listed,
    /// The answer has few numbers, whatever the node reads.
    Few,
    /// The size is not known. The node is refused when all inputs are constant.
    Unbounded,
}

/// How a row is tested.
#[cfg(test)]
pub(super) enum Case {
    /// The test reads the picture alone.
    Alone,
    /// The test reads positive numbers alone.
    Positive,
    /// The test reads the picture and constants that are broadcast in four ways.
    Broadcast,
    /// The same, and the answer, which is true or false, is compared as numbers.
    Compare,
    /// The test has graphs of operator set 17.
    Graph(Body),
    /// The test has a graph of another set.
    InSet(i64, Body),
}

/// A function that makes another wire of the picture's wire.
#[cfg(test)]
pub(super) type Body = fn(&mut Onnx, &str) -> String;

impl Operator {
    /// Puts a node into the graph.
    pub(super) fn place(
        &self,
        site: &Site<'_>,
        model: &mut TypedModel,
    ) -> TractResult<TVec<OutletId>> {
        let placed = (self.wire)(site, model);
        if self.bounds.is_empty() {
            return placed;
        }
        placed.with_context(|| format!("supported: {}", self.bounds))
    }

    /// Refuses a node that does not keep the conditions of its row.
    pub(super) fn check(&self, site: &Site<'_>) -> TractResult<()> {
        let (least, most) = self.inputs;
        let given = site.inputs.len();
        ensure!(
            (least..=most).contains(&given),
            "the node has {given} inputs, but {least} to {most} are supported"
        );
        let known = |name: &str| self.attributes.contains(&name);
        match site.node.attribute.iter().find(|attribute| !known(&attribute.name)) {
            Some(other) => bail!("{:.60} is not supported", other.name),
            None => Ok(()),
        }
    }
}
