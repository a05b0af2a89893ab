//! `face-train`: trains the networks of face-predict and exports them as ONNX.

mod augment;
mod checkpoint;
mod commands;
mod config;
mod data;
mod detect;
mod device;
mod estimate;
mod events;
mod export;
mod files;
mod flat;
mod infer;
mod initial;
mod interrupt;
mod job;
mod learner;
mod log;
mod loss;
mod metrics;
mod model;
mod onnx;
mod optim;
mod preview;
mod progress;
mod provenance;
mod report;
mod run;
mod teacher;
mod trainer;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Trains networks that find faces, and that estimate their age and gender.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a manifest of a data set.
    #[command(subcommand)]
    Ingest(commands::ingest::Ingest),
    /// Draw a manifest as one HTML file.
    Explore(commands::explore::Explore),
    /// Divide a manifest into parts.
    Split(commands::split::Split),
    /// Measure the loader alone.
    Loader(commands::loader::Loader),
    /// Show the frames that a detector is trained on.
    Frames(commands::frames::Frames),
    /// Train a network.
    Train(Box<commands::train::Train>),
    /// Train a model file further with your own faces: pictures in, a model file and its card out.
    Finetune(commands::finetune::Finetune),
    /// Fit a run's probabilities on its validation part.
    Calibrate(commands::calibrate::Calibrate),
    /// Write a run's network as ONNX, checked against its checkpoint.
    Export(commands::export::Export),
    /// Judge models through the library, and write one page and one JSON file.
    Evaluate(commands::evaluate::Evaluate),
    /// Judge networks on sets that they have never seen, in one table by age band.
    Strangers(commands::strangers::Strangers),
    /// Judge detectors on scenes and on pictures of one face.
    EvaluateDetector(commands::evaluate_detector::EvaluateDetector),
    /// Measure how answers change when a face's place is a little off.
    Shake(commands::shake::Shake),
    /// Measure the cost of finding the landmarks of small faces.
    SmallFaces(commands::small_faces::SmallFaces),
    /// Print the description in a model file.
    Inspect(commands::inspect::Inspect),
    /// Print a network's layers.
    Summary(commands::summary::Summary),
}

/// Runs one command. Some commands consist of others, which they call by their command lines.
fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Ingest(command) => command.run(),
        Command::Explore(command) => command.run(),
        Command::Split(command) => command.run(),
        Command::Loader(command) => command.run(),
        Command::Frames(command) => command.run(),
        Command::Train(command) => command.run(),
        Command::Finetune(command) => {
            command.run(&|line| dispatch(Cli::try_parse_from(line)?.command))
        }
        Command::Calibrate(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Strangers(command) => command.run(),
        Command::EvaluateDetector(command) => command.run(),
        Command::Shake(command) => command.run(),
        Command::SmallFaces(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Summary(command) => command.run(),
    }
}

fn main() -> ExitCode {
    interrupt::end_when_output_fails();
    match dispatch(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("face-train: {error:#}");
            ExitCode::FAILURE
        }
    }
}
