//! The crash trial in its short form: about twenty kills, and nothing may be missing afterwards.
#![cfg(test)]

use std::time::Duration;

use trials::crash::{self, Options};
use trials::engine::Engine;

fn survives(engine: Engine) {
    let options = Options {
        engines: vec![engine],
        kills: 10,
        longest_life: Duration::from_millis(600),
        speakers: 16,
        rate: 60,
        // Other moments in every run: what is to be found is not known beforehand. The seed is printed.
        seed: fastrand::u64(..),
    };
    let binary = trials::binary::find().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut told = Vec::new();
    let well = runtime.block_on(crash::run(&options, &binary, &mut told));
    let told = String::from_utf8(told).unwrap();
    assert!(matches!(well, Ok(true)), "{well:?}\n{told}");
}

#[test]
fn nothing_acknowledged_is_lost_on_sqlite() {
    survives(Engine::Sqlite);
}

#[test]
fn nothing_acknowledged_is_lost_on_postgres() {
    survives(Engine::Postgres);
}
