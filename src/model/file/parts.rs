//! Counts the parts of a model file before it is parsed. An empty node takes two bytes of a file, and 144 bytes of memory.
//! So a file of 20 MB could take 1.4 GB, and the process ends if there is no memory.

use crate::error::{Error, Result};

/// The limit for nodes, attributes, weights, names and all other parts of a file that have a length. A node of a usual
/// network has up to thirty.
const MAX_PARTS: usize = 200_000;

/// The limit for integers that are written with as many bytes as they need. Each takes eight bytes of memory. Large
/// weights are stored in another way.
const MAX_INTEGERS: usize = 1 << 24;

/// The memory of a part. The largest is an attribute, with 390 bytes. A list that grows takes twice as much.
const PART_BYTES: usize = 800;

/// The memory of an integer, with the spare room of its list.
const INTEGER_BYTES: usize = 16;

/// What is in a part of a file. All numbers are those of `onnx.proto`.
enum Field {
    Message(&'static [(u64, Field)]),
    Integers,
}

use Field::{Integers, Message};

const TENSOR: Field = Message(&[(1, Integers), (5, Integers), (7, Integers), (13, Message(&[]))]);
const ATTRIBUTE: Field = Message(&[(5, TENSOR), (8, Integers)]);
const NODE: Field = Message(&[(5, ATTRIBUTE)]);
const SHAPE: Field = Message(&[(1, Message(&[]))]);
const VALUE: Field = Message(&[(2, Message(&[(1, Message(&[(2, SHAPE)]))]))]);
const GRAPH: Field = Message(&[(1, NODE), (5, TENSOR), (11, VALUE), (12, VALUE)]);
const MODEL: &[(u64, Field)] = &[(7, GRAPH), (8, Message(&[])), (14, Message(&[]))];

/// The parts of a file.
#[derive(Default)]
pub(super) struct Parts {
    parts: usize,
    integers: usize,
}

impl Parts {
    /// Counts the parts of a file. Fails if there are too many, or if `bytes` are no such file.
    pub(super) fn of(bytes: &[u8]) -> Result<Self> {
        let mut counted = Self::default();
        match counted.count(bytes, MODEL) {
            Some(()) => Ok(counted),
            None if counted.too_many() => Err(Error::model(format!(
                "the file has more than {MAX_PARTS} parts or {MAX_INTEGERS} integers, which is not supported"
            ))),
            None => Err(Error::model(format!("the {} bytes are no ONNX file", bytes.len()))),
        }
    }

    /// Returns the bytes that the parsed parts take, without their texts and weights.
    pub(super) fn needs(&self) -> usize {
        self.parts * PART_BYTES + self.integers * INTEGER_BYTES
    }

    fn too_many(&self) -> bool {
        self.parts > MAX_PARTS || self.integers > MAX_INTEGERS
    }

    /// Counts the parts of a message. It is `None` if the message is damaged, and as soon as there are too many.
    ///
    /// An example: the bytes 3A 04 0A 00 0A 00 are field 7 (3A is 7 * 8 + 2, and 2 says that a length follows) with four
    /// bytes. These are field 1 twice, without a byte. So this is a graph with two empty nodes, which are three parts.
    fn count(&mut self, mut bytes: &[u8], fields: &'static [(u64, Field)]) -> Option<()> {
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            match key % 8 {
                0 => {
                    varint(&mut bytes)?;
                    self.integers += 1;
                }
                1 => bytes = bytes.get(8..)?,
                5 => bytes = bytes.get(4..)?,
                2 => {
                    let length = usize::try_from(varint(&mut bytes)?).ok()?;
                    let (within, rest) = bytes.split_at_checked(length)?;
                    bytes = rest;
                    self.parts += 1;
                    match fields.iter().find(|(field, _)| *field == key / 8) {
                        Some((_, Message(fields))) => self.count(within, fields)?,
                        Some((_, Integers)) => self.integers += within.len(),
                        None => {}
                    }
                }
                // ONNX has no groups.
                _ => return None,
            }
            if self.too_many() {
                return None;
            }
        }
        Some(())
    }
}

/// Takes a number from the start of `bytes`: seven bits a byte, the lowest first, with the eighth bit if more follow.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7F) << (7 * place);
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
