//! From a picture to its answers: the methods that callers call. To read the code, start with `pipeline.rs`.

mod average;
pub(crate) mod batch;
mod crops;
mod detect;
mod estimate;
pub(crate) mod options;
mod passes;
mod pipeline;
mod search;
mod second_look;
pub(crate) mod source;
pub(crate) mod track;
mod upright;
pub(crate) mod workspace;

use std::path::Path;

use crate::error::Result;
use crate::face::answer::Predictions;
use crate::model::Model;
use crate::picture::Image;
use crate::picture::decode::{read_limited, shown};
use options::Options;
use source::Input;
use workspace::Workspace;

impl Model {
    /// Finds the faces of a picture, unless the options give them, and estimates each. A still picture is searched
    /// closely, which takes some 10 ms. For frames without a tracker, set [`Options::fast_search`].
    ///
    /// This method allocates working memory for each call. To predict often, keep a [`Workspace`], and call
    /// [`predict_into`](Self::predict_into). It fails as that method does.
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

    /// Does what [`predict`](Self::predict) does with memory that is used again. `workspace` holds the working memory.
    /// `out` holds the answer, which replaces the earlier one.
    ///
    /// It fails with [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if an option is out of its range, or a
    /// region has no part in the picture. It fails with [`Limit`](crate::ErrorKind::Limit) if the picture is larger
    /// than the model's limit. It fails with [`Unsupported`](crate::ErrorKind::Unsupported) if faces are to be found
    /// and there is no detector. It fails with [`OutOfMemory`](crate::ErrorKind::OutOfMemory), too. After a failure
    /// `out` holds no faces.
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

    /// Does the same for the bytes of a JPEG, PNG, WebP or BMP file. Its Exif orientation is applied.
    ///
    /// If a JPEG is searched, and its faces are large enough, it is decoded at a reduced scale. Boxes then move by a
    /// few hundredths of their size. Answers change as they do when a face's box moves a little: by a few years where
    /// the network is unsure. [`Options::crops`] makes them steadier.
    ///
    /// It also fails with [`Image`](crate::ErrorKind::Image) if the bytes are not a picture that can be decoded.
    pub fn predict_encoded(
        &self,
        bytes: &[u8],
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        pipeline::predict(self, bytes.into(), options, workspace, out)
    }

    /// Does the same for pixels or for the bytes of a file.
    pub fn predict_input(
        &self,
        input: Input<'_>,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        pipeline::predict(self, input, options, workspace, out)
    }

    /// Does the same for a file. Messages about the picture begin with its path. It also fails with
    /// [`Io`](crate::ErrorKind::Io) if the file cannot be read.
    pub fn predict_file(
        &self,
        path: impl AsRef<Path>,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        let path = path.as_ref();
        out.clear();
        options.check()?;
        let bytes = read_limited(path, self.limits.max_bytes)?;
        self.predict_encoded(&bytes, options, workspace, out).map_err(|e| e.context(shown(path)))
    }

    /// Predicts each of `inputs` into the predictions at the same index. There is one thread for each workspace, and
    /// the first is the caller's. So keep one workspace for each core that shall work. The result has the success or
    /// failure of each picture. A picture that fails does not stop the rest.
    ///
    /// The call fails as a whole, with nothing done, if the numbers of inputs and of predictions differ, or if there is
    /// no workspace. It also fails if the options give regions, which belong to one picture, or are wrong. `out` then
    /// stays as it was.
    pub fn predict_batch(
        &self,
        inputs: &[Input<'_>],
        options: &Options<'_>,
        workspaces: &mut [Workspace],
        out: &mut [Predictions],
    ) -> Result<Vec<Result<()>>> {
        batch::predict_batch(self, inputs, options, workspaces, out)
    }

    /// Prepares for pictures of `width` x `height` pixels, so that the first of them takes no longer than the others.
    /// It loads the detector, and optimises it for the sizes at which these options search. A tracker searches like
    /// [`Options::fast_search`]. It also uses what is prepared for still pictures. If the faces are given, or the
    /// picture is one face, there is nothing to prepare. It fails with
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if no picture can be so large, with
    /// [`Limit`](crate::ErrorKind::Limit) if the model's limit is below that, and with
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if there is no detector.
    pub fn warm_up(&self, width: usize, height: usize, options: &Options<'_>) -> Result<()> {
        search::warm_up(self, width, height, options)
    }

    /// Returns the scale of the closest search of a picture of `width` x `height` pixels: pixels of the detector's
    /// input for each pixel of the picture, along a line. Many faces with less than some 20 pixels in the input are
    /// missed. [`Options::min_face_size`] asks for more. It fails with
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if no picture can have this size. It also fails if there
    /// is no detector.
    pub fn search_scale(&self, width: usize, height: usize, options: &Options<'_>) -> Result<f32> {
        search::check_size(width, height)?;
        let finest = passes::passes(self.detector()?, options, width, height).last();
        Ok(finest.map_or(0.0, |pass| pass.scale()))
    }
}
