//! Cuts what is said into pieces, straight or malformed as models and their servers malform it.

use serde_json::Value;

use super::{Field, Finish, Piece, Speech, ToolPiece, tokens};
use crate::recipe::{ArgumentShape, IdShape, Markup, NameShape, Shape, ThinkTags};
use crate::script::Call;

/// The pieces and the reason that goes with them.
pub(super) struct Malformed {
    pub(super) pieces: Vec<Piece>,
    pub(super) finish: Finish,
}

/// Cuts a speech into pieces. `id` is the beginning of the ids of its calls.
pub(super) fn pieces(mut speech: Speech, shape: &Shape, id: &str) -> Malformed {
    let mut finish = if speech.calls.is_empty() { Finish::Stop } else { Finish::Tools };
    if let Some(markup) = shape.leak.filter(|_| !speech.calls.is_empty()) {
        speech.text.push_str(&leaked(&speech.calls, markup));
        speech.calls.clear();
        finish = if markup == Markup::Cut { Finish::Length } else { Finish::Stop };
    }
    if let Some(markup) = shape.leak_in_thinking.filter(|_| !speech.calls.is_empty()) {
        speech.thinking.push_str(&leaked(&speech.calls, markup));
        speech.calls.clear();
    }
    if let Some(tags) = shape.think_tags {
        let (open, close) = match tags {
            ThinkTags::Both => ("<think>", "</think>"),
            ThinkTags::CloseOnly => ("", "</think>"),
            ThinkTags::OpenOnly => ("<think>", ""),
        };
        speech.text = format!("{open}{}{close}{}", speech.thinking, speech.text);
        speech.thinking.clear();
    }
    if shape.arguments == ArgumentShape::Cut && !speech.calls.is_empty() {
        finish = Finish::Length;
    }
    let huge = speech.text.len() > HUGE && !speech.text.contains(' ');
    let mut pieces: Vec<Piece> =
        tokens(&speech.thinking).map(|token| Piece::Thinking(token.to_owned())).collect();
    if huge {
        pieces.push(Piece::Text(speech.text));
    } else {
        pieces.extend(tokens(&speech.text).map(|token| Piece::Text(token.to_owned())));
    }
    for (number, call) in speech.calls.iter().enumerate() {
        Teller { shape, id, number }.tell(call, &mut pieces);
    }
    Malformed { pieces, finish }
}

/// A text without a space that is longer than this is one piece.
const HUGE: usize = 4_096;

/// Tells one call in pieces.
struct Teller<'a> {
    shape: &'a Shape,
    id: &'a str,
    number: usize,
}

// === impl Teller ===

impl Teller<'_> {
    fn tell(&self, call: &Call, pieces: &mut Vec<Piece>) {
        let mut fragments = fragments(&call.arguments, self.shape.arguments);
        let late = self.shape.name == NameShape::Late;
        let name = self.name(call);
        let first = if late { fragments.remove(0) } else { String::new() };
        let opening = if late { Field::Absent } else { name.clone() };
        pieces.push(self.piece(true, self.first_id(), opening, first));
        for (position, fragment) in fragments.into_iter().enumerate() {
            let again = self.shape.name == NameShape::Repeated || (late && position == 0);
            let name = if again { name.clone() } else { Field::Absent };
            let id = match self.shape.id {
                IdShape::Repeated => self.first_id(),
                _ => Field::Absent,
            };
            pieces.push(self.piece(false, id, name, fragment));
        }
    }

    fn piece(&self, opens: bool, id: Field, name: Field, arguments: String) -> Piece {
        let index = if self.shape.index_zero { 0 } else { self.number };
        Piece::Tool(ToolPiece { call: self.number, index, opens, id, name, arguments })
    }

    fn first_id(&self) -> Field {
        match self.shape.id {
            IdShape::Unique | IdShape::Repeated => {
                Field::Text(format!("{}_{}", self.id, self.number))
            }
            IdShape::Same => Field::Text(format!("{}_0", self.id)),
            IdShape::Absent => Field::Absent,
            IdShape::Null => Field::Null,
            IdShape::Blank => Field::Text(String::new()),
        }
    }

    fn name(&self, call: &Call) -> Field {
        let name = call.name.as_str();
        Field::Text(match self.shape.name {
            NameShape::Null => return Field::Null,
            NameShape::Absent => return Field::Absent,
            NameShape::Blank => String::new(),
            NameShape::Cut => name.chars().take(name.chars().count().div_ceil(2)).collect(),
            NameShape::Glued => {
                let arguments = glm(&call.arguments, "");
                format!("{name}<tool_call>{}", arguments.trim_start_matches("<arg_key>"))
            }
            NameShape::Merged => {
                let arguments = glm(&call.arguments, "");
                format!("{name}{}", arguments.trim_start_matches("<arg_key>"))
            }
            NameShape::UpperCase => name.to_uppercase(),
            NameShape::Declared | NameShape::Repeated | NameShape::Late | NameShape::Undeclared => {
                name.to_owned()
            }
        })
    }
}

/// The arguments in the fragments that will be sent.
fn fragments(arguments: &Value, shape: ArgumentShape) -> Vec<String> {
    let json = arguments.to_string();
    let mut fragments: Vec<String> = match shape {
        ArgumentShape::Late => vec![json],
        ArgumentShape::Empty => vec![String::new()],
        ArgumentShape::Double => split(&Value::String(json).to_string()),
        ArgumentShape::Strings => split(&strings(arguments).to_string()),
        ArgumentShape::Cut => split(&json[..json.floor_char_boundary(json.len() * 2 / 3)]),
        ArgumentShape::Garbage => split(&format!("{json}\"]}}")),
        ArgumentShape::Stray => split(&stray(&json)),
        ArgumentShape::Repeated => {
            let mut fragments = split(&json);
            fragments.push(json);
            fragments
        }
        ArgumentShape::Streamed => split(&json),
    };
    if fragments.is_empty() {
        fragments.push(String::new());
    }
    fragments
}

fn split(text: &str) -> Vec<String> {
    tokens(text).map(str::to_owned).collect()
}

/// The same with the last quote or bracket twice.
fn stray(json: &str) -> String {
    let inner = json.strip_suffix('}').unwrap_or(json);
    let last = inner.chars().last().filter(|last| "\"]}".contains(*last)).unwrap_or('"');
    format!("{inner}{last}}}")
}

/// The same with every scalar and every nested value as a string.
fn strings(arguments: &Value) -> Value {
    let Value::Object(properties) = arguments else { return arguments.clone() };
    let text = |value: &Value| match value {
        Value::String(text) => Value::String(text.clone()),
        other => Value::String(other.to_string()),
    };
    Value::Object(properties.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

/// The calls as text in the notation of a model family.
fn leaked(calls: &[Call], markup: Markup) -> String {
    calls.iter().map(|call| leak(call, markup)).collect()
}

fn leak(call: &Call, markup: Markup) -> String {
    let Call { name, arguments } = call;
    match markup {
        Markup::Glm45 => format!("<tool_call>{name}\n{}</tool_call>", glm(arguments, "\n")),
        Markup::Glm47 => format!("<tool_call>{name}{}</tool_call>", glm(arguments, "")),
        Markup::Doubled => {
            format!("<tool_call><tool_call>{name}\n{}</tool_call>", glm(arguments, "\n"))
        }
        Markup::Empty => format!("<tool_call>{name}</tool_call>"),
        Markup::Merged => {
            let arguments = glm(arguments, "");
            format!("<tool_call>{name}{}</tool_call>", arguments.trim_start_matches("<arg_key>"))
        }
        Markup::Cut => {
            let whole = format!("<tool_call>{name}{}", glm(arguments, ""));
            whole[..whole.floor_char_boundary(whole.len().saturating_sub(8))].to_owned()
        }
        Markup::Qwen => format!("<tool_call>\n{}</tool_call>", qwen(name, arguments)),
        Markup::QwenBare => format!("{}</tool_call>", qwen(name, arguments)),
        Markup::Hermes => {
            let body = serde_json::json!({"name": name, "arguments": arguments});
            format!("<tool_call>\n{body}\n</tool_call>")
        }
        Markup::Prose => format!("I will now call the tool {name} with the arguments {arguments}."),
    }
}

/// The arguments as GLM writes them: strings raw, other types as JSON.
fn glm(arguments: &Value, line: &str) -> String {
    let pair = |name: &str, value: String| {
        format!("<arg_key>{name}</arg_key>{line}<arg_value>{value}</arg_value>{line}")
    };
    pairs(arguments).map(|(name, value)| pair(name, value)).collect()
}

/// The call as Qwen3-Coder writes it.
fn qwen(name: &str, arguments: &Value) -> String {
    let pair = |name: &str, value: String| format!("<parameter={name}>\n{value}\n</parameter>\n");
    let body: String = pairs(arguments).map(|(name, value)| pair(name, value)).collect();
    format!("<function={name}>\n{body}</function>\n")
}

fn pairs(arguments: &Value) -> impl Iterator<Item = (&str, String)> {
    let raw = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let properties = arguments.as_object().into_iter().flatten();
    properties.map(move |(name, value)| (name.as_str(), raw(value)))
}
