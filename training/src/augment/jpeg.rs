//! The losses of JPEG as operations on tensors: the cosine transform of blocks of 8 x 8, rounded by the tables of a
//! quality.

use tch::{Kind, Tensor};

use super::columns::to_device;

/// The tables of T.81, annex K: luminance, then chrominance.
const TABLES: [[f32; 64]; 2] = [
    [
        16., 11., 10., 16., 24., 40., 51., 61., 12., 12., 14., 19., 26., 58., 60., 55., 14., 13.,
        16., 24., 40., 57., 69., 56., 14., 17., 22., 29., 51., 87., 80., 62., 18., 22., 37., 56.,
        68., 109., 103., 77., 24., 35., 55., 64., 81., 104., 113., 92., 49., 64., 78., 87., 103.,
        121., 120., 101., 72., 92., 95., 98., 112., 100., 103., 99.,
    ],
    [
        17., 18., 24., 47., 99., 99., 99., 99., 18., 21., 26., 66., 99., 99., 99., 99., 24., 26.,
        56., 99., 99., 99., 99., 99., 47., 66., 99., 99., 99., 99., 99., 99., 99., 99., 99., 99.,
        99., 99., 99., 99., 99., 99., 99., 99., 99., 99., 99., 99., 99., 99., 99., 99., 99., 99.,
        99., 99., 99., 99., 99., 99., 99., 99., 99., 99.,
    ],
];

/// Converts red, green and blue to luminance and two differences.
const TO_YCC: [f32; 9] =
    [0.299, 0.587, 0.114, -0.168_736, -0.331_264, 0.5, 0.5, -0.418_688, -0.081_312];
/// Converts them back.
const TO_RGB: [f32; 9] = [1.0, 0.0, 1.402, 1.0, -0.344_136, -0.714_136, 1.0, 1.772, 0.0];

/// Returns the table of a quality from 1 to 100, as libjpeg scales it.
fn table(of: &[f32; 64], quality: u8) -> [f32; 64] {
    let quality = f32::from(quality.clamp(1, 100));
    let scale = if quality < 50.0 { 5000.0 / quality } else { 200.0 - 2.0 * quality };
    of.map(|entry| ((entry * scale + 50.0) / 100.0).floor().clamp(1.0, 255.0))
}

/// Returns the matrix of the cosine transform of eight numbers.
fn cosines() -> [f32; 64] {
    std::array::from_fn(|i| {
        let (row, column) = (i / 8, i % 8);
        let scale = if row == 0 { 0.125f64.sqrt() } else { 0.5 };
        let angle = std::f64::consts::PI * (2 * column + 1) as f64 * row as f64 / 16.0;
        (scale * angle.cos()) as f32
    })
}

/// Returns `x`, `[N, 3, H, W]` from 0 to 255, as after a JPEG with the quality of each face, without subsampled
/// colours.
pub fn jpeg(x: &Tensor, qualities: &[u8]) -> Tensor {
    let size = x.size();
    let (n, height, width) = (size[0], size[2], size[3]);
    let matrix =
        |numbers: &[f32], side: i64| to_device(Tensor::from_slice(numbers).view([side, side]), x);
    // Pads to whole blocks.
    let missing = |side: i64| (8 - side % 8) % 8;
    let padded = x.replication_pad2d([0, missing(width), 0, missing(height)]);
    let (rows, columns) = ((height + missing(height)) / 8, (width + missing(width)) / 8);
    let planes = matrix(&TO_YCC, 3).matmul(&padded.flatten(2, 3));
    let shift = to_device(Tensor::from_slice(&[128f32, 0.0, 0.0]).view([1, 3, 1]), x);
    // A block is a row of 64 numbers, and its transform is one matrix. Thousands of products of 8 x 8 took twice as
    // long.
    let blocks = (planes - &shift)
        .view([n, 3, rows, 8, columns, 8])
        .permute([0, 1, 2, 4, 3, 5])
        .reshape([n, 3, rows * columns, 64]);
    let cosines = matrix(&cosines(), 8);
    let transform = cosines.kron(&cosines);
    let frequencies = blocks.matmul(&transform.transpose(0, 1));
    let tables: Vec<f32> = qualities
        .iter()
        .flat_map(|q| [0, 1, 1].map(|kind| table(&TABLES[kind], *q)))
        .flatten()
        .collect();
    let tables = to_device(Tensor::from_slice(&tables).view([n, 3, 1, 64]), x);
    let kept = (frequencies / &tables).round() * tables;
    let blocks = kept.matmul(&transform).view([n, 3, rows, columns, 8, 8]);
    let planes = blocks.permute([0, 1, 2, 4, 3, 5]).reshape([n, 3, 64 * rows * columns]) + shift;
    let colours = matrix(&TO_RGB, 3).matmul(&planes).view([n, 3, 8 * rows, 8 * columns]);
    let whole = colours.narrow(2, 0, height).narrow(3, 0, width);
    whole.round().clamp(0.0, 255.0).to_kind(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_libjpegs() {
        assert_eq!(table(&TABLES[0], 50), TABLES[0]);
        assert_eq!(table(&TABLES[0], 75)[..3], [8.0, 6.0, 5.0]);
        assert_eq!(table(&TABLES[1], 10)[0], 85.0);
        assert_eq!(table(&TABLES[0], 100), [1.0; 64]);
    }

    /// Returns the same picture after a real JPEG of the same quality.
    fn encoded(planes: &[f32], side: usize, quality: u8) -> Vec<f32> {
        let size = side * side;
        let bytes: Vec<u8> = (0..3 * size).map(|i| planes[i % 3 * size + i / 3] as u8).collect();
        let mut file = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, quality);
        let kind = image::ExtendedColorType::Rgb8;
        image::ImageEncoder::write_image(encoder, &bytes, side as u32, side as u32, kind)
            .expect("encodes");
        let back = image::load_from_memory(&file).expect("decodes").to_rgb8().into_raw();
        (0..3 * size).map(|i| f32::from(back[i % size * 3 + i / size])).collect()
    }

    #[test]
    fn it_loses_what_a_jpeg_loses() {
        let side = 44;
        let wave = |i: usize| {
            let (c, y, x) = (i / (side * side), i / side % side, i % side);
            let value = 128.0
                + 60.0 * (x as f32 * 0.4 + c as f32).sin()
                + 50.0 * (y as f32 * 0.25 + x as f32 * 0.1).cos();
            value.round()
        };
        let planes: Vec<f32> = (0..3 * side * side).map(wave).collect();
        let image = Tensor::from_slice(&planes).view([1, 3, side as i64, side as i64]);
        for quality in [20, 60, 90] {
            let ours = Vec::<f32>::try_from(jpeg(&image, &[quality]).view([-1])).expect("numbers");
            let real = encoded(&planes, side, quality);
            let mean = |a: &[f32], b: &[f32]| {
                let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
                sum / a.len() as f32
            };
            let (apart, lost) = (mean(&ours, &real), mean(&real, &planes));
            assert!(apart < 0.2 * lost + 1.0, "quality {quality}: {apart}, {lost} lost");
        }
    }
}
