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

use crate::error::{Error, Result};
use crate::face::quality::Quality;
use crate::face::region::CropRule;
use crate::geometry::Affine;
use crate::picture::Image;
use crate::picture::sampling::warp::Warp;

/// The contract between model files and this library; files of another number are refused.
pub const CONTRACT: &str = "1";

const PREFIX: &str = "face_predict.";

/// Largest crop side that a file may ask for, in pixels.
pub(super) const MAX_SIDE: usize = 1024;

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

/// What a network takes: the size of its crop, how it is cut and how its colours are scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Always `RGB`.
    pub channels: String,
    /// Subtracted from each channel, which runs from 0 to 1.
    pub mean: [f32; 3],
    /// Divides what is left.
    pub std: [f32; 3],
    /// How the crop is cut.
    #[serde(flatten)]
    pub crop: CropRule,
}

impl InputSpec {
    /// Numbers in a crop: three planes.
    pub fn len(&self) -> usize {
        3 * self.width * self.height
    }

    /// Whether there is no pixel; never so in a model that loads.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Cuts a crop into planes of red, green and blue, 0 to 255, [`len`](Self::len) numbers in all. `place` maps the crop, in
    /// units of its sides, to the upright picture (see [`CropRule::place`]). What fails is [`Warp::cut`].
    pub fn cut(
        &self,
        warp: &mut Warp,
        image: &Image<'_>,
        place: &Affine,
        planes: &mut [f32],
    ) -> Result<()> {
        let (width, height) = (self.width, self.height);
        let to_unit = Affine::scale(1.0 / width as f32, 1.0 / height as f32);
        warp.cut_planes(image, &place.after(&to_unit), width, height, planes)
    }

    /// Scales planes of red, green and blue, of any one size, from 0..255 to what the network takes.
    pub fn normalise(&self, planes: &mut [f32]) {
        let size = (planes.len() / 3).max(1);
        for ((plane, mean), std) in planes.chunks_exact_mut(size).zip(self.mean).zip(self.std) {
            let (scale, offset) = (1.0 / (255.0 * std), mean / std);
            plane.iter_mut().for_each(|v| *v = *v * scale - offset);
        }
    }

    fn check(&self) -> std::result::Result<(), String> {
        let Self { width, height, .. } = self;
        if !(8..=MAX_SIDE).contains(width) || !(8..=MAX_SIDE).contains(height) {
            return Err(format!("size {width}x{height} is not within 8 to {MAX_SIDE}"));
        }
        if self.channels != "RGB" {
            return Err(format!("channels are {:?}, only RGB is known", self.channels));
        }
        if !self.mean.iter().all(|v| v.is_finite()) {
            return Err("mean is not finite".into());
        }
        if !self.std.iter().all(|v| v.is_finite() && *v > 1e-6) {
            return Err("std is not a positive number".into());
        }
        self.crop.check()
    }
}

/// How the age output is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgeSpec {
    /// Output `age_logits`, `[N, count]`: one logit a year from `first`.
    Distribution {
        /// Year of the first logit.
        first: usize,
        /// Number of logits.
        count: usize,
        /// Ages that the network was trained for.
        range: [f32; 2],
        /// Divides the logits; fitted on data that was not trained on.
        temperature: f32,
        /// Factors of the temperature by the expected age: pairs of years, rising, and factor, linear in between. One
        /// temperature cannot serve the child, whose age shows, and the old alike.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        by_age: Vec<[f32; 2]>,
        /// Factors of the temperature for faces that there is a reason to trust less.
        #[serde(default, skip_serializing_if = "UncertaintyFactors::is_empty")]
        doubt: UncertaintyFactors,
    },
    /// Output `age`, `[N, 1]`, in years.
    Regression {
        /// Ages that the network was trained for.
        range: [f32; 2],
        /// Quantiles of label minus output on data that was not trained on: pairs of share (0 to 1) and years,
        /// both rising. They turn the number into a distribution.
        residuals: Vec<[f32; 2]>,
    },
}

impl AgeSpec {
    fn check(&self) -> std::result::Result<(), String> {
        let (Self::Distribution { range, .. } | Self::Regression { range, .. }) = self;
        if !(range[0] >= 0.0 && range[0] < range[1] && range[1] <= 150.0) {
            return Err(format!("range {range:?} is not within 0 to 150"));
        }
        match self {
            Self::Distribution { first, count, temperature, by_age, doubt, .. } => {
                if *count < 2 || first.saturating_add(*count) > 151 {
                    return Err(format!("{count} years from {first} are not within 0 to 150"));
                }
                let rising = by_age.windows(2).all(|w| w[0][0] < w[1][0]);
                let usable = |pair: &[f32; 2]| pair[0].is_finite() && FACTORS.contains(&pair[1]);
                if by_age.len() > 100 || !rising || !by_age.iter().all(usable) {
                    return Err(
                        "by_age is not rising pairs of years and factors of 0.1 to 10".into()
                    );
                }
                doubt.check()?;
                check_temperature(*temperature)
            }
            Self::Regression { residuals, .. } => {
                let finite = residuals.iter().flatten().all(|v| v.is_finite());
                let rising = residuals.windows(2).all(|w| w[0][0] < w[1][0] && w[0][1] <= w[1][1]);
                let shares = residuals.iter().all(|r| (0.0..=1.0).contains(&r[0]));
                if residuals.len() < 2 || residuals.len() > 1001 || !finite || !rising || !shares {
                    return Err(
                        "residuals are not 2 to 1001 rising pairs of share and years".into()
                    );
                }
                Ok(())
            }
        }
    }
}

/// The side of the gender output that a positive logit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Positive {
    /// A positive logit means male.
    Male,
    /// A positive logit means female.
    Female,
}

/// How the gender output, `gender_logit` of `[N, 1]`, is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenderSpec {
    /// Which side is positive.
    pub positive: Positive,
    /// Divides the logit; fitted on data that was not trained on.
    pub temperature: f32,
    /// Probability that a label needs unless the caller says otherwise, 0.5 to 1.
    pub threshold: f32,
    /// Factors of the temperature for faces that there is a reason to trust less.
    #[serde(default, skip_serializing_if = "UncertaintyFactors::is_empty")]
    pub doubt: UncertaintyFactors,
}

/// Factors by the names of [`Quality::ALL`]; those of several reasons multiply, one that is not named counts as 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UncertaintyFactors(pub BTreeMap<String, f32>);

/// What a factor may be.
const FACTORS: std::ops::RangeInclusive<f32> = 0.1..=10.0;

impl UncertaintyFactors {
    /// Whether every face is trusted alike.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The factor for a face.
    pub fn factor(&self, quality: Quality) -> f32 {
        quality.names().filter_map(|name| self.0.get(name)).product()
    }

    fn check(&self) -> std::result::Result<(), String> {
        match self.0.iter().find(|(_, factor)| !FACTORS.contains(factor)) {
            Some((name, factor)) => {
                Err(format!("doubt {name:.20} is {factor}, it must be 0.1 to 10"))
            }
            None => Ok(()),
        }
    }
}

impl GenderSpec {
    fn check(&self) -> std::result::Result<(), String> {
        if !(0.5..=1.0).contains(&self.threshold) {
            return Err(format!("threshold is {}, it must be 0.5 to 1", self.threshold));
        }
        self.doubt.check()?;
        check_temperature(self.temperature)
    }
}

/// How a detector's outputs are read: one for each stride `s`, called `stride8` and so on, of
/// `[1, 15, H / s, W / s]`. A cell's numbers are the logit of a face there; the centre of its box, to the right and
/// down from the cell's corner, and the logarithms of its width and height; five landmarks from the same corner, in
/// the order of [`Region`](crate::Region). Lengths are in strides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectSpec {
    /// Rising powers of two; the last divides both sides of every input.
    pub strides: Vec<usize>,
    /// Score (0 to 1) that a face needs unless the caller says otherwise; chosen on data that was not trained on.
    pub threshold: f32,
    /// Share of their union that two boxes may have in common before the weaker one is dropped.
    pub overlap: f32,
    /// Smallest face it was trained for: the root of its box's area, in pixels of the input.
    pub smallest: f32,
}

impl DetectSpec {
    /// Numbers in a cell.
    pub const VALUES: usize = 15;

    fn check(&self) -> std::result::Result<(), String> {
        let Self { strides, threshold, overlap, smallest } = self;
        let rising = strides.windows(2).all(|w| w[0] < w[1]);
        let powers = strides.iter().all(|s| s.is_power_of_two() && (2..=128).contains(s));
        if strides.is_empty() || !rising || !powers {
            return Err(format!(
                "strides are {strides:?}: rising powers of two from 2 to 128 are wanted"
            ));
        }
        for (name, value) in [("threshold", threshold), ("overlap", overlap)] {
            if !(0.0..=1.0).contains(value) {
                return Err(format!("{name} is {value}, it must be 0 to 1"));
            }
        }
        if !(1.0..=1000.0).contains(smallest) {
            return Err(format!("smallest is {smallest}, it must be 1 to 1000 pixels"));
        }
        Ok(())
    }
}

fn check_temperature(temperature: f32) -> std::result::Result<(), String> {
    if (0.01..=100.0).contains(&temperature) {
        return Ok(());
    }
    Err(format!("temperature is {temperature}, it must be 0.01 to 100"))
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
