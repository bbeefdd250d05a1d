//! `openclaw providers`: how those who run the models are doing, as the running gateway sees it.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cli::AddressArgs;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, Table};

/// Asks and shows the answer.
pub async fn run(address: &AddressArgs, context: &Context) -> Result<(), Error> {
    let gateway = Installation::find()?.gateway(address)?;
    let answer = gateway.open().await?.ask("providers.list", json!({})).await?;
    let providers = answer.get("providers").cloned().unwrap_or_default();
    context.print(&Listed { providers })
}

#[derive(Serialize)]
struct Listed {
    providers: Value,
}

/// What is shown of a provider; what an older or newer gateway does not tell is left out.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Provider {
    id: String,
    circuit: String,
    quota: Quota,
    last_error: Option<Failure>,
    models: Vec<Model>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Quota {
    requests: Option<Room>,
    tokens: Option<Room>,
    in_flight: u64,
    waiting: u64,
    paused_ms: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Room {
    limit: u64,
    remaining: u64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Failure {
    code: String,
    text: String,
    ago_ms: u64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Model {
    id: String,
    in_flight: u64,
    adaptive_limit: u64,
    requests: u64,
    failures: u64,
    tokens: u64,
    first_token_ms: Option<u64>,
}

// === impl Listed ===

impl Show for Listed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let providers: Vec<Provider> =
            serde_json::from_value(self.providers.clone()).unwrap_or_default();
        let mut table = Table::new(&[
            "PROVIDER",
            "STATE",
            "ON THE WAY",
            "WAITING",
            "REQUESTS LEFT",
            "TOKENS LEFT",
        ]);
        for provider in &providers {
            let quota = &provider.quota;
            table.row([
                provider.id.clone(),
                provider.state(),
                quota.in_flight.to_string(),
                quota.waiting.to_string(),
                left(quota.requests.as_ref()),
                left(quota.tokens.as_ref()),
            ]);
        }
        table.show(screen, "No provider is configured; the simulator answers.")?;
        let mut models = Table::new(&[
            "MODEL",
            "ON THE WAY",
            "AT MOST",
            "ASKED",
            "FAILED",
            "TOKENS",
            "FIRST WORD",
        ]);
        let asked = |model: &&Model| model.requests > 0;
        for provider in &providers {
            for model in provider.models.iter().filter(asked) {
                models.row([
                    format!("{}/{}", provider.id, model.id),
                    model.in_flight.to_string(),
                    model.adaptive_limit.to_string(),
                    model.requests.to_string(),
                    model.failures.to_string(),
                    model.tokens.to_string(),
                    model
                        .first_token_ms
                        .map_or_else(|| "-".to_owned(), |time| format!("{time} ms")),
                ]);
            }
        }
        screen.line("")?;
        models.show(screen, "No model was asked yet.")?;
        for provider in &providers {
            if let Some(Failure { code, text, ago_ms }) = &provider.last_error {
                screen.line("")?;
                let seconds = ago_ms / 1_000;
                screen.line(&format!("{} failed {seconds} s ago ({code}): {text}", provider.id))?;
            }
        }
        Ok(())
    }
}

// === impl Provider ===

impl Provider {
    fn state(&self) -> String {
        match self.circuit.as_str() {
            "open" => "left alone after failures".to_owned(),
            "half-open" => "being tried again".to_owned(),
            _ if self.quota.paused_ms > 0 => {
                format!("asked for {} s of rest", self.quota.paused_ms.div_ceil(1_000))
            }
            _ => "well".to_owned(),
        }
    }
}

fn left(room: Option<&Room>) -> String {
    room.map_or_else(|| "-".to_owned(), |room| format!("{} of {}", room.remaining, room.limit))
}
