//! The client itself: what it is made from, what it sends, and the wait for an answer to begin.
//!
//! Refuses redirects, cookies and a proxy from the environment. TLS is made ready at the first https
//! request, so that a machine without CA certificates can still talk to a model on loopback.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, NoProxy, Proxy, redirect};
use tokio::time::Instant;

use crate::{Answer, Body, Endpoint, Error};

/// How we present ourselves.
const USER_AGENT: &str = concat!("openclaw/", env!("CARGO_PKG_VERSION"));

/// Hosts that are always called directly, also when a proxy is configured.
const DIRECT: &str = "localhost,127.0.0.0/8,::1";

/// What the operator can decide about the client.
#[derive(Debug, Clone)]
pub struct Options {
    /// Longest wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// Connections kept open per host while nothing is sent.
    pub idle_connections: usize,
    /// How long such a connection is kept.
    pub idle_for: Duration,
    /// A PEM file of certificate authorities to trust besides the system's.
    pub extra_authorities: Option<PathBuf>,
    /// A proxy for everything but loopback. The environment is not asked.
    pub proxy: Option<String>,
}

/// The one HTTP client. Cloning it shares its connections.
#[derive(Debug, Clone)]
pub struct Egress {
    options: Arc<Options>,
    authorities: Arc<[Certificate]>,
    plain: Client,
    secure: Arc<OnceLock<Client>>,
}

/// How long an answer may take. Every wait has an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From sending to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub idle: Duration,
    /// From sending to the end of the body.
    pub total: Duration,
}

/// One request to an endpoint.
#[derive(Debug)]
pub struct Request {
    endpoint: Endpoint,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    timeouts: Timeouts,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_connections: 32,
            idle_for: Duration::from_secs(50),
            extra_authorities: None,
            proxy: None,
        }
    }
}

// === impl Timeouts ===

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

// === impl Egress ===

impl Egress {
    /// Makes the client and reads the extra authorities.
    ///
    /// # Errors
    /// [`Error::Certificates`] when their file cannot be read or holds none; [`Error::Client`] when the
    /// proxy's address is not one.
    pub fn new(options: Options) -> Result<Self, Error> {
        let authorities = extra_authorities(&options)?;
        let plain = build(&options, |builder| builder.tls_certs_only([]))?;
        Ok(Self {
            options: Arc::new(options),
            authorities: authorities.into(),
            plain,
            secure: Arc::default(),
        })
    }

    /// Sends the request and waits for the answer to begin. Dropping the future or the answer's body closes
    /// the connection at once.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when there is no connection or it broke before the answer began,
    /// [`Error::Timeout`] when the answer did not begin in time, [`Error::Client`] when TLS cannot be made
    /// ready. An answer of any status is not an error.
    pub async fn send(&self, request: Request) -> Result<Answer, Error> {
        let origin = request.endpoint.origin();
        let url = request.endpoint.url(&request.path);
        let client = if url.scheme() == "https" { self.secure()? } else { &self.plain };
        let timeouts = request.timeouts;
        let started = Instant::now();
        let waiting = client
            .request(request.method, url)
            .headers(request.headers)
            .headers(request.endpoint.headers)
            .body(request.body)
            .send();
        let patience = timeouts.first_byte.min(timeouts.total);
        let response = match tokio::time::timeout(patience, waiting).await {
            Ok(Ok(response)) => response,
            Ok(Err(source)) if source.is_timeout() => {
                let limit = self.options.connect_timeout;
                return Err(Error::Timeout { origin, awaited: "a connection", limit });
            }
            Ok(Err(source)) => {
                return Err(Error::Unreachable { origin, source: source.without_url() });
            }
            Err(_) => {
                return Err(Error::Timeout { origin, awaited: "its answer", limit: patience });
            }
        };
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: Body::new(response, origin, timeouts, started),
        })
    }

    fn secure(&self) -> Result<&Client, Error> {
        if let Some(client) = self.secure.get() {
            return Ok(client);
        }
        let client = build(&self.options, |builder| {
            builder.tls_certs_merge(self.authorities.iter().cloned())
        })?;
        Ok(self.secure.get_or_init(|| client))
    }
}

// === impl Request ===

impl Request {
    /// A POST with a JSON body.
    #[must_use]
    pub fn post_json(endpoint: &Endpoint, path: &str, body: impl Into<Bytes>) -> Self {
        let mut request = Self::new(endpoint, Method::POST, path);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = body.into();
        request
    }

    /// A GET.
    #[must_use]
    pub fn get(endpoint: &Endpoint, path: &str) -> Self {
        Self::new(endpoint, Method::GET, path)
    }

    /// The same request with a header that is not secret. What the endpoint itself sends wins.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same request with other timeouts than the default.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    fn new(endpoint: &Endpoint, method: Method, path: &str) -> Self {
        Self {
            endpoint: endpoint.clone(),
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeouts: Timeouts::default(),
        }
    }
}

fn build(
    options: &Options,
    trust: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(options.connect_timeout)
        .pool_max_idle_per_host(options.idle_connections)
        .pool_idle_timeout(options.idle_for)
        .tcp_keepalive(Duration::from_secs(30));
    if let Some(proxy) = &options.proxy {
        let proxy =
            Proxy::all(proxy).map_err(|source| Error::Client { source: source.without_url() })?;
        builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(DIRECT)));
    }
    trust(builder).build().map_err(|source| Error::Client { source: source.without_url() })
}

fn extra_authorities(options: &Options) -> Result<Vec<Certificate>, Error> {
    let Some(path) = &options.extra_authorities else { return Ok(Vec::new()) };
    let fail = |source| Error::Certificates { path: path.display().to_string(), source };
    let pem = std::fs::read(path).map_err(|source| fail(source.into()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|source| fail(source.into()))?;
    if found.is_empty() {
        return Err(fail("it holds no certificate".into()));
    }
    Ok(found)
}
