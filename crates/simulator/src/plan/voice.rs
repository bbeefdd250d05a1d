//! What an answer says: the echo, the tale, the script, and which tools it calls.

use super::{Piece, Speech, tokens};
use crate::ask::{Ask, Choice, Tool};
use crate::recipe::{Recipe, Voice};
use crate::schema;
use crate::script::{Call, Script};

/// The words of the tale, told over and over.
const TALE: &str = "The lighthouse keeper counted the ships that passed in the evening and wrote each \
    name in a book with a blue cover. When the fog came she lit the lamp and rang the bell twice so that \
    every boat could find its way home before the tide turned.";

/// The words of thinking.
const THOUGHT: &str =
    "The user wants an answer so I look at what was said and decide how to reply.";

/// The words of an answer that never ends.
const REFRAIN: &str = " and again the same words come round";

/// Length of a tale when nobody says otherwise, in words.
const TALE_WORDS: u32 = 50;

/// What the answer says.
pub(super) fn speech(ask: &Ask, recipe: &Recipe, scripts: &[Script]) -> Speech {
    let content = &recipe.content;
    let mut speech = match recipe.voice {
        Voice::Script => scripted(ask, recipe, scripts),
        _ if !ask.results.is_empty() && !ask.forces_tool() => Speech {
            text: format!("Tool results: {}", ask.results.join(" | ")),
            ..Speech::default()
        },
        Voice::Echo => Speech {
            text: format!("You said: {}", ask.words),
            calls: calls(ask, content.tools),
            ..Speech::default()
        },
        Voice::Story => Speech {
            text: words(TALE, content.words.unwrap_or(TALE_WORDS)),
            calls: calls(ask, content.tools),
            ..Speech::default()
        },
    };
    if recipe.voice != Voice::Script && !speech.calls.is_empty() {
        speech.text.clear();
    }
    if let Some(schema) = ask.format.as_ref().filter(|_| speech.calls.is_empty()) {
        speech.text = schema::sample(schema).to_string();
    }
    if let Some(bytes) = content.huge_line {
        speech.text = "x".repeat(bytes as usize);
    }
    if let Some(count) = content.think.filter(|_| ask.may_think && speech.thinking.is_empty()) {
        speech.thinking = words(THOUGHT, count);
    }
    speech
}

/// The turn of the wanted script that the request has come to.
fn scripted(ask: &Ask, recipe: &Recipe, scripts: &[Script]) -> Speech {
    let wanted = recipe.content.script.as_deref();
    let script = match wanted {
        Some(name) => scripts.iter().find(|script| script.name == name),
        None => scripts.first(),
    };
    let Some(script) = script else {
        let text = format!("There is no script named {}.", wanted.unwrap_or("(none)"));
        return Speech { text, ..Speech::default() };
    };
    let turn = script.turn(ask.turns);
    let thinking = if ask.may_think { turn.thinking } else { String::new() };
    Speech { thinking, text: turn.text, calls: turn.calls }
}

/// The calls that the name or the request asks for.
fn calls(ask: &Ask, wanted: u32) -> Vec<Call> {
    let tools: Vec<&Tool> = match &ask.choice {
        Choice::Never => Vec::new(),
        Choice::Named(name) => ask.tools.iter().filter(|tool| tool.name == *name).collect(),
        Choice::Auto | Choice::Any => ask.tools.iter().collect(),
    };
    let wanted = if ask.forces_tool() { wanted.max(1) } else { wanted };
    let wanted = if ask.parallel { wanted } else { wanted.min(1) };
    let call =
        |tool: &&Tool| Call { name: tool.name.clone(), arguments: schema::sample(&tool.schema) };
    tools.iter().cycle().take(wanted as usize).map(call).collect()
}

/// The first words of a text, told over and over.
fn words(text: &str, count: u32) -> String {
    text.split(' ').cycle().take(count as usize).collect::<Vec<_>>().join(" ")
}

/// One round of an answer that never ends.
pub(super) fn loop_pieces() -> Vec<Piece> {
    tokens(REFRAIN).map(|token| Piece::Text(token.to_owned())).collect()
}
