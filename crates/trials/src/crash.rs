//! The crash trial: the process is killed at random while people speak; what was lost is counted.
//!
//! Owns the rounds and the table; what a loss is says [`judge`].

pub mod judge;
pub mod ledger;
pub mod round;
mod speaker;

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::engine::Engine;
use crate::table::Table;
use round::{Outcome, Round};

/// What to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// On which engines, one after the other.
    pub engines: Vec<Engine>,
    /// Kills in all, divided among the rounds.
    pub kills: usize,
    /// Longest time between ready and kill.
    pub longest_life: Duration,
    /// People who speak at once.
    pub speakers: usize,
    /// Messages per second of all of them together.
    pub rate: usize,
    /// Where all randomness begins; the same seed draws the same moments and the same words.
    pub seed: u64,
}

/// How messages that wait together are answered. Each makes other mistakes possible.
const QUEUES: &[&str] = &["followup", "collect"];

/// Plays every round; tells how it goes on `out`. Returns whether all is well.
///
/// # Errors
/// When the product does not start, or ends by itself.
pub async fn run(options: &Options, binary: &Path, out: &mut dyn Write) -> Result<bool> {
    let rounds = options.rounds();
    writeln!(out, "seed {}, {} rounds", options.seed, rounds.len())?;
    let mut outcomes = Vec::new();
    for round in rounds {
        writeln!(out, "{}, {}: {} kills", round.engine, round.queue, round.kills)?;
        outcomes.push(round.play(binary).await?);
    }
    write!(out, "\n{}", table(&outcomes))?;
    for outcome in &outcomes {
        for example in &outcome.findings.examples {
            writeln!(out, "{}, {}: {example}", outcome.round.engine, outcome.round.queue)?;
        }
        if let Some(kept) = &outcome.kept {
            writeln!(out, "the state is kept in {}", kept.display())?;
        }
    }
    Ok(outcomes.iter().all(|outcome| outcome.findings.is_clean()))
}

// === impl Options ===

impl Options {
    fn rounds(&self) -> Vec<Round> {
        let rounds = self.engines.len() * QUEUES.len();
        let pairs =
            self.engines.iter().flat_map(|engine| QUEUES.iter().map(|queue| (*engine, *queue)));
        pairs
            .enumerate()
            .map(|(number, (engine, queue))| Round {
                engine,
                queue,
                // The first rounds take what does not divide.
                kills: self.kills / rounds + usize::from(number < self.kills % rounds),
                longest_life: self.longest_life,
                speakers: self.speakers,
                rate: self.rate,
                seed: self.seed.wrapping_add(number as u64),
            })
            .collect()
    }
}

/// One column for each round.
fn table(outcomes: &[Outcome]) -> String {
    let mut head = vec![String::new()];
    head.extend(outcomes.iter().map(|o| format!("{} {}", o.round.engine, o.round.queue)));
    let mut table = Table::new(head);
    type Cell = fn(&Outcome) -> String;
    let rows: &[(&str, Cell)] = &[
        ("kills", |o| o.round.kills.to_string()),
        ("of these while starting", |o| o.during_start.to_string()),
        ("lives prolonged", |o| o.prolonged.to_string()),
        ("messages acknowledged", |o| o.acknowledged.to_string()),
        ("sent again", |o| o.resent.to_string()),
        ("lost", |o| o.findings.lost.to_string()),
        ("answered twice", |o| o.findings.twice.to_string()),
        ("out of order", |o| o.findings.disorder.to_string()),
        ("parked", |o| o.findings.parked.to_string()),
        ("foreign words", |o| o.findings.foreign.to_string()),
        ("start to ready, median", |o| milliseconds(o.starts.get(o.starts.len() / 2))),
        ("start to ready, longest", |o| milliseconds(o.starts.last())),
        ("last start to all answered", |o| milliseconds(Some(&o.drained))),
    ];
    for (name, cell) in rows {
        let mut row = vec![(*name).to_owned()];
        row.extend(outcomes.iter().map(cell));
        table.row(row);
    }
    let mut text = table.to_string();
    let clean = outcomes.iter().all(|outcome| outcome.findings.is_clean());
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "\n{}",
        if clean { "nothing lost, nothing twice, all in order" } else { "FAILED" }
    );
    text
}

fn milliseconds(span: Option<&Duration>) -> String {
    span.map_or_else(String::new, |span| format!("{} ms", span.as_millis()))
}
