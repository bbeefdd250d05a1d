//! `providers.*`: how those who run the models are doing, for the operator alone.

use serde_json::json;

use super::{Call, Payload, payload};
use crate::Error;

/// `providers.list {}` -> `{providers: [...]}`, each a [`llm::ProviderStanding`].
pub(super) async fn list(call: Call) -> Result<Payload, Error> {
    let providers = (call.context.gateway.providers)();
    payload(&json!({ "providers": providers }))
}
