//! The parts of an ONNX file that this library reads. prost skips the rest.
//!
//! Names and numbers are those of `onnx.proto`. tract-onnx has the same structures, but its crate keeps every operator
//! of ONNX and of NNEF in the library, even unused ones. See the feature `all-operators`.

use prost::Message;
use tract_core::internal::*;

#[derive(Clone, PartialEq, Message)]
pub(super) struct ModelProto {
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OperatorSetIdProto {
    #[prost(string, tag = "1")]
    pub domain: String,
    #[prost(int64, tag = "2")]
    pub version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StringStringEntryProto {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    #[prost(string, tag = "7")]
    pub domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AttributeProto {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, tag = "2")]
    pub f: f32,
    #[prost(int64, tag = "3")]
    pub i: i64,
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// This is not read: nodes that contain graphs are refused.
    #[prost(bytes = "vec", optional, tag = "6")]
    pub g: Option<Vec<u8>>,
    #[prost(float, repeated, tag = "7")]
    pub floats: Vec<f32>,
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
    /// This is not read, either.
    #[prost(bytes = "vec", repeated, tag = "11")]
    pub graphs: Vec<Vec<u8>>,
    #[prost(int32, tag = "20")]
    pub r#type: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    #[prost(int32, optional, tag = "14")]
    pub data_location: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfoProto {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TypeProto {
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorTypeProto {
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorShapeProto {
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DimensionProto {
    /// The size is absent if it is free or has a name.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
}

impl ValueInfoProto {
    /// Returns the sizes, if the file gives any. A size is `None` if it is free.
    pub fn shape(&self) -> Option<Vec<Option<usize>>> {
        let shape = self.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
        let size = |dim: &DimensionProto| usize::try_from(dim.dim_value?).ok();
        Some(shape.dim.iter().map(size).collect())
    }
}

impl ModelProto {
    /// Returns the version of ONNX's own operators.
    pub fn operator_set(&self) -> i64 {
        let own = |set: &&OperatorSetIdProto| ["", "ai.onnx"].contains(&set.domain.as_str());
        self.opset_import.iter().find(own).map_or(0, |set| set.version)
    }
}

/// A number of `DataType` in `onnx.proto`.
pub(super) fn datum_type(number: i64) -> TractResult<DatumType> {
    Ok(match number {
        1 => DatumType::F32,
        2 => DatumType::U8,
        3 => DatumType::I8,
        5 => DatumType::I16,
        6 => DatumType::I32,
        7 => DatumType::I64,
        9 => DatumType::Bool,
        10 => DatumType::F16,
        11 => DatumType::F64,
        _ => bail!("numbers of type {number} are not supported"),
    })
}

impl TensorProto {
    /// Returns the numbers from the field that holds them.
    pub fn read(&self) -> TractResult<Tensor> {
        let shape: Vec<usize> = self
            .dims
            .iter()
            .map(|dim| {
                usize::try_from(*dim).with_context(|| format!("a dimension has the size {dim}"))
            })
            .collect::<TractResult<_>>()?;
        let to = datum_type(self.data_type.into())?;
        if !self.raw_data.is_empty() {
            let raw = &self.raw_data;
            return unraw(&shape, to, raw).with_context(|| {
                format!(
                    "{:?} has {} bytes, which do not fit the shape {shape:?}",
                    self.name,
                    raw.len()
                )
            });
        }
        let flat = match to {
            DatumType::F32 => tensor1(&self.float_data),
            DatumType::F64 => tensor1(&self.double_data),
            DatumType::I64 => tensor1(&self.int64_data),
            DatumType::F16 => {
                let bits = self.int32_data.iter().map(|bits| f16::from_bits(*bits as u16));
                tensor1(&bits.collect::<Vec<_>>())
            }
            // Reads the smaller integers, and truth values as 0 and 1.
            _ => tensor1(&self.int32_data).cast_to_dt(to)?.into_owned(),
        };
        let numbers = flat.len();
        ensure!(
            shape.iter().try_fold(1usize, |n, dim| n.checked_mul(*dim)) == Some(numbers),
            "{:?} has {numbers} numbers, which do not fit the shape {shape:?}",
            self.name
        );
        flat.into_shape(&shape)
    }
}

/// Reads little-endian bytes as numbers.
fn unraw(shape: &[usize], to: DatumType, bytes: &[u8]) -> TractResult<Tensor> {
    fn read<T: Datum, const N: usize>(bytes: &[u8], read: fn([u8; N]) -> T) -> Option<Vec<T>> {
        let (whole, rest) = bytes.as_chunks::<N>();
        rest.is_empty().then(|| whole.iter().map(|chunk| read(*chunk)).collect())
    }
    fn tensor<T: Datum + Copy>(shape: &[usize], numbers: Option<Vec<T>>) -> TractResult<Tensor> {
        let numbers = numbers.context("the bytes end within a number")?;
        let wanted = shape.iter().try_fold(1usize, |n, dim| n.checked_mul(*dim));
        ensure!(wanted == Some(numbers.len()), "{} numbers", numbers.len());
        Tensor::from_shape(shape, &numbers)
    }
    match to {
        DatumType::F32 => tensor(shape, read(bytes, f32::from_le_bytes)),
        DatumType::F64 => tensor(shape, read(bytes, f64::from_le_bytes)),
        DatumType::F16 => tensor(shape, read(bytes, f16::from_le_bytes)),
        DatumType::I64 => tensor(shape, read(bytes, i64::from_le_bytes)),
        DatumType::I32 => tensor(shape, read(bytes, i32::from_le_bytes)),
        DatumType::I16 => tensor(shape, read(bytes, i16::from_le_bytes)),
        DatumType::I8 => tensor(shape, read(bytes, i8::from_le_bytes)),
        DatumType::U8 => tensor(shape, read(bytes, u8::from_le_bytes)),
        DatumType::Bool => tensor(shape, read(bytes, |[byte]: [u8; 1]| byte != 0)),
        other => bail!("numbers of type {other:?} are not supported"),
    }
}

/// A number of `AttributeType` in `onnx.proto`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Float = 1,
    Int = 2,
    Text = 3,
    Tensor = 4,
    Floats = 6,
    Ints = 7,
}

/// Returns attributes by name. It is `None` if there is none, and an error if it is of another kind.
impl NodeProto {
    fn attribute(&self, name: &str, kind: Kind) -> TractResult<Option<&AttributeProto>> {
        let found = self.attribute.iter().find(|attribute| attribute.name == name);
        if let Some(found) = found {
            ensure!(
                found.r#type == kind as i32,
                "attribute {name} is of kind {}, but it must be {kind:?}",
                found.r#type
            );
        }
        Ok(found)
    }

    pub fn float(&self, name: &str) -> TractResult<Option<f32>> {
        Ok(self.attribute(name, Kind::Float)?.map(|attribute| attribute.f))
    }

    pub fn int(&self, name: &str) -> TractResult<Option<i64>> {
        Ok(self.attribute(name, Kind::Int)?.map(|attribute| attribute.i))
    }

    pub fn flag(&self, name: &str) -> TractResult<bool> {
        Ok(self.int(name)?.unwrap_or(0) != 0)
    }

    pub fn text(&self, name: &str) -> TractResult<Option<&str>> {
        let text = self.attribute(name, Kind::Text)?.map(|attribute| str::from_utf8(&attribute.s));
        Ok(text.transpose()?)
    }

    pub fn tensor(&self, name: &str) -> TractResult<Option<Tensor>> {
        let Some(attribute) = self.attribute(name, Kind::Tensor)? else { return Ok(None) };
        let tensor = attribute.t.as_ref().with_context(|| format!("attribute {name} is empty"))?;
        Ok(Some(tensor.read()?))
    }

    pub fn floats(&self, name: &str) -> TractResult<Option<&[f32]>> {
        Ok(self.attribute(name, Kind::Floats)?.map(|attribute| &attribute.floats[..]))
    }

    pub fn ints(&self, name: &str) -> TractResult<Option<&[i64]>> {
        Ok(self.attribute(name, Kind::Ints)?.map(|attribute| &attribute.ints[..]))
    }

    /// Returns a list of integers that must not be negative.
    pub fn sizes(&self, name: &str) -> TractResult<Option<TVec<usize>>> {
        let size = |n: &i64| {
            usize::try_from(*n).with_context(|| {
                format!("attribute {name} has the number {n}, which is not supported")
            })
        };
        self.ints(name)?.map(|list| list.iter().map(size).collect()).transpose()
    }
}
