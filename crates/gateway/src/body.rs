//! Reading the body of a request.
//!
//! Owns the one way in: JSON, uncompressed, bounded in size, depth and time; refuses everything else. It is
//! called after the credential was checked, so that nobody unknown has a body read.

use axum::body::{Body, Bytes};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::{Error, Limits, json};

/// Reads a value from a body of at most `size` bytes.
///
/// # Errors
/// The first thing that is wrong with it.
pub async fn read<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    size: usize,
    limits: &Limits,
) -> Result<T, Error> {
    check_headers(headers, size)?;
    let limit = limits.body_timeout;
    let bytes =
        timeout(limit, collect(body, size)).await.map_err(|_| Error::BodyTooSlow { limit })??;
    json::read(&bytes, limits.json_depth)
}

fn check_headers(headers: &HeaderMap, size: usize) -> Result<(), Error> {
    let mut types = headers.get_all(CONTENT_TYPE).into_iter();
    let (Some(kind), None) = (types.next(), types.next()) else { return Err(Error::MediaType) };
    let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case("application/json") {
        return Err(Error::MediaType);
    }
    if headers.get_all(CONTENT_ENCODING).into_iter().any(|coding| coding != "identity") {
        return Err(Error::Encoding);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > size as u64) {
        return Err(Error::BodyTooLarge { limit: size });
    }
    Ok(())
}

async fn collect(body: Body, size: usize) -> Result<Bytes, Error> {
    match Limited::new(body, size).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::BodyTooLarge { limit: size }),
        Err(_) => Err(Error::BodyBroken),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    async fn code(lines: &[(&'static str, &'static str)], body: Body) -> &'static str {
        use domain::Coded;
        let headers: HeaderMap = lines
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        match read::<Value>(&headers, body, 100, &Limits::default()).await {
            Ok(_) => "ok",
            Err(error) => error.code(),
        }
    }

    const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

    #[tokio::test(start_paused = true)]
    async fn a_table_of_bodies() {
        let endless = || {
            let piece = Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 64]));
            Body::from_stream(futures::stream::repeat_with(move || {
                piece.as_ref().map(Bytes::clone).map_err(|_| std::io::Error::other("never"))
            }))
        };
        let silent = || Body::from_stream(futures::stream::pending::<std::io::Result<Bytes>>());
        let broken = || {
            let failed = std::io::Error::other("reset");
            Body::from_stream(futures::stream::iter([Err::<Bytes, _>(failed)]))
        };
        assert_eq!(code(&[JSON], Body::from("{}")).await, "ok");
        assert_eq!(code(&[], Body::from("{}")).await, "media-type");
        for other in ["text/plain", "multipart/form-data", "application/json5", ""] {
            assert_eq!(code(&[("content-type", other)], Body::from("{}")).await, "media-type");
        }
        for coding in ["gzip", "br", "deflate", "gzip, gzip"] {
            let lines = [JSON, ("content-encoding", coding)];
            assert_eq!(code(&lines, Body::from("{}")).await, "content-encoding");
        }
        let announced = [JSON, ("content-length", "101")];
        assert_eq!(code(&announced, silent()).await, "body-too-large");
        assert_eq!(code(&[JSON], endless()).await, "body-too-large");
        assert_eq!(code(&[JSON], silent()).await, "body-too-slow");
        assert_eq!(code(&[JSON], broken()).await, "body-incomplete");
        assert_eq!(code(&[JSON], Body::from("{")).await, "request-malformed");
        assert_eq!(code(&[JSON], Body::from("[".repeat(99))).await, "json-too-deep");
        assert!(Limits::default().body_timeout <= Duration::from_secs(30));
    }
}
