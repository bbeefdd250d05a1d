//! The page: files that were built into the binary.
//!
//! Owns caching and compression of them; refuses every name that is not one of theirs.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::Error;
use crate::gateway::Context;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
#[allow_missing = true]
struct Files;

/// Shown when the binary was built without the page.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>OpenClaw</title>\
     <h1>OpenClaw is running</h1><p>This binary was built without its page. To build it, install \
     Node and run <code>make ui</code>, then build the binary again.</p></html>\n";

/// Files with a name that changes with their content.
const HASHED: &str = "assets/";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Endings of files that were compressed beforehand, best first.
const COMPRESSED: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// `GET /`
pub(super) fn index(context: &Context, headers: &HeaderMap) -> Response {
    if !context.settings().page {
        return Error::UnknownPath.into_response();
    }
    match find("index.html", headers) {
        Some(response) => response,
        None => ([(CONTENT_TYPE, "text/html; charset=utf-8")], NOT_BUILT).into_response(),
    }
}

/// Every path that has no route of its own.
pub(super) async fn file(
    State(context): State<Context>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let name = uri.path().trim_start_matches('/');
    let readable = matches!(method, Method::GET | Method::HEAD) && context.settings().page;
    let is_sibling = COMPRESSED.iter().any(|(_, ending)| name.ends_with(ending));
    match (readable && !is_sibling).then(|| find(name, &headers)).flatten() {
        Some(response) => response,
        None => Error::UnknownPath.into_response(),
    }
}

fn find(name: &str, headers: &HeaderMap) -> Option<Response> {
    let plain = Files::get(name)?;
    let tag =
        HeaderValue::from_str(&format!("\"{}\"", hex::encode(&plain.metadata.sha256_hash()[..16])));
    let tag = tag.ok()?;
    let (coding, file) = best(name, headers).map_or((None, plain), |(c, file)| (Some(c), file));
    let known = headers
        .get_all(IF_NONE_MATCH)
        .into_iter()
        .any(|known| known.to_str().is_ok_and(|list| list.split(',').any(|one| tag == one.trim())));
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Body::from(file.data.into_owned()).into_response(),
    };
    let out = response.headers_mut();
    out.insert(ETAG, tag);
    out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    out.insert(CACHE_CONTROL, if name.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN });
    if !known {
        out.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
        if let Some(coding) = coding {
            out.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
    }
    Some(response)
}

fn best(name: &str, headers: &HeaderMap) -> Option<(&'static str, EmbeddedFile)> {
    COMPRESSED.into_iter().find_map(|(coding, ending)| {
        let file = accepts(headers, coding).then(|| Files::get(&format!("{name}{ending}")))?;
        Some((coding, file?))
    })
}

fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).into_iter();
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).any(|item| {
        let (name, quality) = item.split_once(';').unwrap_or((item, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_accepted_is_compressed() {
        let headers = |value: &'static str| {
            HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))])
        };
        assert!(accepts(&headers("gzip, deflate, br"), "br"));
        assert!(accepts(&headers("gzip;q=0.5"), "gzip"));
        assert!(!accepts(&headers("gzip, br;q=0"), "br"));
        assert!(!accepts(&headers("gzip"), "br"));
        assert!(!accepts(&HeaderMap::new(), "gzip"));
    }

    #[test]
    fn scripts_are_scripts_and_strangers_are_bytes() {
        assert_eq!(media_type("assets/index-a1.js"), "text/javascript; charset=utf-8");
        assert_eq!(media_type("noending"), "application/octet-stream");
    }
}
