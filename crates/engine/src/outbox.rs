//! The fifth hop: answers go out, and their rows go when they are out.
//!
//! An answer is in the store before it comes here: with a row of its own, which a crash leaves to the next
//! start, or in the transcript alone when its channel only tells those who are connected.

use std::sync::Arc;
use std::time::Duration;

use domain::{Channel, Delivery};
use futures::future::join_all;
use store::{OutboundRow, Store};
use tokio::sync::{mpsc, oneshot};

use crate::task::{TaskKind, spawn};

/// Hands answers to the loop. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Outbox {
    parcels: mpsc::Sender<Parcel>,
    channels: Channels,
}

type Channels = Arc<[Arc<dyn Channel>]>;

enum Parcel {
    Answer(Box<OutboundRow>),
    Flush(oneshot::Sender<()>),
}

/// Answers that may wait for the loop; the turn that brings one more waits for a place.
const PARCELS: usize = 1_024;
/// Answers whose rows are removed by one commit.
const TOGETHER: usize = 128;
/// How often the store is searched for answers that are not out.
const SEARCH: Duration = Duration::from_secs(5);

// === impl Outbox ===

impl Outbox {
    pub(crate) fn start(store: Store, channels: Vec<Arc<dyn Channel>>) -> Self {
        let (parcels, inbox) = mpsc::channel(PARCELS);
        let channels: Channels = channels.into();
        spawn(TaskKind::Outbox, run(store, Arc::clone(&channels), inbox));
        Self { parcels, channels }
    }

    /// Whether an account's answers need no row: see [`Channel::is_live`].
    pub(crate) fn is_live(&self, account: &str) -> bool {
        channel(&self.channels, account).is_some_and(|channel| channel.is_live())
    }

    /// Delivers an answer that was stored.
    pub(crate) async fn deliver(&self, row: OutboundRow) {
        match channel(&self.channels, &row.session.account) {
            Some(channel) if channel.is_live() => {
                send(channel, &row).await;
            }
            _ => drop(self.parcels.send(Parcel::Answer(Box::new(row))).await),
        }
    }

    /// Returns when everything that was handed over before is out.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.parcels.send(Parcel::Flush(done)).await.is_ok() {
            drop(flushed.await);
        }
    }
}

async fn run(store: Store, channels: Channels, mut inbox: mpsc::Receiver<Parcel>) {
    let mut search = tokio::time::interval(SEARCH);
    let mut together = Vec::with_capacity(TOGETHER);
    loop {
        tokio::select! {
            received = inbox.recv_many(&mut together, TOGETHER) => {
                if received == 0 {
                    return;
                }
                let mut flushed = Vec::new();
                let mut rows = Vec::new();
                for parcel in together.drain(..) {
                    match parcel {
                        Parcel::Answer(row) => rows.push(*row),
                        Parcel::Flush(done) => flushed.push(done),
                    }
                }
                join_all(rows.iter().map(|row| deliver(&store, &channels, row))).await;
                for done in flushed {
                    // Whoever asked may have stopped waiting.
                    let _ = done.send(());
                }
            }
            _ = search.tick() => {
                // What is on its way at this moment is found too, and its second delivery is harmless:
                // a channel recognises an answer by its id.
                match store.outbox(u32::try_from(TOGETHER).unwrap_or(u32::MAX)).await {
                    Ok(rows) => {
                        join_all(rows.iter().map(|row| deliver(&store, &channels, row))).await;
                    }
                    Err(error) => tracing::warn!(%error, "the outbox could not be read"),
                }
            }
        }
    }
}

async fn deliver(store: &Store, channels: &Channels, row: &OutboundRow) {
    let account = &row.session.account;
    let Some(channel) = channel(channels, account) else {
        tracing::error!(account, answer = %row.answer.id, "no channel serves this account; the answer waits");
        return;
    };
    if send(channel, row).await
        && let Err(error) = store.sent(row.answer.id).await
    {
        tracing::warn!(%error, "a sent answer could not be noted; it may be sent again");
    }
}

/// Whether it is out.
async fn send(channel: &dyn Channel, row: &OutboundRow) -> bool {
    match channel.deliver(&row.session, &row.answer, row.created_at).await {
        Delivery::Sent => true,
        Delivery::Failed { retry_after, reason } => {
            tracing::warn!(
                account = row.session.account,
                reason,
                retry_after_ms = retry_after.as_millis(),
                "an answer waits"
            );
            false
        }
    }
}

/// The first that serves the account.
fn channel<'a>(channels: &'a Channels, account: &str) -> Option<&'a dyn Channel> {
    channels.iter().find(|channel| channel.serves(account)).map(AsRef::as_ref)
}
