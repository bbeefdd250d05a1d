//! Every word that a model name may hold, with one line about each.
//!
//! Owns the one table behind the grammar, `GET /v1/models`, the help and the documentation page; a word
//! that is not here does not exist.

mod content;
mod fault;
mod framing;
mod shape;

use std::fmt::Write as _;

use crate::model_name::Value;
use crate::recipe::Recipe;

/// One word of the grammar.
#[derive(Debug)]
pub struct Item {
    /// The word.
    pub name: &'static str,
    /// What stands after the `=`; empty when the word takes no value. In brackets: may be left out.
    pub value: &'static str,
    /// What it does.
    pub line: &'static str,
    /// A model name that shows it.
    pub example: &'static str,
    /// How it changes the recipe.
    pub(crate) set: fn(&mut Recipe, Value<'_>) -> Result<(), String>,
}

/// Words of one family.
#[derive(Debug)]
pub struct Section {
    /// The family's name.
    pub title: &'static str,
    /// Its words.
    pub items: &'static [Item],
}

/// Every family, in the order of the documentation page.
#[must_use]
pub fn catalogue() -> &'static [Section] {
    SECTIONS
}

/// The catalogue as Markdown tables.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::new();
    for section in SECTIONS {
        let _ =
            writeln!(page, "### {}\n\n| Word | Meaning | Example |\n|---|---|---|", section.title);
        for item in section.items {
            let spelling = item.spelling();
            let spelling = spelling.replace('|', "\\|");
            let _ = writeln!(page, "| `{spelling}` | {} | `{}` |", item.line, item.example);
        }
        page.push('\n');
    }
    page
}

/// The item of a word.
pub(crate) fn find(name: &str) -> Option<&'static Item> {
    SECTIONS.iter().flat_map(|section| section.items).find(|item| item.name == name)
}

static SECTIONS: &[Section] = &[
    Section { title: "Voices", items: content::VOICES },
    Section { title: "Content", items: content::OPTIONS },
    Section { title: "Timing", items: framing::TIMING },
    Section { title: "Bytes of the stream", items: framing::BYTES },
    Section { title: "Malformed answers", items: shape::SHAPES },
    Section { title: "Refusals", items: fault::REFUSALS },
    Section { title: "Accidents", items: fault::ACCIDENTS },
];

// === impl Item ===

impl Item {
    /// The word with its value, as one writes it.
    #[must_use]
    pub fn spelling(&self) -> String {
        match self.value.strip_prefix('[') {
            _ if self.value.is_empty() => self.name.to_owned(),
            Some(optional) => format!("{}[={optional}", self.name),
            None => format!("{}={}", self.name, self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::model_name::parse;

    #[test]
    fn every_example_is_a_name_that_uses_its_word() {
        let mut seen = HashSet::new();
        for item in SECTIONS.iter().flat_map(|section| section.items) {
            assert!(seen.insert(item.name), "{} stands twice", item.name);
            let words = item.example.split('+').map(|word| word.split('=').next().unwrap());
            assert!(words.into_iter().any(|word| word == item.name), "{}", item.example);
            let recipe = parse(item.example).unwrap();
            let plain = recipe == Recipe::default();
            assert!(!plain || item.name == "echo", "{} changes nothing", item.example);
            assert!(item.line.ends_with('.'), "{}", item.line);
        }
    }

    #[test]
    fn the_page_holds_the_catalogue() {
        let page = include_str!("../../../docs/simulator.md");
        assert!(
            page.contains(&markdown()),
            "docs/simulator.md is out of date; put this in:\n{}",
            markdown()
        );
    }
}
