//! Estimates age and gender of the faces in pictures, from Rust.
//!
//! `predict [--json] [--cropped] [--box X,Y,W,H]... [--try-turns] [--model FILE]... [--repeat N] IMAGE... | @LIST`, or
//! `predict --help | --version`
//!
//! Without `--box` and `--cropped` the program searches the faces. `--try-turns` also searches heads that lie on their side
//! or stand upside down.

use std::process::ExitCode;
use std::time::Instant;

use face_predict::{
    Face, Gender, Model, ModelOptions, Options, Predictions, Rect, Region, Workspace,
};

const USAGE: &str = "usage: predict [--json] [--cropped] [--box X,Y,W,H]... [--try-turns] \
                     [--model FILE]... [--repeat N] IMAGE... | @LIST\n       \
                     predict --help | --version";

#[derive(Default)]
struct Arguments {
    /// What to print instead of predicting.
    told: Option<&'static str>,
    json: bool,
    cropped: bool,
    try_turns: bool,
    boxes: Vec<Region>,
    models: Vec<String>,
    repeat: usize,
    images: Vec<String>,
}

fn parse() -> Result<Arguments, String> {
    let mut arguments = Arguments { repeat: 1, ..Arguments::default() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--help" => return Ok(Arguments { told: Some(USAGE), ..arguments }),
            "--version" => {
                return Ok(Arguments { told: Some(env!("CARGO_PKG_VERSION")), ..arguments });
            }
            "--json" => arguments.json = true,
            "--cropped" => arguments.cropped = true,
            "--try-turns" => arguments.try_turns = true,
            "--box" => {
                let numbers: Result<Vec<f32>, _> = value()?.split(',').map(str::parse).collect();
                let Ok(&[x, y, width, height]) = numbers.as_deref() else {
                    return Err("--box wants X,Y,W,H".into());
                };
                arguments.boxes.push(Region::from_box(Rect::new(x, y, width, height)));
            }
            "--model" => arguments.models.push(value()?),
            "--repeat" => {
                arguments.repeat = value()?
                    .parse()
                    .ok()
                    .filter(|n| *n > 0)
                    .ok_or("--repeat wants a number from 1")?;
            }
            option if option.len() > 1 && option.starts_with('-') => {
                return Err(format!("unknown option {option}"));
            }
            path => match path.strip_prefix('@') {
                Some(list) => {
                    let text = std::fs::read_to_string(list)
                        .map_err(|e| format!("{list} cannot be read: {e}"))?;
                    arguments
                        .images
                        .extend(text.lines().filter(|l| !l.is_empty()).map(String::from));
                }
                None => arguments.images.push(path.to_owned()),
            },
        }
    }
    if arguments.images.is_empty() {
        return Err("no picture".into());
    }
    Ok(arguments)
}

fn gender(face: &Face<'_>) -> &'static str {
    match face.gender() {
        Some(Gender::Female) => "female",
        Some(Gender::Male) => "male",
        None => "undecided",
    }
}

fn quality(face: &Face<'_>) -> Vec<&'static str> {
    face.quality().names().collect()
}

fn print_json(path: &str, index: usize, face: &Face<'_>) {
    let text = |value: &str| serde_json::Value::from(value);
    let number = |value: Option<f32>| value.map_or("null".to_owned(), |v| v.to_string());
    let (rect, interval) = (face.rect(), face.age_interval());
    println!(
        "{{\"file\": {}, \"face\": {index}, \"x\": {}, \"y\": {}, \"width\": {}, \"height\": {}, \"score\": {}, \
         \"age\": {}, \"age_low\": {}, \"age_high\": {}, \"female_probability\": {}, \"gender\": {}, \"quality\": {}, \
         \"yaw\": {}, \"pitch\": {}, \"roll\": {}}}",
        text(path),
        rect.x,
        rect.y,
        rect.width,
        rect.height,
        number(face.score()),
        number(face.age().map(|age| age.median())),
        number(interval.map(|i| i.0)),
        number(interval.map(|i| i.1)),
        number(face.female_probability()),
        text(gender(face)),
        serde_json::Value::from(quality(face)),
        number(face.pose().map(|pose| pose.yaw)),
        number(face.pose().map(|pose| pose.pitch)),
        number(face.pose().map(|pose| pose.roll)),
    );
}

fn print_readable(path: &str, face: &Face<'_>) {
    let rect = face.rect();
    let at = format!("{:.0},{:.0} of {:.0}x{:.0}", rect.x, rect.y, rect.width, rect.height);
    let (low, high) = face.age_interval().unwrap_or((f32::NAN, f32::NAN));
    let age = face.age().map_or(f32::NAN, |age| age.median());
    let female = face.female_probability().unwrap_or(f32::NAN) * 100.0;
    let gender = match face.gender() {
        Some(Gender::Female) => format!("female ({female:.0} %)"),
        Some(Gender::Male) => format!("male ({:.0} %)", 100.0 - female),
        None => format!("gender undecided (female {female:.0} %)"),
    };
    let reasons: String = quality(face).iter().map(|reason| format!(", {reason}")).collect();
    println!("{path}: face at {at}: {age:.0} years ({low:.0} to {high:.0}), {gender}{reasons}");
}

fn run(arguments: &Arguments) -> face_predict::Result<bool> {
    let model = if arguments.models.is_empty() {
        Model::load_default()?
    } else {
        Model::load_files(&arguments.models, &ModelOptions::new())?
    };
    let mut options = Options::new().cropped(arguments.cropped).try_turns(arguments.try_turns);
    if !arguments.boxes.is_empty() {
        options = options.regions(&arguments.boxes);
    }
    let (mut workspace, mut predictions) = (Workspace::new(), Predictions::new());
    let (mut times, mut all_right) = (Vec::new(), true);
    for path in &arguments.images {
        let done = (0..arguments.repeat).try_for_each(|_| {
            let start = Instant::now();
            let done = model.predict_file(path, &options, &mut workspace, &mut predictions);
            times.push(start.elapsed());
            done
        });
        if let Err(error) = done {
            all_right = false;
            if arguments.json {
                let error = serde_json::Value::from(error.to_string());
                println!(
                    "{{\"file\": {}, \"error\": {error}}}",
                    serde_json::Value::from(path.as_str())
                );
            } else {
                eprintln!("predict: {error}");
            }
            continue;
        }
        if predictions.is_empty() && !arguments.json {
            println!("{path}: no face");
        }
        for (index, face) in predictions.faces().enumerate() {
            if arguments.json {
                print_json(path, index, &face);
            } else {
                print_readable(path, &face);
            }
        }
    }
    if arguments.repeat > 1 {
        times.sort_unstable();
        let median = times[times.len() / 2].as_secs_f64() * 1e3;
        eprintln!("median {median:.3} ms a picture, decoding included");
    }
    Ok(all_right)
}

fn main() -> ExitCode {
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("predict: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(text) = arguments.told {
        println!("{text}");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("predict: {error}");
            ExitCode::FAILURE
        }
    }
}
