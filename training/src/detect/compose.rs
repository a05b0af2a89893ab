//! Composes frames for the training: views of scenes, faces on backgrounds, pictures of one face.

use anyhow::{Context, Result, ensure};
use face_predict::{Affine, Point, Rect, Region};
use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::paint::{Bitmap, Canvas, Mask};
use super::place::{grown, place, target, turn, visible};
use super::scene::Scene;
use super::store::Store;
use super::{SMALLEST, Target, texture};
use crate::augment::crop::inverse;
use crate::model::detector::SIDE;

/// A picture of a face.
pub struct Face {
    /// Picture, relative to the root folder.
    pub path: String,
    /// The place of the face.
    pub region: Region,
}

/// The material of frames.
pub struct Composer {
    /// Pictures of faces, with landmarks.
    pub faces: Vec<Face>,
    /// Pictures of scenes; there may be none.
    pub scenes: Vec<Scene>,
    /// The folder of pictures of faces.
    pub face_store: Store,
    /// The folder of pictures of scenes.
    pub scene_store: Store,
}

/// A frame and its faces.
pub struct Frame {
    /// The picture.
    pub canvas: Canvas,
    /// All its faces.
    pub targets: Vec<Target>,
}

impl Composer {
    /// A frame of `width` x `height`.
    pub fn frame(&self, width: usize, height: usize, rng: &mut Pcg64Mcg) -> Result<Frame> {
        let draw: f64 = rng.random();
        let mut frame = if self.scenes.is_empty() {
            match draw {
                ..0.5 => self.crowd(width, height, rng)?,
                ..0.85 => self.portrait(width, height, rng)?,
                _ => self.nothing(width, height, rng)?,
            }
        } else {
            match draw {
                ..0.6 => self.view(width, height, rng)?,
                ..0.78 => self.crowd(width, height, rng)?,
                ..0.93 => self.portrait(width, height, rng)?,
                _ => self.nothing(width, height, rng)?,
            }
        };
        if rng.random_bool(0.25) {
            pad(&mut frame, rng);
        }
        if rng.random_bool(0.5) {
            mirror(&mut frame);
        }
        for target in &mut frame.targets {
            target.ignored |= target.rect.area().sqrt() < SMALLEST;
        }
        Ok(frame)
    }

    /// Returns a part of a scene at some scale, often around one of its faces (data-anchor-sampling, Tang et al. 2018).
    /// At times further faces are put on it.
    fn view(&self, width: usize, height: usize, rng: &mut Pcg64Mcg) -> Result<Frame> {
        let scene = pick(&self.scenes, rng)?;
        let (bitmap, span) = self.scene_store.open(&scene.path)?;
        let (w, h) = (bitmap.width as f32, bitmap.height as f32);
        let fit = (width as f32 / w).min(height as f32 / h);
        let clear: Vec<&Rect> =
            scene.marks.iter().filter(|m| !m.ignored).map(|m| &m.rect).collect();
        // Small frames are parts of larger ones, since whole scenes are rarely seen so small.
        let whole = if width.max(height) < SIDE { 0.25 } else { 0.6 };
        let (scale, focus) = if clear.is_empty() || rng.random_bool(whole) {
            (fit * rng.random_range(-0.3f32..0.5).exp(), None)
        } else {
            let rect = clear[rng.random_range(0..clear.len())];
            let wanted = rng.random_range(9f32.ln()..240f32.ln()).exp();
            let scale = (wanted / (rect.area().sqrt() / span)).clamp(0.5 * fit, 2.5);
            let centre = rect.center();
            (scale, Some(Point::new(centre.x / span, centre.y / span)))
        };
        let mut start = |size: f32, side: f32, focus: Option<f32>| {
            let seen = side / scale;
            if seen >= size {
                // All of it, somewhere in the frame.
                return -rng.random_range(0.0..=1.0f32).round() * 0.5 * (seen - size);
            }
            let free = size - seen;
            match focus {
                Some(place) => (place - seen * rng.random_range(0.05..0.95f32)).clamp(0.0, free),
                None => rng.random_range(0.0..=free),
            }
        };
        let x0 = start(w, width as f32, focus.map(|p| p.x));
        let y0 = start(h, height as f32, focus.map(|p| p.y));
        let map = Affine { x0, y0, ..Affine::scale(1.0 / scale, 1.0 / scale) };
        let mut canvas = Canvas::new(width, height, [0.0; 3]);
        canvas.fill(&bitmap, &map);
        // Outside the picture its edge repeats, or there is one colour.
        if rng.random_bool(0.5) {
            let ink = [rng.random_range(0.0..255.0); 3];
            for y in 0..height {
                for x in 0..width {
                    let p = map.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5));
                    if p.x > w || p.y > h || p.x < 0.0 || p.y < 0.0 {
                        canvas.pixels[y * width + x] = ink;
                    }
                }
            }
        }
        let targets = scene.marks.iter().filter_map(|mark| {
            let (r, by) = (&mark.rect, scale / span);
            let rect = Rect::new(
                r.x * by - x0 * scale,
                r.y * by - y0 * scale,
                r.width * by,
                r.height * by,
            );
            let seen = visible(&rect, width, height);
            let ignored = mark.ignored || seen < 0.5;
            (seen > 0.0).then_some(Target { rect, landmarks: None, ignored })
        });
        let mut frame = Frame { targets: targets.collect(), canvas };
        if rng.random_bool(0.3) {
            self.lay(&mut frame, rng.random_range(1..=3), rng)?;
        }
        Ok(frame)
    }

    /// Several faces over a background.
    fn crowd(&self, width: usize, height: usize, rng: &mut Pcg64Mcg) -> Result<Frame> {
        let canvas = self.background(width, height, rng)?;
        let mut frame = Frame { canvas, targets: Vec::new() };
        self.distract(&mut frame, rng.random_range(0..=3), rng)?;
        let count = rng.random_range(1f32.ln()..10f32.ln()).exp() as usize;
        self.lay(&mut frame, count.max(1), rng)?;
        Ok(frame)
    }

    /// Returns a background alone, with patches that are put on it as faces are.
    fn nothing(&self, width: usize, height: usize, rng: &mut Pcg64Mcg) -> Result<Frame> {
        let canvas = self.background(width, height, rng)?;
        let mut frame = Frame { canvas, targets: Vec::new() };
        self.distract(&mut frame, rng.random_range(0..=6), rng)?;
        Ok(frame)
    }

    /// Returns one picture of a face: a whole frame of it, or with its corners.
    fn portrait(&self, width: usize, height: usize, rng: &mut Pcg64Mcg) -> Result<Frame> {
        let (mut bitmap, mut region) = self.open(pick(&self.faces, rng)?)?;
        let side = width.min(height) as f32;
        // Pictures that were cropped to a face are common, and the hardest, because all of it is face.
        let pixels = side
            * match rng.random_bool(0.4) {
                true => rng.random_range(0.65..1.1),
                false => rng.random_range((0.12f32).ln()..(1.05f32).ln()).exp(),
            };
        // Makes a face that was small before.
        if rng.random_bool(0.3) {
            let least = rng.random_range(28f32.ln()..160f32.ln()).exp();
            while bitmap.width as f32 >= 2.0 * least {
                bitmap = bitmap.halved();
                region = region.scaled(0.5);
            }
        }
        let scale = pixels / region.rect.area().sqrt();
        let turn = turn(rng);
        let middle = Point::new(
            width as f32 * rng.random_range(0.3..0.7),
            height as f32 * rng.random_range(0.3..0.7),
        );
        let forward = place(&region, scale, turn, middle);
        let map = inverse(&forward).context("the face has no size")?;
        let mut canvas = if rng.random_bool(0.6) {
            let mut canvas = Canvas::new(width, height, [0.0; 3]);
            canvas.fill(&bitmap, &map);
            canvas
        } else {
            let ink = [rng.random_range(0.0..255.0); 3];
            let mut canvas = match rng.random_bool(0.4) {
                true => Canvas::new(width, height, ink),
                false => self.background(width, height, rng)?,
            };
            canvas.paste(&bitmap, &map, &Mask::whole(&bitmap, 0.0), |c| c);
            canvas
        };
        let target = target(&region, &forward, turn, width, height);
        if rng.random_bool(0.1) {
            dim(&mut canvas, &target.rect, rng);
        }
        Ok(Frame { canvas, targets: vec![target] })
    }

    /// Opens a face's picture, which may be reduced, and returns the place of the face in it.
    fn open(&self, face: &Face) -> Result<(Bitmap, Region)> {
        let (bitmap, span) = self.face_store.open(&face.path)?;
        Ok((bitmap, face.region.scaled(1.0 / span)))
    }

    fn background(&self, width: usize, height: usize, rng: &mut Pcg64Mcg) -> Result<Canvas> {
        let mut canvas = Canvas::new(width, height, [0.0; 3]);
        if !self.scenes.is_empty() && rng.random_bool(0.6) {
            let scene = pick(&self.scenes, rng)?;
            let (bitmap, span) = self.scene_store.open(&scene.path)?;
            for _ in 0..12 {
                let scale = rng.random_range(-1.5f32..0.7).exp();
                let (w, h) = (width as f32 * scale, height as f32 * scale);
                let (free_x, free_y) = (bitmap.width as f32 - w, bitmap.height as f32 - h);
                if free_x <= 0.0 || free_y <= 0.0 {
                    continue;
                }
                let (x, y) = (rng.random_range(0.0..free_x), rng.random_range(0.0..free_y));
                let part = Rect::new(x * span, y * span, w * span, h * span);
                let free = scene.marks.iter().all(|m| m.rect.overlap(&part) == 0.0);
                if free {
                    let map = Affine { x0: x, y0: y, ..Affine::scale(scale, scale) };
                    canvas.fill(&bitmap, &map);
                    return Ok(canvas);
                }
            }
        }
        let face = pick(&self.faces, rng)?;
        let (bitmap, _) = self.face_store.open(&face.path)?;
        texture::background(&mut canvas, Some(&bitmap), rng);
        Ok(canvas)
    }

    /// Puts up to `count` faces where there is room.
    fn lay(&self, frame: &mut Frame, count: usize, rng: &mut Pcg64Mcg) -> Result<()> {
        let (width, height) = (frame.canvas.width, frame.canvas.height);
        let most = (0.9 * width.min(height) as f32 / (count as f32).sqrt()).max(12.0);
        for _ in 0..count {
            let face = pick(&self.faces, rng)?;
            let pixels = rng.random_range(9f32.ln()..most.ln()).exp();
            let scale = pixels / face.region.rect.area().sqrt();
            let turn = turn(rng);
            for _ in 0..6 {
                let middle = Point::new(
                    rng.random_range(0.0..width as f32),
                    rng.random_range(0.0..height as f32),
                );
                let forward = place(&face.region, scale, turn, middle);
                let target = target(&face.region, &forward, turn, width, height);
                let room = grown(&target.rect, 1.4);
                let free = frame.targets.iter().all(|t| t.rect.overlap(&room) == 0.0);
                if !free || target.ignored {
                    continue;
                }
                let (bitmap, region) = self.open(face)?;
                let scale = pixels / region.rect.area().sqrt();
                let forward = place(&region, scale, turn, middle);
                let map = inverse(&forward).context("the face has no size")?;
                let mask = mask(&region.rect, &bitmap, rng);
                let light = light(rng);
                frame.canvas.paste(&bitmap, &map, &mask, light);
                if rng.random_bool(0.06) {
                    dim(&mut frame.canvas, &target.rect, rng);
                }
                frame.targets.push(target);
                break;
            }
        }
        Ok(())
    }

    /// Puts patches without faces in the same way as faces, so that the seam tells nothing.
    fn distract(&self, frame: &mut Frame, count: usize, rng: &mut Pcg64Mcg) -> Result<()> {
        let (width, height) = (frame.canvas.width as f32, frame.canvas.height as f32);
        for _ in 0..count {
            let face = pick(&self.faces, rng)?;
            let (bitmap, _) = self.face_store.open(&face.path)?;
            let patch = texture::scrambled(&bitmap, rng.random_range(2..=5), rng);
            let pixels = rng.random_range(9f32.ln()..(0.8 * width.min(height)).ln()).exp();
            let scale = pixels / patch.width as f32;
            let rect = Rect::new(0.0, 0.0, patch.width as f32, patch.height as f32);
            let region = Region::from_box(rect);
            let middle = Point::new(rng.random_range(0.0..width), rng.random_range(0.0..height));
            let forward = place(&region, scale, turn(rng), middle);
            let map = inverse(&forward).context("a patch without size")?;
            let mask = mask(&rect, &patch, rng);
            let light = light(rng);
            frame.canvas.paste(&patch, &map, &mask, light);
        }
        Ok(())
    }
}

fn pick<'a, T>(from: &'a [T], rng: &mut Pcg64Mcg) -> Result<&'a T> {
    ensure!(!from.is_empty(), "there is nothing to choose from");
    Ok(&from[rng.random_range(0..from.len())])
}

/// It goes from a head that blends into its surroundings to the whole picture with its corners.
fn mask(rect: &Rect, bitmap: &Bitmap, rng: &mut Pcg64Mcg) -> Mask {
    let feather = rng.random_range(0.0f32..0.5).powi(2) * 2.0;
    if rng.random_bool(0.2) {
        return Mask::whole(bitmap, feather * 0.5);
    }
    let grow = rng.random_range(0.54..0.8);
    Mask {
        centre: rect.center(),
        radii: (rect.width * grow, rect.height * grow * rng.random_range(0.95..1.15)),
        power: [2, 2, 4, 8][rng.random_range(0..4)],
        feather,
    }
}

/// Its own brightness and tint.
fn light(rng: &mut Pcg64Mcg) -> impl Fn([f32; 3]) -> [f32; 3] + use<> {
    let gain: f32 = rng.random_range(-0.4f32..0.25).exp();
    let tint = [0; 3].map(|_| gain * rng.random_range(0.93..1.07f32));
    move |c| std::array::from_fn(|i| (c[i] * tint[i]).min(255.0))
}

/// Covers a part of a face with one colour, as hands, masks and microphones do. The part is less than half.
fn dim(canvas: &mut Canvas, rect: &Rect, rng: &mut Pcg64Mcg) {
    let ink = [0; 3].map(|_| rng.random_range(0.0..255.0f32));
    let (w, h) =
        (rect.width * rng.random_range(0.2..0.6), rect.height * rng.random_range(0.2..0.5));
    let x0 = rect.x + rng.random_range(0.0..=1.0) * (rect.width - w);
    let y0 = rect.y + rng.random_range(0.0..=1.0) * (rect.height - h);
    let columns = x0.max(0.0) as usize..((x0 + w).max(0.0) as usize).min(canvas.width);
    for y in y0.max(0.0) as usize..((y0 + h).max(0.0) as usize).min(canvas.height) {
        if !columns.is_empty() {
            canvas.pixels[y * canvas.width..][columns.clone()].fill(ink);
        }
    }
}

/// Adds columns at the right and rows at the bottom as the library does, up to a multiple of the last stride. The picture
/// ends there, and so do its faces.
fn pad(frame: &mut Frame, rng: &mut Pcg64Mcg) {
    let Frame { canvas, targets } = frame;
    let keep = |side: usize, by: usize| side.saturating_sub(by).max(1);
    let by = rng.random_range(1..32);
    let (width, height) = if rng.random_bool(0.5) {
        (keep(canvas.width, by), canvas.height)
    } else {
        (canvas.width, keep(canvas.height, by))
    };
    let ink = rng.random_bool(0.5).then(|| [[0.0, 127.5][rng.random_range(0..2)]; 3]);
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            if x >= width || y >= height {
                let edge = canvas.pixels[y.min(height - 1) * canvas.width + x.min(width - 1)];
                canvas.pixels[y * canvas.width + x] = ink.unwrap_or(edge);
            }
        }
    }
    targets.retain(|target| visible(&target.rect, width, height) > 0.0);
    for target in targets {
        target.ignored |= visible(&target.rect, width, height) < 0.5;
    }
}

/// Mirrors the picture and its labels.
fn mirror(frame: &mut Frame) {
    frame.canvas.mirror();
    let width = frame.canvas.width as f32;
    for target in &mut frame.targets {
        target.rect.x = width - target.rect.x - target.rect.width;
        if let Some(l) = &mut target.landmarks {
            l.iter_mut().for_each(|p| p.x = width - p.x);
            l.swap(0, 1);
            l.swap(3, 4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sampler::generator;

    /// Checks that the face, which is white on black, lies where the frame says.
    fn fits(frame: &Frame) -> bool {
        let [target] = &frame.targets[..] else { panic!("{} faces", frame.targets.len()) };
        let points = target.landmarks.expect("landmarks");
        let bright = |p: &Point| {
            let Canvas { width, height, pixels } = &frame.canvas;
            let (x, y) = (p.x.floor(), p.y.floor());
            let inside = x >= 0.0 && y >= 0.0 && x < *width as f32 && y < *height as f32;
            inside.then(|| pixels[y as usize * width + x as usize][0] > 60.0)
        };
        // The landmarks are half of the way to the corners, and these points are beyond the corners.
        let nose = points[2];
        let beyond = [0, 1, 3, 4].map(|i| {
            let p = points[i];
            Point::new(nose.x + 2.6 * (p.x - nose.x), nose.y + 2.6 * (p.y - nose.y))
        });
        points.iter().filter_map(bright).all(|b| b) && !beyond.iter().filter_map(bright).any(|b| b)
    }

    #[test]
    fn faces_of_reduced_pictures_lie_where_the_frame_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let (left, top, width, height) = (60, 90, 160, 200);
        let image = image::RgbImage::from_fn(600, 500, |x, y| {
            let inside = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            image::Rgb([if inside { 255 } else { 0 }; 3])
        });
        image.save(folder.path().join("a.png")).expect("written");
        let [x, y, w, h] = [left, top, width, height].map(|v| v as f32);
        let mut region = Region::from_box(Rect::new(x, y, w, h));
        let points = [(0.25, 0.25), (0.75, 0.25), (0.5, 0.5), (0.25, 0.75), (0.75, 0.75)];
        region.landmarks = Some(points.map(|(a, b)| Point::new(x + a * w, y + b * h)));
        let composer = Composer {
            faces: vec![Face { path: "a.png".into(), region }],
            scenes: Vec::new(),
            face_store: Store::new(folder.path(), None, 256),
            scene_store: Store::new(folder.path(), None, 640),
        };
        let (mut portraits, mut laid) = (0, 0);
        for i in 0..40 {
            let rng = &mut generator(5, 0, i);
            portraits += usize::from(fits(&composer.portrait(320, 256, rng).expect("a frame")));
            let canvas = Canvas::new(320, 256, [0.0; 3]);
            let mut frame = Frame { canvas, targets: Vec::new() };
            composer.lay(&mut frame, 1, rng).expect("a frame");
            laid += usize::from(frame.targets.is_empty() || fits(&frame));
        }
        // Some faces are covered in part, and some backgrounds are bright.
        assert!(portraits >= 24 && laid >= 34, "{portraits} and {laid} of 40");
    }

    #[test]
    fn what_the_padding_covers_is_no_face() {
        // At least one pixel and at most 31 are added, at the right or at the bottom.
        let target = |from: f32, side: f32| {
            let rect = Rect::new(from, from, side, side);
            Target { rect, landmarks: None, ignored: false }
        };
        let mut ignored = 0;
        for i in 0..40 {
            let canvas = Canvas::new(96, 96, [9.0; 3]);
            let targets = vec![target(64.0, 0.8), target(95.1, 0.8), target(80.0, 16.0)];
            let mut frame = Frame { canvas, targets };
            pad(&mut frame, &mut generator(9, 0, i));
            assert_eq!(frame.targets[0], target(64.0, 0.8));
            assert!(frame.targets.iter().all(|target| target.rect.x < 95.0));
            ignored += frame.targets.iter().filter(|target| target.ignored).count();
        }
        assert!((1..40).contains(&ignored), "{ignored}");
    }

    #[test]
    fn a_turned_face_keeps_its_landmarks_inside() {
        let mut region = Region::from_box(Rect::new(10.0, 20.0, 40.0, 60.0));
        region.landmarks = Some(
            [(20, 40), (40, 40), (30, 50), (22, 64), (38, 64)]
                .map(|(x, y): (i32, i32)| Point::new(x as f32, y as f32)),
        );
        let turn = 30f32.to_radians();
        let forward = place(&region, 0.5, turn, Point::new(50.0, 50.0));
        let found = target(&region, &forward, turn, 100, 100);
        assert_eq!(found.rect.center(), Point::new(50.0, 50.0));
        assert!(!found.ignored && found.rect.width > 20.0 && found.rect.height < 30.0);
        let l = found.landmarks.expect("landmarks");
        // After a clockwise turn the right eye lies lower than the left one.
        assert!(l[1].y > l[0].y && l.iter().all(|p| (p.x - 50.0).abs() < 15.0));
        let canvas = Canvas::new(100, 100, [0.0; 3]);
        let mut frame = Frame { canvas, targets: vec![found.clone()] };
        mirror(&mut frame);
        let mirrored = frame.targets[0].landmarks.expect("landmarks");
        assert!(mirrored[0].x < mirrored[1].x);
        mirror(&mut frame);
        assert!((frame.targets[0].rect.x - found.rect.x).abs() < 1e-4);
    }
}
