//! One round: one installation, killed again and again while people speak, then asked what it remembers.
//!
//! Owns the order of it. Every start must succeed by itself on what the kill before left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::judge::{Findings, Line, judge};
use super::ledger::Ledger;
use super::speaker::Speaker;
use crate::engine::Engine;
use crate::home::{Home, TOKEN};
use crate::process::Process;
use crate::socket::Socket;

/// What a round is.
#[derive(Debug, Clone)]
pub struct Round {
    /// On which engine.
    pub engine: Engine,
    /// How messages that wait together are answered: `followup` or `collect`.
    pub queue: &'static str,
    /// How often the process is killed.
    pub kills: usize,
    /// Longest time between ready and kill.
    pub longest_life: Duration,
    /// How many people speak at once.
    pub speakers: usize,
    /// Messages per second of all of them together.
    pub rate: usize,
    /// Where all randomness begins.
    pub seed: u64,
}

/// What was seen in a round.
#[derive(Debug)]
pub struct Outcome {
    /// What the round was.
    pub round: Round,
    /// Kills before the process was ready.
    pub during_start: usize,
    /// How often a life was prolonged, because a message had been in flight at [`MOST_CUT`] kills.
    pub prolonged: usize,
    /// Messages that were acknowledged.
    pub acknowledged: usize,
    /// Messages that were sent again.
    pub resent: usize,
    /// From start to ready, shortest first.
    pub starts: Vec<Duration>,
    /// From the last start until everything was answered.
    pub drained: Duration,
    /// What is wrong.
    pub findings: Findings,
    /// Where the installation is left, when something is wrong with it.
    pub kept: Option<PathBuf>,
}

/// One kill in so many comes while the process starts.
const START_KILLS: usize = 8;
/// How long after its first instruction.
const START_KILL: Duration = Duration::from_millis(150);
/// Shortest time between ready and kill.
const SHORTEST_LIFE: Duration = Duration::from_millis(50);
/// Kills that one message is in flight at. After the fifth the product parks it, as it should: a message that
/// was there at every end may be the cause of it. On a slow machine that would happen here too, so from the
/// third on the process lives until the message is answered.
const MOST_CUT: u64 = 3;
/// How often it is asked whether it is.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// One speaker in so many asks over the API.
const API_SPEAKERS: usize = 8;
const TENANTS: &[&str] = &["main", "aliya", "boris", "chen"];
/// Messages that one speaker says at a time, on average.
const BURST: usize = 2;
/// How long nothing may happen before what is left counts as lost.
const STILL: Duration = Duration::from_secs(20);
const PAGE: usize = 1_000;

// === impl Round ===

impl Round {
    /// Plays it.
    ///
    /// # Errors
    /// When the installation does not start, or ends by itself: that is a failure of the product too, and
    /// worse than one that can be counted.
    pub async fn play(self, binary: &Path) -> Result<Outcome> {
        let home = Home::new(binary, self.engine, self.settings()).await?;
        let mut tenants = Vec::new();
        for tenant in TENANTS {
            tenants.push((*tenant, home.create_tenant(tenant).await?));
        }
        match self.play_in(&home, &tenants).await {
            Ok(mut outcome) if outcome.findings.is_clean() => {
                home.remove().await?;
                outcome.kept = None;
                Ok(outcome)
            }
            Ok(outcome) => Ok(Outcome { kept: Some(home.keep()), ..outcome }),
            Err(error) => {
                Err(error.context(format!("the state is kept in {}", home.keep().display())))
            }
        }
    }

    fn settings(&self) -> Value {
        json!({
            "agents": { "defaults": { "model": "simulator/echo+pace=1ms" } },
            // A short pause, so that what is said in one breath is answered in one turn where that is the mode.
            // What is refused proves nothing: everything is to be taken.
            "concurrency": { "maxWorkers": 16, "maxQueueSize": 10_000 },
            "messages": { "queue": { "mode": self.queue, "cap": 1_000, "debounceMs": 20 } },
        })
    }

    async fn play_in(&self, home: &Home, tenants: &[(&str, String)]) -> Result<Outcome> {
        let mut chance = fastrand::Rng::with_seed(self.seed);
        let (tell, enough) = watch::channel(false);
        let mut speakers = self.speakers(home, tenants, &mut chance, &enough);
        let mut starts = Vec::new();
        let (mut during_start, mut prolonged) = (0, 0);
        // No message was tried more often than this.
        let mut tried = 0;
        for _ in 0..self.kills {
            let mut process = Process::start(home, &["up", "--json"])?;
            if chance.usize(..START_KILLS) == 0 && tried <= MOST_CUT {
                sleep(between(&mut chance, Duration::ZERO, START_KILL)).await;
                during_start += 1;
            } else {
                starts.push(process.ready().await?.1);
                if tried >= MOST_CUT {
                    let often = most_tried(home).await? >= MOST_CUT;
                    prolonged += usize::from(often);
                    tried = if often { until_answered(home).await? } else { MOST_CUT - 1 };
                }
                sleep(between(&mut chance, SHORTEST_LIFE, self.longest_life)).await;
            }
            process.kill().await?;
            tried += 1;
        }
        let began = Instant::now();
        let mut process = Process::start(home, &["up", "--json"])?;
        starts.push(process.ready().await?.1);
        tell.send_replace(true);
        let mut ledgers = Vec::new();
        while let Some(ledger) = timeout(STILL * 3, speakers.join_next())
            .await
            .context("somebody still waits for an acknowledgement or an answer")?
        {
            ledgers.push(ledger?);
        }
        let findings = ask(home, &ledgers).await?;
        let drained = began.elapsed();
        process.stop().await?;
        starts.sort_unstable();
        let count = |of: fn(&Ledger) -> usize| ledgers.iter().map(of).sum();
        Ok(Outcome {
            round: self.clone(),
            during_start,
            prolonged,
            acknowledged: count(Ledger::acknowledged),
            resent: count(|ledger| ledger.resent),
            starts,
            drained,
            findings,
            kept: None,
        })
    }

    fn speakers(
        &self,
        home: &Home,
        tenants: &[(&str, String)],
        chance: &mut fastrand::Rng,
        enough: &watch::Receiver<bool>,
    ) -> JoinSet<Ledger> {
        let mut speakers = JoinSet::new();
        // A pause is between nothing and its longest, so twice the mean.
        let pause = Duration::from_secs(1)
            .mul_f64(2.0 * (self.speakers * BURST) as f64 / self.rate.max(1) as f64);
        for (number, (tenant, token)) in (0..self.speakers).zip(tenants.iter().cycle()) {
            let over_the_api = number % API_SPEAKERS == API_SPEAKERS - 1;
            let session = if over_the_api {
                format!("caller{number:03}")
            } else {
                format!("agent:{tenant}:web:visitor{number:03}")
            };
            let speaker = Speaker {
                address: home.address(),
                token: token.clone(),
                ledger: Ledger::new(session),
                pause,
                chance: chance.fork(),
                enough: enough.clone(),
            };
            if over_the_api {
                speakers.spawn(speaker.over_the_api(format!("openclaw/{tenant}")));
            } else {
                speakers.spawn(speaker.on_the_web());
            }
        }
        speakers
    }
}

fn between(chance: &mut fastrand::Rng, shortest: Duration, longest: Duration) -> Duration {
    shortest + longest.saturating_sub(shortest).mul_f64(chance.f64())
}

/// How often the message that was tried most often was, of those that are neither answered nor given up. Asked
/// while the process lives: before it starts, nobody else may tidy up what the kill left.
async fn most_tried(home: &Home) -> Result<u64> {
    let listed: Value = serde_json::from_str(&home.run(&["inbox", "list", "--json"]).await?)?;
    let Some(messages) = listed["messages"].as_array() else { bail!("no list: {listed}") };
    let left = messages.iter().filter(|message| message["state"] != "parked");
    Ok(left.filter_map(|message| message["attempts"].as_u64()).max().unwrap_or_default())
}

/// Waits until no message is left that was tried so often, or for so long that it counts as lost. How often one
/// that is left was tried.
async fn until_answered(home: &Home) -> Result<u64> {
    let since = Instant::now();
    loop {
        let tried = most_tried(home).await?;
        if tried < MOST_CUT || since.elapsed() > STILL {
            return Ok(tried);
        }
        sleep(ASK_AGAIN).await;
    }
}

/// Waits until everything is answered, reads every history, and compares.
async fn ask(home: &Home, ledgers: &[Ledger]) -> Result<Findings> {
    let mut socket = Socket::open(home.address(), TOKEN).await?;
    let sessions = settled(&mut socket).await?;
    let mut findings = Findings::default();
    for ledger in ledgers {
        for refusal in &ledger.refusals {
            findings.foreign += 1;
            findings.examples.push(format!("in {}: {refusal}", ledger.session));
        }
        let suffix = format!(":{}", ledger.session);
        let known = |key: &&String| **key == ledger.session || key.ends_with(&suffix);
        let lines = match sessions.keys().find(known) {
            Some(key) => history(&mut socket, key).await?,
            None => Vec::new(),
        };
        findings.add(judge(ledger, &lines));
    }
    Ok(findings)
}

/// The sessions, once nothing waits in any of them, or nothing has changed for long.
async fn settled(socket: &mut Socket) -> Result<BTreeMap<String, u64>> {
    let mut seen = BTreeMap::new();
    let mut since = Instant::now();
    loop {
        let listed = socket.ask("sessions.list", &json!({ "limit": 500 })).await?;
        let Some(listed) = listed["sessions"].as_array() else { bail!("no list: {listed}") };
        let sessions: BTreeMap<String, u64> = listed
            .iter()
            .filter_map(|session| {
                Some((session["key"].as_str()?.to_owned(), session["waiting"].as_u64()?))
            })
            .collect();
        if sessions.values().all(|waiting| *waiting == 0) {
            return Ok(sessions);
        }
        if sessions != seen {
            (seen, since) = (sessions, Instant::now());
        } else if since.elapsed() > STILL {
            return Ok(seen);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn history(socket: &mut Socket, key: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut before = Value::Null;
    loop {
        let params = json!({ "sessionKey": key, "limit": PAGE, "before": before });
        let page = socket.ask("chat.history", &params).await?;
        let Some(messages) = page["messages"].as_array() else { bail!("no history: {page}") };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let page_lines = messages.iter().map(|message| Line {
            is_answer: message["role"] == "assistant",
            text: text(&message["content"][0]["text"]),
            state: text(&message["state"]),
        });
        lines.splice(0..0, page_lines);
        if page["hasMore"] != true {
            return Ok(lines);
        }
        before = messages.first().map(|first| first["seq"].clone()).unwrap_or_default();
    }
}
