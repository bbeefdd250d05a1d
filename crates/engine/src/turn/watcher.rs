//! Writes what happens on the way to an answer into the log.

use llm::{ModelEvent, Observer};

/// Tells the log what an operator wants to know; the rest is in the metrics.
pub(super) struct Watcher;

// === impl Watcher ===

impl Observer for Watcher {
    fn heard(&self, event: ModelEvent) {
        match event {
            ModelEvent::FellBack { primary, fallback, reason } => {
                tracing::warn!(primary, fallback, reason, "another model steps in");
            }
            ModelEvent::RateLimited { provider, limit, retry_after } => {
                let limit = limit.map_or("its own", llm::LimitKind::as_str);
                tracing::warn!(provider, limit, ?retry_after, "a limit of a provider is reached");
            }
            ModelEvent::CircuitOpened { provider, rest } => {
                let seconds = rest.as_secs();
                tracing::error!(provider, seconds, "a provider keeps failing and is left alone");
            }
            ModelEvent::CircuitClosed { provider } => {
                tracing::info!(provider, "a provider answers again");
            }
            ModelEvent::Failed { model, code } => {
                tracing::debug!(model, code, "a model failed");
            }
            ModelEvent::Requested { .. } | ModelEvent::Responded { .. } => {}
        }
    }
}
