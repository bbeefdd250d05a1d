//! `openclaw health`: whether the running gateway is well.

use std::io;

use serde::Serialize;
use serde_json::Value;

use crate::cli::AddressArgs;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show};

/// Asks and shows the answer.
///
/// # Errors
/// [`Error::Unwell`] after the answer is shown, when the gateway says that it is not well.
pub async fn run(address: &AddressArgs, context: &Context) -> Result<(), Error> {
    let gateway = Installation::find()?.gateway(address)?;
    let answer = gateway.get("/health").await?;
    let healthy = answer.status == 200;
    let url = format!("http://{}/", gateway.authority());
    context.print(&Health { healthy, url, gateway: answer.body })?;
    if healthy { Ok(()) } else { Err(Error::Unwell { status: answer.status }) }
}

#[derive(Serialize)]
struct Health {
    healthy: bool,
    url: String,
    gateway: Value,
}

// === impl Health ===

impl Show for Health {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let word = if self.healthy { screen.good("healthy") } else { screen.bad("not well") };
        screen.line(&format!("{word}  {}", self.url))?;
        facts(&self.gateway, screen)
    }
}

/// The members of a JSON object as facts, those of an object in it with their path.
pub fn facts(value: &Value, screen: &mut Screen<'_>) -> io::Result<()> {
    let Value::Object(members) = value else { return Ok(()) };
    let mut facts: Vec<(String, String)> = Vec::new();
    for (name, value) in members {
        match value {
            Value::Object(inner) => facts
                .extend(inner.iter().map(|(part, value)| (format!("{name}.{part}"), word(value)))),
            value => facts.push((name.clone(), word(value))),
        }
    }
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(12);
    facts.iter().try_for_each(|(name, value)| screen.fact(&format!("{name:<width$}"), value))
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
