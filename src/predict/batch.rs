//! Many pictures in one call, on as many threads as the caller has workspaces. Each face still runs by itself, since
//! the engine is fastest that way.

use std::sync::Mutex;

use super::options::Options;
use super::pipeline;
use super::source::Input;
use super::workspace::Workspace;
use crate::error::{Error, Result};
use crate::face::answer::Predictions;
use crate::memory::list;
use crate::model::Model;

/// Predicts each picture into the predictions at its place.
pub(super) fn predict_batch(
    model: &Model,
    inputs: &[Input<'_>],
    options: &Options<'_>,
    workspaces: &mut [Workspace],
    out: &mut [Predictions],
) -> Result<Vec<Result<()>>> {
    options.check()?;
    if inputs.len() != out.len() {
        return Err(Error::invalid(format!(
            "{} pictures are to fill {} predictions",
            inputs.len(),
            out.len()
        )));
    }
    if workspaces.is_empty() {
        return Err(Error::invalid("a batch needs a workspace for each thread, but none is given"));
    }
    if options.regions.is_some() {
        return Err(Error::invalid("regions belong to one picture, so a batch takes none"));
    }
    let mut done: Vec<Result<()>> = list(inputs.len(), || Ok(()))?;
    let jobs = inputs.iter().zip(out).zip(&mut done);
    run_on_threads(workspaces.iter_mut(), jobs, |workspace, ((input, out), done)| {
        *done = pipeline::predict(model, *input, options, workspace, out);
    });
    Ok(done)
}

/// Does all jobs, with one thread for each of `states`. The first is used on the caller's thread. Without a state,
/// nothing is done.
pub(crate) fn run_on_threads<S: Send, T>(
    states: impl Iterator<Item = S>,
    jobs: impl ExactSizeIterator<Item = T> + Send,
    work: impl Fn(&mut S, T) + Sync,
) {
    let mut states = states.take(jobs.len());
    let Some(own) = states.next() else { return };
    let jobs = Mutex::new(jobs);
    let run = |mut state: S| {
        // The `next` of an iterator over slices cannot panic.
        while let Some(job) = { jobs.lock().unwrap_or_else(|e| e.into_inner()).next() } {
            work(&mut state, job);
        }
    };
    std::thread::scope(|scope| {
        for state in states {
            // If the machine cannot start a thread, fewer threads do the work.
            let _ = std::thread::Builder::new().spawn_scoped(scope, || run(state));
        }
        run(own);
    });
}
