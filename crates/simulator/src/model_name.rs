//! The grammar of model names: `name[+option[=value]]*`, such as `story+words=200+pace=20ms`.
//!
//! Owns the splitting and the reading of values; refuses to know the words themselves (`catalogue`).

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::catalogue;
use crate::error::{Error, Result};
use crate::recipe::Recipe;

/// Longest time that a name may ask for.
const LONGEST_TIME: Duration = Duration::from_secs(3_600);

/// The text after the `=` of one option.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a>(Option<&'a str>);

/// Reads a model name.
///
/// The first word is a voice (`echo`, `story`, `script`), or an option that then stands for `echo` with
/// that option: `hang` is `echo+hang`. A later option overrides an earlier one.
///
/// # Errors
/// [`Error::ModelName`] when a word is unknown or its value cannot be.
pub fn parse(name: &str) -> Result<Recipe> {
    let mut recipe = Recipe::default();
    for word in name.split('+') {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (word, None),
        };
        let set = catalogue::find(key).ok_or_else(|| "is not a word of the simulator".to_owned());
        set.and_then(|item| (item.set)(&mut recipe, Value(value))).map_err(|problem| {
            Error::ModelName { name: name.to_owned(), word: word.to_owned(), problem }
        })?;
    }
    Ok(recipe)
}

// === impl Value ===

impl<'a> Value<'a> {
    /// For options that take none.
    pub fn none(self) -> Result<(), String> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err("takes no value".to_owned()),
        }
    }

    /// The text itself.
    pub fn text(self) -> Result<&'a str, String> {
        self.0.filter(|text| !text.is_empty()).ok_or_else(|| "needs a value".to_owned())
    }

    /// One of the given words; the first when there is no value.
    pub fn one_of<T: Copy>(self, words: &[(&str, T)]) -> Result<T, String> {
        let found = match self.0 {
            None => words.first(),
            Some(text) => words.iter().find(|(word, _)| *word == text),
        };
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            format!("takes one of {}", known.join(", "))
        })
    }

    /// A whole number up to a limit; `default` when there is no value.
    pub fn number(self, default: u32, most: u32) -> Result<u32, String> {
        let Some(text) = self.0 else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|number| *number <= most)
            .ok_or_else(|| format!("takes a whole number up to {most}"))
    }

    /// A size of at least one byte; `default` when there is no value.
    pub fn size_or(self, default: NonZeroUsize) -> Result<NonZeroUsize, String> {
        let Some(text) = self.0 else { return Ok(default) };
        text.parse().map_err(|_| "takes a number of bytes, from 1".to_owned())
    }

    /// A span such as `20ms`, `1s` or `500us`.
    pub fn time(self) -> Result<Duration, String> {
        let problem = || "takes a time up to an hour, such as 500us, 20ms or 2s".to_owned();
        let text = self.text()?;
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits.parse().map_err(|_| problem())?;
        let span = match &text[digits.len()..] {
            "us" => Duration::from_micros(number),
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            _ => return Err(problem()),
        };
        if span <= LONGEST_TIME { Ok(span) } else { Err(problem()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Accident, Chunk, Midway, Voice};

    #[test]
    fn reads_voice_and_options() {
        let recipe = parse("story+words=200+pace=20ms+chunk=3+crlf").unwrap();
        assert_eq!(recipe.voice, Voice::Story);
        assert_eq!(recipe.content.words, Some(200));
        assert_eq!(recipe.timing.pace, Some(Duration::from_millis(20)));
        assert_eq!(recipe.framing.chunk, Chunk::Bytes(NonZeroUsize::new(3).unwrap()));
        assert!(recipe.framing.crlf);
    }

    #[test]
    fn an_option_alone_is_an_echo_with_it() {
        assert_eq!(parse("cut-after=2").unwrap(), parse("echo+cut-after=2").unwrap());
        let expected = Midway { after: 2, accident: Accident::Cut };
        assert_eq!(parse("cut-after=2").unwrap().fault.midway, Some(expected));
    }

    #[test]
    fn the_last_word_wins() {
        let recipe = parse("echo+pace=1s+pace=2ms").unwrap();
        assert_eq!(recipe.timing.pace, Some(Duration::from_millis(2)));
    }

    #[test]
    fn says_what_is_wrong() {
        for (name, expected) in [
            ("gpt-4o", "`gpt-4o` is not a word of the simulator"),
            ("", "`` is not a word of the simulator"),
            ("echo+", "`` is not a word of the simulator"),
            ("echo+pace=fast", "`pace=fast` takes a time up to an hour"),
            ("echo+pace=2h", "`pace=2h` takes a time up to an hour"),
            ("echo+pace=é", "`pace=é` takes a time up to an hour"),
            ("echo+pace", "`pace` needs a value"),
            ("echo+crlf=yes", "`crlf=yes` takes no value"),
            ("echo+chunk=0", "`chunk=0` takes a number of bytes, from 1"),
            ("echo+status=200", "`status=200` takes one of"),
            ("story+words=99999999", "`words=99999999` takes a whole number up to 100000"),
        ] {
            let text = parse(name).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
    }
}
