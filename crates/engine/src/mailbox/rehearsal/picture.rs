//! A day drawn as four strips, one above the other.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::time::Duration;

use super::{Sample, Wait, p95};

/// What is drawn.
pub(super) struct Day<'a> {
    pub(super) samples: &'a [Sample],
    pub(super) waits: Vec<Wait>,
    pub(super) most_workers: usize,
    pub(super) threshold: f64,
    /// What went on meanwhile.
    pub(super) bands: Vec<Band>,
}

/// Hours in which something went on.
pub(super) struct Band {
    pub(super) hours: Range<f64>,
    pub(super) words: &'static str,
}

struct Strip {
    title: &'static str,
    scale: Scale,
    marks: Vec<(f64, String)>,
    lines: Vec<(&'static str, Vec<f64>)>,
    /// A line across.
    limit: Option<f64>,
}

/// How a value becomes a height from 0 to 1.
#[derive(Clone, Copy)]
enum Scale {
    /// In proportion, up to this.
    Even(f64),
    /// Each tenfold is as high as the one before: from a second to an hour and a bit.
    Tenfold,
}

/// Points of one line: one for each ten minutes.
const POINTS: usize = 144;
const WIDTH: f64 = 860.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 72.0;
const STRIP: f64 = 96.0;
const GAP: f64 = 36.0;
const STYLE: &str = "
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .quiet { fill: #57606a } .grid { stroke: #8c959f; stroke-opacity: .3; fill: none }
  .line, .there, .limit { fill: none; stroke-width: 2; stroke-linejoin: round }
  .line { stroke: #0969da } .there { stroke: #8c959f; stroke-width: 1.5 }
  .limit { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 2 3 }
  .band { fill: #bf8700; fill-opacity: .16 } .what { fill: #9a6700 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #8d96a0 } .line { stroke: #4493f8 } .limit { stroke: #f85149 }
    .band { fill: #d29922; fill-opacity: .2 } .what { fill: #d29922 }
  }";

// === impl Day ===

impl fmt::Display for Day<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strips = self.strips();
        let height = TOP + (STRIP + GAP) * strips.len() as f64 + 12.0;
        let title = "A simulated day of fifty tenants";
        writeln!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-label=\"{title}\">\n<style>{STYLE}\n</style>\n\
             <text x=\"{LEFT}\" y=\"20\" font-weight=\"600\">{title}</text>"
        )?;
        let bottom = height - 12.0 - GAP;
        for Band { hours, words } in &self.bands {
            let (from, to) = (across(hours.start), across(hours.end));
            writeln!(
                f,
                "<rect class=\"band\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\n\
                 <text class=\"what\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{words}</text>",
                TOP - 24.0,
                to - from,
                bottom - TOP + 24.0,
                f64::midpoint(from, to),
                TOP - 30.0,
            )?;
        }
        let mut top = TOP;
        for strip in &strips {
            strip.draw(f, top)?;
            top += STRIP + GAP;
        }
        for hour in (0..=24).step_by(3) {
            let x = across(f64::from(hour));
            writeln!(
                f,
                "<text class=\"quiet\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{hour:02}:00</text>",
                bottom + 18.0
            )?;
        }
        writeln!(f, "</svg>")
    }
}

impl Day<'_> {
    fn strips(&self) -> Vec<Strip> {
        let level = self.each(|samples| most(samples, |sample| sample.level));
        let busy = self.each(|samples| mean(samples, |sample| sample.busy as f64));
        let there = self.each(|samples| most(samples, |sample| sample.workers as f64));
        let age = self.each(|samples| most(samples, |sample| sample.age.as_secs_f64()));
        let waits = (0..POINTS).map(|point| self.p95(point)).collect();
        let workers = self.most_workers as f64;
        let times =
            [(1.0, "1 s"), (10.0, "10 s"), (60.0, "1 min"), (600.0, "10 min"), (3_600.0, "1 h")];
        let times = || times.map(|(value, words)| (value, words.to_owned())).to_vec();
        vec![
            Strip {
                title: "level, highest in ten minutes; dotted: from here on new work is refused",
                scale: Scale::Even(1.0),
                marks: vec![(0.0, "0".to_owned()), (1.0, "1".to_owned())],
                lines: vec![("line", level)],
                limit: Some(self.threshold),
            },
            Strip {
                title: "workers: busy (blue, mean) and there (grey, most)",
                scale: Scale::Even(workers),
                marks: vec![(0.0, "0".to_owned()), (workers, format!("{workers:.0}"))],
                lines: vec![("there", there), ("line", busy)],
                limit: None,
            },
            Strip {
                title: "queue age: how long the one who waits longest has waited, at worst",
                scale: Scale::Tenfold,
                marks: times(),
                lines: vec![("line", age)],
                limit: None,
            },
            Strip {
                title: "wait from writing to the beginning of the answer, p95, of all who are not flooded",
                scale: Scale::Tenfold,
                marks: times(),
                lines: vec![("line", waits)],
                limit: None,
            },
        ]
    }

    fn each(&self, of: impl Fn(&[Sample]) -> f64) -> Vec<f64> {
        let of_point = |point| {
            let of_time = |sample: &&Sample| place(sample.at) == point;
            let samples: Vec<Sample> = self.samples.iter().filter(of_time).copied().collect();
            of(&samples)
        };
        (0..POINTS).map(of_point).collect()
    }

    fn p95(&self, point: usize) -> f64 {
        let of_time = self.waits.iter().filter(|wait| place(wait.at) == point);
        p95(of_time.map(|wait| wait.waited).collect()).as_secs_f64()
    }
}

// === impl Strip ===

impl Strip {
    fn draw(&self, f: &mut fmt::Formatter<'_>, top: f64) -> fmt::Result {
        let y = |value: f64| top + STRIP * (1.0 - self.scale.height(value));
        writeln!(f, "<text x=\"{LEFT}\" y=\"{:.1}\">{}</text>", top - 8.0, self.title)?;
        for (value, words) in &self.marks {
            writeln!(
                f,
                "<polyline class=\"grid\" points=\"{LEFT},{y:.1} {:.1},{y:.1}\"/>\n\
                 <text class=\"quiet\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{words}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y(*value) + 4.0,
                y = y(*value),
            )?;
        }
        if let Some(limit) = self.limit {
            let (y, right) = (y(limit), WIDTH - RIGHT);
            writeln!(f, "<polyline class=\"limit\" points=\"{LEFT},{y:.1} {right:.1},{y:.1}\"/>")?;
        }
        for (class, values) in &self.lines {
            let mut points = String::new();
            for (point, value) in values.iter().enumerate() {
                let x = across((point as f64 + 0.5) * 24.0 / POINTS as f64);
                write!(points, "{x:.1},{:.1} ", y(*value))?;
            }
            writeln!(f, "<polyline class=\"{class}\" points=\"{}\"/>", points.trim_end())?;
        }
        Ok(())
    }
}

// === impl Scale ===

impl Scale {
    fn height(self, value: f64) -> f64 {
        match self {
            Self::Even(most) => value / most,
            Self::Tenfold => value.clamp(1.0, 6_000.0).log10() / 6_000_f64.log10(),
        }
    }
}

/// Where an hour stands.
fn across(hour: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * hour / 24.0
}

/// Which point a moment belongs to.
fn place(at: Duration) -> usize {
    usize::try_from(at.as_secs()).unwrap() * POINTS / 86_400
}

fn most(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    samples.iter().map(of).fold(0.0, f64::max)
}

fn mean(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    samples.iter().map(of).sum::<f64>() / samples.len().max(1) as f64
}
