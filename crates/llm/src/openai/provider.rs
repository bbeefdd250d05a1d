//! A provider that speaks Chat Completions.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Pulse;
use egress::Egress;

use super::decode::Decoder;
use super::encode::encode;
use crate::reading::Reading;
use crate::upstream::Upstream;
use crate::{Error, EventStream, Provider, ProviderSettings, Request};

/// OpenAI, or a server that does as it does.
#[derive(Debug)]
pub struct OpenAi {
    upstream: Arc<Upstream>,
}

// === impl OpenAi ===

impl OpenAi {
    /// A provider as configured. The key is sent as `Authorization: Bearer`.
    ///
    /// # Errors
    /// [`Error::Settings`] when the address, the key or a header cannot be used.
    pub fn new(settings: &ProviderSettings, egress: Egress) -> Result<Self, Error> {
        let upstream = Upstream::new(settings, egress, "/chat/completions", |endpoint, key| {
            endpoint.with_bearer(key)
        })?;
        Ok(Self { upstream: Arc::new(upstream) })
    }
}

#[async_trait]
impl Provider for OpenAi {
    fn id(&self) -> &str {
        &self.upstream.id
    }

    async fn stream(&self, request: Request, _: Arc<dyn Pulse>) -> Result<EventStream, Error> {
        let model = request.model.clone();
        let earlier_calls = request.calls();
        let body = self.upstream.open("chat/completions", &model, &encode(request)).await?;
        let decoder = Decoder::new(Arc::clone(&self.upstream), model, earlier_calls);
        Ok(Box::pin(Reading::new(Arc::clone(&self.upstream), body, decoder)))
    }
}
