//! Questions over HTTP.

use std::io;

use egress::{Egress, Endpoint, Options, Request, Timeouts};
use serde_json::Value;

use super::{Error, Gateway, PATIENCE};

/// The longest answer that is read.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// What the gateway said.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON document.
    pub body: Value,
}

// === impl Gateway ===

impl Gateway {
    /// Asks for a JSON document that everybody may see.
    ///
    /// # Errors
    /// [`Error`] when there is no answer, or one that is no JSON; any status is an answer.
    pub async fn get(&self, path: &str) -> Result<Answer, Error> {
        let answer = self.ask(path).await.map_err(|error| self.told_by(error))?;
        let (status, body) = answer;
        let body = serde_json::from_slice(&body).map_err(|error| self.foreign(error))?;
        Ok(Answer { status, body })
    }

    async fn ask(&self, path: &str) -> Result<(u16, Vec<u8>), egress::Error> {
        let endpoint = Endpoint::configured(&format!("http://{}", self.authority()))?;
        let egress = Egress::new(Options { connect_timeout: PATIENCE, ..Options::default() })?;
        let timeouts = Timeouts { first_byte: PATIENCE, idle: PATIENCE, total: PATIENCE };
        let answer = egress.send(Request::get(&endpoint, path).timeouts(timeouts)).await?;
        let body = answer.body.collect(LONGEST_ANSWER).await?;
        Ok((answer.status.as_u16(), body.to_vec()))
    }

    fn told_by(&self, error: egress::Error) -> Error {
        let authority = self.authority().to_owned();
        match error {
            egress::Error::Unreachable { source, .. } => {
                let mut cause: &dyn std::error::Error = &source;
                while let Some(deeper) = cause.source() {
                    cause = deeper;
                }
                Error::Unreachable { authority, source: io::Error::other(cause.to_string()) }
            }
            egress::Error::Timeout { .. } => Error::Silent { authority },
            other => self.foreign(other),
        }
    }
}
