//! `${VAR}` in text: replaced by the environment variable. `$${VAR}` stands for the text `${VAR}`.

use crate::error::Problem;
use crate::key_path::KeyPath;
use crate::locate::Env;
use crate::tree::{Kind, Node};

/// What became of a text.
enum Outcome {
    Unchanged,
    Changed(String),
    /// This variable does not exist.
    Missing(String),
}

/// Replaces variables in every text of the tree. A text with a variable that does not exist becomes
/// absent, with a warning that says so.
pub(crate) fn variables(node: &mut Node, path: &KeyPath, env: &Env, warnings: &mut Vec<Problem>) {
    match &mut node.kind {
        Kind::Object(members) => {
            for member in members {
                variables(&mut member.node, &path.key(&member.key), env, warnings);
            }
        }
        Kind::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                variables(item, &path.index(index), env, warnings);
            }
        }
        Kind::String(text) => match substitute(text, env) {
            Outcome::Unchanged => {}
            Outcome::Changed(value) => {
                node.written = Some(std::mem::replace(text, value));
            }
            Outcome::Missing(name) => {
                let message = format!(
                    "the environment variable {name} is not set, so this counts as not written; \
                     set it, or write $${{{name}}} for the text itself"
                );
                warnings.push(Problem { place: node.origin.place(), path: path.clone(), message });
                node.written = Some(std::mem::take(text));
                node.kind = Kind::Absent;
            }
        },
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Absent => {}
    }
}

/// Whether a text is nothing but a reference to a variable, and so holds no secret itself.
pub(crate) fn is_reference(text: &str) -> bool {
    reference(text).is_some_and(|(_, rest)| rest.is_empty())
}

fn substitute(text: &str, env: &Env) -> Outcome {
    let mut value = String::with_capacity(text.len());
    let mut changed = false;
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        value.push_str(before);
        let escaped = from.strip_prefix('$').filter(|inner| reference(inner).is_some());
        if let Some(inner) = escaped {
            let end = inner.find('}').map_or(inner.len(), |end| end + 1);
            let (literal, after) = inner.split_at(end);
            value.push_str(literal);
            (changed, rest) = (true, after);
        } else if let Some((name, after)) = reference(from) {
            let Some(found) = env.get(name) else { return Outcome::Missing(name.to_owned()) };
            value.push_str(found);
            (changed, rest) = (true, after);
        } else {
            value.push('$');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    value.push_str(rest);
    if changed { Outcome::Changed(value) } else { Outcome::Unchanged }
}

/// The name in a `${NAME}` at the start of the text, and what stands behind it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix("${")?.split_once('}')?;
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let well_formed =
        name.bytes().all(plain) && name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    well_formed.then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replaced(text: &str) -> Option<String> {
        let env: Env =
            [("A", "1"), ("B_2", "two"), ("EMPTY", ""), ("LOOP", "${A}")].into_iter().collect();
        match substitute(text, &env) {
            Outcome::Unchanged => Some(text.to_owned()),
            Outcome::Changed(value) => Some(value),
            Outcome::Missing(_) => None,
        }
    }

    #[test]
    fn only_upper_case_names_in_braces_are_variables() {
        for (text, value) in [
            ("${A}", Some("1")),
            ("http://${B_2}:${A}/x", Some("http://two:1/x")),
            ("$${A}", Some("${A}")),
            ("$$${A}", Some("$${A}")),
            ("${a} $A $ ${} ${1A} ${A", Some("${a} $A $ ${} ${1A} ${A")),
            ("${LOOP}", Some("${A}")),
            ("x${NOT_SET}", None),
            ("${EMPTY}", None),
        ] {
            assert_eq!(replaced(text).as_deref(), value, "{text}");
        }
    }

    #[test]
    fn a_reference_is_a_variable_and_nothing_else() {
        assert!(is_reference("${KEY}"));
        assert!(!is_reference("sk-${KEY}") && !is_reference("${KEY}x") && !is_reference("$${KEY}"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[${}A-Ba1_é]{0,24}") {
            let _ = replaced(&text);
        }
    }
}
