//! What the person or the program that called sees: data on the standard output, nothing else.
//!
//! With `--json` it is one JSON document, or one per line for what has no end. Colours appear only on a
//! terminal, and never when `NO_COLOR` is set.

mod ago;
mod diff;
mod failure;
mod table;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

pub use ago::{ago, span};
pub use diff::diff;
pub use failure::{tell, tell_usage};
pub use table::Table;

/// Longest value in a block of facts, in bytes.
const LONGEST_FACT: usize = 1_024;

/// Something that can be shown to a person; its serialised form is what a program gets.
pub trait Show: Serialize {
    /// Writes it for a person to read.
    ///
    /// # Errors
    /// When the screen cannot be written.
    fn show(&self, screen: &mut Screen<'_>) -> io::Result<()>;
}

/// Where data goes, and in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// JSON instead of text.
    pub json: bool,
    /// Whether the standard output may have colours.
    pub colour: bool,
}

/// A place to write lines to, perhaps in colour.
pub struct Screen<'a> {
    out: &'a mut dyn Write,
    colour: bool,
}

/// Whether colours are welcome on a stream.
#[must_use]
pub fn colour_on(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && stream.is_terminal()
}

// === impl Output ===

impl Output {
    /// The output of this process.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json, colour: !json && colour_on(&io::stdout()) }
    }

    /// Writes one thing: a JSON document on one line, or text.
    ///
    /// # Errors
    /// When the standard output cannot be written.
    pub fn print(self, thing: &impl Show) -> io::Result<()> {
        self.write(|out| {
            if self.json {
                serde_json::to_writer(&mut *out, thing)?;
                return out.write_all(b"\n");
            }
            thing.show(&mut Screen { out, colour: self.colour })
        })
    }

    /// Writes text as it is.
    ///
    /// # Errors
    /// Like [`Self::print`].
    pub fn raw(self, text: &str) -> io::Result<()> {
        self.write(|out| out.write_all(text.as_bytes()))
    }

    fn write(self, body: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        body(&mut out)?;
        out.flush()
    }
}

// === impl Screen ===

impl<'a> Screen<'a> {
    /// A screen on any writer.
    #[cfg(test)]
    pub fn new(out: &'a mut dyn Write, colour: bool) -> Self {
        Self { out, colour }
    }

    /// Writes one line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Writes `name  value` with the values of a block under each other.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn fact(&mut self, name: &str, value: &str) -> io::Result<()> {
        let name = self.dim(&format!("{name:<12}"));
        writeln!(self.out, "{name} {}", domain::text::one_line(value, LONGEST_FACT))
    }

    /// Writes text of several lines as a person or a model wrote it, made safe for a terminal.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        text.lines().try_for_each(|line| self.line(&domain::text::one_line(line, usize::MAX)))
    }

    /// The text, less loud.
    #[must_use]
    pub fn dim(&self, text: &str) -> String {
        self.painted("2", text)
    }

    /// The text as something good.
    #[must_use]
    pub fn good(&self, text: &str) -> String {
        self.painted("32", text)
    }

    /// The text as something to keep an eye on.
    #[must_use]
    pub fn fair(&self, text: &str) -> String {
        self.painted("33", text)
    }

    /// The text as something bad.
    #[must_use]
    pub fn bad(&self, text: &str) -> String {
        self.painted("31", text)
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
