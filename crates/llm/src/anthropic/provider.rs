//! A provider that speaks Messages.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Pulse, Secret};
use egress::Egress;

use super::decode::Decoder;
use super::encode::encode;
use crate::reading::Reading;
use crate::upstream::Upstream;
use crate::{Error, EventStream, Provider, ProviderSettings, Request};

/// The version of the API that is spoken here.
const VERSION: &str = "2023-06-01";

/// Anthropic, or a server that does as it does.
#[derive(Debug)]
pub struct Anthropic {
    upstream: Arc<Upstream>,
}

// === impl Anthropic ===

impl Anthropic {
    /// A provider as configured. The key is sent as `x-api-key`.
    ///
    /// # Errors
    /// [`Error::Settings`] when the address, the key or a header cannot be used.
    pub fn new(settings: &ProviderSettings, egress: Egress) -> Result<Self, Error> {
        let mut settings = settings.clone();
        let is_version = |(name, _): &(String, _)| name.eq_ignore_ascii_case("anthropic-version");
        if !settings.headers.iter().any(is_version) {
            settings.headers.push(("anthropic-version".to_owned(), Secret::new(VERSION)));
        }
        let upstream = Upstream::new(&settings, egress, "/messages", |endpoint, key| {
            endpoint.with_header("x-api-key", key)
        })?;
        Ok(Self { upstream: Arc::new(upstream) })
    }
}

#[async_trait]
impl Provider for Anthropic {
    fn id(&self) -> &str {
        &self.upstream.id
    }

    async fn stream(&self, request: Request, _: Arc<dyn Pulse>) -> Result<EventStream, Error> {
        let model = request.model.clone();
        let body = self.upstream.open("messages", &model, &encode(request)).await?;
        let decoder = Decoder::new(Arc::clone(&self.upstream), model);
        Ok(Box::pin(Reading::new(Arc::clone(&self.upstream), body, decoder)))
    }
}
