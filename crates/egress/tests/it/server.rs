//! A server that answers every connection with the same bytes.

use egress::{Answer, Egress, Endpoint, Error, Options, Request, Timeouts};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub struct Server {
    pub address: String,
    heads: mpsc::Receiver<String>,
}

impl Server {
    /// Answers with these bytes and then closes the connection, or keeps it open until the client closes it.
    pub async fn start(answer: impl Into<Vec<u8>>, keep_open: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, heads) = mpsc::channel(16);
        let answer = answer.into();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, answer.clone(), keep_open, sender.clone()));
            }
        });
        Self { address, heads }
    }

    /// The head of the next request, in lower case.
    pub async fn head(&mut self) -> String {
        self.heads.recv().await.unwrap()
    }

    /// Whether any request has come that was not asked for yet.
    pub fn was_asked(&mut self) -> bool {
        self.heads.try_recv().is_ok()
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::configured(&self.address).unwrap()
    }
}

pub async fn serve(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    answer: Vec<u8>,
    keep_open: bool,
    heads: mpsc::Sender<String>,
) {
    let mut read = Vec::new();
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        if matches!(connection.read_buf(&mut read).await, Ok(0) | Err(_)) {
            return;
        }
    }
    drop(heads.send(String::from_utf8_lossy(&read).to_ascii_lowercase()).await);
    drop(connection.write_all(&answer).await);
    drop(connection.flush().await);
    while keep_open && !matches!(connection.read(&mut [0; 64]).await, Ok(0) | Err(_)) {}
    drop(connection.shutdown().await);
}

pub fn client() -> Egress {
    Egress::new(Options::default()).unwrap()
}

pub async fn get(endpoint: &Endpoint) -> Result<Answer, Error> {
    client().send(Request::get(endpoint, "x").timeouts(patient())).await
}

/// Timeouts that no test should meet.
pub fn patient() -> Timeouts {
    let long = Duration::from_secs(20);
    Timeouts { first_byte: long, idle: long, total: long }
}
