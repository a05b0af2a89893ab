//! Judges model files through the library, as users run them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use clap::Args;
use face_predict::{
    Affine, AgeSpec, Face, Format, Image, Metadata, Model, ModelOptions, Options, Picture, Point,
    Predictions, Rect, Region, Warp, Workspace,
};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

use crate::augment::fault::Fault;
use crate::data::loader::Placement;
use crate::data::manifest::{self, Row};
use crate::data::pictures;
use crate::data::sampler::generator;
use crate::data::spoil::spoiled;
use crate::export::{self, Card};
use crate::infer::Averaged;
use crate::metrics::brackets::Brackets;
use crate::metrics::cases::{Answer, Case};
use crate::metrics::judged::Judged;
use crate::onnx::{self, Storage};
use crate::report::evaluation;

/// Judges models, and writes report.html and metrics.json.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train evaluate --model base.onnx --model tiny.onnx --manifest faces.csv --root photos --out report"
)]
pub struct Evaluate {
    /// ONNX file, checkpoint or run. Give several to compare them.
    #[arg(long, required = true, num_args = 1..)]
    model: Vec<PathBuf>,
    /// Manifest of faces. This may be given several times, and each source is judged by itself.
    #[arg(long, required = true, num_args = 1..)]
    manifest: Vec<PathBuf>,
    /// Folder for report.html and metrics.json.
    #[arg(long)]
    out: PathBuf,
    /// Part of the manifests to judge on, or all.
    #[arg(long, default_value = "test")]
    split: String,
    #[command(flatten)]
    judge: Judge,
}

/// How a model is judged.
#[derive(Args, Debug)]
pub struct Judge {
    /// Folder that the paths of the manifests start from.
    #[arg(long)]
    pub root: PathBuf,
    /// How faces are placed.
    #[arg(long, value_enum, default_value = "landmarks")]
    placement: Placement,
    /// Let the library find the faces, in frames of 640 x 480 into which smaller pictures are laid. Faces that it does
    /// not find are left out and counted.
    #[arg(long, conflicts_with = "placement")]
    search: bool,
    /// Spoil the pictures first, from just noticeable to bad, and the same each time.
    #[arg(long, value_enum, conflicts_with_all = ["placement", "search"])]
    fault: Option<Fault>,
    /// Number of crops of each face whose answers are averaged, from 1 to 8.
    #[arg(long, default_value_t = 1)]
    crops: usize,
    /// Detector to search with, instead of the built-in one.
    #[arg(long, requires = "search")]
    detector: Option<PathBuf>,
    /// Number of bootstrap draws for the 95 % intervals.
    #[arg(long, default_value_t = 200)]
    resamples: usize,
    /// Number of threads.
    #[arg(long, default_value_t = 1)]
    workers: usize,
}

/// The compared faces with their paths, and the pictures that failed with the reason.
type Compared = (Vec<(String, Case)>, BTreeMap<String, String>);

#[derive(Serialize)]
struct Metrics<'a> {
    program: &'static str,
    split: &'a str,
    placement: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    crops: usize,
    manifests: &'a [PathBuf],
    resamples: usize,
    models: &'a [Judged],
}

impl Evaluate {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut rows = Vec::new();
        for path in &self.manifest {
            rows.extend(manifest::read(path)?);
        }
        rows.retain(|row| self.split == "all" || row.split == self.split);
        ensure!(!rows.is_empty(), "no row of the manifests has split {}", self.split);
        let mut models = Vec::new();
        for file in &self.model {
            let judged =
                self.judge.judge(file, &rows).with_context(|| format!("{}", file.display()))?;
            for (source, groups) in &judged.sources {
                let Some(all) = groups.get("all") else { continue };
                let figures = all.iter().map(|(name, f)| format!("{name} {:.4}", f.value));
                println!("{} {source}: {}", judged.name, figures.collect::<Vec<_>>().join(", "));
            }
            if !judged.failures.is_empty() {
                println!("{}: {} pictures left out", judged.name, judged.failures.len());
            }
            models.push(judged);
        }
        let metrics = Metrics {
            program: concat!("face-train ", env!("CARGO_PKG_VERSION")),
            split: &self.split,
            placement: if self.judge.search {
                "search".into()
            } else {
                format!("{:?}", self.judge.placement).to_lowercase()
            },
            fault: self.judge.fault.map(|fault| format!("{fault:?}").to_lowercase()),
            crops: self.judge.crops,
            manifests: &self.manifest,
            resamples: self.judge.resamples,
            models: &models,
        };
        let json = serde_json::to_vec_pretty(&metrics)?;
        crate::files::replace_bytes(&self.out.join("metrics.json"), &json)?;
        let page = evaluation::page(&models, &self.judge.root, &self.split);
        crate::files::replace_bytes(&self.out.join("report.html"), page.as_bytes())?;
        println!("{}", self.out.join("report.html").display());
        Ok(())
    }
}

impl Judge {
    /// Shows the faces of `rows` to the model in `file`.
    pub fn judge(&self, file: &Path, rows: &[Row]) -> Result<Judged> {
        let (bytes, log) = load(file)?;
        let props = onnx::decode(&bytes)?.metadata_props;
        let props = props.iter().map(|p| (p.key.as_str(), p.value.as_str()));
        let metadata = Metadata::from_props(props)?;
        let detector = self.detector.as_ref().map(std::fs::read).transpose()?;
        let parts: Vec<&[u8]> =
            std::iter::once(bytes.as_slice()).chain(detector.as_deref()).collect();
        let model = Model::load_parts(&parts, &ModelOptions::new())?;
        let raw = own_number(&bytes, &metadata)?;
        let mut brackets: BTreeMap<String, Brackets> = BTreeMap::new();
        for row in rows {
            if !brackets.contains_key(&row.source) {
                let of = rows.iter().filter(|other| other.source == row.source);
                brackets.insert(row.source.clone(), Brackets::of(of));
            }
        }
        let asked = Asked { model: &model, metadata: &metadata, raw: raw.as_ref() };
        let (cases, failures) = self.answers(&asked, &brackets, rows)?;
        brackets.retain(|_, of| of.len() > 0);
        ensure!(
            !cases.is_empty(),
            "none of {} pictures could be judged; the first: {:?}",
            rows.len(),
            failures.first_key_value()
        );
        let mut judged = Judged {
            name: format!("{} {}", metadata.name, metadata.version),
            file: file.display().to_string(),
            bytes: bytes.len(),
            failures,
            brackets,
            sources: BTreeMap::new(),
            reliability: BTreeMap::new(),
            demands: BTreeMap::new(),
            log,
            cases,
        };
        judged.count(self.resamples);
        Ok(judged)
    }

    fn answers(
        &self,
        asked: &Asked<'_>,
        brackets: &BTreeMap<String, Brackets>,
        rows: &[Row],
    ) -> Result<Compared> {
        let next = AtomicUsize::new(0);
        let found = Mutex::new((Vec::with_capacity(rows.len()), BTreeMap::new()));
        std::thread::scope(|scope| {
            for _ in 0..self.workers.max(1) {
                scope.spawn(|| {
                    let mut out = (Workspace::new(), Predictions::new());
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(row) = rows.get(index) else { break };
                        let mut rng = generator(1, 0, index as u64);
                        let answer = self.answer(asked, row, &mut rng, &mut out);
                        let mut found = found.lock().expect("no holder panics");
                        match answer {
                            Ok(answer) => {
                                let case = Case::new(row, &answer, &brackets[&row.source]);
                                found.0.push((index, (row.path.clone(), case)));
                            }
                            Err(error) => {
                                found.1.insert(row.path.clone(), format!("{error:#}"));
                            }
                        }
                    }
                });
            }
        });
        let (mut cases, failures) = found.into_inner().expect("no holder panics");
        // Threads finish in any order, and the bootstrap must not depend on it.
        cases.sort_by(|(a, (path, _)), (b, (other, _))| (path, a).cmp(&(other, b)));
        Ok((cases.into_iter().map(|(_, case)| case).collect(), failures))
    }

    fn answer(
        &self,
        &Asked { model, metadata, raw }: &Asked<'_>,
        row: &Row,
        rng: &mut Pcg64Mcg,
        memory: &mut (Workspace, Predictions),
    ) -> Result<Answer> {
        let picture = pictures::open(&self.root.join(&row.path))?;
        let mut region = row.region();
        if self.search {
            let region = region.context("the manifest has no face to compare with")?;
            return searched(model, &picture, &region, self.crops, memory);
        }
        if self.placement == Placement::Box {
            region.iter_mut().for_each(|region| region.landmarks = None);
        }
        let changed = match self.fault {
            Some(fault) => {
                let region = region.context("the manifest has no face to degrade")?;
                Some(spoiled(&picture.image(), &region, &metadata.input, fault, rng)?)
            }
            None => None,
        };
        let (image, region) = match &changed {
            Some(c) => (Image::new(Format::Rgb, c.width, c.height, &c.rgb)?, Some(c.region)),
            None => (picture.image(), region),
        };
        let regions = region.filter(|_| self.placement != Placement::Picture);
        let (has_age, has_gender) = (metadata.task.has_age(), metadata.task.has_gender());
        let options = Options::new().skip_age(!has_age).skip_gender(!has_gender).crops(self.crops);
        let options = match &regions {
            Some(region) => options.regions(std::slice::from_ref(region)),
            None => options.cropped(true),
        };
        let (workspace, out) = memory;
        let own = raw.map(|raw| -> Result<f32> {
            raw.predict_into(&image, &options, workspace, out)?;
            let face = out.face(0).context("no face came back")?;
            Ok(face.age().context("no age came back")?.mean())
        });
        let own = own.transpose()?;
        model.predict_into(&image, &options, workspace, out)?;
        let face = out.face(0).context("no face came back")?;
        Ok(Answer { raw: own, ..answer(&face) })
    }
}

/// The model that faces are shown to.
struct Asked<'a> {
    model: &'a Model,
    metadata: &'a Metadata,
    /// For a regression, a second model whose mean is the network's own number.
    raw: Option<&'a Model>,
}

/// A regression without its calibration. Its residuals are half a year to both sides, and their mean is the number that
/// the network gives (between 0 and 100). The library's median is that number moved by the residuals of the validation
/// part.
fn own_number(bytes: &[u8], metadata: &Metadata) -> Result<Option<Model>> {
    let Some(AgeSpec::Regression { range, .. }) = &metadata.age else { return Ok(None) };
    let plain = AgeSpec::Regression { range: *range, residuals: vec![[0.0, -0.5], [1.0, 0.5]] };
    let mut model = onnx::decode(bytes)?;
    for prop in &mut model.metadata_props {
        if prop.key == "face_predict.age" {
            prop.value = serde_json::to_string(&plain)?;
        }
    }
    Ok(Some(Model::load_bytes(&prost::Message::encode_to_vec(&model), &ModelOptions::new())?))
}

fn answer(face: &Face<'_>) -> Answer {
    Answer {
        years: face.age().map(|age| age.years().to_vec()).unwrap_or_default(),
        interval: face.age_interval().unwrap_or((f32::NAN, f32::NAN)),
        male: face.female_probability().map(|p| 1.0 - p),
        named: face.gender().is_some(),
        marked: !face.quality().is_good(),
        raw: None,
    }
}

/// Returns the library's answer about the face at `region`, which it has to find in a camera's frame.
fn searched(
    model: &Model,
    picture: &Picture,
    region: &Region,
    crops: usize,
    (workspace, out): &mut (Workspace, Predictions),
) -> Result<Answer> {
    let image = picture.image();
    let (pixels, (width, height), shift) = framed(&image)?;
    let frame = Image::new(Format::Rgb, width, height, &pixels)?;
    // The frame is searched as a tracker searches it.
    let options = Options::new().crops(crops).fast_search(true);
    model.predict_into(&frame, &options, workspace, out)?;
    let rect = region.rect;
    let rect = Rect::new(rect.x + shift.x, rect.y + shift.y, rect.width, rect.height);
    let best =
        out.faces().max_by(|a, b| a.rect().overlap(&rect).total_cmp(&b.rect().overlap(&rect)));
    let face = best.filter(|face| face.rect().overlap(&rect) >= SAME);
    Ok(answer(&face.context("the face was not found")?))
}

/// Boxes that share this much of their union show the same face, though different detectors draw them differently.
pub(super) const SAME: f32 = 0.3;

/// Returns the picture in the middle of a frame of a camera's size, if it is smaller, and the place of its corner. The
/// edge of the picture repeats around it, as where a crop reaches out of a picture. Only the place of the face is then
/// compared.
fn framed(image: &Image<'_>) -> Result<(Vec<u8>, (usize, usize), Point)> {
    let (w, h) = image.upright_size();
    let (width, height) = (w.max(640), h.max(480));
    let shift = Point::new(((width - w) / 2) as f32, ((height - h) / 2) as f32);
    let map = Affine { x0: -shift.x, y0: -shift.y, ..Affine::IDENTITY };
    let pixels = Warp::default().cut_rgb(image, &map, width, height)?;
    Ok((pixels, (width, height), shift))
}

/// Returns the bytes of an ONNX file, or of the export of a checkpoint or a run, with the run's log.
fn load(file: &Path) -> Result<(Vec<u8>, Option<String>)> {
    let checkpoint = file.extension().is_some_and(|e| e == "safetensors");
    if !file.is_dir() && !checkpoint {
        let bytes = std::fs::read(file)?;
        return Ok((bytes, None));
    }
    let averaged = Averaged::load(file, tch::Device::Cpu)?;
    let calibration = export::calibration(&averaged, file)?;
    let name = averaged.checkpoint.config.arch.clone();
    let text = String::new;
    let (version, license) = ("checkpoint".into(), text());
    let card = Card { name, version, license, data: text(), revision: text() };
    let bytes = export::encode(&averaged, &calibration, &card, Storage::F32)?;
    let folder = if file.is_dir() { Some(file) } else { file.parent() };
    let log = folder.and_then(|folder| std::fs::read_to_string(folder.join(crate::log::FILE)).ok());
    Ok((bytes, log))
}
