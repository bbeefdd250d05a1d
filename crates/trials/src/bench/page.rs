//! The page that a run writes: one table, and how each figure was taken.

use std::fmt;
use std::time::Duration;

use super::Floors;
use super::decisions::Decisions;
use super::floor::GROUP;
use super::idle::Sockets;
use super::machine::Machine;
use super::measure::{Effort, Figures, MANY, Run};
use crate::engine::Engine;
use crate::table::Table;

/// Everything that was measured.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) date: String,
    pub(super) quick: bool,
    pub(super) machine: Machine,
    /// The version of the database server.
    pub(super) server: Option<String>,
    /// In bytes.
    pub(super) binary_size: u64,
    pub(super) floors: Floors,
    /// When they could be measured.
    pub(super) decisions: Option<Decisions>,
    pub(super) figures: Vec<Figures>,
    pub(super) effort: Effort,
}

/// One line of the table.
#[derive(Default)]
struct Row {
    name: String,
    aim: &'static str,
    cells: Vec<String>,
    floor: String,
    original: &'static str,
    rival: &'static str,
}

const NOTES: &str = include_str!("notes.md");

// === impl Page ===

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { processors, processor, memory, kernel, disk } = &self.machine;
        writeln!(f, "# Benchmarks\n")?;
        writeln!(
            f,
            "Written by `make bench` on {}{}. {processors} processors ({processor}), {memory} MiB of memory, \
             Linux {kernel}, {disk}{}.\n",
            self.date,
            if self.quick { ", in its quick form" } else { "" },
            match &self.server {
                Some(version) => format!(", PostgreSQL {version} on the same machine"),
                None => String::new(),
            },
        )?;
        let mut head = vec![String::new(), "aim".to_owned()];
        head.extend(self.figures.iter().map(|figures| figures.engine.to_string()));
        head.extend(["floor", "original", "rival"].map(str::to_owned));
        let mut table = Table::new(head);
        for row in self
            .starting()
            .into_iter()
            .chain(self.memory())
            .chain(self.answering())
            .chain(self.deciding())
            .chain(self.budgets())
            .chain(self.beside())
        {
            let Row { name, aim, cells, floor, original, rival } = row;
            let mut line = vec![name, aim.to_owned()];
            line.extend(cells);
            line.extend([floor, original.to_owned(), rival.to_owned()]);
            table.row(line);
        }
        write!(f, "{table}\n{NOTES}")
    }
}

impl Page {
    fn starting(&self) -> Vec<Row> {
        let floors = &self.floors;
        let start = Row::new("start to `/ready`, median", self.each(|f| ms(f.start.median())));
        let first = Row::new("the very first start", self.each(|f| ms(f.first_start)));
        let command = Row::new("`openclaw tenants list`", self.each(|f| ms(f.command.median())));
        let size = mib(self.binary_size / 1_024);
        let size = Row::new("size of the binary", self.each(|_| size.clone()));
        vec![
            start
                .aim("50 ms")
                .floor(ms(floors.echo_start), "hyper echo")
                .published("11 s", "66 ms"),
            first,
            command.aim("50 ms").floor(ms(floors.empty_program), "true"),
            size.aim("40 MB"),
        ]
    }

    fn memory(&self) -> Vec<Row> {
        let Effort { tenants, sockets, .. } = self.effort;
        let silent =
            |tell: fn(Sockets) -> String| self.each(|f| f.sockets.map_or_else(String::new, tell));
        let idle = Row::new("memory, idle", self.each(|f| mib(f.idle)));
        let beside = self.each(|f| mib(f.tenants));
        let awake = self.each(|f| mib(f.tenants_awake));
        let each = |s: Sockets| {
            format!("{:.1} KiB", s.resident.saturating_sub(s.before) as f64 / s.count as f64)
        };
        let load = |s: Sockets| format!("{:.1} %", s.load.as_secs_f64() * 100.0);
        let opened = |s: Sockets| per_second(s.count as f64 / s.opened.as_secs_f64());
        vec![
            idle.aim("25 MiB")
                .floor(mib(self.floors.echo_memory), "hyper echo")
                .published("1,155 MiB", "35 MiB"),
            Row::new(format!("memory, {tenants} silent tenants"), beside).aim("60 MiB"),
            Row::new(format!("memory, {tenants} tenants just answered"), awake),
            Row::new(format!("memory, {sockets} silent sockets"), silent(|s| mib(s.resident)))
                .aim("150 MiB"),
            Row::new("the same, for each socket", silent(each)),
            Row::new("processor while they are silent", silent(load)),
            Row::new("sockets opened and let in per second", silent(opened)),
        ]
    }

    fn answering(&self) -> Vec<Row> {
        let floors = &self.floors;
        let latency = |callers: usize, part: f64| {
            let run = move |f: &Figures| added(if callers == 1 { &f.one } else { &f.many }, part);
            let echo = if callers == 1 { &floors.echo_one } else { &floors.echo_many };
            let name = format!("added latency, {callers} at once, p{:.0}", part * 100.0);
            Row::new(name, self.each(run)).floor(ms(echo.each.part(part)), "hyper echo")
        };
        let taken = format!("durable intake per second, {MANY} sockets");
        vec![
            Row::new("processor per message", self.each(|f| ms(f.many.product)))
                .aim("1 ms")
                .floor(ms(floors.echo_processor), "hyper echo")
                .published("350 ms", "6 ms"),
            Row::new("the same, one at a time", self.each(|f| ms(f.one.product))),
            Row::new("messages per second", self.each(|f| per_second(f.many.through.rate)))
                .aim("1,000")
                .floor(per_second(floors.echo_many.rate), "hyper echo")
                .published("5", "284, not durable"),
            latency(1, 0.5),
            latency(1, 0.99),
            latency(MANY, 0.5),
            latency(MANY, 0.99),
            Row::new(taken, self.each(|f| per_second(f.intake.rate)))
                .aim("5,000")
                .floor(per_second(floors.syncs), "fdatasync"),
            Row::new("acknowledgement, p50", self.each(|f| ms(f.intake.each.median()))),
            Row::new("acknowledgement, p99", self.each(|f| ms(f.intake.each.part(0.99)))),
        ]
    }

    /// The same on every engine: they are decided in memory.
    fn deciding(&self) -> Vec<Row> {
        let Some(decisions) = self.decisions else { return Vec::new() };
        let among = thousands(decisions.many_tenants);
        let row = |name: String, took| Row::new(name, self.each(|_| us(took)));
        vec![
            row("to let a message in".to_owned(), decisions.admission()).aim("5 µs"),
            row("to choose the next turn, one tenant".to_owned(), decisions.one_tenant()),
            row(format!("to choose it among {among} tenants"), decisions.among_many()),
        ]
    }

    /// What it costs to keep limits, against counting alone.
    fn budgets(&self) -> Vec<Row> {
        let cost = |f: &Figures| format!("{:.1} %", 100.0 * (1.0 - f.budgets.on / f.budgets.off));
        vec![
            Row::new("answers per second, limits kept", self.each(|f| per_second(f.budgets.on))),
            Row::new("the same against no limit, slower by", self.each(cost)).aim("5 %"),
        ]
    }

    /// What else was on the machine, and what its databases do alone.
    fn beside(&self) -> Vec<Row> {
        let rows = format!("bare rows per second, {GROUP} at once");
        vec![
            Row::new("bare commits per second", self.each(|f| self.commits(f).0)),
            Row::new(rows, self.each(|f| self.commits(f).1)),
            Row::new(
                "model alone, answers per second",
                self.each(|f| per_second(f.many.direct.rate)),
            ),
            Row::new("model's processor per message", self.each(|f| ms(f.many.model))),
            Row::new("load generator's processor per message", self.each(|f| ms(f.many.generator))),
        ]
    }

    fn commits(&self, figures: &Figures) -> (String, String) {
        let floors = &self.floors;
        let (single, group) = match figures.engine {
            Engine::Sqlite => (Some(floors.sqlite_single), Some(floors.sqlite_group)),
            Engine::Postgres => (floors.postgres_single, floors.postgres_many),
        };
        let told = |rate: Option<f64>| rate.map_or_else(String::new, per_second);
        (told(single), told(group))
    }

    fn each(&self, cell: impl Fn(&Figures) -> String) -> Vec<String> {
        self.figures.iter().map(cell).collect()
    }
}

// === impl Row ===

impl Row {
    fn new(name: impl Into<String>, cells: Vec<String>) -> Self {
        Self { name: name.into(), cells, ..Self::default() }
    }

    fn aim(self, aim: &'static str) -> Self {
        Self { aim, ..self }
    }

    fn floor(self, figure: String, of: &str) -> Self {
        Self { floor: format!("{figure} ({of})"), ..self }
    }

    fn published(self, original: &'static str, rival: &'static str) -> Self {
        Self { original, rival, ..self }
    }
}

/// What the product adds to the model's own time.
fn added(run: &Run, part: f64) -> String {
    ms(run.through.each.part(part).saturating_sub(run.direct.each.part(part)))
}

fn us(span: Duration) -> String {
    format!("{:.2} µs", span.as_secs_f64() * 1_000_000.0)
}

fn ms(span: Duration) -> String {
    let ms = span.as_secs_f64() * 1_000.0;
    match ms {
        0.0..10.0 => format!("{ms:.2} ms"),
        10.0..100.0 => format!("{ms:.1} ms"),
        _ => format!("{ms:.0} ms"),
    }
}

fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1_024.0)
}

fn per_second(rate: f64) -> String {
    if rate >= 100.0 { thousands(rate.round() as u64) } else { format!("{rate:.1}") }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(ms(Duration::from_micros(1_234)), "1.23 ms");
        assert_eq!(ms(Duration::from_micros(12_345)), "12.3 ms");
        assert_eq!(ms(Duration::from_millis(1_234)), "1234 ms");
        assert_eq!([99.44, 999.6, 1_234_567.0].map(per_second), ["99.4", "1,000", "1,234,567"]);
        assert_eq!(mib(1_536), "1.5 MiB");
    }
}
