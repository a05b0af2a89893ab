//! Covers parts of a face: a border where the picture ends, and rectangles.

use tch::{Kind, Tensor};

use super::columns::{column, columns, flag, middles, to_device};
use super::draw::{Border, Erase};

/// Outside an inner rectangle its edge repeats, as the library does around a tightly cropped picture, or there is one
/// colour.
pub fn borders(x: Tensor, borders: &[Border]) -> Tensor {
    let size = x.size();
    let (n, channels, height, width) = (size[0], size[1], size[2], size[3]);
    let near = |size: i64, low: usize, high: usize| {
        let ends: Vec<i64> = borders
            .iter()
            .flat_map(|border| {
                let pixel = |share: f32| (share * size as f32) as i64;
                let (low, high) = (pixel(border.inside[low]), pixel(border.inside[high]));
                [low, (high - 1).max(low)]
            })
            .collect();
        let ends = to_device(Tensor::from_slice(&ends).view([-1, 2, 1]), &x);
        let all = Tensor::arange(size, (Kind::Int64, x.device()));
        all.maximum(&ends.select(1, 0)).minimum(&ends.select(1, 1))
    };
    let (columns, rows) = (near(width, 0, 2), near(height, 1, 3));
    let whole = [n, channels, height, width];
    let across = columns.view([n, 1, 1, width]).expand(whole, false);
    let down = rows.view([n, 1, height, 1]).expand(whole, false);
    let repeated = x.gather(3, &across, false).gather(2, &down, false);
    let all = |size| Tensor::arange(size, (Kind::Int64, x.device()));
    let inside = columns
        .eq_tensor(&all(width))
        .view([n, 1, 1, width])
        .logical_and(&rows.eq_tensor(&all(height)).view([n, 1, height, 1]));
    let flat = column(borders.iter().map(|border| border.flat.unwrap_or(0.0)), &x);
    let is_flat = column(borders.iter().map(|border| flag(border.flat.is_some())), &x);
    let paint = is_flat * inside.logical_not().to_kind(Kind::Float);
    &repeated + (flat - &repeated) * paint
}

/// Draws rectangles of one colour.
pub fn erase(x: Tensor, drawn: &[Erase]) -> Tensor {
    let size = x.size();
    let axis = |size: i64, low: usize, high: usize, shape: [i64; 4]| {
        let middles = middles(size, &x).view(shape);
        let bound = |i: usize| column(drawn.iter().map(|erase| erase.rect[i]), &x);
        middles.ge_tensor(&bound(low)).logical_and(&middles.lt_tensor(&bound(high)))
    };
    let across = axis(size[3], 0, 2, [1, 1, 1, -1]);
    let inside = across.logical_and(&axis(size[2], 1, 3, [1, 1, -1, 1]));
    columns(drawn.iter().map(|erase| erase.colour), &x).where_self(&inside, &x)
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

    use crate::augment::by_hand::{apply_one, at, close, flat};
    use crate::augment::draw::{Border, Draw, Erase};

    #[test]
    fn places_are_covered_where_they_should_be() {
        let image = flat([10.0; 3], 32);
        let rect = [0.25, 0.5, 0.5, 1.0];
        let erase = Erase { rect, colour: [1.0, 2.0, 3.0] };
        let changed = apply_one(&image, Draw { erase: Some(erase), ..Draw::NOTHING });
        close(at(&changed, 2, 16, 8), 3.0);
        close(at(&changed, 2, 15, 8), 10.0);
        close(at(&changed, 2, 31, 16), 10.0);
        close(
            (&changed - &image).abs().gt(0.0).sum(Kind::Int64).double_value(&[]),
            3.0 * 8.0 * 16.0,
        );

        // Each row holds its own number, and a quarter at the top and left is outside.
        let rows = Tensor::arange(32, tch::kind::FLOAT_CPU)
            .view([1, 1, 32, 1])
            .expand([1, 3, 32, 32], false);
        let border = |flat| Border { inside: [0.25, 0.25, 1.0, 1.0], flat };
        let changed = apply_one(&rows.copy(), Draw { border: Some(border(None)), ..Draw::NOTHING });
        close(at(&changed, 0, 2, 20), 8.0);
        close(at(&changed, 0, 20, 2), 20.0);
        let changed =
            apply_one(&rows.copy(), Draw { border: Some(border(Some(99.0))), ..Draw::NOTHING });
        close(at(&changed, 0, 20, 2), 99.0);
        close(at(&changed, 0, 20, 8), 20.0);
    }
}
