//! Many pictures in one call.

use libc::size_t;

use super::error::{FACE_PREDICT_OK, face_predict_status, remember};
use super::handle;
use super::image::{face_predict_image, view};
use super::model::face_predict_model;
use super::panic::{value, wall};
use super::predict::{face_predict_options, plain};
use super::result::face_predict_result;
use crate::error::{Error, Result};
use crate::predict::batch::run_on_threads;

/// What a batch that was refused leaves in the results: no faces of an earlier call, and no failure of their own, by which
/// callers tell it from a picture that failed.
unsafe fn leave_empty(results: *const *mut face_predict_result, count: usize) {
    // SAFETY: the caller's promise; pointers that are none of ours are passed over.
    let Ok(results) = (unsafe { handle::array(results, count, "results") }) else { return };
    for result in results {
        // SAFETY: as above, one at a time.
        if let Ok(result) = unsafe { handle::exclusive(*result) } {
            result.start();
            result.finish(FACE_PREDICT_OK);
        }
    }
}

/// Many pictures: each of `images` fills the result at its place; all results must be different. Spread over the model's threads. One bad
/// picture does not stop the rest: the first failure is returned with its message, face_predict_result_status() tells
/// each. Options with regions are refused: these belong to one picture. What is refused for all leaves every result empty, with status OK.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_batch(
    model: *const face_predict_model,
    images: *const *const face_predict_image,
    count: size_t,
    options: *const face_predict_options,
    results: *const *mut face_predict_result,
) -> face_predict_status {
    let mut first = FACE_PREDICT_OK;
    let status = wall(|| {
        // SAFETY: the pointers are the caller's, as the header asks.
        let (loaded, images, given) = unsafe {
            let images = handle::array(images, count, "images")?;
            (handle::shared(model)?, images, handle::read_optional(options)?)
        };
        let options = plain(&given)?;
        if given.region_count > 0 || !given.regions.is_null() {
            return Err(Error::invalid("regions belong to one picture, a batch takes none"));
        }
        // SAFETY: as above.
        let pointers = unsafe { handle::array(results, count, "results")? };
        let mut sorted: Vec<_> = pointers.iter().collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let twice = pointers.iter().position(|p| p == pair[0]).unwrap_or_default();
            return Err(Error::invalid(format!("results[{twice}] is given twice")));
        }
        let (mut filled, mut pictures) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (index, (image, result)) in images.iter().zip(pointers).enumerate() {
            // SAFETY: each a handle of its own, as was just seen; nobody else uses it meanwhile.
            let result = unsafe { handle::exclusive(*result) }
                .map_err(|e| e.context(format!("results[{index}]")))?;
            filled.push(result);
            // SAFETY: as above.
            pictures
                .push(unsafe { view(*image) }.map_err(|e| e.context(format!("images[{index}]"))));
        }
        let mut done: Vec<Result<()>> = (0..count).map(|_| Ok(())).collect();
        // The memory of the first results serves all pictures, one of them for each thread.
        let (mut workspaces, mut jobs) = (Vec::new(), Vec::with_capacity(count));
        for (((index, result), picture), done) in
            filled.iter_mut().enumerate().zip(pictures).zip(&mut done)
        {
            result.start();
            let (predictions, workspace, _) = result.parts();
            if workspaces.len() < loaded.threads {
                workspaces.push(workspace);
            }
            jobs.push((index, picture, predictions, done));
        }
        run_on_threads(workspaces.into_iter(), jobs.into_iter(), |workspace, job| {
            let (index, picture, predictions, done) = job;
            // On a thread of ours a panic has no other wall.
            let predict = || loaded.model.predict_into(&picture?, &options, workspace, predictions);
            *done = value(predict).map_err(|e| e.context(format!("picture {index}")));
        });
        for (result, done) in filled.iter_mut().zip(&done).rev() {
            let status = done.as_ref().map_or_else(remember, |()| FACE_PREDICT_OK);
            result.finish(status);
            if status != FACE_PREDICT_OK {
                // The last to be remembered is the first picture that failed.
                first = status;
            }
        }
        Ok(())
    });
    if status == FACE_PREDICT_OK {
        return first;
    }
    // SAFETY: as above.
    unsafe { leave_empty(results, count) };
    status
}
