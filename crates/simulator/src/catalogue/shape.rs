//! The words for answers that are malformed as models and their servers malform them.

use super::Item;
use crate::recipe::{ArgumentShape, IdShape, Markup, NameShape, ThinkTags};

/// The notations of a leaked call, by word.
const MARKUPS: &[(&str, Markup)] = &[
    ("glm47", Markup::Glm47),
    ("glm45", Markup::Glm45),
    ("qwen", Markup::Qwen),
    ("qwen-bare", Markup::QwenBare),
    ("hermes", Markup::Hermes),
    ("doubled", Markup::Doubled),
    ("empty", Markup::Empty),
    ("merged", Markup::Merged),
    ("cut", Markup::Cut),
    ("prose", Markup::Prose),
];

pub(super) const SHAPES: &[Item] = &[
    Item {
        name: "leak",
        value: "[glm47|glm45|qwen|qwen-bare|hermes|doubled|empty|merged|cut|prose]",
        line: "The call stands in the text as `<tool_call>` or `<function=` markup (`doubled`: two openers, `empty`: no arguments, `merged`: the first `<arg_key>` is missing, `cut`: ends at the limit) and the reason is `stop`.",
        example: "echo+tools+leak=glm47",
        set: |recipe, value| {
            recipe.shape.leak = Some(value.one_of(MARKUPS)?);
            Ok(())
        },
    },
    Item {
        name: "leak-think",
        value: "[glm47|glm45|qwen|qwen-bare|hermes|doubled|empty|merged|cut|prose]",
        line: "The call stands in the thinking; the reason is `tool_calls`, but no call comes.",
        example: "echo+tools+leak-think=glm45",
        set: |recipe, value| {
            recipe.shape.leak_in_thinking = Some(value.one_of(MARKUPS)?);
            Ok(())
        },
    },
    Item {
        name: "args",
        value: "late|repeat|garbage|stray|double|cut|strings|empty",
        line: "The arguments come in one piece at the end, come twice, have garbage behind them or a quote too many inside, are JSON in a string, break off with `length`, have strings for numbers and objects, or are absent.",
        example: "echo+tools+args=repeat",
        set: |recipe, value| {
            value.text()?;
            recipe.shape.arguments = value.one_of(&[
                ("late", ArgumentShape::Late),
                ("repeat", ArgumentShape::Repeated),
                ("garbage", ArgumentShape::Garbage),
                ("stray", ArgumentShape::Stray),
                ("double", ArgumentShape::Double),
                ("cut", ArgumentShape::Cut),
                ("strings", ArgumentShape::Strings),
                ("empty", ArgumentShape::Empty),
            ])?;
            Ok(())
        },
    },
    Item {
        name: "name",
        value: "null|none|empty|cut|glued|merged|repeat|late|case|unknown",
        line: "The tool's name is null, absent, empty, cut short, glued to markup, merged with the first argument's name, said in every piece, late, in capitals, or of no declared tool.",
        example: "echo+tools+name=null",
        set: |recipe, value| {
            value.text()?;
            recipe.shape.name = value.one_of(&[
                ("null", NameShape::Null),
                ("none", NameShape::Absent),
                ("empty", NameShape::Blank),
                ("cut", NameShape::Cut),
                ("glued", NameShape::Glued),
                ("merged", NameShape::Merged),
                ("repeat", NameShape::Repeated),
                ("late", NameShape::Late),
                ("case", NameShape::UpperCase),
                ("unknown", NameShape::Undeclared),
            ])?;
            Ok(())
        },
    },
    Item {
        name: "id",
        value: "none|null|empty|same|repeat",
        line: "The id of the call is absent, null, empty, shared by all calls, or said in every piece.",
        example: "echo+tools+id=none",
        set: |recipe, value| {
            value.text()?;
            recipe.shape.id = value.one_of(&[
                ("none", IdShape::Absent),
                ("null", IdShape::Null),
                ("empty", IdShape::Blank),
                ("same", IdShape::Same),
                ("repeat", IdShape::Repeated),
            ])?;
            Ok(())
        },
    },
    Item {
        name: "index-zero",
        value: "",
        line: "Every call of a turn says it is at index 0.",
        example: "echo+tools=2+index-zero",
        set: |recipe, value| {
            recipe.shape.index_zero = true;
            value.none()
        },
    },
    Item {
        name: "finish",
        value: "REASON|none",
        line: "The reason for the end, whatever the truth is (`stop` with a tool call, `content_filter`, `abort`); `none`: null.",
        example: "echo+tools+finish=stop",
        set: |recipe, value| {
            recipe.shape.finish = Some(value.text()?.to_owned());
            Ok(())
        },
    },
    Item {
        name: "think-tags",
        value: "[both|close|open]",
        line: "The thinking stands in the content, between `<think>` tags or with only one of them.",
        example: "echo+think+think-tags=both",
        set: |recipe, value| {
            recipe.shape.think_tags = Some(value.one_of(&[
                ("both", ThinkTags::Both),
                ("close", ThinkTags::CloseOnly),
                ("open", ThinkTags::OpenOnly),
            ])?);
            Ok(())
        },
    },
    Item {
        name: "null-content",
        value: "",
        line: "The content is null and there is no text, whatever the question.",
        example: "echo+null-content",
        set: |recipe, value| {
            recipe.shape.null_content = true;
            value.none()
        },
    },
    Item {
        name: "loop",
        value: "",
        line: "The same words again and again, until `max_tokens` or until the client leaves.",
        example: "loop",
        set: |recipe, value| {
            recipe.shape.endless = true;
            value.none()
        },
    },
    Item {
        name: "loop-forced",
        value: "",
        line: "As `loop`, but only when the request forces a tool call.",
        example: "echo+loop-forced",
        set: |recipe, value| {
            recipe.shape.endless_if_forced = true;
            value.none()
        },
    },
    Item {
        name: "no-tool-history",
        value: "",
        line: "A request with a tool result in its history is refused, as some templates do.",
        example: "echo+no-tool-history",
        set: |recipe, value| {
            recipe.shape.no_tool_history = true;
            value.none()
        },
    },
];
