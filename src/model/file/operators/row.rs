//! A row of the table of operators.

use tract_core::internal::*;

use super::site::Site;
#[cfg(test)]
use crate::model::onnx::Onnx;

/// A row.
pub(in crate::model::file) struct Operator {
    pub(super) name: &'static str,
    /// How many inputs it may have, at least and at most.
    pub(super) inputs: (usize, usize),
    /// Attributes that are obeyed, or that change nothing in what is supported. A node with another is refused.
    pub(super) attributes: &'static [&'static str],
    /// What else must hold, in words: for the documents, and for the message where it does not.
    pub(super) bounds: &'static str,
    /// How large its answer can be when all its inputs are constant.
    pub(in crate::model::file) growth: Growth,
    /// Puts it into the graph.
    pub(super) wire: fn(&Site<'_>, &mut TypedModel) -> TractResult<TVec<OutletId>>,
    #[cfg(test)]
    pub(super) cases: &'static [Case],
}

/// As many inputs as one likes.
pub(super) const ANY: usize = usize::MAX;

/// How many numbers an answer can have when all inputs are constant, so that it is computed while the file loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model::file) enum Growth {
    /// The shape of the first input.
    Same,
    /// No more numbers than the first input.
    NoLarger,
    /// As many as all inputs together.
    Sum,
    /// The shape to which the inputs broadcast.
    Broadcast,
    /// No more than the product of the inputs' numbers.
    Product,
    /// What its attribute holds.
    Attribute,
    /// The shape that its last input lists, broadcast with the shapes of those before.
    Listed,
    /// Few, whatever it reads.
    Few,
    /// Not known: refused when all inputs are constant.
    Unbounded,
}

/// How a row is tested.
#[cfg(test)]
pub(super) enum Case {
    /// On the picture alone.
    Alone,
    /// On positive numbers alone.
    Positive,
    /// On the picture and constants that broadcast in four ways.
    Broadcast,
    /// The same, and the answer, which is true or false, as numbers.
    Compare,
    /// In a graph of operator set 17.
    Graph(Body),
    /// In a graph of another set.
    InSet(i64, Body),
}

/// Makes of the picture's wire another one.
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

    /// Refuses a node that has more, or other things, than the row says.
    pub(super) fn check(&self, site: &Site<'_>) -> TractResult<()> {
        let (least, most) = self.inputs;
        let given = site.inputs.len();
        ensure!((least..=most).contains(&given), "{given} inputs, not {least} to {most}");
        let known = |name: &str| self.attributes.contains(&name);
        match site.node.attribute.iter().find(|attribute| !known(&attribute.name)) {
            Some(other) => bail!("{:.60} is not supported", other.name),
            None => Ok(()),
        }
    }
}
