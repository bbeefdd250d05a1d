//! What was acknowledged, kept by the test alone, and held against what the process tells afterwards.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::running::{Running, until};
use crate::socket::{Socket, code};

/// The runs that were acknowledged, by session.
#[derive(Debug, Default)]
pub struct Ledger {
    sessions: BTreeMap<String, BTreeSet<String>>,
    count: usize,
}

// === impl Ledger ===

impl Ledger {
    pub fn len(&self) -> usize {
        self.sessions.values().map(BTreeSet::len).sum()
    }

    /// Says one thing more in a session, and notes it when it is acknowledged. Otherwise the stable code of
    /// the refusal.
    pub async fn say(&mut self, socket: &mut Socket, session: &str) -> Result<(), String> {
        self.count += 1;
        let run = format!("{session}:{}", self.count);
        self.say_as(socket, session, &run).await
    }

    /// The same under a name of the test's choice.
    pub async fn say_as(
        &mut self,
        socket: &mut Socket,
        session: &str,
        run: &str,
    ) -> Result<(), String> {
        match socket.say(session, run, &format!("words of {run}")).await {
            Ok(_) => {
                self.note(session, run);
                Ok(())
            }
            Err(fault) => Err(code(&fault).to_owned()),
        }
    }

    pub fn note(&mut self, session: &str, run: &str) {
        self.sessions.entry(session.to_owned()).or_default().insert(run.to_owned());
    }

    pub fn absorb(&mut self, other: Self) {
        for (session, runs) in other.sessions {
            self.sessions.entry(session).or_default().extend(runs);
        }
    }

    /// Waits until everything that was acknowledged has its answer; each exactly one.
    pub async fn settle(&self, running: &Running) {
        for (session, runs) in &self.sessions {
            let lines = until(async || {
                let lines = running.socket().await.history(session).await.ok()?;
                let answered = said(&lines, "assistant");
                runs.iter().all(|run| answered.contains_key(run)).then_some(lines)
            })
            .await;
            self.check(session, &lines);
        }
    }

    /// Everything acknowledged is there, and nothing twice.
    pub fn check(&self, session: &str, lines: &[Value]) {
        let (asked, answered) = (said(lines, "user"), said(lines, "assistant"));
        for run in &self.sessions[session] {
            assert_eq!(asked.get(run), Some(&1), "{run} is told once: {lines:?}");
            let text = format!("You said: words of {run}");
            let told = lines.iter().find(|line| {
                line["role"] == "assistant" && line["runId"] == **run && is_whole(line)
            });
            let answer = told.map(|line| line["content"][0]["text"].as_str().unwrap());
            assert_eq!(answer, Some(text.as_str()), "{run} has its own answer");
        }
        assert!(
            answered.values().all(|times| *times == 1),
            "no answer is given twice: {answered:?}"
        );
    }
}

/// How often each run occurs among the lines of this role. An answer that is still being given is none yet.
fn said(lines: &[Value], role: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in
        lines.iter().filter(|line| line["role"] == role && (role == "user" || is_whole(line)))
    {
        *counts.entry(line["runId"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// Whether this line is all that was said.
pub fn is_whole(line: &Value) -> bool {
    line["state"] == "done"
}
