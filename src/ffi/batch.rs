//! Many pictures in one call.

use super::handle;
use super::image::{face_predict_image, input};
use super::model::face_predict_model;
use super::panic::{value, wall};
use super::predict::{face_predict_options, plain};
use super::result::face_predict_result;
use super::status::face_predict_status;
use crate::error::{Error, Result};
use crate::memory::{list, reserve};
use crate::predict::batch::run_on_threads;

/// The largest number of threads for a batch.
const MAX_THREADS: usize = 1024;

/// Empties the results of a batch that was refused as a whole. Each keeps the reason.
unsafe fn refuse(results: *const *mut face_predict_result, count: usize, reason: &Error) {
    // SAFETY: the caller promises it; pointers that are none of ours are skipped.
    let Ok(results) = (unsafe { handle::array(results, count, "results") }) else { return };
    for result in results {
        // SAFETY: as above, one at a time.
        if let Ok(result) = unsafe { handle::exclusive(*result) } {
            result.fail(reason);
        }
    }
}

/// Returns the index of the first result that is given twice.
fn twice(results: &[*mut face_predict_result]) -> Result<Option<usize>> {
    let mut sorted = Vec::new();
    reserve(&mut sorted, results.len())?;
    sorted.extend_from_slice(results);
    sorted.sort_unstable();
    let pair = sorted.windows(2).find(|pair| pair[0] == pair[1]);
    Ok(pair.and_then(|pair| results.iter().position(|p| *p == pair[0])))
}

/// Predicts many pictures, which may also be encoded. The answer to `images[i]` is written to `results[i]`, and all
/// results must be different. The work is shared by `threads` threads, of which the caller's is one; the largest number
/// is 1024. 0 and 1 both mean the caller's thread alone. A picture that fails does not stop the rest.
/// face_predict_result_status() and face_predict_result_message() report each picture, and the call returns the first
/// failure with its message. Options with regions are refused, since regions belong to one picture. If the call is
/// refused as a whole, every result is empty, and has the status and the message of the call. Fails with NULL_ARGUMENT,
/// INVALID_ARGUMENT or UNSUPPORTED, and like face_predict().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_batch(
    model: *const face_predict_model,
    images: *const *const face_predict_image,
    count: usize,
    options: *const face_predict_options,
    threads: u32,
    results: *const *mut face_predict_result,
) -> face_predict_status {
    let all = value(|| {
        // SAFETY: the pointers are the caller's, as the header asks.
        let (model, images, given) = unsafe {
            let images = handle::array(images, count, "images")?;
            (&handle::shared(model)?.model, images, handle::read_optional(options, "options")?)
        };
        let options = plain(&given)?;
        options.check()?;
        if given.region_count > 0 || !given.regions.is_null() {
            return Err(Error::invalid("regions belong to one picture, so a batch takes none"));
        }
        let threads = threads as usize;
        if threads > MAX_THREADS {
            let told = format!("threads is {threads}, but it must be 0 to {MAX_THREADS}");
            return Err(Error::invalid(told));
        }
        // SAFETY: as above.
        let pointers = unsafe { handle::array(results, count, "results")? };
        if let Some(index) = pointers.iter().position(|result| result.is_null()) {
            return Err(handle::null("result").context(format!("results[{index}]")));
        }
        if let Some(index) = twice(pointers)? {
            return Err(Error::invalid(format!("results[{index}] is given twice")));
        }
        let mut filled = Vec::new();
        reserve(&mut filled, count)?;
        for (index, result) in pointers.iter().enumerate() {
            // SAFETY: each is a handle of its own, as was just seen, and nobody else uses it meanwhile.
            let result = unsafe { handle::exclusive(*result) };
            filled.push(result.map_err(|e| e.context(format!("results[{index}]")))?);
        }
        let mut done: Vec<Result<()>> = list(count, || Ok(()))?;
        // The working memory of the first results serves all pictures: one result's memory for each thread.
        let (mut workspaces, mut jobs) = (Vec::new(), Vec::new());
        reserve(&mut workspaces, threads.max(1).min(count))?;
        reserve(&mut jobs, count)?;
        for ((result, image), done) in filled.iter_mut().zip(images).zip(&mut done) {
            result.start();
            let (predictions, workspace, _) = result.parts();
            if workspaces.len() < threads.max(1) {
                workspaces.push(workspace);
            }
            // SAFETY: as above.
            jobs.push((unsafe { input(*image) }, predictions, done));
        }
        run_on_threads(workspaces.into_iter(), jobs.into_iter(), |workspace, job| {
            let (picture, predictions, done) = job;
            // Only this catches a panic on a thread that we started.
            *done = value(|| model.predict_input(picture?, &options, workspace, predictions));
        });
        // The first picture that failed gives the status and the message of the call. A result's own message need not
        // say which picture it is.
        let mut first = None;
        for (index, (result, done)) in filled.iter_mut().zip(done).enumerate() {
            if let Err(error) = done {
                result.fail(&error);
                first.get_or_insert_with(|| error.context(format!("images[{index}]")));
            }
        }
        Ok(first)
    });
    wall(|| match all {
        Ok(first) => first.map_or(Ok(()), Err),
        Err(reason) => {
            // SAFETY: as above.
            unsafe { refuse(results, count, &reason) };
            Err(reason)
        }
    })
}
