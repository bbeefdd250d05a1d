//! `logs.tail`: the end of the log, and what came since.
//!
//! Owns the bounds of one answer; refuses everything but what [`LogFiles`] reads.

use serde::Deserialize;
use serde_json::json;

use super::{Call, Payload, payload};
use crate::Error;
use crate::log_file::{Cursor, Most};

const MOST_LINES: usize = 5_000;
const USUAL_LINES: usize = 500;

/// The most that one answer holds, in bytes.
const MOST_BYTES: usize = 512 * 1024;

#[derive(Deserialize)]
struct TailParams {
    #[serde(default)]
    cursor: Option<Place>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    level: Option<String>,
}

/// A place in the log: a file and how much of it was read. Written `<file>@<bytes>`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Place(Cursor);

/// `logs.tail {cursor?, limit?, level?}` -> `{lines, cursor, truncated, reset}`. Without a cursor the last
/// lines; with the cursor of an earlier answer what came since. `level` leaves out what is less severe.
pub(super) async fn tail(call: Call) -> Result<Payload, Error> {
    let params: TailParams = call.request.params()?;
    let level = params.level.as_deref().map(severity).transpose()?.unwrap_or(0);
    let lines = params.limit.unwrap_or(USUAL_LINES).clamp(1, MOST_LINES);
    let most = Most { lines, bytes: MOST_BYTES };
    let files = call.context.gateway.logs.clone();
    if params.cursor.as_ref().is_some_and(|Place(cursor)| !files.gave(cursor)) {
        let problem = "is not one that logs.tail gave; leave it out to begin anew".to_owned();
        return Err(Error::Field { field: "cursor", problem });
    }
    let read = tokio::task::spawn_blocking(move || match params.cursor {
        Some(Place(cursor)) => files.after(&cursor, most, level),
        None => files.tail(most, level),
    });
    let read = read.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let read = read.map_err(Error::Log)?;
    // Where there is no log yet there is no place in it either.
    let next = Some(read.next).filter(|next| !next.file.is_empty());
    let cursor = next.map(|next| format!("{}@{}", next.file, next.offset));
    payload(&json!({
        "lines": read.lines, "cursor": cursor, "truncated": read.truncated, "reset": read.reset,
    }))
}

/// The numbers of pino, which the log file uses.
fn severity(word: &str) -> Result<u8, Error> {
    let known =
        [("trace", 10), ("debug", 20), ("info", 30), ("warn", 40), ("error", 50), ("fatal", 60)];
    known.iter().find(|(name, _)| *name == word).map(|(_, number)| *number).ok_or_else(|| {
        let problem = "must be trace, debug, info, warn, error or fatal".to_owned();
        Error::Field { field: "level", problem }
    })
}

// === impl Place ===

impl TryFrom<String> for Place {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (file, offset) = text.rsplit_once('@').ok_or("not a cursor of logs.tail")?;
        let offset = offset.parse().map_err(|_| "not a cursor of logs.tail")?;
        Ok(Self(Cursor { file: file.to_owned(), offset }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back() {
        let place = Place::try_from("openclaw-2026-11-20.log@17".to_owned()).unwrap();
        assert_eq!(place.0, Cursor { file: "openclaw-2026-11-20.log".to_owned(), offset: 17 });
        for bad in ["a", "openclaw-2026-11-20.log@-1", "@"] {
            assert!(Place::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn levels_are_pinos() {
        assert_eq!(severity("warn").unwrap(), 40);
        assert!(severity("loud").is_err());
    }
}
