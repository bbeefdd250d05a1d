//! What the platform as a whole tells: tenants, persons, sessions, workers, requests, models.
//!
//! Owns the envelope and the names on the wire; refuses words that somebody said and secrets. What happens
//! inside one session, word by word, is an [`Event`](crate::Event) instead.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::tenant::Tier;
use crate::worker::RecycleReason;
use crate::{MessageId, SessionKey, TenantSlug, Timestamp};

/// The platform's envelope: `{type, payload, timestamp, correlationId, sourceContext}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformEvent {
    /// What happened: the `type` and its `payload`.
    #[serde(flatten)]
    pub what: Occurrence,
    /// When.
    pub timestamp: Timestamp,
    /// What belongs together: a message's id for everything that its turn does, a fresh one for what stands
    /// alone.
    pub correlation_id: Uuid,
    /// The part of the platform that it happened in.
    pub source_context: SourceContext,
}

/// The part of the platform that something happened in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceContext {
    /// Who may come in, and the inbox.
    Core,
    /// Tenants, persons, sessions.
    Session,
    /// The pool, its queue and its workers.
    Concurrency,
    /// Messages in and out.
    Messenger,
    /// Models, providers, budgets.
    AiFabric,
}

/// Something that happened, by its name on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the names of the fields are the platform's own words")]
pub enum Occurrence {
    /// A tenant was created.
    #[serde(rename = "tenant.created")]
    TenantCreated { tenant_id: TenantSlug, tier: Tier },
    /// A tenant may use more or less from now on.
    #[serde(rename = "tenant.tier_changed")]
    TenantTierChanged { tenant_id: TenantSlug, old_tier: Tier, new_tier: Tier },
    /// A tenant is refused everywhere.
    #[serde(rename = "tenant.suspended")]
    TenantSuspended { tenant_id: TenantSlug },
    /// A tenant is served again, in new sessions.
    #[serde(rename = "tenant.reinstated")]
    TenantReinstated { tenant_id: TenantSlug },
    /// A tenant is gone for good.
    #[serde(rename = "tenant.deleted")]
    TenantDeleted { tenant_id: TenantSlug },
    /// A tenant's credential was replaced.
    #[serde(rename = "tenant.token_rotated")]
    TenantTokenRotated { tenant_id: TenantSlug },
    /// A tenant's workspace was made.
    #[serde(rename = "workspace.provisioned")]
    WorkspaceProvisioned { tenant_id: TenantSlug, workspace_path: String },

    /// Somebody wrote to a tenant for the first time.
    #[serde(rename = "person.created")]
    PersonCreated { tenant_id: TenantSlug, account: String, peer: String },
    /// A person may use more or less from now on; no tier is the tenant's.
    #[serde(rename = "person.tier_changed")]
    PersonTierChanged {
        tenant_id: TenantSlug,
        account: String,
        peer: String,
        old_tier: Option<Tier>,
        new_tier: Option<Tier>,
    },
    /// A person is refused by this tenant.
    #[serde(rename = "person.suspended")]
    PersonSuspended { tenant_id: TenantSlug, account: String, peer: String },
    /// A person is served again.
    #[serde(rename = "person.reinstated")]
    PersonReinstated { tenant_id: TenantSlug, account: String, peer: String },

    /// A session was created: somebody wrote where nobody had.
    #[serde(rename = "session.created")]
    SessionCreated { tenant_id: TenantSlug, session_id: SessionKey },
    /// Somebody wrote in a session that had expired.
    #[serde(rename = "session.activated")]
    SessionActivated { tenant_id: TenantSlug, session_id: SessionKey },
    /// Nobody wrote in a session for its time to live.
    #[serde(rename = "session.expired")]
    SessionExpired { tenant_id: TenantSlug, session_id: SessionKey },
    /// A session was stopped for good.
    #[serde(rename = "session.suspended")]
    SessionSuspended { tenant_id: TenantSlug, session_id: SessionKey },
    /// A conversation begins anew.
    #[serde(rename = "session.reset")]
    SessionReset { tenant_id: TenantSlug, session_id: SessionKey },
    /// A session lives longer.
    #[serde(rename = "session.extended")]
    SessionExtended { tenant_id: TenantSlug, session_id: SessionKey, expires_at: Timestamp },
    /// Sessions that were over are gone, of one tenant or of all.
    #[serde(rename = "session.cleaned")]
    SessionsCleaned { tenant_id: Option<TenantSlug>, expired: u64, deleted: u64 },

    /// Somebody may let one device in.
    #[serde(rename = "link.created")]
    LinkCreated { expires_at: Timestamp },
    /// A device was let in.
    #[serde(rename = "device.admitted")]
    DeviceAdmitted { device_id: Uuid, label: String, tenant_id: Option<TenantSlug> },
    /// A device was shut out.
    #[serde(rename = "device.revoked")]
    DeviceRevoked { device_id: Uuid },
    /// A parked message has its turn again.
    #[serde(rename = "inbox.replayed")]
    InboxReplayed { tenant_id: TenantSlug, message_id: MessageId },
    /// Every parked message has its turn again.
    #[serde(rename = "inbox.replayed_all")]
    InboxReplayedAll { count: u64 },
    /// A message was given up.
    #[serde(rename = "inbox.dropped")]
    InboxDropped { tenant_id: TenantSlug, message_id: MessageId },

    /// A worker is ready. Only a child process has a `pid`.
    #[serde(rename = "worker.spawned")]
    WorkerSpawned { worker_id: String, pid: Option<u32> },
    /// A worker was replaced.
    #[serde(rename = "worker.recycled")]
    WorkerRecycled { worker_id: String, reason: RecycleReason, request_count: u64 },
    /// A worker made no progress for too long.
    #[serde(rename = "worker.stuck")]
    WorkerStuck {
        worker_id: String,
        tenant_id: Option<TenantSlug>,
        request_id: Option<Uuid>,
        heartbeat_age_ms: u64,
    },
    /// A request waits for a worker; `priority` is low, normal, high or critical.
    #[serde(rename = "request.queued")]
    RequestQueued {
        request_id: Uuid,
        tenant_id: TenantSlug,
        session_id: SessionKey,
        priority: String,
        queue_depth: u64,
    },
    /// A worker took a request.
    #[serde(rename = "request.started")]
    RequestStarted {
        request_id: Uuid,
        tenant_id: TenantSlug,
        session_id: SessionKey,
        worker_id: String,
        waited_ms: u64,
    },
    /// A worker is done with a request; `success` says whether it was answered.
    #[serde(rename = "request.completed")]
    RequestCompleted {
        request_id: Uuid,
        tenant_id: TenantSlug,
        session_id: SessionKey,
        worker_id: String,
        processing_time_ms: u64,
        success: bool,
    },
    /// A request took longer than it may.
    #[serde(rename = "request.timedout")]
    RequestTimedOut {
        request_id: Uuid,
        tenant_id: TenantSlug,
        session_id: SessionKey,
        worker_id: String,
        timeout_ms: u64,
    },
    /// The level reached the threshold: new requests are refused.
    #[serde(rename = "backpressure.activated")]
    BackpressureActivated {
        level: f64,
        threshold: f64,
        queue_depth: u64,
        active_workers: u64,
        max_workers: u64,
    },

    /// A message was taken in.
    #[serde(rename = "messenger.message.received")]
    MessageReceived {
        platform: String,
        tenant_id: TenantSlug,
        chat_id: String,
        message_id: MessageId,
    },
    /// An answer is out.
    #[serde(rename = "messenger.message.sent")]
    MessageSent { platform: String, tenant_id: TenantSlug, chat_id: String, message_id: MessageId },
    /// An answer is not out.
    #[serde(rename = "messenger.message.delivery_failed")]
    MessageDeliveryFailed {
        platform: String,
        tenant_id: TenantSlug,
        chat_id: String,
        message_id: MessageId,
        reason: String,
    },

    /// A model was asked.
    #[serde(rename = "ai-fabric.model.requested")]
    ModelRequested {
        tenant_id: TenantSlug,
        request_id: Uuid,
        provider_id: String,
        model_id: String,
        estimated_tokens: u64,
    },
    /// A model answered.
    #[serde(rename = "ai-fabric.model.responded")]
    ModelResponded {
        tenant_id: TenantSlug,
        request_id: Uuid,
        provider_id: String,
        model_id: String,
        input_tokens: u64,
        output_tokens: u64,
        latency_ms: u64,
    },
    /// A model failed; `code` is the stable one.
    #[serde(rename = "ai-fabric.model.failed")]
    ModelFailed {
        tenant_id: TenantSlug,
        request_id: Uuid,
        provider_id: String,
        model_id: String,
        code: String,
        recoverable: bool,
    },
    /// Another model is asked in the place of the first.
    #[serde(rename = "ai-fabric.fallback.triggered")]
    FallbackTriggered {
        tenant_id: TenantSlug,
        request_id: Uuid,
        primary_model: String,
        fallback_model: String,
        reason: String,
    },
    /// A provider's limit was reached.
    #[serde(rename = "ai-fabric.rate_limit.hit")]
    RateLimitHit { provider_id: String, limit: String, retry_after_ms: u64 },
    /// A budget is nearly used up. `person` is `account:peer` when it is a person's.
    #[serde(rename = "ai-fabric.token_budget.warning")]
    TokenBudgetWarning {
        tenant_id: TenantSlug,
        person: Option<String>,
        used: u64,
        limit: u64,
        percent_used: f64,
    },
    /// A limit was set by hand, or put back to what is configured, which is no limit here.
    #[serde(rename = "ai-fabric.budget.changed")]
    BudgetChanged {
        tenant_id: TenantSlug,
        person: Option<String>,
        unit: String,
        period: String,
        old_limit: Option<String>,
        new_limit: Option<String>,
    },
    /// What was used of so many budgets was set back to nothing.
    #[serde(rename = "ai-fabric.budget.reset")]
    BudgetReset { tenant_id: TenantSlug, person: Option<String>, budgets: u64 },
    /// So many budgets may be used to their end; so many messages that waited for that have their turn.
    #[serde(rename = "ai-fabric.budget.approved")]
    BudgetApproved { tenant_id: TenantSlug, person: Option<String>, budgets: u64, replayed: u64 },
}

/// Whether something is written into the audit table, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// Somebody's decision: the row is written in the transaction that makes the change.
    Change,
    /// Worth knowing later: whoever keeps the audit writes it down when it is told.
    Note,
    /// Too frequent to be kept one by one; figures and the log have it.
    Nowhere,
}

/// Whoever wants to know what happened. Being told never fails and never waits.
pub trait Witness: Send + Sync + 'static {
    /// Something happened, and is stored if it is to be stored.
    fn tell(&self, event: PlatformEvent);
}

// === impl PlatformEvent ===

impl PlatformEvent {
    /// The envelope around what happened.
    #[must_use]
    pub fn new(what: Occurrence, timestamp: Timestamp, correlation_id: Uuid) -> Self {
        let source_context = what.context();
        Self { what, timestamp, correlation_id, source_context }
    }
}

// === impl Occurrence ===

impl Occurrence {
    /// The part of the platform that this happens in.
    #[must_use]
    pub fn context(&self) -> SourceContext {
        use Occurrence as O;
        match self {
            O::LinkCreated { .. }
            | O::DeviceAdmitted { .. }
            | O::DeviceRevoked { .. }
            | O::InboxReplayed { .. }
            | O::InboxReplayedAll { .. }
            | O::InboxDropped { .. } => SourceContext::Core,
            O::TenantCreated { .. }
            | O::TenantTierChanged { .. }
            | O::TenantSuspended { .. }
            | O::TenantReinstated { .. }
            | O::TenantDeleted { .. }
            | O::TenantTokenRotated { .. }
            | O::WorkspaceProvisioned { .. }
            | O::PersonCreated { .. }
            | O::PersonTierChanged { .. }
            | O::PersonSuspended { .. }
            | O::PersonReinstated { .. }
            | O::SessionCreated { .. }
            | O::SessionActivated { .. }
            | O::SessionExpired { .. }
            | O::SessionSuspended { .. }
            | O::SessionReset { .. }
            | O::SessionExtended { .. }
            | O::SessionsCleaned { .. } => SourceContext::Session,
            O::WorkerSpawned { .. }
            | O::WorkerRecycled { .. }
            | O::WorkerStuck { .. }
            | O::RequestQueued { .. }
            | O::RequestStarted { .. }
            | O::RequestCompleted { .. }
            | O::RequestTimedOut { .. }
            | O::BackpressureActivated { .. } => SourceContext::Concurrency,
            O::MessageReceived { .. } | O::MessageSent { .. } | O::MessageDeliveryFailed { .. } => {
                SourceContext::Messenger
            }
            O::ModelRequested { .. }
            | O::ModelResponded { .. }
            | O::ModelFailed { .. }
            | O::FallbackTriggered { .. }
            | O::RateLimitHit { .. }
            | O::TokenBudgetWarning { .. }
            | O::BudgetChanged { .. }
            | O::BudgetReset { .. }
            | O::BudgetApproved { .. } => SourceContext::AiFabric,
        }
    }

    /// Whether this is written into the audit table, and by whom.
    #[must_use]
    pub fn record(&self) -> Record {
        use Occurrence as O;
        match self {
            O::TenantCreated { .. }
            | O::TenantTierChanged { .. }
            | O::TenantSuspended { .. }
            | O::TenantReinstated { .. }
            | O::TenantDeleted { .. }
            | O::TenantTokenRotated { .. }
            | O::PersonTierChanged { .. }
            | O::PersonSuspended { .. }
            | O::PersonReinstated { .. }
            | O::SessionSuspended { .. }
            | O::SessionReset { .. }
            | O::SessionExtended { .. }
            | O::SessionsCleaned { .. }
            | O::LinkCreated { .. }
            | O::DeviceAdmitted { .. }
            | O::DeviceRevoked { .. }
            | O::InboxReplayed { .. }
            | O::InboxReplayedAll { .. }
            | O::InboxDropped { .. }
            | O::BudgetChanged { .. }
            | O::BudgetReset { .. }
            | O::BudgetApproved { .. } => Record::Change,
            O::WorkspaceProvisioned { .. }
            | O::WorkerRecycled { .. }
            | O::WorkerStuck { .. }
            | O::RequestTimedOut { .. }
            | O::BackpressureActivated { .. }
            | O::MessageDeliveryFailed { .. }
            | O::FallbackTriggered { .. }
            | O::RateLimitHit { .. }
            | O::TokenBudgetWarning { .. } => Record::Note,
            O::PersonCreated { .. }
            | O::SessionCreated { .. }
            | O::SessionActivated { .. }
            | O::SessionExpired { .. }
            | O::WorkerSpawned { .. }
            | O::RequestQueued { .. }
            | O::RequestStarted { .. }
            | O::RequestCompleted { .. }
            | O::MessageReceived { .. }
            | O::MessageSent { .. }
            | O::ModelRequested { .. }
            | O::ModelResponded { .. }
            | O::ModelFailed { .. } => Record::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_the_platforms() {
        let what = Occurrence::TenantTierChanged {
            tenant_id: "acme".parse().unwrap(),
            old_tier: Tier::Free,
            new_tier: Tier::Premium,
        };
        let event = PlatformEvent::new(what, Timestamp(5), Uuid::from_u128(7));
        let json = serde_json::to_value(&event).unwrap();
        let wanted = serde_json::json!({
            "type": "tenant.tier_changed",
            "payload": { "tenantId": "acme", "oldTier": "free", "newTier": "premium" },
            "timestamp": 5,
            "correlationId": "00000000-0000-0000-0000-000000000007",
            "sourceContext": "session",
        });
        assert_eq!(json, wanted);
        assert_eq!(serde_json::from_value::<PlatformEvent>(json).unwrap(), event);
    }

    #[test]
    fn contexts_and_reasons_have_the_platforms_names() {
        let hit = Occurrence::RateLimitHit {
            provider_id: "x".to_owned(),
            limit: "requestsPerMinute".to_owned(),
            retry_after_ms: 1,
        };
        assert_eq!(serde_json::to_value(hit.context()).unwrap(), "ai-fabric");
        assert_eq!(serde_json::to_value(RecycleReason::MemoryLimit).unwrap(), "memory_limit");
    }
}
