//! A model and its results, which `evaluate` finds, and its page shows.

use std::collections::BTreeMap;

use serde::Serialize;

use super::brackets::Brackets;
use super::cases::{Case, LIMITS};
use super::limits::{self, Demand};
use super::probabilities::{Bin, reliability};
use super::scores::{self, Figures};

/// A model and its results.
#[derive(Serialize)]
pub struct Judged {
    /// Name and version.
    pub name: String,
    /// The file as it was given.
    pub file: String,
    /// Bytes of the ONNX file.
    pub bytes: usize,
    /// Pictures that failed, with the reason.
    pub failures: BTreeMap<String, String>,
    /// The brackets that each source uses as labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub brackets: BTreeMap<String, Brackets>,
    /// Figures by source and group.
    pub sources: BTreeMap<String, BTreeMap<String, Figures>>,
    /// The reliability by source and question.
    pub reliability: BTreeMap<String, BTreeMap<String, Vec<Bin>>>,
    /// By source and question, how many faces pass and are refused for each smallest accepted probability.
    pub demands: BTreeMap<String, BTreeMap<String, Vec<Demand>>>,
    /// The lines of the run's log, if the model is a run.
    pub log: Option<String>,
    /// The compared faces, with their paths.
    #[serde(skip)]
    pub cases: Vec<(String, Case)>,
}

impl Judged {
    /// Computes the figures of each source from the compared faces.
    pub fn count(&mut self, resamples: usize) {
        let mut by_source: BTreeMap<String, Vec<Case>> = BTreeMap::new();
        for (_, case) in &self.cases {
            by_source.entry(case.source.clone()).or_default().push(case.clone());
        }
        for (source, cases) in by_source {
            let figures = scores::groups(&cases)
                .into_iter()
                .map(|(name, cases)| (name, scores::figures(&cases, resamples)));
            self.sources.insert(source.clone(), figures.collect());
            let mut bins: BTreeMap<String, Vec<Bin>> = BTreeMap::new();
            let mut demands: BTreeMap<String, Vec<Demand>> = BTreeMap::new();
            for (i, limit) in LIMITS.iter().enumerate() {
                let pairs: Vec<_> = cases.iter().filter_map(|c| c.at_least[i]).collect();
                bins.insert(format!("at least {limit}"), reliability(&pairs));
                demands.insert(format!("at least {limit}"), limits::demands(&pairs));
            }
            self.demands.insert(source.clone(), demands);
            let pairs: Vec<_> = cases.iter().filter_map(|c| c.p_male.zip(c.male)).collect();
            bins.insert("male".into(), reliability(&pairs));
            self.reliability.insert(source, bins);
        }
    }
}
