//! ONNX graphs that are written by hand, in as few lines as possible.

use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto, type_proto,
};
use tract_onnx::prelude::*;

const FLOAT: i32 = 1;
const FLOAT16: i32 = 10;
const INT64: i32 = 7;
/// The kinds of attribute.
const A_FLOAT: i32 = 1;
const A_INT: i32 = 2;
const A_STRING: i32 = 3;
const A_INTS: i32 = 7;

/// A graph to which nodes are added. Wires are names.
#[derive(Default)]
pub struct Onnx {
    graph: GraphProto,
    count: usize,
}

impl Onnx {
    fn name(&mut self) -> String {
        self.count += 1;
        format!("wire{}", self.count)
    }

    /// Returns the node added last, for an attribute that `Value` cannot express.
    #[allow(dead_code)] // Not every test uses this.
    pub fn last_node(&mut self) -> &mut NodeProto {
        self.graph.node.last_mut().expect("a node")
    }

    pub fn value(name: &str, shape: &[usize]) -> ValueInfoProto {
        let dim = |size: &usize| tensor_shape_proto::Dimension {
            value: Some(match *size {
                // Without a size it is free.
                usize::MAX => tensor_shape_proto::dimension::Value::DimParam("free".into()),
                size => tensor_shape_proto::dimension::Value::DimValue(size as i64),
            }),
            ..Default::default()
        };
        let shape = Some(TensorShapeProto { dim: shape.iter().map(dim).collect() });
        let tensor = type_proto::Tensor { elem_type: FLOAT, shape };
        ValueInfoProto {
            name: name.into(),
            r#type: Some(TypeProto {
                value: Some(type_proto::Value::TensorType(tensor)),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    pub fn input(&mut self, shape: &[usize]) -> String {
        let name = self.name();
        self.graph.input.push(Self::value(&name, shape));
        name
    }

    pub fn output(&mut self, wire: &str) {
        self.graph.output.push(ValueInfoProto { name: wire.into(), ..Default::default() });
    }

    fn initializer(&mut self, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> String {
        let name = self.name();
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            dims: shape.iter().map(|size| *size as i64).collect(),
            data_type,
            raw_data,
            ..Default::default()
        });
        name
    }

    pub fn constant(&mut self, shape: &[usize], numbers: &[f32]) -> String {
        assert_eq!(shape.iter().product::<usize>(), numbers.len());
        self.initializer(shape, FLOAT, numbers.iter().flat_map(|n| n.to_le_bytes()).collect())
    }

    /// The weights are stored as `f16`, and read through a cast.
    pub fn half(&mut self, shape: &[usize], numbers: &[f32]) -> String {
        let half = |n: &f32| tract_onnx::prelude::f16::from_f32(*n).to_le_bytes();
        let bytes = numbers.iter().flat_map(half).collect();
        let stored = self.initializer(shape, FLOAT16, bytes);
        self.node("Cast", &[&stored], &[("to", Value::Int(FLOAT.into()))])
    }

    pub fn integers(&mut self, numbers: &[i64]) -> String {
        let bytes = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        self.initializer(&[numbers.len()], INT64, bytes)
    }

    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: &[(&str, Value)]) -> String {
        let name = self.name();
        self.graph.node.push(NodeProto {
            name: format!("{op}.{name}"),
            op_type: op.into(),
            input: inputs.iter().map(|input| input.to_string()).collect(),
            output: vec![name.clone()],
            attribute: attributes.iter().map(|(name, value)| value.attribute(name)).collect(),
            ..Default::default()
        });
        name
    }

    pub fn relu(&mut self, input: &str) -> String {
        self.node("Relu", &[input], &[])
    }

    pub fn add(&mut self, a: &str, b: &str) -> String {
        self.node("Add", &[a, b], &[])
    }

    /// Returns the model parsed and decluttered, as the library does it.
    pub fn load(&self) -> TractResult<TypedModel> {
        tract_onnx::onnx().model_for_proto_model(&self.proto())?.into_typed()?.into_decluttered()
    }

    pub fn proto(&self) -> ModelProto {
        let mut graph = self.graph.clone();
        graph.name = "graph".into();
        ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
            graph: Some(graph),
            ..Default::default()
        }
    }
}

pub enum Value {
    #[allow(dead_code)] // Not every test uses this.
    Float(f32),
    Int(i64),
    Ints(Vec<i64>),
    Text(&'static str),
}

impl Value {
    fn attribute(&self, name: &str) -> AttributeProto {
        let empty = AttributeProto { name: name.into(), ..Default::default() };
        match self {
            Value::Float(f) => AttributeProto { f: *f, r#type: A_FLOAT, ..empty },
            Value::Int(i) => AttributeProto { i: *i, r#type: A_INT, ..empty },
            Value::Ints(ints) => AttributeProto { ints: ints.clone(), r#type: A_INTS, ..empty },
            Value::Text(s) => {
                AttributeProto { s: s.as_bytes().to_vec(), r#type: A_STRING, ..empty }
            }
        }
    }
}
