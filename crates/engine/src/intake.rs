//! The second hop: one transaction that stores the message, or one reason why not.

use std::sync::Arc;
use std::time::Duration;

use domain::message::{LONGEST_TEXT, Offered};
use domain::queue::{QueueDrop, QueueMode};
use domain::{
    Coded, Event, EventBody, Inbound, Intake, Kind, MessageId, Occurrence, PlatformEvent, Refusal,
    SessionKey, TenantSlug, Verdict,
};
use store::{Admission, NewMessage};
use tokio::time::Instant;

use crate::mailbox::{Arrival, Mailbox};
use crate::running::Reason;
use crate::{Shared, metrics};

/// The one door.
pub(crate) struct Door {
    pub(crate) shared: Arc<Shared>,
    pub(crate) mailbox: Mailbox,
}

/// When a full queue may have room again.
const RETRY_WHEN_FULL: Duration = Duration::from_secs(5);

// === impl Door ===

impl Intake for Door {
    fn offer(&self, inbound: Inbound) -> Offered<'_> {
        Box::pin(async move {
            let verdict = self.admit(inbound).await.unwrap_or_else(Verdict::Refused);
            metrics::taken(&verdict);
            verdict
        })
    }
}

impl Door {
    async fn admit(&self, inbound: Inbound) -> Result<Verdict, Refusal> {
        if self.mailbox.is_stopping() {
            return Err(Refusal::Stopping);
        }
        if inbound.text.trim().is_empty() || inbound.text.len() > LONGEST_TEXT {
            return Err(Refusal::Text(inbound.text.len()));
        }
        self.know(&inbound.session.tenant).await?;
        // Before anything is written: what is refused here costs next to nothing.
        let workers = &self.shared.workers;
        let ticket = self
            .shared
            .admission
            .decide(&inbound.session, &inbound.peer, workers.outlook(), Instant::now())
            .inspect_err(|refusal| self.refused(refusal))?;
        let policy = self.shared.settings.borrow().policy(&inbound.session.account);
        let cap = u64::try_from(policy.cap).unwrap_or(u64::MAX);
        let new = NewMessage {
            session: inbound.session.clone(),
            peer: inbound.peer,
            run: inbound.run.clone(),
            text: inbound.text.clone(),
            context: inbound.context,
            room: (policy.drop == QueueDrop::New).then_some(cap),
        };
        let admission = self.shared.store.admit(new).await.map_err(unavailable)?;
        let slug = || inbound.session.tenant.to_string();
        let admitted = match admission {
            Admission::Admitted(admitted) => admitted,
            Admission::NoTenant => return Err(Refusal::NoTenant(slug())),
            Admission::TenantSuspended => return Err(Refusal::Suspended(slug())),
            Admission::PersonSuspended => return Err(Refusal::PersonSuspended),
            Admission::SessionSuspended => {
                return Err(Refusal::SessionSuspended(inbound.session.to_string()));
            }
            Admission::Full(waiting) => {
                return Err(Refusal::QueueFull { waiting, cap, retry_after: RETRY_WHEN_FULL });
            }
        };
        self.shared.admission.learn(&inbound.session.tenant, admitted.tier);
        if !admitted.duplicate {
            ticket.keep();
            if policy.mode == QueueMode::Interrupt {
                drop(self.shared.running.cancel(&inbound.session, None, Reason::Interrupted));
            }
            self.mailbox.arrived(Arrival {
                session: admitted.session,
                key: inbound.session.clone(),
                tier: admitted.tier,
                tokens: tokens(&inbound.text),
                debounce: inbound.debounce,
            });
            self.queued(admitted.message, &inbound.session);
            let what = Occurrence::MessageReceived {
                platform: inbound.session.account.clone(),
                tenant_id: inbound.session.tenant.clone(),
                chat_id: inbound.session.conversation.clone(),
                message_id: admitted.message,
            };
            let (at, correlation) = (admitted.received_at, admitted.message.0);
            self.shared.bus.tell(PlatformEvent::new(what, at, correlation));
            self.shared.bus.publish(Event {
                session: inbound.session,
                at: admitted.received_at,
                body: EventBody::Received {
                    message: admitted.message,
                    run: inbound.run,
                    text: inbound.text,
                },
            });
        }
        Ok(Verdict::Admitted {
            message: admitted.message,
            received: admitted.received_at,
            duplicate: admitted.duplicate,
        })
    }

    /// A tenant's share depends on its tier, which is read once and learnt anew with each message.
    async fn know(&self, tenant: &TenantSlug) -> Result<(), Refusal> {
        if self.shared.admission.knows(tenant) {
            return Ok(());
        }
        let found = self.shared.store.tenant(tenant).await.map_err(unavailable)?;
        let found = found.ok_or_else(|| Refusal::NoTenant(tenant.to_string()))?;
        self.shared.admission.learn(tenant, found.tier);
        Ok(())
    }

    fn queued(&self, message: MessageId, session: &SessionKey) {
        let priority = self.shared.settings.borrow().priority(&session.account);
        let what = Occurrence::RequestQueued {
            request_id: message.0,
            tenant_id: session.tenant.clone(),
            session_id: session.clone(),
            priority: priority.as_str().to_owned(),
            queue_depth: u64::try_from(self.shared.admission.depth()).unwrap_or(u64::MAX),
        };
        self.shared.bus.tell(PlatformEvent::new(what, self.shared.clock.now(), message.0));
    }

    /// Tells when refusing begins; not again for each message that is refused after it.
    fn refused(&self, refusal: &Refusal) {
        let Refusal::Backpressure { pressure, .. } = refusal else { return };
        if !self.shared.admission.begins_refusing(Instant::now()) {
            return;
        }
        tracing::warn!(%refusal, "new work is refused");
        let count = |number| u64::try_from(number).unwrap_or(u64::MAX);
        let what = Occurrence::BackpressureActivated {
            level: pressure.level(),
            threshold: self.shared.workers.settings().backpressure_threshold,
            queue_depth: count(pressure.depth),
            active_workers: count(pressure.busy),
            max_workers: count(pressure.most_workers),
        };
        let now = self.shared.clock.now();
        self.shared.bus.tell(PlatformEvent::new(what, now, self.shared.ids.uuid(now)));
    }
}

/// About how many tokens a text is, as the platform counts them.
fn tokens(text: &str) -> u64 {
    u64::try_from(text.chars().count().div_ceil(4)).unwrap_or(u64::MAX)
}

fn unavailable(error: store::Error) -> Refusal {
    tracing::error!(error = %error, code = error.code(), "a message was not taken in");
    let retry_after = match error.kind() {
        Kind::Overloaded { retry_after } => retry_after,
        _ => RETRY_WHEN_FULL,
    };
    Refusal::Unavailable { code: error.code(), reason: error.to_string(), retry_after }
}
