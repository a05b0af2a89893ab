//! Feeds the training with kept crops as bytes, and with the changes of each, which worker threads draw. The changes
//! are computed for a whole batch, on the device of the network.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use face_predict::{Affine, InputSpec, Warp};
use rand::Rng;
use rand_pcg::Pcg64Mcg;
use tch::{Device, Kind, Tensor};

use super::kept::{Kept, Places};
use super::labels::{Batch, Label, Taught};
use super::manifest::Row;
use super::sampler::generator;
use super::stream::Stream;
use crate::augment::crop::{cut, inverse, normalise, widened};
use crate::augment::draw::Draw;
use crate::augment::{Augment, batch};
use crate::device::upload;

/// The teachers' answers to a face beside its label.
pub trait Teachers: Send + Sync {
    /// The crops of each face that were answered.
    fn crops(&self) -> usize;

    /// Returns the answer to crop `crop_index` of face number `row`, or nothing if nobody was asked about it.
    fn said(&self, row: usize, crop_index: usize) -> Result<Option<Taught>>;
}

/// The faces to feed, and how.
pub struct Feed {
    rows: Vec<Row>,
    input: InputSpec,
    augment: Augment,
    seed: u64,
    kept: Arc<Kept>,
    teachers: Option<Box<dyn Teachers>>,
    /// The share of guessed ages in targets.
    apparent: f64,
    failures: Mutex<BTreeMap<String, String>>,
}

/// The faces of a batch as numbers. A thread that outlives `main` by a moment must not call libtorch.
pub struct Fed {
    rows: Vec<usize>,
    pixels: Vec<u8>,
    maps: Vec<Affine>,
    draws: Vec<Draw>,
    labels: Vec<Label>,
    taught: Vec<Option<Taught>>,
    side: usize,
    input: InputSpec,
}

impl Fed {
    /// Number of faces.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the changed faces, `[N, 3, H, W]` from 0 to 255.
    pub fn pictures(&self, device: Device) -> Tensor {
        self.made(device, |pictures| pictures)
    }

    /// Returns the faces as the network sees them.
    pub fn images(&self, device: Device) -> Tensor {
        self.made(device, |pictures| normalise(&pictures, &self.input))
    }

    /// Changes the faces, then calls `last`, for as many of them together as is best on the device of the network.
    fn made(&self, device: Device, last: impl Fn(Tensor) -> Tensor) -> Tensor {
        let (side, width) = (self.side as i64, self.input.width as i64);
        let kept = Tensor::from_slice(&self.pixels).view([-1, side, side, 3]);
        let kept = upload(kept, device, Kind::Uint8);
        let together = batch::together(&kept, self.len());
        let mut parts = Vec::new();
        for (maps, draws) in self.maps.chunks(together).zip(self.draws.chunks(together)) {
            let first = (parts.len() * together) as i64;
            let kept = kept.narrow(0, first, maps.len() as i64);
            parts.push(last(batch::apply(cut(&kept, maps, width), draws)));
        }
        if parts.is_empty() {
            return Tensor::zeros([0, 3, width, width], (Kind::Float, device));
        }
        Tensor::cat(&parts, 0)
    }

    /// Returns the faces and what is known about them.
    pub fn batch(self, device: Device) -> Batch {
        Batch::new(self.images(device), &self.labels, &self.taught, self.rows)
    }
}

/// Where a crop lies that will be moved, in units of the undisturbed one.
pub fn placed(augment: &Augment, places: &Places, rng: &mut Pcg64Mcg) -> Affine {
    let draw: f64 = rng.random();
    let still = if draw < augment.by_picture {
        places.by_picture
    } else if draw < augment.by_picture + augment.by_box {
        places.by_box
    } else {
        Affine::IDENTITY
    };
    still.after(&augment.jitter(rng))
}

/// Returns where crop `crop_index` of a face lies each time that it is shown and taught. The first is undisturbed. To a
/// teacher it makes no difference whether the crop is mirrored.
pub fn fixed(augment: &Augment, places: &Places, path: &str, crop_index: usize) -> Affine {
    if crop_index == 0 {
        return Affine::IDENTITY;
    }
    let name = path
        .bytes()
        .fold(7u64, |hash, byte| hash.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(byte)));
    let unmirrored = Augment { flip: 0.0, ..augment.clone() };
    placed(&unmirrored, places, &mut generator(name, crop_index as u64, 3))
}

impl Feed {
    /// Feeds the faces `rows` for `input`, from kept crops. Feeds share these, since only one opening of their file can
    /// add some.
    pub fn new(
        rows: Vec<Row>,
        input: InputSpec,
        augment: Augment,
        seed: u64,
        kept: Arc<Kept>,
    ) -> Self {
        let (teachers, failures) = (None, Mutex::default());
        Self { rows, input, augment, seed, kept, teachers, apparent: 0.0, failures }
    }

    /// Feeds the same faces with targets of which guessed ages have the share `apparent`.
    #[must_use]
    pub fn guessed(self, apparent: f64) -> Self {
        Self { apparent, ..self }
    }

    /// Feeds the same faces with the answers of teachers.
    #[must_use]
    pub fn taught(self, teachers: Option<Box<dyn Teachers>>) -> Self {
        Self { teachers, ..self }
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the pictures that failed so far, with the reason.
    pub fn failures(&self) -> BTreeMap<String, String> {
        self.failures.lock().expect("no holder panics").clone()
    }

    /// Adds one face to a batch.
    fn add(&self, fed: &mut Fed, warp: &mut Warp, row: usize, rng: &mut Pcg64Mcg) -> Result<()> {
        let face = &self.rows[row];
        let crop = self.kept.crop(face, warp)?;
        let plain = self.augment == Augment::NONE;
        let (mut place, mut said) = (Affine::IDENTITY, None);
        if let Some(teachers) = &self.teachers {
            let crop_index = rng.random_range(0..teachers.crops().max(1));
            said = teachers.said(row, crop_index)?;
            if said.is_some() && !plain {
                let mirrored = rng.random_bool(self.augment.flip);
                let mirror = Affine { xx: -1.0, x0: 1.0, ..Affine::IDENTITY };
                place = fixed(&self.augment, &crop.places, &face.path, crop_index);
                place = if mirrored { place.after(&mirror) } else { place };
            }
        }
        if said.is_none() && !plain {
            place = placed(&self.augment, &crop.places, rng);
        }
        let to_kept = inverse(&widened(&self.input)).unwrap_or(Affine::IDENTITY);
        fed.maps.push(to_kept.after(&place));
        fed.draws.push(if plain { Draw::NOTHING } else { Draw::new(&self.augment, rng) });
        fed.pixels.extend(&crop.pixels);
        fed.labels.push(Label::of(face, self.apparent));
        fed.taught.push(said);
        fed.rows.push(row);
        Ok(())
    }

    fn make(&self, warp: &mut Warp, rows: &[usize], epoch: u64, first: usize) -> Fed {
        let side = self.kept.side();
        let mut fed = Fed {
            rows: Vec::with_capacity(rows.len()),
            pixels: Vec::with_capacity(rows.len() * 3 * side * side),
            maps: Vec::new(),
            draws: Vec::new(),
            labels: Vec::new(),
            taught: Vec::new(),
            side,
            input: self.input.clone(),
        };
        for (offset, row) in rows.iter().enumerate() {
            let mut rng = generator(self.seed, epoch, 1 + (first + offset) as u64);
            if let Err(error) = self.add(&mut fed, warp, *row, &mut rng) {
                let mut failures = self.failures.lock().expect("no holder panics");
                failures.insert(self.rows[*row].path.clone(), format!("{error:#}"));
            }
        }
        fed
    }

    /// Streams `order` in batches, in order, from `workers` threads. The first `skip` batches are left out.
    pub fn stream(
        self: &Arc<Self>,
        order: Vec<usize>,
        batch: usize,
        epoch: u64,
        workers: usize,
        skip: usize,
    ) -> Stream<Fed> {
        let feed = Arc::clone(self);
        let batches = order.len().div_ceil(batch);
        Stream::new(batches, skip, workers, move |warp: &mut Warp, index| {
            let rows = order.chunks(batch).nth(index).unwrap_or_default();
            feed.make(warp, rows, epoch, index * batch)
        })
    }
}
