//! The description of a network in its model file: the `metadata_props` of the ONNX file, checked.
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
//! Unknown keys are ignored, but an unknown contract is refused.

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

/// The number of the contract between model files and this library. Files with another number are refused.
pub const CONTRACT: &str = "1";

const PREFIX: &str = "face_predict.";

/// What a network estimates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// The outputs are `age_logits` or `age`, and `gender_logit`.
    AgeGender,
    /// The output is `age_logits` or `age`.
    Age,
    /// The output is `gender_logit`.
    Gender,
    /// The outputs are `stride8` and so on.
    Detect,
}

impl Task {
    /// Returns whether there is an age output.
    pub fn has_age(self) -> bool {
        matches!(self, Self::AgeGender | Self::Age)
    }

    /// Returns whether there is a gender output.
    pub fn has_gender(self) -> bool {
        matches!(self, Self::AgeGender | Self::Gender)
    }
}

/// The description of a network in its model file.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The task of the network.
    pub task: Task,
    /// The short name, such as `base`.
    pub name: String,
    /// The version of the weights.
    pub version: String,
    /// The licence of the weights.
    pub license: String,
    /// The data that the weights were trained on.
    pub data: String,
    /// The git revision of the code that trained the weights.
    pub revision: String,
    /// The input of the network.
    pub input: InputSpec,
    /// How the age is read, if the task has one.
    pub age: Option<AgeSpec>,
    /// How the gender is read, if the task has one.
    pub gender: Option<GenderSpec>,
    /// How the faces are read, if the task is to detect.
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
                    "the model contract is {other:?}, but this library knows only {CONTRACT:?}"
                )));
            }
            None => {
                return Err(Error::model(
                    "the file is not a face-predict model: its metadata lack face_predict.contract",
                ));
            }
        }
        let text = |key: &str| props.get(key).copied().unwrap_or_default().to_owned();
        let task = props.get("task").copied().unwrap_or_default();
        let task: Task = serde_json::from_value(task.into()).map_err(|_| {
            Error::model(format!(
                "face_predict.task is {task:?}, but this library knows only age_gender, age, gender and detect"
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
                "face_predict.input: a detector must align the whole picture, and other networks must not",
            ));
        }
        named("detect", self.detect.as_ref().map_or(Ok(()), DetectSpec::check))?;
        named("age", self.age.as_ref().map_or(Ok(()), AgeSpec::check))?;
        named("gender", self.gender.as_ref().map_or(Ok(()), GenderSpec::check))
    }

    /// Returns the properties to write into a model file. Fails where [`Metadata::from_props`] would.
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
