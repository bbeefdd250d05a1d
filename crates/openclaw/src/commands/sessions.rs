//! `openclaw sessions`: the conversations of tenants.

use std::io;

use domain::event::Usage;
use domain::session::SessionState;
use domain::{MessageId, Role, SessionKey, Timestamp};
use serde::Serialize;
use store::{Line, LineOutcome, Session, SessionFilter, Store};

use crate::cli::SessionsCommand;
use crate::context::Context;
use crate::error::Error;
use crate::installation::Installation;
use crate::output::{Screen, Show, Table, ago};

/// Does what was asked.
pub async fn run(command: SessionsCommand, context: &Context) -> Result<(), Error> {
    let store = Installation::find()?.store().await?;
    match command {
        SessionsCommand::List { tenant, limit } => {
            let filter = SessionFilter { tenant, limit, before: None };
            let sessions = store.sessions(filter).await?.into_iter().map(Row::from).collect();
            context.print(&Listed { sessions, now: context.now() })?;
        }
        SessionsCommand::Show { key, messages } => {
            context.print(&shown(&store, key, messages, context.now()).await?)?;
        }
        SessionsCommand::Extend { key, by } => {
            let expires_at = store.extend_session(&key, by).await?;
            context.print(&Extended { key, expires_at, now: context.now() })?;
        }
        SessionsCommand::Suspend { key, yes } => {
            let _ = found(&store, &key).await?;
            context.confirm(&format!("Stop {key} for good?"), yes)?;
            store.suspend_session(&key).await?;
            context.print(&Suspended { suspended: key })?;
        }
        SessionsCommand::Clean { tenant } => {
            if let Some(slug) = &tenant
                && store.tenant(slug).await?.is_none()
            {
                let name = slug.to_string();
                return Err(store::Error::Missing { what: "tenant", name }.into());
            }
            context.print(&Cleaned(store.clean_sessions(tenant.as_ref()).await?))?;
        }
        SessionsCommand::Reset { key, yes } => {
            let _ = found(&store, &key).await?;
            context.confirm(&format!("Begin {key} anew? The agent forgets what was said."), yes)?;
            store.reset_session(&key).await?;
            context.print(&Reset { reset: key })?;
        }
    }
    store.close().await;
    Ok(())
}

async fn found(store: &Store, key: &SessionKey) -> Result<Session, Error> {
    let missing = || store::Error::Missing { what: "session", name: key.to_string() };
    Ok(store.session(key).await?.ok_or_else(missing)?)
}

async fn shown(
    store: &Store,
    key: SessionKey,
    messages: u32,
    now: Timestamp,
) -> Result<Shown, Error> {
    let session = found(store, &key).await?.into();
    let lines = match messages {
        0 => Vec::new(),
        limit => store.history(&key, None, limit).await?,
    };
    let messages = lines.into_iter().map(Message::from).collect();
    Ok(Shown { session, messages, now })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    key: SessionKey,
    state: SessionState,
    created_at: Timestamp,
    last_at: Timestamp,
    expires_at: Timestamp,
    waiting: u64,
    parked: u64,
}

#[derive(Serialize)]
struct Listed {
    sessions: Vec<Row>,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    session: Row,
    messages: Vec<Message>,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct Message {
    id: MessageId,
    role: Role,
    at: Timestamp,
    outcome: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extended {
    key: SessionKey,
    expires_at: Timestamp,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct Suspended {
    suspended: SessionKey,
}

#[derive(Serialize)]
struct Cleaned(store::Cleaned);

#[derive(Serialize)]
struct Reset {
    reset: SessionKey,
}

// === impl Row ===

impl From<Session> for Row {
    fn from(session: Session) -> Self {
        let Session { key, state, created_at, last_at, expires_at, waiting, parked, .. } = session;
        Self { key, state, created_at, last_at, expires_at, waiting, parked }
    }
}

// === impl Listed ===

impl Show for Listed {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut table = Table::new(&["SESSION", "STATE", "LAST", "WAITING", "PARKED"]);
        for session in &self.sessions {
            table.row([
                session.key.to_string(),
                session.state.to_string(),
                ago(self.now, session.last_at),
                session.waiting.to_string(),
                session.parked.to_string(),
            ]);
        }
        table.show(screen, "No sessions yet. Say something: openclaw agent --message TEXT")
    }
}

// === impl Shown ===

impl Show for Shown {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let session = &self.session;
        screen.fact("session", &session.key.to_string())?;
        screen.fact("state", session.state.as_str())?;
        screen.fact("created", &ago(self.now, session.created_at))?;
        screen.fact("last", &ago(self.now, session.last_at))?;
        screen.fact("expires", &ago(self.now, session.expires_at))?;
        screen.fact("waiting", &session.waiting.to_string())?;
        screen.fact("parked", &session.parked.to_string())?;
        for message in &self.messages {
            message.show(screen, self.now)?;
        }
        Ok(())
    }
}

// === impl Message ===

impl Message {
    fn show(&self, screen: &mut Screen<'_>, now: Timestamp) -> io::Result<()> {
        let who = match self.role {
            Role::User => "person",
            Role::Assistant => "agent",
            Role::System => "system",
        };
        let mut head = format!("{who}, {}", ago(now, self.at));
        if self.outcome != "done" {
            head.push_str(", ");
            head.push_str(self.outcome);
        }
        screen.line("")?;
        let head = screen.dim(&head);
        screen.line(&head)?;
        screen.text(&self.text)?;
        match &self.error {
            Some((code, words)) => screen.line(&screen.bad(&format!("{code}: {words}"))),
            None => Ok(()),
        }
    }
}

impl From<Line> for Message {
    fn from(line: Line) -> Self {
        let outcome = match line.outcome {
            LineOutcome::Done => "done",
            LineOutcome::Aborted => "aborted",
            LineOutcome::Dropped => "dropped",
            LineOutcome::Waiting => "waiting",
            LineOutcome::Running => "running",
            LineOutcome::Parked => "parked",
        };
        let Line { id, role, at, text, error, model, usage, .. } = line;
        Self { id, role, at, outcome, text, error, model, usage }
    }
}

// === impl Reset ===

impl Show for Reset {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!("{} begins anew.", self.reset))
    }
}

// === impl Extended ===

impl Show for Extended {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!("{} expires {}.", self.key, ago(self.now, self.expires_at)))
    }
}

// === impl Suspended ===

impl Show for Suspended {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        screen.line(&format!("{} is stopped for good.", self.suspended))?;
        let note =
            format!("openclaw sessions reset {} puts a new one in its place.", self.suspended);
        screen.line(&screen.dim(&note))
    }
}

// === impl Cleaned ===

impl Show for Cleaned {
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let store::Cleaned { expired, deleted } = self.0;
        screen.line(&format!("{expired} expired, {deleted} deleted."))
    }
}
