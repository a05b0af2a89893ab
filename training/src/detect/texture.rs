//! Makes backgrounds without faces and without photographs of scenes.

use face_predict::{Affine, Point};
use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::paint::{Bitmap, Canvas, Mask};

/// Draws a background over all of `canvas`. `picture` shows a face, but nothing of the face remains.
pub fn background(canvas: &mut Canvas, picture: Option<&Bitmap>, rng: &mut Pcg64Mcg) {
    let kind = rng.random_range(0..10);
    match (kind, picture) {
        (0..=3, Some(picture)) => {
            let pieces = scrambled(picture, rng.random_range(3..=7), rng);
            tile(canvas, &pieces, rng);
        }
        (4, Some(picture)) => tile(canvas, &rim(picture, rng), rng),
        (5, _) => {
            let colour = colour(rng);
            canvas.pixels.fill(colour);
        }
        _ => noise(canvas, rng),
    }
    if rng.random_bool(0.5) {
        shapes(canvas, rng);
    }
    if rng.random_bool(0.15) {
        stripes(canvas, rng);
    }
}

fn colour(rng: &mut Pcg64Mcg) -> [f32; 3] {
    let grey: f32 = rng.random_range(0.0..255.0);
    let spread: f32 = if rng.random_bool(0.3) { 100.0 } else { 30.0 };
    [0; 3].map(|_| (grey + rng.random_range(-spread..=spread)).clamp(0.0, 255.0))
}

/// Cuts the picture into `pieces` x `pieces`, shuffles and turns them: skin and hair remain, and no face.
pub fn scrambled(picture: &Bitmap, pieces: usize, rng: &mut Pcg64Mcg) -> Bitmap {
    let (w, h) = ((picture.width / pieces).max(1), (picture.height / pieces).max(1));
    let mut out = Bitmap::new(w * pieces, h * pieces);
    let stride = out.width;
    for row in 0..pieces {
        for column in 0..pieces {
            let (from_x, from_y) =
                (rng.random_range(0..pieces) * w, rng.random_range(0..pieces) * h);
            let (flip_x, flip_y) = (rng.random_bool(0.5), rng.random_bool(0.7));
            for y in 0..h {
                for x in 0..w {
                    let sx = from_x + if flip_x { w - 1 - x } else { x };
                    let sy = from_y + if flip_y { h - 1 - y } else { y };
                    let (sx, sy) = (sx.min(picture.width - 1), sy.min(picture.height - 1));
                    let from = 3 * (sy * picture.width + sx);
                    let to = 3 * ((row * h + y) * stride + column * w + x);
                    out.rgb[to..to + 3].copy_from_slice(&picture.rgb[from..from + 3]);
                }
            }
        }
    }
    out
}

/// Takes a strip along one side of the picture, outside the face.
fn rim(picture: &Bitmap, rng: &mut Pcg64Mcg) -> Bitmap {
    let width = (picture.width / 8).max(1);
    let left = if rng.random_bool(0.5) { 0 } else { picture.width - width };
    let mut out = Bitmap::new(width, picture.height);
    for y in 0..picture.height {
        let from = 3 * (y * picture.width + left);
        out.rgb[3 * y * width..3 * (y + 1) * width]
            .copy_from_slice(&picture.rgb[from..from + 3 * width]);
    }
    out
}

/// Covers the canvas with stretched and turned copies of `bitmap`.
fn tile(canvas: &mut Canvas, bitmap: &Bitmap, rng: &mut Pcg64Mcg) {
    let scale = rng.random_range(-1.6f32..1.0).exp();
    let stretch = rng.random_range(-0.5f32..0.5).exp();
    let turn = rng.random_range(-3.1f32..3.1);
    let map =
        Affine::scale(stretch, 1.0 / stretch).after(&Affine::similarity(scale, turn, 0.0, 0.0));
    let (width, height) = (bitmap.width as f32, bitmap.height as f32);
    // Every second copy is mirrored, so that there is no seam.
    let fold = |v: f32, size: f32| {
        let v = v.rem_euclid(2.0 * size);
        if v > size { 2.0 * size - v } else { v }
    };
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            let p = map.apply(Point::new(x as f32, y as f32));
            let p = Point::new(fold(p.x, width), fold(p.y, height));
            canvas.pixels[y * canvas.width + x] = bitmap.sample(p);
        }
    }
}

/// Adds smooth noise at several sizes (Perlin 1985, with values instead of gradients).
fn noise(canvas: &mut Canvas, rng: &mut Pcg64Mcg) {
    let base = colour(rng);
    canvas.pixels.fill(base);
    let mut strength: f32 = rng.random_range(10.0..120.0);
    let mut cells = rng.random_range(2..=5usize);
    let fall: f32 = rng.random_range(0.4..0.9);
    let grey = rng.random_bool(0.6);
    for _ in 0..rng.random_range(1..=4) {
        let mut grid = Bitmap::new(cells, cells);
        for pixel in grid.rgb.chunks_exact_mut(3) {
            let value: u8 = rng.random();
            pixel.fill(value);
            if !grey {
                pixel.iter_mut().for_each(|v| *v = rng.random());
            }
        }
        let map =
            Affine::scale(cells as f32 / canvas.width as f32, cells as f32 / canvas.height as f32);
        for y in 0..canvas.height {
            for x in 0..canvas.width {
                let value = grid.sample(map.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5)));
                let pixel = &mut canvas.pixels[y * canvas.width + x];
                for c in 0..3 {
                    pixel[c] = (pixel[c] + (value[c] / 127.5 - 1.0) * strength).clamp(0.0, 255.0);
                }
            }
        }
        strength *= fall;
        cells *= rng.random_range(2..=3);
    }
}

/// Draws ellipses and rectangles, some of them faint.
fn shapes(canvas: &mut Canvas, rng: &mut Pcg64Mcg) {
    let (width, height) = (canvas.width as f32, canvas.height as f32);
    let one = Bitmap { width: 64, height: 64, rgb: vec![0; 3 * 64 * 64] };
    for _ in 0..rng.random_range(1..=25) {
        let ink = colour(rng);
        let size = rng.random_range(1.0f32..4.8).exp() / 64.0;
        let stretch = rng.random_range(-1.0f32..1.0).exp();
        let place = Affine::similarity(1.0 / size, rng.random_range(-3.1..3.1), 0.0, 0.0);
        let (x, y) = (rng.random_range(0.0..width), rng.random_range(0.0..height));
        let centre = Affine { x0: 32.0, y0: 32.0, ..Affine::scale(stretch, 1.0 / stretch) };
        let map = centre.after(&place).after(&Affine { x0: -x, y0: -y, ..Affine::IDENTITY });
        let mask = Mask {
            centre: Point::new(32.0, 32.0),
            radii: (30.0, 30.0),
            power: [2, 4, 64][rng.random_range(0..3)],
            feather: rng.random_range(0.0..0.3),
        };
        canvas.paste(&one, &map, &mask, |_| ink);
    }
}

/// Draws bars in one direction, as in blinds, fences and print.
fn stripes(canvas: &mut Canvas, rng: &mut Pcg64Mcg) {
    let (sin, cos) = rng.random_range(0.0f32..3.1).sin_cos();
    let pitch: f32 = rng.random_range(3.0..40.0);
    let strength: f32 = rng.random_range(5.0..60.0);
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            let phase = (x as f32 * cos + y as f32 * sin) / pitch;
            let add = if phase.rem_euclid(1.0) < 0.5 { strength } else { -strength };
            let pixel = &mut canvas.pixels[y * canvas.width + x];
            pixel.iter_mut().for_each(|v| *v = (*v + add).clamp(0.0, 255.0));
        }
    }
}
