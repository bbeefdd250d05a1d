//! What every request must be before any route sees it.
//!
//! Owns the checks of size, host, path, origin and address, on every route and also on loopback; refuses
//! to answer other web sites in any way (there are no CORS headers) and puts the same security headers on
//! every answer.

pub mod perimeter;
pub mod target;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::text::one_line;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY, UPGRADE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use tokio::time::Instant;

use crate::client::{Client, Ends};
use crate::metrics::{HTTP_RESPONSES, HTTP_SECONDS};
use crate::{Error, Limits};

pub use perimeter::{Origin, Perimeter};

/// Where the guard gets the addresses and proxies that hold at this moment.
pub trait Surroundings: Clone + Send + Sync + 'static {
    /// By what names and through which proxies the gateway may be reached now.
    fn perimeter(&self) -> std::sync::Arc<Perimeter>;

    /// The bounds.
    fn limits(&self) -> &Limits;
}

const POLICY: &str = "default-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'; \
     script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// The outermost layer: checks the request, hands [`Client`] on in its extensions, secures the answer.
pub async fn guard<S: Surroundings>(
    State(surroundings): State<S>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let (mut parts, body) = request.into_parts();
    let perimeter = surroundings.perimeter();
    let mut response = match inspect(&parts, &perimeter, surroundings.limits()) {
        Ok(client) => {
            parts.extensions.insert(client);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    };
    secure(response.headers_mut());
    let class = match response.status().as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    };
    metrics::counter!(HTTP_RESPONSES, "status" => class).increment(1);
    metrics::histogram!(HTTP_SECONDS).record(begun.elapsed().as_secs_f64());
    response
}

/// Everything that can be said from a request's head alone.
///
/// # Errors
/// The first of the checks that fails.
pub fn inspect(parts: &Parts, perimeter: &Perimeter, limits: &Limits) -> Result<Client, Error> {
    check_size(parts, limits)?;
    let ends = *parts.extensions.get::<Ends>().ok_or(Error::NoHost)?;
    check_host(parts, perimeter, &ends)?;
    target::check_path(parts.uri.path())?;
    check_origin(parts, perimeter, &ends)?;
    target::check_query(parts.uri.query())?;
    Ok(Client::of(ends, &parts.headers, &perimeter.proxies))
}

fn check_size(parts: &Parts, limits: &Limits) -> Result<(), Error> {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > limits.target {
        return Err(Error::TargetTooLong { length: target, limit: limits.target });
    }
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > limits.headers {
        return Err(Error::HeadersTooLarge { length: headers, limit: limits.headers });
    }
    Ok(())
}

fn check_host(parts: &Parts, perimeter: &Perimeter, ends: &Ends) -> Result<(), Error> {
    let mut hosts = parts.headers.get_all(HOST).into_iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Error::NoHost) };
    let host = host.to_str().map_err(|_| Error::NoHost)?;
    let in_target = parts.uri.authority().map(http::uri::Authority::as_str);
    for name in [Some(host), in_target].into_iter().flatten() {
        if !perimeter.has_host(name, ends) {
            return Err(Error::WrongHost(one_line(name, 80)));
        }
    }
    Ok(())
}

/// A browser tells where a request comes from. What it says must be us; when it keeps silent about an
/// upgrade or a change, it must not be a browser.
fn check_origin(parts: &Parts, perimeter: &Perimeter, ends: &Ends) -> Result<(), Error> {
    let headers = &parts.headers;
    let mut origins = headers.get_all(ORIGIN).into_iter();
    if let Some(origin) = origins.next() {
        let text = origin.to_str().unwrap_or("?");
        if origins.next().is_some() || !perimeter.has_origin(text, ends) {
            return Err(Error::ForeignOrigin(one_line(text, 80)));
        }
        return Ok(());
    }
    let harmless =
        matches!(parts.method, Method::GET | Method::HEAD) && !headers.contains_key(UPGRADE);
    if !harmless && from_another_site(headers) {
        return Err(Error::ForeignOrigin("a site that does not say its name".to_owned()));
    }
    Ok(())
}

fn from_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
        || (headers.contains_key(UPGRADE) && headers.contains_key("sec-fetch-mode"))
}

fn secure(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests;
