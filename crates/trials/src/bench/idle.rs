//! What the product takes while nobody asks anything of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::stream::{StreamExt, TryStreamExt};
use tokio::time::sleep;

use super::vitals::{processor_time, resident};
use crate::caller::{Caller, Question};
use crate::home::{Home, TOKEN};
use crate::process::Process;
use crate::socket::Socket;

/// How a process with many open sockets does.
#[derive(Debug, Clone, Copy)]
pub struct Sockets {
    /// How many.
    pub count: usize,
    /// How long it took to open and authenticate them all.
    pub opened: Duration,
    /// Memory before any was open, in KiB.
    pub before: u64,
    /// Memory with all of them, in KiB.
    pub resident: u64,
    /// Processor time per second.
    pub load: Duration,
}

/// How long a process is left alone before it is looked at.
const REST: Duration = Duration::from_secs(3);
/// Sockets that are opened at the same time.
const AT_ONCE: usize = 64;

/// Memory of a process that was left alone, in KiB.
///
/// # Errors
/// When it has ended.
pub async fn memory(process: &Process) -> Result<u64> {
    sleep(REST).await;
    resident(process.id().context("it has ended")?)
}

/// Creates so many tenants, and returns their credentials.
///
/// # Errors
/// When one cannot be created.
pub async fn create_tenants(home: &Home, count: usize) -> Result<Vec<String>> {
    let mut tokens = Vec::new();
    for number in 0..count {
        tokens.push(home.create_tenant(&format!("tenant-{number}")).await?);
    }
    Ok(tokens)
}

/// Asks every tenant's agent once.
///
/// # Errors
/// When one does not answer.
pub async fn ask_tenants(address: SocketAddr, tokens: &[String]) -> Result<()> {
    for token in tokens {
        let question = Question { model: "openclaw", user: Some("anna"), text: "hello", key: "1" };
        Caller::connect(address, token).await?.ask(question).await?;
    }
    Ok(())
}

/// Opens so many sockets, keeps them open, and looks.
///
/// # Errors
/// When one is refused.
pub async fn sockets(process: &Process, address: SocketAddr, count: usize) -> Result<Sockets> {
    let id = process.id().context("it has ended")?;
    let before = memory(process).await?;
    let began = Instant::now();
    let open: Vec<Socket> = futures::stream::iter(0..count)
        .map(|_| Socket::open(address, TOKEN))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let opened = began.elapsed();
    sleep(REST).await;
    let (took, since) = (processor_time(id)?, Instant::now());
    sleep(REST).await;
    let load = (processor_time(id)? - took).div_f64(since.elapsed().as_secs_f64());
    let resident = resident(id)?;
    drop(open);
    Ok(Sockets { count, opened, before, resident, load })
}
