//! Figures as inline SVG. A crate would bring fonts and colours of its own, while these follow the page's.

use std::fmt::Write;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 40.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;

/// A figure with axes to draw on.
pub struct Plot {
    body: String,
    x: (f64, f64),
    y: (f64, f64),
    legend: Vec<String>,
    /// Names below the axis in place of numbers.
    names: Vec<(f64, String)>,
}

impl Plot {
    /// Axes from `x.0` to `x.1` and `y.0` to `y.1`.
    pub fn new(x: (f64, f64), y: (f64, f64)) -> Self {
        let wide =
            |(low, high): (f64, f64)| if high > low { (low, high) } else { (low, low + 1.0) };
        Self { body: String::new(), x: wide(x), y: wide(y), legend: Vec::new(), names: Vec::new() }
    }

    /// Writes `name` below the axis at `x`. An axis with names has no numbers.
    pub fn name(&mut self, x: f64, name: &str) {
        self.names.push((x, name.to_owned()));
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let across = (x - self.x.0) / (self.x.1 - self.x.0);
        let up = (y - self.y.0) / (self.y.1 - self.y.0);
        (LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP))
    }

    /// Draws a bar from the axis for each `(left, right, height)`, in colour `series`.
    pub fn bars(&mut self, series: usize, bars: &[(f64, f64, f64)]) {
        for &(left, right, height) in bars {
            let ((x0, y0), (x1, y1)) = (self.at(left, height), self.at(right, self.y.0));
            let _ = write!(
                self.body,
                "<rect class='s{series}' x='{x0:.1}' y='{y0:.1}' width='{:.1}' height='{:.1}'/>",
                (x1 - x0 - 0.5).max(0.5),
                (y1 - y0).max(0.0)
            );
        }
    }

    /// Draws a line through `points`.
    pub fn line(&mut self, series: usize, points: &[(f64, f64)]) {
        let mut text = String::new();
        for &(x, y) in points {
            let (x, y) = self.at(x, y);
            let _ = write!(text, "{x:.1},{y:.1} ");
        }
        let _ = write!(self.body, "<polyline class='l{series}' points='{}'/>", text.trim_end());
    }

    /// Draws a dot at each of `points`.
    pub fn dots(&mut self, series: usize, points: &[(f64, f64)], radius: f64) {
        for &(x, y) in points {
            let (x, y) = self.at(x, y);
            let _ = write!(
                self.body,
                "<circle class='s{series}' cx='{x:.1}' cy='{y:.1}' r='{radius}'/>"
            );
        }
    }

    /// Draws the box of a box plot at `x`: whiskers, quartiles, median, and the mean as a dot.
    pub fn spread(&mut self, series: usize, x: f64, values: &mut [f64]) {
        values.sort_by(f64::total_cmp);
        let Some(last) = values.len().checked_sub(1) else { return };
        let at = |share: f64| values[(share * last as f64).round() as usize];
        let (low, high) = (at(0.25), at(0.75));
        let reach = 1.5 * (high - low);
        let whisker = |ok: &dyn Fn(f64) -> bool, pick: &dyn Fn(f64, f64) -> f64, from: f64| {
            values.iter().copied().filter(|v| ok(*v)).fold(from, pick)
        };
        let bottom = whisker(&|v| v >= low - reach, &f64::min, low);
        let top = whisker(&|v| v <= high + reach, &f64::max, high);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        self.line(series, &[(x, bottom), (x, low)]);
        self.line(series, &[(x, high), (x, top)]);
        let corners = [(x - 0.3, low), (x - 0.3, high), (x + 0.3, high), (x + 0.3, low)];
        self.line(series, &[corners.as_slice(), &corners[..1]].concat());
        self.line(series, &[(x - 0.3, at(0.5)), (x + 0.3, at(0.5))]);
        self.dots(series, &[(x, mean)], 3.0);
    }

    /// Writes `text` at a place within the axes.
    pub fn label(&mut self, x: f64, y: f64, text: &str) {
        let (x, y) = self.at(x, y);
        let text = super::page::escape(text);
        let _ = write!(self.body, "<text x='{x:.1}' y='{y:.1}' text-anchor='middle'>{text}</text>");
    }

    /// Names the next colour in the legend.
    pub fn series(&mut self, name: &str) {
        self.legend.push(name.to_owned());
    }

    /// Returns the finished figure. It has a title, the names of the axes with their units, and a caption for people
    /// who see such a figure for the first time.
    pub fn finish(self, title: &str, x_label: &str, y_label: &str, caption: &str) -> String {
        use super::page::escape;
        let mut out = format!(
            "<figure><svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{0}'><title>{0}</title>",
            escape(title)
        );
        for (y, text) in ticks(self.y) {
            let (wall, py) = self.at(self.x.0, y);
            let _ = write!(
                out,
                "<line class='grid' x1='{wall:.1}' y1='{py:.1}' x2='{:.1}' y2='{py:.1}'/>\
                 <text x='{:.1}' y='{:.1}' text-anchor='end'>{}</text>",
                WIDTH - RIGHT,
                wall - 4.0,
                py + 3.0,
                text
            );
        }
        let below = if self.names.is_empty() { ticks(self.x) } else { self.names.clone() };
        for (x, text) in below {
            let (px, floor) = self.at(x, self.y.0);
            let _ = write!(
                out,
                "<text x='{px:.1}' y='{:.1}' text-anchor='middle'>{}</text>",
                floor + 14.0,
                escape(&text)
            );
        }
        out += &self.body;
        for (i, name) in self.legend.iter().enumerate() {
            let y = TOP + 10.0 + 14.0 * i as f64;
            let _ = write!(
                out,
                "<rect class='s{i}' x='{:.0}' y='{:.0}' width='9' height='9'/><text x='{:.0}' y='{y:.0}'>{}</text>",
                WIDTH - 150.0,
                y - 8.0,
                WIDTH - 136.0,
                escape(name)
            );
        }
        let _ = write!(
            out,
            "<text x='{:.0}' y='{:.0}' text-anchor='middle'>{}</text>\
             <text transform='translate(10 {:.0}) rotate(-90)' text-anchor='middle'>{}</text></svg>\
             <figcaption><b>{}.</b> {}</figcaption></figure>",
            WIDTH / 2.0,
            HEIGHT - 4.0,
            escape(x_label),
            HEIGHT / 2.0,
            escape(y_label),
            escape(title),
            escape(caption)
        );
        out
    }
}

/// Returns the distance of round numbers along an axis, so that there are four to ten.
fn step((low, high): (f64, f64)) -> f64 {
    let rough = (high - low) / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    [5.0, 2.0].into_iter().map(|m| m * power).find(|step| *step <= rough).unwrap_or(power)
}

/// Round numbers along an axis.
fn ticks((low, high): (f64, f64)) -> Vec<(f64, String)> {
    let step = step((low, high));
    let whole = ((low / step - 1e-6).ceil() as i64)..=((high / step + 1e-6).floor() as i64);
    // Counting avoids the sum of many rounding errors.
    whole.map(|i| i as f64 * step).map(|value| (value, number(value, step))).collect()
}

/// Returns `value` with as many decimals as neighbouring ticks need to differ.
fn number(value: f64, step: f64) -> String {
    if value.abs() >= 1e4 {
        return format!("{:.0}k", value / 1e3);
    }
    let decimals = (-step.log10()).ceil().clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$}")
}

/// Draws the counts of `values` in bins of `width` from `low` to `high`, as bars. Values outside go to the last bins.
pub fn histogram(values: &[f64], low: f64, high: f64, width: f64) -> Vec<(f64, f64, f64)> {
    let bins = ((high - low) / width).ceil().max(1.0) as usize;
    let mut counts = vec![0.0; bins];
    for value in values.iter().filter(|v| v.is_finite()) {
        counts[(((value - low) / width).max(0.0) as usize).min(bins - 1)] += 1.0;
    }
    let bar = |(i, count): (usize, f64)| {
        let left = low + i as f64 * width;
        (left, left + width, count)
    };
    counts.into_iter().enumerate().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers() {
        let texts = |range| ticks(range).into_iter().map(|tick| tick.1).collect::<Vec<_>>();
        assert_eq!(texts((0.0, 101.0)), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(texts((-40.0, 40.0)), ["-40", "-20", "0", "20", "40"]);
        assert_eq!(texts((0.229, 0.257)), ["0.230", "0.235", "0.240", "0.245", "0.250", "0.255"]);
        assert_eq!(texts((0.0, 123_456.0)), ["0", "20k", "40k", "60k", "80k", "100k", "120k"]);
        for range in [(0.0, 1.0), (3.0, 3.001), (-5.0, 7.0), (0.0, 1.0e-4)] {
            let found = texts(range);
            assert!((4..=10).contains(&found.len()), "{range:?}: {found:?}");
            assert!(found.windows(2).all(|pair| pair[0] != pair[1]), "{range:?}: {found:?}");
        }
    }

    #[test]
    fn a_figure_names_its_axes_and_explains_itself() {
        let mut plot = Plot::new((0.0, 2.0), (0.0, 10.0));
        plot.bars(0, &[(0.5, 1.5, 8.0)]);
        plot.name(1.0, "a < b");
        let drawn = plot.finish("Title", "kind", "faces", "What it shows.");
        for part in
            [">a &lt; b</text>", ">kind</text>", ">faces</text>", "<b>Title.</b> What it shows."]
        {
            assert!(drawn.contains(part), "{part}: {drawn}");
        }
        // An axis with names has no numbers, so only 0, 5 and 10 of the other axis are there.
        assert!(!drawn.contains(">1</text>"), "{drawn}");
    }

    #[test]
    fn bins_hold_what_they_should() {
        let bars = histogram(&[0.0, 1.9, 2.0, 99.0, -5.0, f64::NAN], 0.0, 4.0, 2.0);
        assert_eq!(bars, [(0.0, 2.0, 3.0), (2.0, 4.0, 2.0)]);
    }
}
