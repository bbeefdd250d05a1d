//! Tells the platform and the log what happens on the way to an answer.

use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use domain::{Clock, Occurrence, PlatformEvent, TenantSlug};
use llm::{LimitKind, ModelEvent, Observer};
use store::Claimed;
use uuid::Uuid;

use crate::Shared;

/// Watches one turn's way to its answer.
pub(super) struct Watcher {
    bus: Bus,
    clock: Arc<dyn Clock>,
    tenant: TenantSlug,
    request: Uuid,
}

// === impl Watcher ===

impl Watcher {
    pub(super) fn new(shared: &Shared, claimed: &Claimed) -> Self {
        Self {
            bus: shared.bus.clone(),
            clock: Arc::clone(&shared.clock),
            tenant: claimed.key.tenant.clone(),
            request: claimed.messages.first().map_or(Uuid::nil(), |message| message.id.0),
        }
    }

    fn tell(&self, what: Occurrence) {
        self.bus.tell(PlatformEvent::new(what, self.clock.now(), self.request));
    }
}

impl Observer for Watcher {
    fn heard(&self, event: ModelEvent) {
        note(&event);
        let (tenant_id, request_id) = (self.tenant.clone(), self.request);
        match event {
            ModelEvent::Requested { provider, model, tokens } => {
                self.tell(Occurrence::ModelRequested {
                    tenant_id,
                    request_id,
                    provider_id: provider,
                    model_id: model,
                    estimated_tokens: tokens,
                });
            }
            ModelEvent::Responded { provider, model, usage, took, .. } => {
                self.tell(Occurrence::ModelResponded {
                    tenant_id,
                    request_id,
                    provider_id: provider,
                    model_id: model,
                    input_tokens: usage.input.saturating_add(usage.cached),
                    output_tokens: usage.output,
                    latency_ms: milliseconds(took),
                });
            }
            ModelEvent::Failed { provider, model, code, transient } => {
                self.tell(Occurrence::ModelFailed {
                    tenant_id,
                    request_id,
                    provider_id: provider,
                    model_id: model,
                    code: code.to_owned(),
                    recoverable: transient,
                });
            }
            ModelEvent::FellBack { primary, fallback, reason } => {
                self.tell(Occurrence::FallbackTriggered {
                    tenant_id,
                    request_id,
                    primary_model: primary,
                    fallback_model: fallback,
                    reason: reason.to_owned(),
                });
            }
            ModelEvent::RateLimited { provider, limit, retry_after } => {
                self.tell(Occurrence::RateLimitHit {
                    provider_id: provider,
                    limit: limit.map_or(THEIRS, LimitKind::as_str).to_owned(),
                    retry_after_ms: milliseconds(retry_after.unwrap_or_default()),
                });
            }
            ModelEvent::CircuitOpened { .. } | ModelEvent::CircuitClosed { .. } => {}
        }
    }
}

/// A limit that the provider counts for itself.
const THEIRS: &str = "provider";

/// What an operator wants to find in the log; everything is in the metrics.
fn note(event: &ModelEvent) {
    match event {
        ModelEvent::FellBack { primary, fallback, reason } => {
            tracing::warn!(primary, fallback, reason, "another model steps in");
        }
        ModelEvent::RateLimited { provider, limit, retry_after } => {
            let limit = limit.map_or(THEIRS, LimitKind::as_str);
            tracing::warn!(provider, limit, ?retry_after, "a limit of a provider is reached");
        }
        ModelEvent::CircuitOpened { provider, rest } => {
            let seconds = rest.as_secs();
            tracing::error!(provider, seconds, "a provider keeps failing and is left alone");
        }
        ModelEvent::CircuitClosed { provider } => {
            tracing::info!(provider, "a provider answers again");
        }
        ModelEvent::Failed { provider, model, code, .. } => {
            tracing::debug!(provider, model, code, "a model failed");
        }
        ModelEvent::Requested { .. } | ModelEvent::Responded { .. } => {}
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
