//! `face-train`: trains the networks of face-predict and exports them as ONNX.

mod augment;
mod checkpoint;
mod commands;
mod config;
mod data;
mod files;
mod loss;
mod metrics;
mod model;
mod optim;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Trains networks that tell age and gender from faces.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Turn a data set into a manifest.
    #[command(subcommand)]
    Ingest(Ingest),
    /// Train a network.
    Train(commands::train::Train),
}

#[derive(Subcommand)]
enum Ingest {
    /// A CSV table of faces.
    Table(commands::ingest::Table),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Ingest(Ingest::Table(command)) => command.run(),
        Command::Train(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("face-train: {error:#}");
            ExitCode::FAILURE
        }
    }
}
