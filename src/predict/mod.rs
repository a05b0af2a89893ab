//! From a picture to its answers. `pipeline.rs` is the place to start reading; this is what callers call.

mod average;
pub(crate) mod batch;
mod crops;
mod detect;
mod estimate;
pub(crate) mod options;
mod passes;
mod pipeline;
mod search;
pub(crate) mod source;
pub(crate) mod track;
mod upright;
pub(crate) mod workspace;

use std::path::Path;

use crate::error::Result;
use crate::face::answer::Predictions;
use crate::model::Model;
use crate::picture::Image;
use crate::picture::decode::read_limited;
use options::Options;
use source::Input;
use workspace::Workspace;

impl Model {
    /// Finds the faces of a picture, unless the options give them, and estimates each. A still picture is searched for all that a
    /// person would point at, which takes some 10 ms; who has frames and no tracker sets [`Options::fast_search`].
    ///
    /// This allocates its working memory anew. Who predicts often keeps a [`Workspace`] and calls
    /// [`predict_into`](Self::predict_into). Failures are the same as there.
    ///
    /// ```
    /// use face_predict::{DecodeLimits, Model, Options, Picture, Rect, Region};
    ///
    /// let model = Model::load_default()?;
    /// let picture = Picture::open("examples/images/eileen_collins.png", &DecodeLimits::default())?;
    /// let faces = [Region::from_box(Rect::new(182.0, 59.0, 88.0, 114.0))];
    /// for face in model.predict(&picture.image(), &Options::new().regions(&faces))?.faces() {
    ///     if let Some(age) = face.age() {
    ///         println!("{:.0} years, adult {:.2}", age.median(), age.at_least(18.0));
    ///     }
    /// }
    /// # Ok::<(), face_predict::Error>(())
    /// ```
    pub fn predict(&self, image: &Image<'_>, options: &Options<'_>) -> Result<Predictions> {
        let mut predictions = Predictions::default();
        self.predict_into(image, options, &mut Workspace::default(), &mut predictions)?;
        Ok(predictions)
    }

    /// [`predict`](Self::predict) with memory that is used again: `workspace` for what a prediction needs on its way, `out` for
    /// the answer, which replaces what it held.
    ///
    /// Fails with [`InvalidArgument`](crate::ErrorKind::InvalidArgument) where an option is out of its range, with
    /// [`Limit`](crate::ErrorKind::Limit) where the picture is larger than the model's limit, with
    /// [`Unsupported`](crate::ErrorKind::Unsupported) where faces are to be found and there is no detector, and with
    /// [`OutOfMemory`](crate::ErrorKind::OutOfMemory). On failure `out` holds no faces.
    ///
    /// ```
    /// use face_predict::{Format, Image, Model, Options, Predictions, Workspace};
    ///
    /// let model = Model::load_default()?;
    /// let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    /// for shade in [100, 120, 140] {
    ///     let frame = vec![shade; 320 * 240];
    ///     let image = Image::new(Format::Gray, 320, 240, &frame)?;
    ///     model.predict_into(&image, &Options::new(), &mut workspace, &mut out)?;
    ///     println!("{} faces", out.len());
    /// }
    /// # Ok::<(), face_predict::Error>(())
    /// ```
    pub fn predict_into(
        &self,
        image: &Image<'_>,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        pipeline::predict(self, image.into(), options, workspace, out)
    }

    /// The same for the bytes of a JPEG, PNG, WebP or BMP file; its Exif orientation is applied.
    ///
    /// A JPEG that is searched is decoded at a reduced scale where its faces remain large enough for the networks. Boxes
    /// then move by a few hundredths of their size. Answers move as far as they do when a face's box trembles: a few years
    /// where the network is unsure ([`Options::crops`] steadies it).
    ///
    /// Also fails with [`Image`](crate::ErrorKind::Image) where the bytes are no picture that can be decoded.
    pub fn predict_encoded(
        &self,
        bytes: &[u8],
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        pipeline::predict(self, bytes.into(), options, workspace, out)
    }

    /// The same for pixels or the bytes of a file, whichever a caller has.
    pub fn predict_input(
        &self,
        input: Input<'_>,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        pipeline::predict(self, input, options, workspace, out)
    }

    /// The same for a file. Also fails with [`Io`](crate::ErrorKind::Io) where it cannot be read.
    pub fn predict_file(
        &self,
        path: impl AsRef<Path>,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        out.clear();
        let bytes = read_limited(path.as_ref(), self.limits.max_bytes)?;
        self.predict_encoded(&bytes, options, workspace, out)
    }

    /// Predicts each of `inputs` into the predictions at its place, on one thread for each workspace (the first is the
    /// caller's thread), so keep as many workspaces as cores are to work. The result has each picture's own success or
    /// failure; one that fails does not stop the rest.
    ///
    /// Fails as a whole, with nothing done, when the numbers of inputs and of predictions differ, when there is no workspace,
    /// and when the options give regions, which belong to one picture.
    pub fn predict_batch(
        &self,
        inputs: &[Input<'_>],
        options: &Options<'_>,
        workspaces: &mut [Workspace],
        out: &mut [Predictions],
    ) -> Result<Vec<Result<()>>> {
        batch::predict_batch(self, inputs, options, workspaces, out)
    }

    /// Prepares for pictures of `width` x `height` pixels, so that the first of them takes no longer than the others: loads
    /// the detector, and optimises it for the sizes that these options search at. A tracker searches like
    /// [`Options::fast_search`]; what is prepared for still pictures serves it, too. Where the faces are given or the picture is
    /// one, there is nothing to prepare. Fails with [`InvalidArgument`](crate::ErrorKind::InvalidArgument) where no picture
    /// can be so large, and with [`Unsupported`](crate::ErrorKind::Unsupported) where there is no detector.
    pub fn warm_up(&self, width: usize, height: usize, options: &Options<'_>) -> Result<()> {
        search::warm_up(self, width, height, options)
    }

    /// Pixels of the detector's input for each of a picture's of `width` x `height`, along a line, where it is looked at most
    /// closely. Many faces that are smaller than some 20 pixels there are missed; [`Options::min_face_size`] asks for more. Fails
    /// where there is no detector.
    pub fn search_scale(&self, width: usize, height: usize, options: &Options<'_>) -> Result<f32> {
        let finest = passes::passes(self.detector()?, options, width, height).last();
        Ok(finest.map_or(0.0, |pass| pass.scale()))
    }

    /// Score that a face of a picture of `width` x `height` pixels needs with these options. Fails where there is no detector.
    pub fn search_threshold(
        &self,
        width: usize,
        height: usize,
        options: &Options<'_>,
    ) -> Result<f32> {
        let own = || Ok(passes::threshold(self.detector()?, options, width.max(height)));
        options.min_score.map_or_else(own, Ok)
    }
}
