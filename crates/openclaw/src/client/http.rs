//! Questions over HTTP.

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::{Error, Gateway};

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
    /// Asks for a JSON document. `as_operator` shows the operator's token.
    ///
    /// # Errors
    /// [`Error`] when there is no answer, or one that is no JSON; any status is an answer.
    pub async fn get(&self, path: &str, as_operator: bool) -> Result<Answer, Error> {
        self.within(self.ask(path, as_operator)).await?
    }

    async fn ask(&self, path: &str, as_operator: bool) -> Result<Answer, Error> {
        let stream = TokioIo::new(self.connect().await?);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(stream).await.map_err(|e| self.foreign(e))?;
        let token = self.token.as_ref().filter(|_| as_operator);
        let mut request = hyper::Request::get(path).header("host", self.authority());
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {}", token.expose()));
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|e| self.foreign(e))?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(|e| self.foreign(e))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
            let body = body.map_err(|error| self.foreign(error))?.to_bytes();
            let body = serde_json::from_slice(&body).map_err(|error| self.foreign(error))?;
            Ok(Answer { status, body })
        };
        // The connection only moves bytes; when it ends first, the exchange says what that means.
        let (answer, _) = tokio::join!(exchange, async {
            let _ = connection.await;
        });
        answer
    }
}
