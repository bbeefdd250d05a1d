//! The words that choose when and in what bytes an answer leaves.

use std::num::NonZeroUsize;

use super::Item;
use crate::recipe::Chunk;

pub(super) const TIMING: &[Item] = &[
    Item {
        name: "pace",
        value: "TIME",
        line: "Waits between tokens; an unstreamed answer waits as long in all.",
        example: "echo+pace=2ms",
        set: |recipe, value| {
            recipe.timing.pace = Some(value.time()?);
            Ok(())
        },
    },
    Item {
        name: "first",
        value: "TIME",
        line: "Waits before the first token, the stream being open.",
        example: "echo+first=30ms",
        set: |recipe, value| {
            recipe.timing.first = value.time()?;
            Ok(())
        },
    },
    Item {
        name: "headers",
        value: "TIME",
        line: "Waits before the status line.",
        example: "echo+headers=30ms",
        set: |recipe, value| {
            recipe.timing.headers = value.time()?;
            Ok(())
        },
    },
    Item {
        name: "slow",
        value: "TIMES",
        line: "Takes so many times as long until the first token, as a provider in a brown-out does.",
        example: "echo+first=30ms+slow=10",
        set: |recipe, value| {
            value.text()?;
            recipe.timing.slow = Some(value.number(1, 1_000)?.max(1));
            Ok(())
        },
    },
];

pub(super) const BYTES: &[Item] = &[
    Item {
        name: "chunk",
        value: "event|all|BYTES",
        line: "Where the stream is split: after each event, nowhere, or every so many bytes, also inside UTF-8 and CRLF.",
        example: "echo+chunk=1",
        set: |recipe, value| {
            recipe.framing.chunk = match value.text()? {
                "event" => Chunk::Event,
                "all" => Chunk::All,
                _ => Chunk::Bytes(value.size_or(NonZeroUsize::MIN)?),
            };
            Ok(())
        },
    },
    Item {
        name: "crlf",
        value: "",
        line: "Lines end in CRLF.",
        example: "echo+crlf",
        set: |recipe, value| {
            recipe.framing.crlf = true;
            value.none()
        },
    },
    Item {
        name: "comments",
        value: "",
        line: "Comment lines, and on the Anthropic wire pings, stand between events.",
        example: "echo+comments",
        set: |recipe, value| {
            recipe.framing.comments = true;
            value.none()
        },
    },
    Item {
        name: "nospace",
        value: "",
        line: "No space after the colon: `data:{...}`.",
        example: "echo+nospace",
        set: |recipe, value| {
            recipe.framing.no_space = true;
            value.none()
        },
    },
    Item {
        name: "multiline",
        value: "",
        line: "The JSON of an event is spread over several `data:` lines.",
        example: "echo+multiline",
        set: |recipe, value| {
            recipe.framing.multiline = true;
            value.none()
        },
    },
    Item {
        name: "bom",
        value: "",
        line: "The stream opens with a byte order mark.",
        example: "echo+bom",
        set: |recipe, value| {
            recipe.framing.bom = true;
            value.none()
        },
    },
    Item {
        name: "unknown",
        value: "",
        line: "Events that no client knows are mixed in.",
        example: "echo+unknown",
        set: |recipe, value| {
            recipe.framing.unknown = true;
            value.none()
        },
    },
    Item {
        name: "no-done",
        value: "",
        line: "Everything but the closing marker: no `[DONE]`, no `message_stop`.",
        example: "echo+no-done",
        set: |recipe, value| {
            recipe.framing.no_done = true;
            value.none()
        },
    },
];
