//! Settings that have an effect only beside others: their usual values there, and their refusal elsewhere.

use anyhow::{Result, ensure};
use toml::{Table, Value};

use super::{Schedule, TrainConfig};

/// Returns whether there are teachers, and whether there are two crops of each face.
fn switches(told: &Table) -> (bool, bool) {
    let teachers = told.get("distillation").and_then(|table| table.get("teachers"));
    let taught = teachers.and_then(Value::as_array).is_some_and(|teachers| !teachers.is_empty());
    (taught, told.get("views").and_then(Value::as_integer) == Some(2))
}

/// The settings that mean something only beside a switch, with their usual values.
fn switched() -> [(bool, &'static str, &'static str, Value); 3] {
    [
        (true, "distillation", "crops", Value::Integer(8)),
        (true, "loss", "distillation", Value::Float(0.5)),
        (false, "loss", "consistency", Value::Float(0.7)),
    ]
}

/// Removes the zeros that a run's file has beside a switch that is off. They are no choice for a run that turns it on.
pub fn forget_unused(told: &mut Table) {
    let (taught, two) = switches(told);
    for (teaches, outer, key, _) in switched() {
        let on = if teaches { taught } else { two };
        if let (false, Some(Value::Table(inner))) = (on, told.get_mut(outer)) {
            let zero = |v: &Value| v.as_float() == Some(0.0) || v.as_integer() == Some(0);
            if inner.get(key).is_some_and(zero) {
                inner.remove(key);
            }
        }
    }
}

/// Gives settings beside a switch that is on their usual values, unless some source has set them.
pub fn fill(told: &mut Table) {
    let (taught, two) = switches(told);
    for (teaches, outer, key, usual) in switched() {
        if if teaches { taught } else { two } {
            let inner = told.entry(outer).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                inner.entry(key).or_insert(usual);
            }
        }
    }
}

/// Refuses settings of the command line that would change nothing.
pub fn without_effect(by_hand: &Table, train: &TrainConfig) -> Result<()> {
    let mut idle = vec![("detect.scenes", "it is the number of scenes in --scenes")];
    let mut unused = |keys: &[&'static str], why: &'static str| {
        idle.extend(keys.iter().map(|key| (*key, why)));
    };
    let task = train.network.task();
    if train.shuffle {
        unused(&["balance", "epoch_size"], "each face is shown once in an epoch (shuffle)");
    }
    if train.schedule == Schedule::Constant {
        unused(&["warmup_steps"], "the learning rate does not change (schedule)");
    }
    if train.detect.is_some() {
        let keys = ["augment", "balance", "drop_last", "loss", "score_over_faces"];
        unused(&keys, "detectors do not use it");
        unused(&["head_lr_scale", "shuffle"], "detectors do not use it");
    }
    if !task.has_gender() {
        unused(&["loss.gender", "loss.label_smoothing"], "the network tells no gender");
    }
    if !task.has_age() {
        unused(&["loss.expectation", "loss.apparent"], "the network tells no age");
    }
    if train.network.regression() {
        unused(&["loss.expectation"], "the age is a number and no distribution");
    }
    for (key, why) in idle {
        let given = match key.split_once('.') {
            Some((outer, inner)) => by_hand.get(outer).is_some_and(|of| of.get(inner).is_some()),
            None => by_hand.contains_key(key),
        };
        ensure!(!given, "{key} has no effect: {why}");
    }
    Ok(())
}
