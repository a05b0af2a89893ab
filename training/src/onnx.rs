//! Writes ONNX files. A graph is built operator by operator.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use face_predict::Metadata;
use half::f16;
use prost::Message;
use tch::{Kind, Tensor};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

/// The opset is read by every ONNX Runtime since 1.12 (2022), and by tract. Later ones move axes into inputs.
const OPSET: i64 = 17;
/// The IR version that goes with the opset.
const IR: i64 = 8;

/// How the weights are stored. The graph computes in `f32` either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Two bytes for each weight, which are cast when the file is loaded.
    F16,
    /// Four bytes for each weight.
    F32,
}

/// A value in the graph.
#[derive(Clone, Debug)]
pub struct Value(String);

/// A graph under construction. Its one input is `image`, `[N, 3, H, W]`.
pub struct Graph {
    graph: GraphProto,
    storage: Storage,
}

impl Graph {
    /// A graph for crops of `height` x `width`.
    pub fn new(name: &str, height: usize, width: usize, storage: Storage) -> (Self, Value) {
        let batch = Size::Named("N".into());
        let shape = [batch, Size::Is(3), Size::Is(height as i64), Size::Is(width as i64)];
        let graph = GraphProto {
            name: name.to_owned(),
            input: vec![info("image", &shape)],
            ..GraphProto::default()
        };
        (Self { graph, storage }, Value("image".into()))
    }

    /// A graph for pictures of any height and width.
    pub fn of_any_size(name: &str, storage: Storage) -> (Self, Value) {
        let (mut graph, image) = Self::new(name, 0, 0, storage);
        let free = |name: &str| Size::Named(name.to_owned());
        let shape = [free("N"), Size::Is(3), free("H"), free("W")];
        graph.graph.input = vec![info("image", &shape)];
        (graph, image)
    }

    /// Adds a constant; its name is the value's.
    pub fn weights(&mut self, name: &str, tensor: &Tensor) -> Result<Value> {
        let values: Vec<f32> =
            tensor.detach().to_kind(Kind::Float).contiguous().view([-1]).try_into()?;
        ensure!(values.iter().all(|v| v.is_finite()), "{name} has numbers that are not finite");
        let (data_type, raw_data, stored) = match self.storage {
            Storage::F32 => (
                DataType::Float,
                values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                name.to_owned(),
            ),
            Storage::F16 => {
                let halves: Vec<f16> = values.iter().map(|v| f16::from_f32(*v)).collect();
                ensure!(halves.iter().all(|v| v.is_finite()), "{name} does not fit into f16");
                let bytes = halves.iter().flat_map(|v| v.to_le_bytes()).collect();
                (DataType::Float16, bytes, format!("{name}.f16"))
            }
        };
        self.graph.initializer.push(TensorProto {
            dims: tensor.size(),
            data_type: data_type.into(),
            name: stored.clone(),
            raw_data,
            ..TensorProto::default()
        });
        if self.storage == Storage::F16 {
            self.named(
                "Cast",
                name,
                &[&Value(stored)],
                vec![int("to", i64::from(DataType::Float as i32))],
            );
        }
        Ok(Value(name.to_owned()))
    }

    /// Adds an operator; its result is called `name`.
    pub fn named(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&Value],
        attribute: Vec<AttributeProto>,
    ) -> Value {
        self.graph.node.push(NodeProto {
            op_type: op.to_owned(),
            name: name.to_owned(),
            input: inputs.iter().map(|v| v.0.clone()).collect(),
            output: vec![name.to_owned()],
            attribute,
            ..NodeProto::default()
        });
        Value(name.to_owned())
    }

    /// Adds a convolution with bias. `pads` are top, left, bottom, right.
    pub fn conv(
        &mut self,
        name: &str,
        x: &Value,
        weight: &Tensor,
        bias: &Tensor,
        stride: i64,
        pads: [i64; 4],
    ) -> Result<Value> {
        let kernel = weight.size()[2..].to_vec();
        let w = self.weights(&format!("{name}.weight"), weight)?;
        let b = self.weights(&format!("{name}.bias"), bias)?;
        let attributes = vec![
            ints("kernel_shape", &kernel),
            ints("strides", &[stride, stride]),
            ints("pads", &pads),
        ];
        Ok(self.named("Conv", name, &[x, &w, &b], attributes))
    }

    /// Adds a dense layer of `[N, in]`. `weight` is `[out, in]`.
    pub fn dense(
        &mut self,
        name: &str,
        x: &Value,
        weight: &Tensor,
        bias: &Tensor,
    ) -> Result<Value> {
        let w = self.weights(&format!("{name}.weight"), weight)?;
        let b = self.weights(&format!("{name}.bias"), bias)?;
        Ok(self.named("Gemm", name, &[x, &w, &b], vec![int("transB", 1)]))
    }

    /// Adds a ReLU.
    pub fn relu(&mut self, x: &Value) -> Value {
        self.named("Relu", &format!("{}.relu", x.0), &[x], Vec::new())
    }

    /// Makes the operator called `value` an output, `[N, size]`.
    pub fn output(&mut self, value: &Value, size: i64) {
        let shape = [Size::Named("N".into()), Size::Is(size)];
        self.graph.output.push(info(&value.0, &shape));
    }

    /// Makes the operator called `value` an output, `[N, channels, height, width]`, whose height and width follow from
    /// the input's.
    pub fn output_grid(&mut self, value: &Value, channels: i64) {
        let shape = [Size::Named("N".into()), Size::Is(channels), Size::Follows, Size::Follows];
        self.graph.output.push(info(&value.0, &shape));
    }

    /// Repeats every pixel twice in both directions.
    pub fn double(&mut self, name: &str, x: &Value) -> Value {
        let scales = format!("{name}.scales");
        self.graph.initializer.push(TensorProto {
            dims: vec![4],
            data_type: DataType::Float.into(),
            name: scales.clone(),
            raw_data: [1.0f32, 1.0, 2.0, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect(),
            ..TensorProto::default()
        });
        let attributes = vec![
            text("mode", "nearest"),
            text("coordinate_transformation_mode", "asymmetric"),
            text("nearest_mode", "floor"),
        ];
        // The second input is for a mode that is not used.
        self.named("Resize", name, &[x, &Value(String::new()), &Value(scales)], attributes)
    }

    /// The file's bytes, with `props` as its metadata.
    pub fn finish(self, props: Vec<(String, String)>) -> Vec<u8> {
        let metadata_props =
            props.into_iter().map(|(key, value)| StringStringEntryProto { key, value }).collect();
        ModelProto {
            ir_version: IR,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            producer_name: "face-train".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(self.graph),
            metadata_props,
            ..ModelProto::default()
        }
        .encode_to_vec()
    }
}

/// Reads a file back, for its graph and metadata.
pub fn decode(bytes: &[u8]) -> Result<ModelProto> {
    ModelProto::decode(bytes).context("not an ONNX file")
}

/// Reads the description in a model file.
pub fn metadata(file: &Path) -> Result<Metadata> {
    let told = || format!("{}", file.display());
    let model = decode(&std::fs::read(file).with_context(told)?).with_context(told)?;
    let props = model.metadata_props.iter().map(|p| (p.key.as_str(), p.value.as_str()));
    Metadata::from_props(props).with_context(told)
}

/// The constants of `model` by name, without the mark of how they are stored.
pub fn constants(model: &ModelProto) -> Result<BTreeMap<String, Tensor>> {
    let initializers = model.graph.iter().flat_map(|graph| &graph.initializer);
    let constant = |tensor: &TensorProto| {
        let name = tensor.name.strip_suffix(".f16").unwrap_or(&tensor.name).to_owned();
        let kind = match DataType::try_from(tensor.data_type) {
            Ok(DataType::Float) => Kind::Float,
            Ok(DataType::Float16) => Kind::Half,
            _ => bail!("{name} is neither f32 nor f16"),
        };
        let numbers =
            tensor.dims.iter().try_fold(kind.elt_size_in_bytes() as i64, |n, d| n.checked_mul(*d));
        ensure!(
            numbers == Some(tensor.raw_data.len() as i64),
            "{name} has another size than it says"
        );
        Ok((
            name,
            Tensor::from_data_size(&tensor.raw_data, &tensor.dims, kind).to_kind(Kind::Float),
        ))
    };
    initializers.map(constant).collect()
}

/// One size of a shape.
enum Size {
    Is(i64),
    Named(String),
    Follows,
}

fn info(name: &str, shape: &[Size]) -> ValueInfoProto {
    let dim = shape
        .iter()
        .map(|size| {
            let value = match size {
                Size::Is(size) => Some(dimension::Value::DimValue(*size)),
                Size::Named(name) => Some(dimension::Value::DimParam(name.clone())),
                Size::Follows => None,
            };
            Dimension { denotation: String::new(), value }
        })
        .collect();
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float.into(),
        shape: Some(TensorShapeProto { dim }),
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            denotation: String::new(),
            value: Some(type_proto::Value::TensorType(tensor)),
        }),
        doc_string: String::new(),
    }
}

/// A whole number as attribute.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int.into(),
        i: value,
        ..AttributeProto::default()
    }
}

/// Whole numbers as attribute.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints.into(),
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}

/// Text as attribute.
pub fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::String.into(),
        s: value.as_bytes().to_vec(),
        ..AttributeProto::default()
    }
}

/// A number as attribute.
pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Float.into(),
        f: value,
        ..AttributeProto::default()
    }
}
