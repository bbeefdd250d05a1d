//! Amounts of memory and of processor time.

use std::borrow::Cow;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// An amount of memory in bytes, written as a number or with a unit: `512m`, `2g` (powers of 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// A number of processors, written as a number or as text: `2`, `"0.5"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Cpus(pub f64);

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber<N> {
    Text(String),
    Number(N),
}

/// No machine has more processors than this.
const MOST_CPUS: u16 = 4_096;

// === impl ByteSize ===

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = text.get(digits.len()..).unwrap_or_default().to_ascii_lowercase();
        let shift = match unit.as_str() {
            "" | "b" => Some(0),
            "k" | "kb" | "kib" => Some(10),
            "m" | "mb" | "mib" => Some(20),
            "g" | "gb" | "gib" => Some(30),
            _ => None,
        };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let bytes = shift
            .filter(|_| plain)
            .and_then(|shift| digits.parse::<u64>().ok()?.checked_mul(1 << shift))
            .filter(|bytes| *bytes > 0);
        bytes
            .map(Self)
            .ok_or_else(|| "wants an amount of memory like \"512m\" or \"2g\"".to_owned())
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match TextOrNumber::deserialize(deserializer)? {
            TextOrNumber::Number(bytes) => Ok(Self(bytes)),
            TextOrNumber::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

impl JsonSchema for ByteSize {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "string", "format": "byte-size"},
            {"type": "integer", "minimum": 1},
        ]})
    }
}

// === impl Cpus ===

impl FromStr for Cpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let count = text
            .parse::<f64>()
            .ok()
            .filter(|count| plain && *count > 0.0 && *count <= f64::from(MOST_CPUS));
        count
            .map(Self)
            .ok_or_else(|| "wants a number of processors like \"2\" or \"0.5\"".to_owned())
    }
}

impl<'de> Deserialize<'de> for Cpus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match TextOrNumber::deserialize(deserializer)? {
            TextOrNumber::Number(count) => Ok(Self(count)),
            TextOrNumber::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

impl JsonSchema for Cpus {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cpus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "string", "format": "cpus"},
            {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_CPUS},
        ]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_container_runtimes_read_them() {
        assert_eq!("2g".parse(), Ok(ByteSize(2 << 30)));
        assert_eq!("512M".parse(), Ok(ByteSize(512 << 20)));
        assert_eq!("1024".parse(), Ok(ByteSize(1024)));
        for bad in ["", "g", "-1g", "0", "1.5g", "2t", "99999999999g"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
        assert_eq!("0.5".parse(), Ok(Cpus(0.5)));
        for bad in ["", "0", "-1", "two", "1e3", "inf", "5000"] {
            assert!(bad.parse::<Cpus>().is_err(), "{bad}");
        }
    }
}
