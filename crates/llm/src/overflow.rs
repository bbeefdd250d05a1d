//! Recognises that a conversation did not fit into a model's window, in the words of each server.
//!
//! | Server | Words |
//! |---|---|
//! | OpenAI, vLLM | `This model's maximum context length is L tokens. However, you requested A tokens` |
//! | OpenAI, vLLM | `... However, your messages resulted in A tokens` |
//! | vLLM | `The decoder prompt (length A) is longer than the maximum model length of L` |
//! | vLLM | `You passed A input tokens ... the model's context length is only L tokens` |
//! | `SGLang` | `The input (A tokens) is longer than the model's context length (L tokens)` |
//! | `SGLang` | `... maximum context length of L tokens. You requested a total of A tokens` |
//! | Anthropic | `prompt is too long: A tokens > L maximum` |
//! | Anthropic | ``input length and `max_tokens` exceed context limit: A + B > L`` |

/// That it did not fit, and by how much where that was told, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overflow {
    /// The window.
    pub(crate) limit: Option<u64>,
    /// What was asked of it.
    pub(crate) asked: Option<u64>,
}

/// What the texts have in common, in lower case.
const MARKS: [&str; 6] = [
    "maximum context length",
    "context length",
    "maximum model length",
    "prompt is too long",
    "exceed context limit",
    "context window",
];

/// The words that stand before the window's size.
const LIMITS: [&str; 6] = [
    "maximum context length is",
    "maximum context length of",
    "maximum model length of",
    "context length is only",
    "context length (",
    ">",
];

/// The words that stand before what was asked.
const ASKED: [&str; 7] = [
    "you requested a total of",
    "you requested",
    "resulted in",
    "you passed",
    "(length",
    "the input (",
    "prompt is too long:",
];

// === impl Overflow ===

impl Overflow {
    /// Reads it from a provider's words and the names it gave its complaint.
    pub(crate) fn read(message: &str, names: &[String]) -> Option<Self> {
        let text = message.to_ascii_lowercase();
        let is_named = names.iter().any(|name| name == "context_length_exceeded");
        if !is_named && !MARKS.iter().any(|mark| text.contains(mark)) {
            return None;
        }
        let first =
            |phrases: &[&str]| phrases.iter().find_map(|phrase| number_after(&text, phrase));
        let sum = || {
            let (_, terms) = text.split_once("exceed context limit:")?;
            let (one, other) = terms.split_once('>')?.0.split_once('+')?;
            one.trim().parse::<u64>().ok()?.checked_add(other.trim().parse().ok()?)
        };
        Some(Self { limit: first(&LIMITS), asked: sum().or_else(|| first(&ASKED)) })
    }
}

/// The number that directly follows a phrase.
fn number_after(text: &str, phrase: &str) -> Option<u64> {
    let (_, rest) = text.split_once(phrase)?;
    let rest = rest.trim_start();
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_servers_words_are_understood() {
        for (text, limit, asked) in [
            (
                "This model's maximum context length is 8192 tokens. However, you requested 9300 tokens (8300 in the messages, 1000 in the completion). Please reduce the length of the messages.",
                Some(8192),
                Some(9300),
            ),
            (
                "This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens.",
                Some(128_000),
                Some(130_001),
            ),
            (
                "The decoder prompt (length 9000) is longer than the maximum model length of 8192. Make sure that ...",
                Some(8192),
                Some(9000),
            ),
            (
                "You passed 5000 input tokens and requested 1000 output tokens. However, the model's context length is only 4096 tokens",
                Some(4096),
                Some(5000),
            ),
            (
                "'max_tokens' or 'max_completion_tokens' is too large: 64000. This model's maximum context length is 32768 tokens and your request has 1000 input tokens (64000 > 32768 - 1000).",
                Some(32_768),
                None,
            ),
            (
                "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
                Some(8192),
                Some(9000),
            ),
            (
                "Requested token count exceeds the model's maximum context length of 131072 tokens. You requested a total of 140000 tokens: 130000 tokens from the input messages and 10000 tokens for the completion.",
                Some(131_072),
                Some(140_000),
            ),
            ("prompt is too long: 201000 tokens > 200000 maximum", Some(200_000), Some(201_000)),
            (
                "input length and `max_tokens` exceed context limit: 150000 + 64000 > 200000, decrease input length or `max_tokens` and try again",
                Some(200_000),
                Some(214_000),
            ),
            ("Your input exceeds the context window of this model.", None, None),
        ] {
            assert_eq!(Overflow::read(text, &[]), Some(Overflow { limit, asked }), "{text}");
        }
    }

    #[test]
    fn a_name_is_enough_and_other_words_are_not() {
        let names = ["context_length_exceeded".to_owned()];
        assert_eq!(Overflow::read("", &names), Some(Overflow { limit: None, asked: None }));
        assert_eq!(Overflow::read("max_tokens must be positive", &[]), None);
        assert_eq!(Overflow::read("", &[]), None);
    }
}
