//! What a connected client said.

use domain::{Coded, Inbound, Kind, RunId, SessionKey};

/// One `chat.send`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The conversation it was said in.
    pub session: SessionKey,
    /// Who is connected: the credential's own name, never one that the client chose.
    pub peer: String,
    /// The client's name for the message; saying it again under the same name says nothing new.
    pub key: String,
    /// The words.
    pub text: String,
}

/// What cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The client's name for the message is unusable.
    #[error(
        "idempotencyKey has 1 to {LONGEST_KEY} printable characters without spaces, for example a UUID"
    )]
    Key,
    /// The conversation belongs to another channel.
    #[error(
        "the session {0} cannot be written to from here; choose one of the web, or start a new one"
    )]
    Session(SessionKey),
}

/// Longest name of a message, in characters.
pub(crate) const LONGEST_KEY: usize = 128;

/// Turns it into an inbound message.
///
/// # Errors
/// [`Error::Key`], and [`Error::Session`] for a conversation that is not of the web.
pub fn inbound(said: Said) -> Result<Inbound, Error> {
    if said.session.account != domain::id::WEB {
        return Err(Error::Session(said.session));
    }
    if !is_key(&said.key) {
        return Err(Error::Key);
    }
    Ok(Inbound {
        session: said.session,
        peer: said.peer,
        run: RunId(said.key),
        text: said.text,
        context: Vec::new(),
        debounce: None,
    })
}

pub(crate) fn is_key(key: &str) -> bool {
    (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

// === impl Error ===

impl Coded for Error {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Key => "message-key",
            Self::Session(_) => "session-not-writable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(session: &str, key: &str) -> Result<Inbound, Error> {
        let session = session.parse().unwrap();
        inbound(Said { session, peer: "p".to_owned(), key: key.to_owned(), text: "hi".to_owned() })
    }

    #[test]
    fn names_of_messages_are_checked() {
        assert_eq!(said("agent:main:main", "a-1").unwrap().run, RunId("a-1".to_owned()));
        for bad in ["", "a b", "a\n", "ключ", &"x".repeat(129)] {
            assert_eq!(said("agent:main:main", bad), Err(Error::Key), "{bad:?}");
        }
    }

    #[test]
    fn other_channels_conversations_are_not_written_to() {
        assert!(matches!(said("agent:main:api:user:x", "a"), Err(Error::Session(_))));
    }
}
