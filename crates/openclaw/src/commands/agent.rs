//! `openclaw agent`: says something to a tenant's agent and shows the answer as it arrives.

use std::io::{self, Read, Write};

use domain::{Clock, Ids, SessionKey, Timestamp};
use serde_json::json;

use crate::cli::AgentArgs;
use crate::client::{Happening, Socket};
use crate::clock::{SystemClock, SystemIds};
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::ago;

/// Sends the message and shows what comes back. Ctrl-C stops the answer, not only the showing of it.
///
/// # Errors
/// [`Error::Client`] when the gateway cannot be reached or refuses, [`Error::NoAnswer`] when the turn fails.
pub async fn run(arguments: AgentArgs, context: &Context) -> Result<(), Error> {
    let text = words(arguments.message)?;
    let key = arguments.session.unwrap_or_else(|| SessionKey::first(arguments.tenant));
    let gateway = Installation::find()?.gateway(&arguments.address)?;
    let run = SystemIds.uuid(SystemClock.now()).to_string();
    let mut socket = gateway.open().await?;
    socket.send(&key, &run, &text).await?;
    let mut answer = Answer { context, key: &key, run: &run, shown: String::new() };
    let stopped = tokio::select! {
        done = answer.watch(&mut socket) => return done,
        stopped = tokio::signal::ctrl_c() => stopped,
    };
    stopped.map_err(Error::Input)?;
    socket.stop(&key, &run).await?;
    Err(Error::Interrupted)
}

fn words(message: String) -> Result<String, Error> {
    if message != "-" {
        return Ok(message);
    }
    let mut text = String::new();
    let most = domain::message::LONGEST_TEXT as u64 + 1;
    io::stdin().lock().take(most).read_to_string(&mut text).map_err(Error::Input)?;
    Ok(text)
}

/// The answer to one message, as far as it has been shown.
struct Answer<'a> {
    context: &'a Context,
    key: &'a SessionKey,
    run: &'a str,
    shown: String,
}

// === impl Answer ===

impl Answer<'_> {
    async fn watch(&mut self, socket: &mut Socket) -> Result<(), Error> {
        loop {
            match socket.next(self.run).await? {
                Happening::Said(text) => self.show("delta", &text)?,
                Happening::Done(text) => return self.finish(&text),
                Happening::Stopped => {
                    self.end_line()?;
                    return Err(Error::Stopped);
                }
                Happening::Failed { reason, retry_at } => {
                    self.end_line()?;
                    let reason = domain::text::one_line(&reason, 512);
                    match retry_at {
                        Some(at) => self.note_retry(&reason, at)?,
                        None => return Err(Error::NoAnswer { reason }),
                    }
                }
            }
        }
    }

    fn show(&mut self, kind: &str, text: &str) -> Result<(), Error> {
        self.shown.push_str(text);
        if self.context.output.json {
            let event =
                json!({ "event": kind, "session": self.key, "run": self.run, "text": text });
            return self.context.output.raw(&format!("{event}\n")).map_err(Error::Output);
        }
        self.context.output.raw(&for_terminal(text)).map_err(Error::Output)
    }

    /// The gateway tries again by itself; what was said in the failed attempt no longer counts.
    fn note_retry(&mut self, reason: &str, at: Timestamp) -> Result<(), Error> {
        self.shown.clear();
        if self.context.output.json {
            let event = json!({ "event": "retry", "run": self.run, "reason": reason, "at": at });
            return self.context.output.raw(&format!("{event}\n")).map_err(Error::Output);
        }
        let note = format!("{reason}; it is tried again {}\n", ago(self.context.now(), at));
        io::stderr().lock().write_all(note.as_bytes()).map_err(Error::Output)
    }

    /// The whole answer counts: what the deltas left out is shown now.
    fn finish(&mut self, text: &str) -> Result<(), Error> {
        if self.context.output.json {
            return self.show("answer", text);
        }
        if let Some(rest) = text.strip_prefix(self.shown.as_str()) {
            self.show("delta", rest)?;
        }
        self.end_line()
    }

    fn end_line(&self) -> Result<(), Error> {
        let open = !self.shown.is_empty() && !self.shown.ends_with('\n');
        if open && !self.context.output.json {
            return self.context.output.raw("\n").map_err(Error::Output);
        }
        io::stdout().flush().map_err(Error::Output)
    }
}

/// What a model says is not trusted: its line feeds and tabs stay, control characters do not.
fn for_terminal(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c })
        .collect()
}
