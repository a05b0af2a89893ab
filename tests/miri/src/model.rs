//! Loading and the reading of outputs are unchanged. An invented network lies in between.

#[path = "../../../src/model/contract/mod.rs"]
mod contract;
#[path = "../../../src/model/loading.rs"]
mod loading;
#[path = "../../../src/model/outputs.rs"]
mod outputs;

pub use contract::{
    AgeSpec, CONTRACT, DetectSpec, GenderSpec, InputSpec, Metadata, Positive, Task,
    UncertaintyFactors,
};
pub(crate) use detector::Detector;
pub use loading::{Model, ModelOptions};
pub(crate) use network::Network;
pub use outputs::Detection;
pub(crate) use outputs::{Estimate, suppress};

mod engine {
    use crate::error::{Error, ErrorKind, Result};

    pub(in crate::model) fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
        let broken = "the model file broke the engine";
        crate::quiet::catch(work)
            .unwrap_or_else(|panic| Err(Error::caught(ErrorKind::Model, broken, &*panic)))
    }
}

mod file {
    pub(in crate::model) mod graph {
        use crate::error::{Error, Result};
        use crate::model::Metadata;
        use std::collections::BTreeMap;

        #[derive(Debug)]
        pub(in crate::model) struct Output {
            name: String,
            shape: Vec<usize>,
        }

        impl Output {
            pub(in crate::model) fn new(name: &str, shape: Vec<usize>) -> Self {
                Self { name: name.to_owned(), shape }
            }
        }

        /// A "file" is its metadata as JSON.
        #[derive(Debug)]
        pub(in crate::model) struct Graph {
            pub(in crate::model) metadata: Metadata,
        }

        impl Graph {
            pub(in crate::model) fn parse(bytes: &[u8]) -> Result<Self> {
                assert!(bytes != b"panic", "a file that breaks the engine");
                let props: BTreeMap<String, String> = serde_json::from_slice(bytes)
                    .map_err(|e| Error::model(format!("no file: {e}")))?;
                let props = props.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                Ok(Self { metadata: Metadata::from_props(props)? })
            }
        }
    }
}

mod network {
    use super::file::graph::Graph;
    use super::outputs::Estimate;
    use super::{AgeSpec, Metadata};
    use crate::error::Result;
    use crate::face::quality::Quality;

    #[derive(Debug)]
    pub(crate) struct Network {
        pub(crate) metadata: Metadata,
        pub(crate) accelerated: usize,
    }

    impl Network {
        pub(in crate::model) fn new(graph: Graph, _: bool) -> Result<Self> {
            Ok(Self { metadata: graph.metadata, accelerated: 1 })
        }

        /// Brighter pictures get an older age and a higher probability of female.
        pub(crate) fn run(
            &self,
            planes: &[f32],
            age: bool,
            gender: bool,
            quality: Quality,
            out: &mut Estimate,
        ) -> Result<()> {
            let mean = planes.iter().sum::<f32>() / planes.len() as f32;
            if let (Some(spec), true) = (&self.metadata.age, age) {
                let count = match spec {
                    AgeSpec::Distribution { count, .. } => *count,
                    AgeSpec::Regression { .. } => 1,
                };
                let logits: Vec<f32> = (0..count).map(|year| mean * year as f32 / 50.0).collect();
                spec.reserve(logits.len(), &mut out.years)?;
                spec.read(&logits, quality, &mut out.years);
            }
            if let (Some(spec), true) = (&self.metadata.gender, gender) {
                out.female = Some(spec.read(mean, quality));
            }
            Ok(())
        }
    }
}

mod detector {
    use super::file::graph::Graph;
    use super::outputs::Detection;
    use super::{DetectSpec, Metadata};
    use crate::error::{Error, Result};

    #[derive(Debug)]
    pub(crate) struct Detector {
        metadata: Metadata,
        spec: DetectSpec,
        pub(in crate::model) accelerated: usize,
    }

    impl Detector {
        pub(in crate::model) fn new(graph: Graph, _: bool) -> Result<Self> {
            let spec = graph.metadata.detect.clone();
            let spec = spec.ok_or_else(|| {
                Error::model("the model is a detector, but lacks face_predict.detect")
            })?;
            Ok(Self { metadata: graph.metadata, spec, accelerated: 1 })
        }

        pub(in crate::model) fn of_file(graph: Graph, fast: bool) -> Result<Self> {
            Self::new(graph, fast)
        }

        pub(crate) fn metadata(&self) -> &Metadata {
            &self.metadata
        }

        pub(crate) fn spec(&self) -> &DetectSpec {
            &self.spec
        }

        pub(crate) fn whole(&self, width: usize, height: usize) -> (usize, usize) {
            let step = self.spec.strides.last().copied().unwrap_or(1);
            (width.div_ceil(step) * step, height.div_ceil(step) * step)
        }

        /// Returns two faces in every picture, through the reading of real outputs.
        pub(crate) fn run(
            &self,
            height: usize,
            width: usize,
            planes: &[f32],
            threshold: f32,
            found: &mut Vec<Detection>,
        ) -> Result<()> {
            assert_eq!(planes.len(), 3 * width * height);
            let outputs: Vec<Vec<f32>> = self
                .spec
                .strides
                .iter()
                .map(|stride| {
                    let cells = (width / stride) * (height / stride);
                    let mut values = vec![0.5; DetectSpec::VALUES * cells];
                    values[..cells].fill(-9.0);
                    values[0] = 2.0;
                    values[width / stride + 3] = 3.0;
                    values
                })
                .collect();
            let outputs: Vec<&[f32]> = outputs.iter().map(Vec::as_slice).collect();
            self.spec.read(&outputs, width, threshold, found)
        }
    }
}

mod weights {
    use std::sync::{Arc, OnceLock};

    use super::detector::Detector;
    use super::file::graph::Graph;
    use super::network::Network;
    use crate::error::Result;

    pub(in crate::model) fn has_estimator() -> bool {
        true
    }

    pub(in crate::model) fn estimator(plain: bool) -> Result<Arc<Network>> {
        static ONE: OnceLock<Arc<Network>> = OnceLock::new();
        let parsed =
            || Graph::parse(crate::model::FILE.as_bytes()).and_then(|g| Network::new(g, !plain));
        Ok(Arc::clone(ONE.get_or_init(|| Arc::new(parsed().expect("a right file")))))
    }

    pub(in crate::model) fn detector(plain: bool) -> Result<&'static Detector> {
        static ONE: OnceLock<Detector> = OnceLock::new();
        let parsed = || {
            Graph::parse(crate::model::DETECTOR.as_bytes()).and_then(|g| Detector::new(g, !plain))
        };
        Ok(ONE.get_or_init(|| parsed().expect("a right file")))
    }
}

/// The text that represents an estimator's file.
pub(crate) const FILE: &str = r#"{"face_predict.contract": "1", "face_predict.name": "made up", "face_predict.version": "1", "face_predict.task": "age_gender", "face_predict.input": "{\"width\": 12, \"height\": 12, \"channels\": \"RGB\", \"mean\": [0.5, 0.5, 0.5], \"std\": [0.25, 0.25, 0.25], \"align\": \"box\", \"margin\": 0.2}", "face_predict.age": "{\"kind\": \"distribution\", \"first\": 0, \"count\": 101, \"range\": [0, 100], \"temperature\": 1.0}", "face_predict.gender": "{\"positive\": \"female\", \"temperature\": 1.0, \"threshold\": 0.5}"}"#;
/// The text that represents a detector's file.
pub(crate) const DETECTOR: &str = r#"{"face_predict.contract": "1", "face_predict.name": "made up", "face_predict.version": "1", "face_predict.task": "detect", "face_predict.input": "{\"width\": 32, \"height\": 32, \"channels\": \"RGB\", \"mean\": [0.5, 0.5, 0.5], \"std\": [0.25, 0.25, 0.25], \"align\": \"whole\"}", "face_predict.detect": "{\"strides\": [8], \"threshold\": 0.5, \"overlap\": 0.4, \"smallest\": 8.0}"}"#;
