//! The second hop: one transaction that stores the message, or one reason why not.

use std::sync::Arc;
use std::time::Duration;

use domain::message::{LONGEST_TEXT, Offered};
use domain::queue::{QueueDrop, QueueMode};
use domain::{Coded, Event, EventBody, Inbound, Intake, Kind, Refusal, Verdict};
use store::{Admission, NewMessage};

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
            Admission::Suspended => return Err(Refusal::Suspended(slug())),
            Admission::Full(waiting) => {
                return Err(Refusal::QueueFull { waiting, cap, retry_after: RETRY_WHEN_FULL });
            }
        };
        if !admitted.duplicate {
            if policy.mode == QueueMode::Interrupt {
                drop(self.shared.running.cancel(&inbound.session, None, Reason::Interrupted));
            }
            self.mailbox.arrived(Arrival {
                session: admitted.session,
                account: inbound.session.account.clone(),
                debounce: inbound.debounce,
            });
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
}

fn unavailable(error: store::Error) -> Refusal {
    tracing::error!(error = %error, code = error.code(), "a message was not taken in");
    let retry_after = match error.kind() {
        Kind::Overloaded { retry_after } => retry_after,
        _ => RETRY_WHEN_FULL,
    };
    Refusal::Unavailable { code: error.code(), reason: error.to_string(), retry_after }
}
