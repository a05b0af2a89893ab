//! A model and what became of it: what `evaluate` finds, and its page shows.

use std::collections::BTreeMap;

use serde::Serialize;

use super::brackets::Brackets;
use super::cases::{Case, LIMITS};
use super::limits::{self, Demand};
use super::probabilities::{Bin, reliability};
use super::scores::{self, Figures};

/// A model and what became of it.
#[derive(Serialize)]
pub struct Judged {
    /// Name and version.
    pub name: String,
    /// File as given.
    pub file: String,
    /// Bytes of the ONNX file.
    pub bytes: usize,
    /// Pictures that failed, with the reason.
    pub failures: BTreeMap<String, String>,
    /// Brackets that each source labels with.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub brackets: BTreeMap<String, Brackets>,
    /// Figures by source and group.
    pub sources: BTreeMap<String, BTreeMap<String, Figures>>,
    /// Reliability by source and question.
    pub reliability: BTreeMap<String, BTreeMap<String, Vec<Bin>>>,
    /// By source and question, what a demand on its probability lets pass and refuses.
    pub demands: BTreeMap<String, BTreeMap<String, Vec<Demand>>>,
    /// Lines of the run's log, where the model is a run.
    pub log: Option<String>,
    /// Faces compared, with their paths.
    #[serde(skip)]
    pub cases: Vec<(String, Case)>,
}

impl Judged {
    /// Fills in the figures of each source from the faces compared.
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
