//! Calls that ask at the same time are admitted in one transaction.
//!
//! All calls of a tenant take from one row. Were each to commit alone, the row would be locked for the length of a
//! commit for each of them; so, as with transactions on `SQLite`, those that wait go together.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Hold, Reservation, admit};
use crate::Store;
use crate::error::{Error, Result};
use crate::task;

/// Calls that wait to be admitted: no more than there are callers. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    asked: VecDeque<Asked>,
    is_served: bool,
}

struct Asked {
    id: Uuid,
    hold: Hold,
    fresh: Vec<Uuid>,
    reply: oneshot::Sender<Result<Reservation>>,
}

/// Whoever admits calls. Should that end in a panic, the next who asks begins anew.
struct Serving<'a>(&'a Waiting);

/// Most calls that are admitted together. More would only make the first of them wait longer.
const GROUP: usize = 64;

// === impl Store ===

impl Store {
    pub(super) async fn reserve_together(&self, hold: Hold) -> Result<Reservation> {
        let (reply, told) = oneshot::channel();
        let id = self.ids.uuid(hold.at);
        let fresh = hold.lines.iter().map(|_| self.ids.uuid(hold.at)).collect();
        if self.waiting.push(Asked { id, hold, fresh, reply }) {
            let store = self.clone();
            task::spawn(async move { store.serve().await });
        }
        told.await.map_err(|_| Error::Unavailable { action: "reserving a budget" })?
    }

    /// Admits whoever waits, until nobody does.
    async fn serve(&self) {
        let _serving = Serving(&self.waiting);
        while let Some(group) = self.waiting.next() {
            let asked: Vec<_> = group
                .iter()
                .map(|asked| (asked.id, asked.hold.clone(), asked.fresh.clone()))
                .collect();
            let told = self
                .control
                .db
                .write("reserving a budget", move |conn| {
                    Box::pin(async move {
                        let mut told = Vec::with_capacity(asked.len());
                        for (id, hold, fresh) in &asked {
                            told.push(admit(conn, *id, hold, fresh).await?);
                        }
                        Ok(told)
                    })
                })
                .await;
            match told {
                Ok(told) => {
                    for (asked, told) in group.into_iter().zip(told) {
                        self.answer(asked, told).await;
                    }
                }
                Err(error) => group.into_iter().for_each(|asked| {
                    drop(asked.reply.send(Err(error.clone())));
                }),
            }
        }
    }

    /// Whoever has gone away in the meantime makes no call.
    async fn answer(&self, Asked { id, reply, .. }: Asked, told: Result<(), Error>) {
        let reservation = Reservation(id);
        let held = told.is_ok();
        if reply.send(told.map(|()| reservation)).is_err()
            && held
            && let Err(error) = self.release(reservation).await
        {
            tracing::warn!(%error, "a reservation nobody wants is let go when it is overdue");
        }
    }
}

// === impl Serving ===

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).is_served = false;
    }
}

// === impl Waiting ===

impl Waiting {
    /// Adds one. Returns whether somebody must begin to serve.
    fn push(&self, asked: Asked) -> bool {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.asked.push_back(asked);
        !std::mem::replace(&mut queue.is_served, true)
    }

    /// Those who wait, in an order of tenants that every process keeps; `None`, once, when nobody does.
    fn next(&self) -> Option<Vec<Asked>> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let many = queue.asked.len().min(GROUP);
        let mut group: Vec<Asked> = queue.asked.drain(..many).collect();
        queue.is_served = !group.is_empty();
        group.sort_by(|a, b| a.hold.tenant.cmp(&b.hold.tenant));
        queue.is_served.then_some(group)
    }
}
