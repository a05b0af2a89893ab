//! The settings of a run: defaults, then a file, then `--set`, then flags. They are checked before anything starts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::effect::{fill, forget_unused, without_effect};
use super::{Form, TrainConfig, start};
use crate::model::Arch;
use crate::provenance::Provenance;

/// The name of the file in the run's folder.
pub const FILE: &str = "config.toml";

/// The settings of a run: its data, the machine, and what decides the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The manifests of faces.
    pub manifest: Vec<PathBuf>,
    /// The folder that their paths start from.
    pub root: PathBuf,
    /// The manifests of scenes.
    pub scenes: Vec<PathBuf>,
    /// The folder that keeps crops. If it is empty, it is `crops` in the run's folder.
    pub cache: PathBuf,
    /// The number of threads that load pictures.
    pub workers: usize,
    /// The number of threads that compute. 0 means all.
    pub threads: i32,
    /// The device: `auto`, `cpu` or `cuda`.
    pub device: String,
    /// The settings that decide the result.
    #[serde(flatten)]
    pub train: TrainConfig,
}

/// The places that settings come from. Later ones replace earlier ones.
pub struct Sources<'a> {
    /// A file, or a run's folder.
    pub file: Option<&'a Path>,
    /// `key=value`.
    pub set: &'a [String],
    /// The settings that the flags give.
    pub flags: Table,
    /// The file is that of a run which is continued.
    pub continued: bool,
}

impl Settings {
    /// Joins the sources over the defaults of their network, which is `arch` unless they name one.
    pub fn gather(arch: &str, sources: Sources<'_>) -> Result<Self> {
        let mut told = Table::new();
        if let Some(path) = sources.file {
            told = read(path, sources.continued)?;
            forget_unused(&mut told);
            name_augment(&mut told)?;
        }
        let from_file = told.get("arch").and_then(Value::as_str).map(str::to_owned);
        // The settings of the command line alone, of which each must have an effect.
        let mut by_hand = Table::new();
        for pair in sources.set {
            let (key, value) = pair.split_once('=').context("--set needs key=value")?;
            let value = parse(value.trim());
            place(&mut by_hand, key.trim(), value.clone())
                .and_then(|()| place(&mut told, key.trim(), value))
                .with_context(|| format!("--set {pair}"))?;
        }
        let mut flags = sources.flags;
        name_augment(&mut flags)?;
        // A set that a flag names does not undo single changes to it.
        if let (Some(Value::Table(named)), Some(Value::Table(single))) =
            (flags.get_mut("augment"), by_hand.get("augment"))
        {
            overlay(named, single.clone());
        }
        overlay(&mut by_hand, flags.clone());
        overlay(&mut told, flags);
        fill(&mut told);

        let arch = match told.get("arch") {
            Some(Value::String(name)) => name.clone(),
            Some(other) => bail!("arch is {other}, but it must be a name in quotes"),
            None => arch.to_owned(),
        };
        // The sizes in the file are those of its own network.
        if from_file.is_some_and(|name| name != arch) {
            for key in ["network", "input"] {
                told.remove(key);
                if let Some(own) = by_hand.get(key) {
                    told.insert(key.into(), own.clone());
                }
            }
        }
        let named = Arch::named(&arch)?;
        let mut table = Table::try_from(&named)?;
        if let (Arch::Estimator(own), Some(Value::String(from))) = (&named, told.get("init_from"))
            && Form::of(Path::new(from)) == Form::Model
            && let Some(blocks) = start::blocks(Path::new(from), &own.channels)
        {
            table.insert("blocks".into(), blocks);
        }
        if let Some(Value::Table(size)) = told.get("network") {
            let mut all = table.clone();
            if matches!(named, Arch::Estimator(_)) {
                all.entry("stem").or_insert(Value::Integer(0));
            }
            known(size, &all, "network.")?;
            overlay(&mut table, size.clone());
        }
        let network: Arch = table.try_into().context("network")?;
        ensure!(
            std::mem::discriminant(&network) == std::mem::discriminant(&named),
            "these sizes are not those of {arch}"
        );
        let settings = Self {
            manifest: Vec::new(),
            root: PathBuf::new(),
            scenes: Vec::new(),
            cache: PathBuf::new(),
            workers: 1,
            threads: 0,
            device: "auto".into(),
            train: TrainConfig::of(&arch, network),
        };
        let mut table = Table::try_from(&settings)?;
        name_augment(&mut told)?;
        let mut all = table.clone();
        all.insert("init_from".into(), Value::String(String::new()));
        known(&told, &all, "")?;
        overlay(&mut table, told);
        let mut settings: Self = table.try_into().context("the settings")?;
        settings.train.init_from = settings.train.init_from.filter(|path| !path.is_empty());
        // The input of a run's file is that of the network there, and another size of the network has another one.
        let sized = |input: &Value| input.get("width").or(input.get("height")).is_some();
        if by_hand.contains_key("network") && !by_hand.get("input").is_some_and(sized) {
            let side = settings.train.network.side();
            (settings.train.input.width, settings.train.input.height) = (side, side);
        }
        let threads = settings.threads;
        ensure!(threads >= 0, "threads is {threads}, but it must be 0 or more");
        settings.train.check()?;
        without_effect(&by_hand, &settings.train)?;
        Ok(settings)
    }

    /// Returns the text of a file that [`Settings::gather`] reads back, with the origin of the run.
    pub fn text(&self, provenance: &Provenance) -> Result<String> {
        let mut table = Table::try_from(self)?;
        table.insert("provenance".into(), Value::Table(Table::try_from(provenance)?));
        Ok(format!(
            "# Repeat with: face-train train --config THIS-FOLDER --run ANOTHER\n{}",
            toml::to_string_pretty(&table)?
        ))
    }
}

/// Replaces the name of a set of changes to the pictures by its numbers.
fn name_augment(table: &mut Table) -> Result<()> {
    if let Some(Value::String(name)) = table.get("augment") {
        let named = crate::augment::Augment::named(name)?;
        table.insert("augment".into(), Value::Table(Table::try_from(named)?));
    }
    Ok(())
}

/// Reads the table in a file. A run's own file names its own copies of the manifests.
fn read(path: &Path, continued: bool) -> Result<Table> {
    let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
    let told = || format!("configuration {}", file.display());
    let text = std::fs::read_to_string(&file).with_context(told)?;
    let mut table: Table = text.parse().with_context(told)?;
    if let Some(provenance) = table.remove("provenance") {
        let provenance: Provenance = provenance.try_into().with_context(told)?;
        let folder = file.parent().unwrap_or(Path::new("."));
        for (key, copies) in provenance.copies(folder, continued)? {
            table.insert(key.into(), Value::try_from(copies)?);
        }
    }
    Ok(table)
}

/// Reads a value as TOML, or else as text.
fn parse(text: &str) -> Value {
    let line = format!("value = {text}");
    let parsed = line.parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Sets `a.b.c` to `value`.
fn place(table: &mut Table, key: &str, value: Value) -> Result<()> {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(inner) = inner else { bail!("{first} is not a table of settings") };
            place(inner, rest, value)?;
        }
    }
    Ok(())
}

/// Writes the entries of `over` into `table`, table by table.
fn overlay(table: &mut Table, over: Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(value)) => overlay(under, value),
            // Reads a whole number as a fraction where a fraction is meant.
            (Some(Value::Float(number)), Value::Integer(value)) => *number = value as f64,
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

/// Refuses a key that `all` lacks, and names the nearest key.
fn known(told: &Table, all: &Table, prefix: &str) -> Result<()> {
    for (key, value) in told {
        match (all.get(key), value) {
            (Some(Value::Table(all)), Value::Table(told)) => {
                known(told, all, &format!("{prefix}{key}."))?;
            }
            (Some(usual), _) => {
                let fraction = usual.is_float() && value.is_integer();
                ensure!(
                    fraction || usual.type_str() == value.type_str(),
                    "{prefix}{key} is {value}, but it must be of the kind {}",
                    usual.type_str()
                );
            }
            (None, _) => bail!("no setting is called {prefix}{key}{}", nearest(key, all, prefix)),
        }
    }
    Ok(())
}

/// Names the setting that was probably meant.
fn nearest(key: &str, all: &Table, prefix: &str) -> String {
    let mut names: Vec<String> = all.keys().map(|name| format!("{prefix}{name}")).collect();
    for (outer, value) in all {
        if let Value::Table(inner) = value {
            names.extend(inner.keys().map(|name| format!("{prefix}{outer}.{name}")));
        }
    }
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let near = |name: &String| strsim::jaro_winkler(&last(name), key);
    let best = names.iter().max_by(|a, b| near(a).total_cmp(&near(b)));
    best.filter(|name| near(name) > 0.6)
        .map_or(String::new(), |name| format!("; did you mean {name}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(arch: &str, text: &str, set: &[&str]) -> Result<Settings> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("run.toml");
        std::fs::write(&file, text).expect("written");
        let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
        Settings::gather(
            arch,
            Sources { file: Some(&file), set: &set, flags: Table::new(), continued: false },
        )
    }

    #[test]
    fn later_sources_win_and_reach_into_tables() {
        let text = "arch = 'tiny'\nbatch_size = 7\nlearning_rate = 1\n[augment]\nflip = 0.25\n[network]\ninput = 64\n";
        let set = ["batch_size=9", "network.dropout=0.5", "ema_decay=0.9", "root=my photos"];
        let found = gather("base", text, &set).expect("good");
        assert_eq!((found.train.arch.as_str(), found.train.batch_size), ("tiny", 9));
        assert_eq!((found.train.learning_rate, found.train.augment.flip), (1.0, 0.25));
        assert_eq!((found.train.input.width, found.train.ema_decay), (64, 0.9));
        assert_eq!(found.root, Path::new("my photos"));
        let Arch::Estimator(network) = &found.train.network else { panic!("another network") };
        assert_eq!((network.input, network.dropout), (64, 0.5));
        assert_eq!(network.channels, [32, 64, 96]);
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest() {
        for (set, told) in [
            ("learning_rat=1", "no setting is called learning_rat; did you mean learning_rate?"),
            ("augment.flipp=1", "no setting is called augment.flipp; did you mean augment.flip?"),
            ("label_smoothing=0", "did you mean loss.label_smoothing?"),
            ("network.chanels=[1]", "did you mean network.channels?"),
        ] {
            let error = gather("base", "", &[set]).expect_err(set).to_string();
            assert!(error.contains(told), "{set}: {error}");
        }
        for (set, told) in [
            ("balance=2", "balance is 2, but it must be 0 to 1"),
            ("epochs=none", "epochs"),
            ("network.channels=[48,96,100]", "multiples of 16"),
            ("augment.flip=2", "augment.flip is 2"),
        ] {
            let error = format!("{:#}", gather("base", "", &[set]).expect_err(set));
            assert!(error.contains(told), "{set}: {error}");
        }
    }

    /// Gathers as `train` does, with flags as TOML.
    fn with_flags(text: &str, set: &[&str], flags: &str) -> Result<Settings> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("run.toml");
        std::fs::write(&file, text).expect("written");
        let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
        let flags = flags.parse().expect("TOML");
        Settings::gather("tiny", Sources { file: Some(&file), set: &set, flags, continued: false })
    }

    #[test]
    fn what_was_not_said_does_not_replace_what_was() {
        let teacher = "distillation.teachers = ['x.onnx']";
        let told = |found: Settings| {
            let Settings { train, .. } = found;
            let crops = (train.distillation.crops, train.loss.distillation);
            (crops, train.distillation.sources, train.loss.consistency)
        };
        let found = with_flags("", &[], teacher).expect("good");
        assert_eq!(told(found), ((8, 0.5), vec![], 0.0));
        let set = ["loss.distillation=0.3", "distillation.crops=2", "distillation.sources=['a']"];
        let found = with_flags("", &set, teacher).expect("good");
        assert_eq!(told(found.clone()), ((2, 0.3), vec!["a".into()], 0.0));
        // A run's file is one more source.
        let file = found.text(&Provenance::default()).expect("text");
        let flags = "loss.distillation = 0.9\ndistillation.crops = 4\ndistillation.sources = ['b']";
        let again = with_flags(&file, &[], flags).expect("good");
        assert_eq!(told(again), ((4, 0.9), vec!["b".into()], 0.0));
        assert_eq!(told(with_flags("views = 2", &[], "").expect("good")).2, 0.7);
        let set = ["loss.consistency=1.5"];
        assert_eq!(told(with_flags("", &set, "views = 2").expect("good")).2, 1.5);
        // The zeros in the file of a run without teachers are no choice.
        let plain = with_flags("", &[], "").expect("good").text(&Provenance::default());
        let found = with_flags(&plain.expect("text"), &["views=2"], teacher).expect("good");
        assert_eq!(told(found), ((8, 0.5), vec![], 0.7));
        // A named set keeps single changes.
        let found = with_flags("augment = 'paper'", &["augment.flip=0.25"], "").expect("good");
        assert_eq!((found.train.augment.flip, found.train.augment.turn), (0.25, 40.0));
        let found = with_flags("", &["augment.flip=0.25"], "augment = 'none'").expect("good");
        assert_eq!((found.train.augment.flip, found.train.augment.turn), (0.25, 0.0));
        // Another size of the network has another input.
        let file = with_flags("", &[], "").expect("good").text(&Provenance::default());
        let found = with_flags(&file.expect("text"), &["network.input=64"], "").expect("good");
        assert_eq!((found.train.input.width, found.train.input.height), (64, 64));
    }

    #[test]
    fn settings_without_effect_are_refused() {
        for (arch, set, told) in [
            ("tiny", "input.width=64", "they follow from its size"),
            ("tiny", "loss.distillation=0.4", "need a --teacher"),
            ("tiny", "distillation.crops=2", "need a --teacher"),
            ("tiny", "loss.consistency=0.4", "it needs --views 2"),
            ("tiny", "patience=0", "patience must be 1 or more"),
            ("tiny", "threads=-1", "threads is -1, but it must be 0 or more"),
            ("paper-age", "epoch_size=100", "epoch_size has no effect"),
            ("paper-age", "warmup_steps=9", "warmup_steps has no effect"),
            ("detector", "augment.flip=0", "augment has no effect"),
            ("detector", "detect.scenes=3", "detect.scenes has no effect"),
            ("detector", "head_lr_scale=2", "head_lr_scale has no effect"),
            ("paper-age", "loss.gender=2", "loss.gender has no effect"),
            ("paper-gender", "loss.apparent=0.2", "loss.apparent has no effect"),
            ("paper-multi", "loss.expectation=1", "loss.expectation has no effect"),
        ] {
            let error = gather(arch, "", &[set]).expect_err(set).to_string();
            assert!(error.contains(told), "{set}: {error}");
        }
    }

    #[test]
    fn what_is_saved_reads_back() {
        for arch in ["base", "paper-multi", "detector"] {
            let told = gather(arch, "", &["seed=5", "init_from=a.onnx"]).expect("good");
            let text = told.text(&Provenance::default()).expect("text");
            assert_eq!(gather("tiny", &text, &[]).expect("reads back"), told, "{text}");
        }
    }
}
