//! The words that choose what an answer says.

use super::Item;
use crate::recipe::{UsageMode, Voice};

/// Longest story, in words.
const MOST_WORDS: u32 = 100_000;

pub(super) const VOICES: &[Item] = &[
    Item {
        name: "echo",
        value: "",
        line: "Repeats the last words of the user: \"You said: ...\". After tool results it repeats these.",
        example: "echo",
        set: |recipe, value| {
            recipe.voice = Voice::Echo;
            value.none()
        },
    },
    Item {
        name: "story",
        value: "",
        line: "Tells the same tale every time, 50 words unless `words` says otherwise.",
        example: "story+words=12",
        set: |recipe, value| {
            recipe.voice = Voice::Story;
            value.none()
        },
    },
    Item {
        name: "script",
        value: "[NAME]",
        line: "Plays the next turn of a prepared conversation, counted by the assistant turns in the request.",
        example: "script=greeting",
        set: |recipe, value| {
            recipe.voice = Voice::Script;
            recipe.content.script = value.text().ok().map(str::to_owned);
            Ok(())
        },
    },
];

pub(super) const OPTIONS: &[Item] = &[
    Item {
        name: "words",
        value: "N",
        line: "Length of a story.",
        example: "story+words=200",
        set: |recipe, value| {
            value.text()?;
            recipe.content.words = Some(value.number(0, MOST_WORDS)?);
            Ok(())
        },
    },
    Item {
        name: "think",
        value: "[N]",
        line: "Thinks N words (12) first: `reasoning_content`, or a thinking block when the request enables thinking.",
        example: "echo+think=6",
        set: |recipe, value| {
            recipe.content.think = Some(value.number(12, MOST_WORDS)?);
            Ok(())
        },
    },
    Item {
        name: "think-as",
        value: "reasoning|reasoning_content",
        line: "The OpenAI field that carries thinking: vLLM says `reasoning`.",
        example: "echo+think+think-as=reasoning",
        set: |recipe, value| {
            value.text()?;
            recipe.content.think_as_reasoning =
                value.one_of(&[("reasoning", true), ("reasoning_content", false)])?;
            Ok(())
        },
    },
    Item {
        name: "tools",
        value: "[N]",
        line: "Calls N (1) of the declared tools with arguments valid by their schema; after the results it answers in text.",
        example: "echo+tools=2",
        set: |recipe, value| {
            recipe.content.tools = value.number(1, 64)?;
            Ok(())
        },
    },
    Item {
        name: "choices",
        value: "N",
        line: "Sends N choices (OpenAI), asked or not.",
        example: "echo+choices=2",
        set: |recipe, value| {
            value.text()?;
            recipe.content.choices = value.number(1, 8)?;
            Ok(())
        },
    },
    Item {
        name: "usage",
        value: "none|end|each",
        line: "When usage is told, whatever the request asks.",
        example: "echo+usage=none",
        set: |recipe, value| {
            value.text()?;
            recipe.content.usage = value.one_of(&[
                ("none", UsageMode::Never),
                ("end", UsageMode::End),
                ("each", UsageMode::Each),
            ])?;
            Ok(())
        },
    },
    Item {
        name: "cached",
        value: "N",
        line: "N tokens of the prompt came from the cache.",
        example: "echo+cached=3",
        set: |recipe, value| {
            value.text()?;
            recipe.content.cached = value.number(0, 10_000_000)?;
            Ok(())
        },
    },
    Item {
        name: "window",
        value: "TOKENS",
        line: "Refuses a request whose prompt and `max_tokens` do not fit together.",
        example: "echo+window=8",
        set: |recipe, value| {
            value.text()?;
            recipe.content.window = Some(value.number(0, 10_000_000)?);
            Ok(())
        },
    },
    Item {
        name: "proper",
        value: "",
        line: "Behaves as OpenAI itself: refuses the fields that only vLLM and SGLang know.",
        example: "echo+proper",
        set: |recipe, value| {
            recipe.content.proper = true;
            value.none()
        },
    },
    Item {
        name: "huge-line",
        value: "BYTES",
        line: "Sends a piece of text of so many bytes on one line.",
        example: "echo+huge-line=300000",
        set: |recipe, value| {
            value.text()?;
            recipe.content.huge_line = Some(value.number(0, 64 << 20)?);
            Ok(())
        },
    },
];
