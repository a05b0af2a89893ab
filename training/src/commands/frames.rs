//! Shows the frames that a detector is trained on.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use face_predict::Rect;

use crate::data::manifest;
use crate::data::sampler::generator;
use crate::detect::camera::{SHAPES, soiled};
use crate::detect::job::Data;
use crate::detect::{Target, scene};

/// Composes frames as in a detector's training, writes them with their boxes, and says how long one takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train frames --manifest faces.csv --scenes scenes.csv --root photos --out frames"
)]
pub struct Frames {
    /// Manifest of faces. This may be given several times.
    #[arg(long, required = true)]
    manifest: Vec<PathBuf>,
    /// Manifest of scenes. This may be given several times.
    #[arg(long)]
    scenes: Vec<PathBuf>,
    /// Folder that paths start from.
    #[arg(long)]
    root: PathBuf,
    /// Folder that keeps raw pixels of pictures.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Folder for the frames. Without it, none are written.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Number of frames.
    #[arg(long, default_value_t = 32)]
    count: usize,
    /// Seed of all random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Frames {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let (mut rows, mut scenes) = (Vec::new(), Vec::new());
        for path in &self.manifest {
            rows.extend(manifest::read(path)?);
        }
        for path in &self.scenes {
            scenes.extend(scene::read(path)?);
        }
        let data = Data { rows, scenes, root: &self.root, cache: self.cache.as_deref() };
        let composer = data.composer("train", data.scenes("train"))?;
        let (mut seconds, mut faces) = (0.0, 0);
        for i in 0..self.count {
            let mut rng = generator(self.seed, 0, 1 + i as u64);
            let (width, height) = SHAPES[i % SHAPES.len()];
            let start = Instant::now();
            let frame = composer.frame(width, height, &mut rng)?;
            let planes = soiled(&frame.canvas, &mut rng);
            let planes = Vec::<f32>::try_from(planes.view([-1]))?;
            seconds += start.elapsed().as_secs_f64();
            faces += frame.targets.iter().filter(|t| !t.ignored).count();
            let Some(out) = &self.out else { continue };
            std::fs::create_dir_all(out).with_context(|| format!("folder {}", out.display()))?;
            let size = width * height;
            let mut image = image::RgbImage::from_fn(width as u32, height as u32, |x, y| {
                let i = y as usize * width + x as usize;
                image::Rgb([planes[i], planes[i + size], planes[i + 2 * size]].map(|v| v as u8))
            });
            frame.targets.iter().for_each(|target| draw(&mut image, target));
            let path = out.join(format!("{i:04}.png"));
            image.save(&path).with_context(|| format!("writing {}", path.display()))?;
        }
        println!(
            "{} frames with {faces} faces, {:.2} ms each",
            self.count,
            1e3 * seconds / self.count.max(1) as f64
        );
        Ok(())
    }
}

/// Faces are green with red landmarks, and ignored ones are blue.
fn draw(image: &mut image::RgbImage, target: &Target) {
    let mut dot = |x: f32, y: f32, colour: [u8; 3]| {
        if x >= 0.0 && y >= 0.0 && x < image.width() as f32 && y < image.height() as f32 {
            image.put_pixel(x as u32, y as u32, image::Rgb(colour));
        }
    };
    let Rect { x, y, width, height } = target.rect;
    let colour = if target.ignored { [0, 0, 255] } else { [0, 255, 0] };
    for i in 0..=(width as usize) {
        dot(x + i as f32, y, colour);
        dot(x + i as f32, y + height, colour);
    }
    for i in 0..=(height as usize) {
        dot(x, y + i as f32, colour);
        dot(x + width, y + i as f32, colour);
    }
    for p in target.landmarks.iter().flatten() {
        dot(p.x, p.y, [255, 0, 0]);
    }
}
