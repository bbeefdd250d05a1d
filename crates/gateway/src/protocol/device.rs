//! A device's own identity: an Ed25519 key that signs the challenge.
//!
//! Owns the check of the signature, the key's name and the time; refuses whatever does not hold. A good
//! signature grants nothing by itself: the credential does.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::{Secret, Timestamp};
use serde::Deserialize;

use super::connect::Connect;
use crate::Error;

/// The identity as a client sends it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// SHA-256 of the raw public key, 64 hex digits.
    pub id: String,
    /// The raw public key, 32 bytes in base64url.
    pub public_key: String,
    /// Over the text of [`signed_text`], 64 bytes in base64url.
    pub signature: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// The nonce of the challenge.
    pub nonce: String,
}

/// Which text was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Nine fields.
    V2,
    /// The nine, then platform and device family.
    V3,
}

/// How far the client's clock may be from ours, in milliseconds.
const TOLERANCE: u64 = 2 * 60 * 1_000;

/// Checks that the device holds the key it names and signed this very challenge.
///
/// # Errors
/// [`Error::Device`] with what does not hold.
pub fn verify(
    device: &Device,
    connect: &Connect,
    credential: Option<&Secret>,
    nonce: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let refuse = |what| Err(Error::Device(what));
    if device.nonce != nonce {
        return refuse("the nonce is not the one of this connection");
    }
    if now.0.abs_diff(device.signed_at.0) > TOLERANCE {
        return refuse("it was signed more than two minutes from now; set the device's clock");
    }
    let (Some(key), Some(signature)) = (decode(&device.public_key), decode(&device.signature))
    else {
        return refuse("the key or the signature is not base64url");
    };
    if key.len() != 32 || device.id != hex::encode(digest(&SHA256, &key)) {
        return refuse("the id is not the SHA-256 of a public key of 32 bytes");
    }
    let key = UnparsedPublicKey::new(&ED25519, key);
    let token = credential.map_or("", Secret::expose);
    let holds = [Form::V3, Form::V2].into_iter().any(|form| {
        let text = signed_text(form, device, connect, token);
        key.verify(text.as_bytes(), &signature).is_ok()
    });
    if holds { Ok(()) } else { refuse("the signature does not fit") }
}

/// The text under the signature: fields of protocol v4, joined by `|`.
#[must_use]
pub fn signed_text(form: Form, device: &Device, connect: &Connect, token: &str) -> String {
    let client = &connect.client;
    let version = match form {
        Form::V2 => "v2",
        Form::V3 => "v3",
    };
    let mut text = [
        version,
        &device.id,
        &client.id,
        &client.mode,
        connect.role.as_deref().unwrap_or("operator"),
        &connect.scopes.as_deref().unwrap_or_default().join(","),
        &device.signed_at.0.to_string(),
        token,
        &device.nonce,
    ]
    .join("|");
    if form == Form::V3 {
        for field in [client.platform.as_str(), client.device_family.as_deref().unwrap_or("")] {
            text.push('|');
            text.push_str(&field.trim().to_lowercase());
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > 128 {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).or_else(|_| STANDARD.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn connect() -> Connect {
        serde_json::from_value(json!({
            "minProtocol": 4, "maxProtocol": 4, "role": "operator",
            "scopes": ["operator.read", "operator.write"],
            "client": {
                "id": "openclaw-tui", "version": "1", "platform": "Linux", "mode": "cli",
                "deviceFamily": "Desktop"
            },
        }))
        .unwrap()
    }

    fn signed(form: Form, token: &str, at: Timestamp, nonce: &str) -> Device {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = pair.public_key().as_ref();
        let mut device = Device {
            id: hex::encode(digest(&SHA256, key)),
            public_key: URL_SAFE_NO_PAD.encode(key),
            signature: String::new(),
            signed_at: at,
            nonce: nonce.to_owned(),
        };
        let text = signed_text(form, &device, &connect(), token);
        device.signature = URL_SAFE_NO_PAD.encode(pair.sign(text.as_bytes()));
        device
    }

    fn check(device: &Device, token: &str) -> Result<(), Error> {
        verify(device, &connect(), Some(&Secret::new(token)), "n-1", NOW)
    }

    #[test]
    fn the_text_is_the_protocols() {
        let device = signed(Form::V3, "t", NOW, "n-1");
        assert_eq!(
            signed_text(Form::V3, &device, &connect(), "t"),
            format!(
                "v3|{}|openclaw-tui|cli|operator|operator.read,operator.write|1790000000000|t|n-1|linux|desktop",
                device.id
            )
        );
    }

    #[test]
    fn both_forms_hold() {
        assert!(check(&signed(Form::V3, "t", NOW, "n-1"), "t").is_ok());
        assert!(check(&signed(Form::V2, "t", NOW, "n-1"), "t").is_ok());
    }

    #[test]
    fn whatever_was_changed_is_refused() {
        let good = signed(Form::V3, "t", NOW, "n-1");
        assert!(check(&good, "other").is_err());
        assert!(check(&signed(Form::V3, "t", NOW, "n-2"), "t").is_err());
        for drift in [-120_001, 120_001] {
            assert!(check(&signed(Form::V3, "t", Timestamp(NOW.0 + drift), "n-1"), "t").is_err());
        }
        for change in [
            |device: &mut Device| device.id = "0".repeat(64),
            |device: &mut Device| device.public_key = "!".to_owned(),
            |device: &mut Device| device.public_key = "A".repeat(100_000),
            |device: &mut Device| device.signature = String::new(),
            |device: &mut Device| device.signature.replace_range(3..4, "-"),
            |device: &mut Device| device.signed_at = Timestamp(NOW.0 + 1),
        ] {
            let mut changed = good.clone();
            change(&mut changed);
            assert!(check(&changed, "t").is_err(), "{changed:?}");
        }
    }
}
