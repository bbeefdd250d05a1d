//! The history as three lines of bars: level, answers, and what waited.

use std::collections::BTreeMap;
use std::io;

use domain::{Sample, Timestamp};
use uuid::Uuid;

use crate::output::{Screen, span};

/// Bars beside each other: twenty minutes each for one day.
const BARS: usize = 72;
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The level from which on an operator is warned.
const BUSY: f64 = 0.5;
/// The level at which work is refused by default.
const REFUSING: f64 = 0.7;

/// The history in bars; `None` where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    bars: Vec<Option<Minute>>,
    seconds: u64,
}

/// A minute over all instances, or the most of several minutes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Minute {
    level: f64,
    answers: u64,
    waiting: u64,
}

// === impl Picture ===

impl Picture {
    /// The bars for a span of time; each shows the most of any of its minutes.
    pub fn new(samples: &[(Uuid, Sample)], since: Timestamp, until: Timestamp) -> Self {
        let mut minutes = BTreeMap::<Timestamp, Minute>::new();
        for (_, sample) in samples {
            let minute = minutes.entry(sample.at).or_default();
            minute.level = minute.level.max(sample.level);
            minute.answers += u64::from(sample.throughput);
            minute.waiting += u64::from(sample.queue_depth);
        }
        let length = (until.0 - since.0).max(1);
        let mut bars = vec![None; BARS];
        for (at, minute) in minutes {
            let along = (at.0 - since.0).clamp(0, length - 1);
            let index = usize::try_from(i128::from(along) * BARS as i128 / i128::from(length));
            if let Some(bar) = index.ok().and_then(|index| bars.get_mut(index)) {
                *bar = Some(bar.map_or(minute, |most: Minute| most.max(minute)));
            }
        }
        Self { bars, seconds: length.unsigned_abs() / 1_000 }
    }

    /// Draws it.
    pub fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let most = self.bars.iter().flatten().fold(Minute::default(), |most, bar| most.max(*bar));
        let levels = self.row(screen, |minute| minute.level);
        screen.line(&format!("{:<9}{levels} {:.2} at most", "level", most.level))?;
        let answers = self.row(screen, |minute| share(minute.answers, most.answers));
        screen.line(&format!("{:<9}{answers} {} a minute at most", "answers", most.answers))?;
        let waiting = self.row(screen, |minute| share(minute.waiting, most.waiting));
        screen.line(&format!("{:<9}{waiting} {} at most", "waiting", most.waiting))?;
        let began = format!("{} ago", span(self.seconds));
        let axis = format!("{:<9}{began}{:>width$}", "", "now", width = BARS - began.len());
        let axis = screen.dim(&axis);
        screen.line(&axis)
    }

    /// One line of bars, each painted by the level of its time.
    fn row(&self, screen: &Screen<'_>, height: impl Fn(&Minute) -> f64) -> String {
        let paint = |bar: &Option<Minute>| match bar {
            None => screen.dim("·"),
            Some(minute) => {
                let drawn = drawn(height(minute)).to_string();
                match minute.level {
                    level if level >= REFUSING => screen.bad(&drawn),
                    level if level >= BUSY => drawn,
                    _ => screen.good(&drawn),
                }
            }
        };
        self.bars.iter().map(paint).collect()
    }
}

// === impl Minute ===

impl Minute {
    fn max(self, other: Self) -> Self {
        Self {
            level: self.level.max(other.level),
            answers: self.answers.max(other.answers),
            waiting: self.waiting.max(other.waiting),
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    let of = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if whole == 0 { 0.0 } else { of(part) / of(whole) }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the share is brought between 0 and 8 first"
)]
fn drawn(share: f64) -> char {
    let height = (share * 8.0).ceil().clamp(1.0, 8.0) as usize;
    HEIGHTS[height - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;

    fn sample(minute: i64, level: f64, throughput: u32) -> (Uuid, Sample) {
        let at = Timestamp(minute * MINUTE);
        (Uuid::nil(), Sample { at, level, throughput, ..Sample::default() })
    }

    fn shown(samples: &[(Uuid, Sample)]) -> String {
        let mut bytes = Vec::new();
        let picture = Picture::new(samples, Timestamp(0), Timestamp(DAY));
        picture.show(&mut Screen::new(&mut bytes, false)).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_day_is_drawn_with_its_gaps() {
        let samples =
            [sample(0, 0.0, 1), sample(19, 0.3, 2), sample(20, 1.0, 8), sample(1_439, 0.5, 4)];
        let gap = "·".repeat(69);
        assert_eq!(
            shown(&samples),
            format!(
                "level    ▃█{gap}▄ 1.00 at most\n\
                 answers  ▂█{gap}▄ 8 a minute at most\n\
                 waiting  ▁▁{gap}▁ 0 at most\n         \
                 1d ago{:>66}\n",
                "now"
            )
        );
    }

    #[test]
    fn instances_add_up_but_levels_do_not() {
        let shown = shown(&[sample(0, 0.4, 3), sample(0, 0.2, 5)]);
        assert!(shown.contains("0.40 at most") && shown.contains("8 a minute at most"), "{shown}");
    }

    #[test]
    fn what_is_outside_the_span_breaks_nothing() {
        shown(&[sample(-5, 0.1, 1), sample(99_999, f64::NAN, 1), sample(1, 7.0, u32::MAX)]);
    }
}
