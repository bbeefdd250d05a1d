//! The name of a setting: `gateway.port`, `agents.list[0].id`, `models.providers["a.b"].api`.

use std::fmt;
use std::str::FromStr;

use domain::text::one_line;

use crate::Error;

/// Which setting of the file is meant, from the root down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KeyPath(Vec<Step>);

/// One step down into an object or an array.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The value of a key.
    Key(String),
    /// An element of an array, counted from 0.
    Index(usize),
}

// === impl KeyPath ===

impl KeyPath {
    /// The root of the file.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of these keys.
    #[must_use]
    pub fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Step::Key((*key).to_owned())).collect())
    }

    /// The path of a key below this one.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.below(Step::Key(key.to_owned()))
    }

    /// The path of an element below this one.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.below(Step::Index(index))
    }

    /// The steps from the root down.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is `other` or stands below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Whether this is the whole file.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    fn below(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if !is_plain(key) => write!(f, "[{key:?}]")?,
                Step::Key(key) if place == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for KeyPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        read(text).map(Self).ok_or_else(|| Error::BadPath { path: one_line(text, 128) })
    }
}

/// Whether a key can be written without quotes in a path.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && !key.chars().any(|c| matches!(c, '.' | '[' | ']' | '"') || c.is_control())
}

fn read(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = if let Some(bracketed) = rest.strip_prefix("[\"") {
            let (key, rest) = quoted(bracketed)?;
            steps.push(Step::Key(key));
            rest.strip_prefix(']')?
        } else if let Some(bracketed) = rest.strip_prefix('[') {
            let (index, rest) = bracketed.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest
        } else {
            let plain = if steps.is_empty() { rest } else { rest.strip_prefix('.')? };
            let (key, rest) = plain.split_at(plain.find(['.', '[']).unwrap_or(plain.len()));
            if !is_plain(key) {
                return None;
            }
            steps.push(Step::Key(key.to_owned()));
            rest
        };
    }
    Some(steps)
}

/// A key up to its closing quote, and what stands behind that.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut end = None;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                end = Some(at);
                break;
            }
            _ => {}
        }
    }
    let (inside, rest) = text.split_at(end?);
    let node = crate::syntax::parse(&format!("\"{inside}\"")).ok()?;
    let crate::syntax::Kind::String(key) = node.kind else { return None };
    Some((key, rest.strip_prefix('"')?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_written_the_way_people_write_it() {
        let path = KeyPath::of(&["models", "providers", "cloudru-fm"]).key("models").index(0);
        assert_eq!(path.to_string(), "models.providers.cloudru-fm.models[0]");
        assert_eq!(KeyPath::of(&["a", "b.c"]).key("d").to_string(), "a[\"b.c\"].d");
        assert_eq!("".parse::<KeyPath>().unwrap(), KeyPath::root());
        for bad in [".a", "a..b", "a.", "a[", "a[x]", "a[\"b]", "a]"] {
            assert!(bad.parse::<KeyPath>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_was_written(keys in prop::collection::vec("[a-z.\\]\\[\" -]{0,6}", 0..4), index in 0..9_usize) {
            let path = KeyPath(keys.into_iter().map(Step::Key).chain([Step::Index(index)]).collect());
            prop_assert_eq!(path.to_string().parse::<KeyPath>().unwrap(), path);
        }
    }
}
