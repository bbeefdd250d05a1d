//! Amounts of money and tokens, currencies, rates and time zones.

use std::borrow::Cow;
use std::str::FromStr;

use domain::budget::{Currency, Limit, MOST, millionths};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// A number of tokens, or the word `unlimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TokenLimit(pub Limit);

/// An amount of money in a tenant's currency, or the word `unlimited`. Held in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyLimit(pub Limit);

/// A positive number with up to six digits behind the point, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal(pub u64);

/// A time zone by its name in the IANA database, for example `Asia/Almaty`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone(jiff::tz::TimeZone);

#[derive(Deserialize)]
#[serde(untagged)]
enum WordOrNumber<N> {
    Word(String),
    Number(N),
}

/// The only word that stands for no limit.
const UNLIMITED: &str = "unlimited";
/// [`MOST`] millionths.
const MOST_MONEY: u64 = MOST / 1_000_000;

/// Reads the three letters of a currency.
pub(super) fn currency(text: &str) -> Result<(), String> {
    text.parse::<Currency>()
        .map(drop)
        .map_err(|_| "wants the three letters of a currency, like USD".to_owned())
}

/// A number from the file as millionths, rounded up.
pub(crate) fn of_number(number: f64) -> Result<u64, String> {
    // Rust writes the shortest decimal that is this number, without an exponent: what was typed.
    millionths(&number.to_string()).ok_or_else(|| format!("wants a number from 0 to {MOST_MONEY}"))
}

fn unlimited(word: &str) -> Result<Limit, String> {
    match word {
        UNLIMITED => Ok(Limit::Unlimited),
        _ => Err(format!("wants a number, or the word {UNLIMITED:?}")),
    }
}

// === impl TokenLimit ===

impl<'de> Deserialize<'de> for TokenLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match WordOrNumber::deserialize(deserializer)? {
            WordOrNumber::Number(most) => Ok(Self(Limit::Max(most))),
            WordOrNumber::Word(word) => {
                unlimited(&word).map(Self).map_err(serde::de::Error::custom)
            }
        }
    }
}

impl JsonSchema for TokenLimit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TokenLimit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "integer", "minimum": 0, "maximum": MOST},
            {"type": "string", "enum": [UNLIMITED]},
        ]})
    }
}

// === impl MoneyLimit ===

impl<'de> Deserialize<'de> for MoneyLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = match WordOrNumber::deserialize(deserializer)? {
            WordOrNumber::Number(number) => of_number(number).map(Limit::Max),
            WordOrNumber::Word(word) => unlimited(&word),
        };
        limit.map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for MoneyLimit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MoneyLimit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "number", "minimum": 0, "maximum": MOST_MONEY},
            {"type": "string", "enum": [UNLIMITED]},
        ]})
    }
}

// === impl Decimal ===

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        of_number(f64::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Decimal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "exclusiveMinimum": 0, "maximum": MOST_MONEY})
    }
}

// === impl TimeZone ===

impl TimeZone {
    /// The rules of the zone.
    pub(crate) fn rules(&self) -> &jiff::tz::TimeZone {
        &self.0
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }
}

impl FromStr for TimeZone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        jiff::tz::TimeZone::get(text)
            .map(Self)
            .map_err(|_| "wants the name of a time zone, like Asia/Almaty or UTC".to_owned())
    }
}

impl Serialize for TimeZone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::text(deserializer)
    }
}

impl JsonSchema for TimeZone {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TimeZone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "time-zone"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_those_of_the_database() {
        for good in ["Asia/Almaty", "Europe/Moscow", "UTC", "America/Sao_Paulo"] {
            assert!(good.parse::<TimeZone>().is_ok(), "{good}");
        }
        for bad in ["", "Moscow", "+05:00", "../etc/passwd"] {
            assert!(bad.parse::<TimeZone>().is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_read_as_they_were_typed() {
        assert_eq!(of_number(0.1), Ok(100_000));
        assert_eq!(of_number(0.000_000_1), Ok(1), "never less than what was written");
        assert_eq!(of_number(1e9), Ok(MOST));
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e10] {
            assert!(of_number(bad).is_err(), "{bad}");
        }
    }
}
