//! `openclaw inbox`: messages that wait for an answer or could not be answered.

use std::io;

use domain::{MessageId, SessionKey, Timestamp};
use serde::Serialize;
use store::{InboxFilter, InboxRow, InboxState};

use crate::cli::InboxCommand;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, Table, ago};

/// How many messages are listed.
const LISTED: u32 = 1_000;

/// Does what was asked.
pub async fn run(command: InboxCommand, context: &Context) -> Result<(), Error> {
    let store = Installation::find()?.store().await?;
    let now = context.now();
    match command {
        InboxCommand::List { state, tenant } => {
            let rows = store.inbox(InboxFilter { tenant, state, limit: LISTED }).await?;
            let messages = rows.into_iter().map(Row::from).collect();
            context.print(&Listed { messages, state, now })?;
        }
        InboxCommand::Show { id } => {
            let message = store.inbox_row(id).await?;
            context.print(&Shown::new(message, now))?;
        }
        InboxCommand::Replay { id: Some(id), .. } => {
            store.replay(id).await?;
            context.print(&Replayed { replayed: 1 })?;
        }
        InboxCommand::Replay { id: None, .. } => {
            let replayed = store.replay_all().await?;
            context.print(&Replayed { replayed })?;
        }
        InboxCommand::Drop { id, yes } => {
            let message = store.inbox_row(id).await?;
            let from = message.session;
            context.confirm(&format!("Give up the message {id} of {from} unanswered?"), yes)?;
            store.drop_message(id).await?;
            context.print(&Dropped { dropped: id })?;
        }
    }
    store.close().await;
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: MessageId,
    session: SessionKey,
    state: &'static str,
    attempts: u32,
    received_at: Timestamp,
    due_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

#[derive(Serialize)]
struct Failure {
    code: String,
    message: String,
}

#[derive(Serialize)]
struct Listed {
    messages: Vec<Row>,
    #[serde(skip)]
    state: Option<InboxState>,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    row: Row,
    run: String,
    peer: String,
    text: String,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct Replayed {
    replayed: u64,
}

#[derive(Serialize)]
struct Dropped {
    dropped: MessageId,
}

// === impl Row ===

impl Row {
    /// When it is tried next, as far as that is known.
    fn next(&self, now: Timestamp) -> String {
        match self.state {
            "waiting" => ago(now, self.due_at),
            _ => String::new(),
        }
    }
}

impl From<InboxRow> for Row {
    fn from(row: InboxRow) -> Self {
        let InboxRow { id, session, state, attempts, received_at, due_at, error, .. } = row;
        let error = error.map(|(code, message)| Failure { code, message });
        Self { id, session, state: state.as_str(), attempts, received_at, due_at, error }
    }
}

// === impl Listed ===

impl Show for Listed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut table =
            Table::new(&["ID", "SESSION", "STATE", "TRIES", "RECEIVED", "NEXT", "ERROR"]);
        for message in &self.messages {
            table.row([
                message.id.to_string(),
                message.session.to_string(),
                message.state.to_owned(),
                message.attempts.to_string(),
                ago(self.now, message.received_at),
                message.next(self.now),
                message.error.as_ref().map_or_else(String::new, |error| error.code.clone()),
            ]);
        }
        let nothing = match self.state {
            Some(state) => format!("No message is {}.", state.as_str()),
            None => "No message waits.".to_owned(),
        };
        table.show(screen, &nothing)
    }
}

// === impl Shown ===

impl Shown {
    fn new(row: InboxRow, now: Timestamp) -> Self {
        let (run, peer, text) = (row.run.0.clone(), row.peer.clone(), row.text.clone());
        Self { row: row.into(), run, peer, text, now }
    }
}

impl Show for Shown {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let row = &self.row;
        screen.fact("message", &row.id.to_string())?;
        screen.fact("session", &row.session.to_string())?;
        screen.fact("from", &self.peer)?;
        screen.fact("run", &self.run)?;
        screen.fact("state", row.state)?;
        screen.fact("tries", &row.attempts.to_string())?;
        screen.fact("received", &ago(self.now, row.received_at))?;
        if row.state == "waiting" {
            screen.fact("next try", &row.next(self.now))?;
        }
        if let Some(Failure { code, message }) = &row.error {
            screen.fact("error", &format!("{code}: {message}"))?;
            screen.fact("more", &format!("openclaw explain {code}"))?;
        }
        screen.line("")?;
        screen.text(&self.text)
    }
}

// === impl Replayed ===

impl Show for Replayed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        match self.replayed {
            0 => screen.line("No message is parked."),
            1 => screen.line("1 message is tried again."),
            many => screen.line(&format!("{many} messages are tried again.")),
        }
    }
}

// === impl Dropped ===

impl Show for Dropped {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!("{} is given up.", self.dropped))
    }
}
