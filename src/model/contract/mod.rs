//! What a model file says of itself: `metadata_props` of the ONNX file, checked.
//!
//! | key | value |
//! | --- | --- |
//! | `face_predict.contract` | `1` |
//! | `face_predict.task` | `age_gender`, `age`, `gender` or `detect` |
//! | `face_predict.name`, `.version`, `.license`, `.data`, `.revision` | text, for logs and cards |
//! | `face_predict.input` | JSON of [`InputSpec`] |
//! | `face_predict.age` | JSON of [`AgeSpec`] |
//! | `face_predict.gender` | JSON of [`GenderSpec`] |
//! | `face_predict.detect` | JSON of [`DetectSpec`] |
//!
//! Unknown keys are ignored, an unknown contract is refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

mod detect;
mod estimate;
mod input;

use crate::error::{Error, Result};
use crate::face::crop::CropRule;
pub use detect::DetectSpec;
pub use estimate::{AgeSpec, GenderSpec, Positive, UncertaintyFactors};
pub use input::InputSpec;
pub(super) use input::MAX_SIDE;

/// The contract between model files and this library; files of another number are refused.
pub const CONTRACT: &str = "1";

const PREFIX: &str = "face_predict.";

/// What a network estimates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// Outputs `age_logits` or `age`, and `gender_logit`.
    AgeGender,
    /// Output `age_logits` or `age`.
    Age,
    /// Output `gender_logit`.
    Gender,
    /// Outputs `stride8` and so on.
    Detect,
}

impl Task {
    /// Whether there is an age output.
    pub fn has_age(self) -> bool {
        matches!(self, Self::AgeGender | Self::Age)
    }

    /// Whether there is a gender output.
    pub fn has_gender(self) -> bool {
        matches!(self, Self::AgeGender | Self::Gender)
    }
}

/// All that a model file says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// What the network estimates.
    pub task: Task,
    /// Short name, such as `base`.
    pub name: String,
    /// Version of the weights.
    pub version: String,
    /// Licence of the weights.
    pub license: String,
    /// Data that they were trained on.
    pub data: String,
    /// Git revision of the code that trained them.
    pub revision: String,
    /// What the network takes.
    pub input: InputSpec,
    /// Present when the task has an age.
    pub age: Option<AgeSpec>,
    /// Present when the task has a gender.
    pub gender: Option<GenderSpec>,
    /// Present when the task is to detect.
    pub detect: Option<DetectSpec>,
}

impl Metadata {
    /// Reads and checks the properties of a model file.
    pub fn from_props<'a>(props: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let props: BTreeMap<&str, &str> = props
            .into_iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)))
            .collect();
        match props.get("contract") {
            Some(&CONTRACT) => {}
            Some(other) => {
                return Err(Error::model(format!(
                    "model contract is {other:?}, this library knows {CONTRACT:?}"
                )));
            }
            None => return Err(Error::model("not a face-predict model: no face_predict.contract")),
        }
        let text = |key: &str| props.get(key).copied().unwrap_or_default().to_owned();
        let task = props.get("task").copied().unwrap_or_default();
        let task: Task = serde_json::from_value(task.into()).map_err(|_| {
            Error::model(format!(
                "face_predict.task is {task:?}, this library knows age_gender, age, gender and detect"
            ))
        })?;
        let metadata = Self {
            task,
            name: text("name"),
            version: text("version"),
            license: text("license"),
            data: text("data"),
            revision: text("revision"),
            input: json(&props, "input")?,
            age: task.has_age().then(|| json(&props, "age")).transpose()?,
            gender: task.has_gender().then(|| json(&props, "gender")).transpose()?,
            detect: (task == Task::Detect).then(|| json(&props, "detect")).transpose()?,
        };
        metadata.check()?;
        Ok(metadata)
    }

    fn check(&self) -> Result<()> {
        let named = |key: &str, checked: std::result::Result<(), String>| {
            checked.map_err(|message| Error::model(format!("face_predict.{key}: {message}")))
        };
        if self.name.is_empty() || self.name.len() > 100 {
            return Err(Error::model("face_predict.name is missing or longer than 100 bytes"));
        }
        named("input", self.input.check())?;
        if (self.task == Task::Detect) != (self.input.crop == CropRule::Whole) {
            return Err(Error::model(
                "face_predict.input: a detector, and nothing else, aligns the whole picture",
            ));
        }
        named("detect", self.detect.as_ref().map_or(Ok(()), DetectSpec::check))?;
        named("age", self.age.as_ref().map_or(Ok(()), AgeSpec::check))?;
        named("gender", self.gender.as_ref().map_or(Ok(()), GenderSpec::check))
    }

    /// The properties to write into a model file; fails where [`Metadata::from_props`] would.
    pub fn to_props(&self) -> Result<Vec<(String, String)>> {
        self.check()?;
        let json = |value: serde_json::Result<String>| {
            value.map_err(|e| Error::model(format!("metadata cannot be written as JSON: {e}")))
        };
        let task = serde_json::to_value(self.task)
            .map_err(|e| Error::model(format!("metadata cannot be written as JSON: {e}")))?;
        let mut props = vec![
            ("contract", CONTRACT.to_owned()),
            ("task", task.as_str().unwrap_or_default().to_owned()),
            ("name", self.name.clone()),
            ("version", self.version.clone()),
            ("license", self.license.clone()),
            ("data", self.data.clone()),
            ("revision", self.revision.clone()),
            ("input", json(serde_json::to_string(&self.input))?),
        ];
        if let Some(age) = &self.age {
            props.push(("age", json(serde_json::to_string(age))?));
        }
        if let Some(gender) = &self.gender {
            props.push(("gender", json(serde_json::to_string(gender))?));
        }
        if let Some(detect) = &self.detect {
            props.push(("detect", json(serde_json::to_string(detect))?));
        }
        Ok(props.into_iter().map(|(key, value)| (format!("{PREFIX}{key}"), value)).collect())
    }
}

fn json<T: DeserializeOwned>(props: &BTreeMap<&str, &str>, key: &str) -> Result<T> {
    let value = props.get(key).ok_or_else(|| {
        Error::model(format!("face_predict.{key} is missing from the model file"))
    })?;
    serde_json::from_str(value).map_err(|e| Error::model(format!("face_predict.{key}: {e}")))
}
