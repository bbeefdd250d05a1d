//! `openclaw tune`: looks at the last days and proposes the sizes of the pool, with the reason for each.
//!
//! Changes nothing unless it is asked to, and then only the figures that it showed.

mod apply;
mod machine;
mod picture;

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use config::{KeyPath, Loaded};
use domain::capacity::{Load, Machine, Proposal, Sizes, propose};
use domain::{Sample, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::cli::TuneArgs;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show};
use picture::Picture;

/// The section of the configuration that holds the sizes.
const SECTION: &str = "concurrency";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a turn may be silent, unless it is configured (milliseconds).
const STUCK_THRESHOLD_MS: u64 = 60_000;

/// Looks, proposes, and changes what was proposed when it is asked to.
pub async fn run(arguments: &TuneArgs, context: &Context) -> Result<(), Error> {
    let installation = Installation::find()?;
    let store = installation.store().await?;
    let until = context.now();
    let since = until.before(DAY * arguments.days);
    let samples = store.samples(since, until).await?;
    store.close().await;

    let now = Now::of(&installation.loaded);
    let mut report = Report::new(&samples, machine::this(), now, (since, until));
    let json = context.output.json;
    if !(json && arguments.apply) {
        context.print(&report)?;
    }
    if !arguments.apply {
        return Ok(());
    }
    let proposal = report.proposal.as_ref().ok_or(Error::TooLittleHistory)?;
    let applied = apply::apply(proposal, &installation, arguments.yes, context)?;
    report.applied = Some(applied.settings);
    // For a program all of it is one document.
    if json { context.print(&report) } else { context.print(&applied) }
}

/// The sizes that hold now.
#[derive(Debug, Clone, Copy)]
struct Now {
    sizes: Sizes,
    stuck_threshold_ms: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    since: Timestamp,
    until: Timestamp,
    instances: usize,
    load: Load,
    machine: Machine,
    proposal: Option<Proposal>,
    /// Why nothing is proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    too_little: Option<String>,
    /// How many settings were changed, when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<usize>,
    #[serde(skip)]
    picture: Picture,
}

// === impl Now ===

impl Now {
    /// Where a size is left out, the older key of `agents.defaults` counts, then the default.
    fn of(loaded: &Loaded) -> Self {
        let number = |key: &str| number(loaded, key);
        let size = |key: &str| number(&format!("{SECTION}.{key}"));
        let default = Sizes::default();
        let sizes = Sizes {
            min_workers: size("minWorkers").unwrap_or(default.min_workers),
            max_workers: size("maxWorkers")
                .or_else(|| number("agents.defaults.maxConcurrent"))
                .unwrap_or(default.max_workers),
            max_queue_size: size("maxQueueSize").unwrap_or(default.max_queue_size),
            worker_timeout_ms: size("workerTimeoutMs")
                .or_else(|| number("agents.defaults.timeoutSeconds")?.checked_mul(1_000))
                .unwrap_or(default.worker_timeout_ms),
            memory_limit_mb: size("memoryLimitMb").unwrap_or(default.memory_limit_mb),
        };
        let stuck_threshold_ms = size("stuckThresholdMs").unwrap_or(STUCK_THRESHOLD_MS);
        Self { sizes, stuck_threshold_ms }
    }
}

fn number(loaded: &Loaded, key: &str) -> Option<u64> {
    let path: KeyPath = key.parse().ok()?;
    loaded.get(&path)?.effective.as_ref().and_then(Value::as_u64)
}

// === impl Report ===

impl Report {
    fn new(
        samples: &[(uuid::Uuid, Sample)],
        machine: Machine,
        now: Now,
        (since, until): (Timestamp, Timestamp),
    ) -> Self {
        let load = Load::of(samples.iter().map(|(_, sample)| sample));
        let proposed = propose(&load, machine, now.sizes, now.stuck_threshold_ms);
        let (proposal, too_little) = match proposed {
            Ok(proposal) => (Some(proposal), None),
            Err(reason) => (None, Some(reason.to_string())),
        };
        Self {
            since,
            until,
            instances: samples.iter().map(|(instance, _)| instance).collect::<BTreeSet<_>>().len(),
            load,
            machine,
            proposal,
            too_little,
            applied: None,
            picture: Picture::new(samples, since, until),
        }
    }

    fn facts(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let Load { minutes, answered, errors, refused, .. } = self.load;
        let instances = self.instances;
        screen.fact("history", &format!("{minutes} minutes of {instances} instance(s)"))?;
        screen.fact(
            "requests",
            &format!("{answered} answered, {errors} of them failed, {refused} refused"),
        )?;
        let Machine { processors, memory } = self.machine;
        let memory = memory.map_or_else(
            || "memory not known".to_owned(),
            |bytes| format!("{} MB of memory", bytes >> 20),
        );
        screen.fact("machine", &format!("{processors} processor(s), {memory}"))
    }
}

impl Show for Report {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        self.facts(screen)?;
        if self.load.minutes > 0 {
            screen.line("")?;
            self.picture.show(screen)?;
        }
        screen.line("")?;
        let Some(proposal) = &self.proposal else {
            let why = self.too_little.as_deref().unwrap_or_default();
            return screen.line(&format!("Nothing is proposed: {why}."));
        };
        screen.fact("table row", proposal.row.load)?;
        for figure in &proposal.figures {
            let change = if figure.now == figure.proposed {
                format!("{} is right", figure.now)
            } else {
                screen.good(&format!("{} -> {}", figure.now, figure.proposed))
            };
            screen.line(&format!("{:<16} {change}", figure.setting))?;
            let because = screen.dim(&figure.because);
            screen.line(&format!("    {because}"))?;
        }
        if proposal.changes().next().is_none() {
            return screen.line("Everything is as it should be.");
        }
        screen.line("`openclaw tune --apply` writes this into the configuration.")
    }
}

#[cfg(test)]
mod tests;
