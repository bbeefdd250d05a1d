//! The configuration as one tree, put together from files and environment, in which every value still
//! knows where it was written.

use std::sync::Arc;

use serde_json::{Map, Number, Value};

use crate::error::Place;
use crate::key_path::{KeyPath, Step};

/// A file that was read.
pub(crate) struct Source {
    /// Its name, relative to the folder of the configuration.
    pub name: String,
    pub text: String,
}

/// Where a value or a key was written.
#[derive(Clone)]
pub(crate) enum Origin {
    File { source: Arc<Source>, at: usize },
    Variable(&'static str),
}

#[derive(Clone)]
pub(crate) struct Node {
    pub origin: Origin,
    pub kind: Kind,
    /// The text as it was before `${VAR}` in it was replaced; `None` when nothing was.
    pub written: Option<String>,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
    /// It was written, but a variable in it does not exist.
    Absent,
}

#[derive(Clone)]
pub(crate) struct Member {
    pub key: String,
    pub origin: Origin,
    pub node: Node,
}

// === impl Origin ===

impl Origin {
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Variable(name) => Place::Variable((*name).to_owned()),
            Self::File { source, at } => {
                let before = source.text.get(..*at).unwrap_or(&source.text);
                let line_start = before.rfind('\n').map_or(0, |end| end + 1);
                let column = before.get(line_start..).unwrap_or_default();
                Place::File {
                    name: source.name.clone(),
                    line: 1 + before.matches('\n').count(),
                    column: 1 + column.trim_start_matches('\u{feff}').chars().count(),
                }
            }
        }
    }
}

// === impl Node ===

impl Node {
    pub(crate) fn new(origin: Origin, kind: Kind) -> Self {
        Self { origin, kind, written: None }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Object(members) => {
                members.iter().find(|member| member.key == key).map(|member| &member.node)
            }
            _ => None,
        }
    }

    /// The node at the path; a key that is a number also finds an element of an array.
    pub(crate) fn at(&self, path: &KeyPath) -> Option<&Self> {
        path.steps().iter().try_fold(self, |node, step| match (step, &node.kind) {
            (Step::Key(key), Kind::Object(_)) => node.get(key),
            (Step::Key(key), Kind::Array(items)) => items.get(key.parse::<usize>().ok()?),
            (Step::Index(index), Kind::Array(items)) => items.get(*index),
            _ => None,
        })
    }

    /// Puts a value where the keys lead, making the objects on the way. What stands in the way and is
    /// not an object stays, so that the check still finds it.
    pub(crate) fn put(&mut self, keys: &[&str], value: Self) {
        let Some((key, rest)) = keys.split_first() else {
            *self = value;
            return;
        };
        if matches!(self.kind, Kind::Absent) {
            self.kind = Kind::Object(Vec::new());
        }
        let Kind::Object(members) = &mut self.kind else { return };
        if !members.iter().any(|member| member.key == *key) {
            let origin = value.origin.clone();
            let node = Self::new(origin.clone(), Kind::Object(Vec::new()));
            members.push(Member { key: (*key).to_owned(), origin, node });
        }
        if let Some(member) = members.iter_mut().find(|member| member.key == *key) {
            member.node.put(rest, value);
        }
    }

    /// The plain value; what is absent is left out.
    pub(crate) fn to_value(&self) -> Option<Value> {
        Some(match &self.kind {
            Kind::Absent => return None,
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::String(text) => Value::String(text.clone()),
            Kind::Array(items) => items.iter().filter_map(Self::to_value).collect(),
            Kind::Object(members) => Value::Object(
                members
                    .iter()
                    .filter_map(|member| Some((member.key.clone(), member.node.to_value()?)))
                    .collect::<Map<_, _>>(),
            ),
        })
    }
}
