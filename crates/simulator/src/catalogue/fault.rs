//! The words for servers and networks that fail.

use std::num::NonZeroUsize;

use super::Item;
use crate::model_name::Value;
use crate::recipe::{Accident, ErrorBody, Instead, Midway, Overflow, Recipe};

/// The statuses of refusal, by word.
const STATUSES: &[(&str, u16)] = &[
    ("500", 500),
    ("400", 400),
    ("401", 401),
    ("402", 402),
    ("403", 403),
    ("404", 404),
    ("408", 408),
    ("409", 409),
    ("413", 413),
    ("422", 422),
    ("429", 429),
    ("502", 502),
    ("503", 503),
    ("504", 504),
    ("529", 529),
];

pub(super) const REFUSALS: &[Item] = &[
    Item {
        name: "status",
        value: "400|401|402|403|404|408|409|413|422|429|500|502|503|504|529",
        line: "Refuses with this status and the body that the interface has for it.",
        example: "status=529",
        set: |recipe, value| {
            value.text()?;
            recipe.fault.status = Some(value.one_of(STATUSES)?);
            Ok(())
        },
    },
    Item {
        name: "retry-after",
        value: "SECONDS",
        line: "A refusal says when to come back.",
        example: "status=429+retry-after=1",
        set: |recipe, value| {
            value.text()?;
            recipe.fault.retry_after = Some(value.number(0, 86_400)?);
            Ok(())
        },
    },
    Item {
        name: "should-retry",
        value: "true|false",
        line: "A refusal says in `x-should-retry` whether to come back.",
        example: "status=500+should-retry=false",
        set: |recipe, value| {
            value.text()?;
            recipe.fault.should_retry = Some(value.one_of(&[("true", true), ("false", false)])?);
            Ok(())
        },
    },
    Item {
        name: "error-body",
        value: "html|text|detail|empty",
        line: "The body of a refusal is a proxy's page, a line of text, `{\"detail\":...}` or nothing.",
        example: "status=502+error-body=html",
        set: |recipe, value| {
            value.text()?;
            recipe.fault.error_body = value.one_of(&[
                ("html", ErrorBody::Html),
                ("text", ErrorBody::Text),
                ("detail", ErrorBody::Detail),
                ("empty", ErrorBody::Empty),
            ])?;
            Ok(())
        },
    },
    Item {
        name: "overflow",
        value: "openai|vllm|sglang|anthropic",
        line: "Refuses the prompt as too long, in this server's words; with `window` only when it is.",
        example: "overflow=vllm",
        set: |recipe, value| {
            value.text()?;
            recipe.fault.overflow = Some(value.one_of(&[
                ("openai", Overflow::OpenAi),
                ("vllm", Overflow::Vllm),
                ("sglang", Overflow::Sglang),
                ("anthropic", Overflow::Anthropic),
            ])?);
            Ok(())
        },
    },
    Item {
        name: "flaky",
        value: "N",
        line: "The faults of the name (else 503) happen to the first N requests of a conversation; the key is `user`, `metadata.user_id` or the header `x-sim-conversation`.",
        example: "echo+flaky=2",
        set: |recipe, value| {
            value.text()?;
            recipe.fault.flaky = Some(value.number(0, 1_000)?);
            Ok(())
        },
    },
];

pub(super) const ACCIDENTS: &[Item] = &[
    Item {
        name: "hang",
        value: "",
        line: "Never answers.",
        example: "hang",
        set: |recipe, value| instead(recipe, value, Instead::Hang),
    },
    Item {
        name: "drop",
        value: "",
        line: "Closes the connection without a byte.",
        example: "drop",
        set: |recipe, value| instead(recipe, value, Instead::Drop),
    },
    Item {
        name: "empty-body",
        value: "",
        line: "Status 200 and no body.",
        example: "empty-body",
        set: |recipe, value| instead(recipe, value, Instead::Empty),
    },
    Item {
        name: "redirect",
        value: "",
        line: "Status 307 to another address of this machine.",
        example: "redirect",
        set: |recipe, value| instead(recipe, value, Instead::Redirect),
    },
    Item {
        name: "content-type",
        value: "json|html|text|sse|none",
        line: "Says this content type, whatever it sends.",
        example: "echo+content-type=html",
        set: |recipe, value| {
            value.text()?;
            recipe.fault.content_type = Some(value.one_of(&[
                ("json", "application/json"),
                ("html", "text/html; charset=utf-8"),
                ("text", "text/plain"),
                ("sse", "text/event-stream"),
                ("none", ""),
            ])?);
            Ok(())
        },
    },
    Item {
        name: "drip",
        value: "[BYTES]",
        line: "One byte at a time, or a few, with `pace` (else 50ms) after each.",
        example: "echo+drip=16+pace=1ms",
        set: |recipe, value| {
            recipe.fault.drip = Some(value.size_or(NonZeroUsize::MIN)?);
            Ok(())
        },
    },
    Item {
        name: "hang-after",
        value: "N",
        line: "Silence for ever after N tokens (unstreamed: after half of the body, as all accidents below).",
        example: "story+hang-after=2",
        set: |recipe, value| midway(recipe, value, Accident::Hang),
    },
    Item {
        name: "cut-after",
        value: "N",
        line: "The connection closes in the middle of an HTTP chunk after N tokens.",
        example: "story+cut-after=2",
        set: |recipe, value| midway(recipe, value, Accident::Cut),
    },
    Item {
        name: "reset-after",
        value: "N",
        line: "The same with a TCP reset.",
        example: "story+reset-after=2",
        set: |recipe, value| midway(recipe, value, Accident::Reset),
    },
    Item {
        name: "eof-after",
        value: "N",
        line: "A clean end of the body after N tokens: no reason, no usage, no closing event.",
        example: "story+eof-after=2",
        set: |recipe, value| midway(recipe, value, Accident::Eof),
    },
    Item {
        name: "torn-after",
        value: "N",
        line: "A clean end of the body in the middle of an event.",
        example: "story+torn-after=2",
        set: |recipe, value| midway(recipe, value, Accident::Torn),
    },
    Item {
        name: "error-after",
        value: "N",
        line: "An error event after N tokens, then a clean end (unstreamed: status 500).",
        example: "story+error-after=2",
        set: |recipe, value| midway(recipe, value, Accident::Error),
    },
    Item {
        name: "bad-json-after",
        value: "N",
        line: "An event whose JSON breaks off; the stream goes on after it.",
        example: "story+bad-json-after=2",
        set: |recipe, value| midway(recipe, value, Accident::BadJson),
    },
    Item {
        name: "bad-utf8-after",
        value: "N",
        line: "An event with bytes that are not UTF-8; the stream goes on after it.",
        example: "story+bad-utf8-after=2",
        set: |recipe, value| midway(recipe, value, Accident::BadUtf8),
    },
];

/// Sets what happens instead of an answer.
fn instead(recipe: &mut Recipe, value: Value<'_>, what: Instead) -> Result<(), String> {
    recipe.fault.instead = Some(what);
    value.none()
}

/// Sets what happens in the middle of an answer.
fn midway(recipe: &mut Recipe, value: Value<'_>, accident: Accident) -> Result<(), String> {
    value.text()?;
    recipe.fault.midway = Some(Midway { after: value.number(0, 1_000_000)?, accident });
    Ok(())
}
