//! Many pictures in one call, spread over threads where that was asked for. Each face still runs by itself: the
//! engine is fastest so.

use std::sync::Mutex;

use crate::error::{Error, Result};
use crate::face::answer::Predictions;
use crate::model::Model;
use crate::picture::Image;
use crate::predict::options::Options;

impl Model {
    /// Estimates each picture into the predictions at its place, on as many threads as the model was loaded with. One
    /// that fails does not stop the rest.
    ///
    /// Fails as a whole, with nothing done, when the numbers of pictures and of predictions differ, and when the options
    /// give regions, which belong to one picture.
    pub fn predict_batch(
        &self,
        images: &[Image<'_>],
        options: &Options<'_>,
        out: &mut [Predictions],
    ) -> Result<Vec<Result<()>>> {
        if images.len() != out.len() {
            return Err(Error::invalid(format!(
                "{} pictures are to fill {} predictions",
                images.len(),
                out.len()
            )));
        }
        if options.regions.is_some() {
            return Err(Error::invalid("regions belong to one picture, a batch takes none"));
        }
        let mut done: Vec<Result<()>> = images.iter().map(|_| Ok(())).collect();
        let jobs = images.iter().zip(out).zip(&mut done);
        run_on_threads(self.threads, jobs, |((image, out), done)| {
            *done = self.predict_into(image, options, out);
        });
        Ok(done)
    }
}

/// Does all jobs, on the caller's thread and `threads` - 1 more.
pub(crate) fn run_on_threads<T>(
    threads: usize,
    jobs: impl ExactSizeIterator<Item = T> + Send,
    work: impl Fn(T) + Sync,
) {
    let helpers = threads.min(jobs.len()).saturating_sub(1);
    let jobs = Mutex::new(jobs);
    let run = || {
        // A panic within `next` of an iterator over slices cannot be.
        while let Some(job) = { jobs.lock().unwrap_or_else(|e| e.into_inner()).next() } {
            work(job);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..helpers {
            // A machine that gives no thread does the work on fewer.
            let _ = std::thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
}
