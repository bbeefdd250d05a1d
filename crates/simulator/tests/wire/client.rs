//! A client that sees what HTTP libraries hide: every chunk as it came, and how the connection ended.

use std::io::ErrorKind;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The head of a response.
#[derive(Debug, Clone)]
pub struct Head {
    pub status: u16,
    pub headers: Vec<(String, String)>,
}

/// A whole response.
#[derive(Debug, Clone)]
pub struct Reply {
    pub head: Head,
    pub chunks: Vec<Vec<u8>>,
    pub end: End,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As HTTP wants it.
    Whole,
    /// The connection closed inside of a chunk, or before the announced length.
    Cut,
    /// The connection was reset.
    Reset,
}

/// The next thing that comes.
enum Part {
    Chunk(Vec<u8>),
    End(End),
}

// === impl Client ===

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    /// Sends a request without waiting for anything.
    pub async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: sim\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        self.write(&text).await;
    }

    /// Sends these very bytes.
    pub async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads the head; `None` if the connection closes first.
    pub async fn head(&mut self) -> Option<Head> {
        let end = self.find(b"\r\n\r\n").await.ok()?;
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Some(Head { status, headers: lines.map(field).collect() })
    }

    /// Reads one HTTP chunk.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        match self.part().await {
            Part::Chunk(chunk) => Some(chunk),
            Part::End(_) => None,
        }
    }

    /// Reads a whole response.
    pub async fn reply(&mut self) -> Reply {
        let head = self.head().await.expect("the connection closed without an answer");
        let mut chunks = Vec::new();
        if let Some(length) = head.header("content-length") {
            let end = self.exactly(length.parse().unwrap()).await;
            chunks.push(std::mem::take(&mut self.buffer));
            return Reply { head, chunks, end };
        }
        loop {
            match self.part().await {
                Part::Chunk(chunk) => chunks.push(chunk),
                Part::End(end) => return Reply { head, chunks, end },
            }
        }
    }

    async fn part(&mut self) -> Part {
        let end = match self.find(b"\r\n").await {
            Ok(end) => end,
            Err(end) => return Part::End(end),
        };
        let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
        let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
        match self.exactly(size + 2).await {
            End::Whole => {}
            end => return Part::End(end),
        }
        let chunk: Vec<u8> = self.buffer.drain(..size + 2).take(size).collect();
        if size == 0 { Part::End(End::Whole) } else { Part::Chunk(chunk) }
    }

    /// Reads until there are so many bytes.
    async fn exactly(&mut self, size: usize) -> End {
        while self.buffer.len() < size {
            if let Err(end) = self.read().await {
                return end;
            }
        }
        End::Whole
    }

    async fn find(&mut self, mark: &[u8]) -> Result<usize, End> {
        loop {
            let found = self.buffer.windows(mark.len()).position(|window| window == mark);
            match found {
                Some(at) => return Ok(at),
                None => self.read().await?,
            }
        }
    }

    async fn read(&mut self) -> Result<(), End> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(End::Cut),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(End::Reset),
            Err(error) => panic!("{error}"),
        }
    }
}

// === impl Head ===

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }
}

// === impl Reply ===

impl Reply {
    pub fn bytes(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }
}
