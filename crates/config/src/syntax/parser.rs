//! The grammar: values, arrays, objects and their keys.
//!
//! Goes on after a fault that leaves the shape of the text clear, so that one reading reports many.

use std::collections::HashMap;

use domain::text::one_line;

use super::{Cursor, DEEPEST, Fault, Item, Kind, Member, Node, Span, number, string};
use super::{continues_name, starts_name};

pub(super) struct Parser<'a> {
    cursor: Cursor<'a>,
    depth: usize,
    pub(super) faults: Vec<Fault>,
}

/// More faults than this in one file are not worth reading.
const MOST_FAULTS: usize = 20;

// === impl Parser ===

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { cursor: Cursor { text, pos: 0 }, depth: 0, faults: Vec::new() }
    }

    pub(super) fn document(&mut self) -> Result<Node, Fault> {
        self.cursor.skip_trivia()?;
        if self.cursor.peek().is_none() {
            return Err(Fault::new(self.cursor.pos, "nothing is here; write at least {}"));
        }
        let node = self.value()?;
        self.cursor.skip_trivia()?;
        match self.cursor.peek() {
            None => Ok(node),
            Some(_) => Err(self.unexpected("the end of the file")),
        }
    }

    fn value(&mut self) -> Result<Node, Fault> {
        let start = self.cursor.pos;
        let kind = match self.cursor.peek() {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::array)?,
            Some('"' | '\'') => Kind::String(string::read(&mut self.cursor)?),
            Some('+' | '-' | '.' | '0'..='9') => self.number()?,
            Some(c) if starts_name(c) => self.word()?,
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Node { span: Span { start, end: self.cursor.pos }, kind })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Kind, Fault>) -> Result<Kind, Fault> {
        if self.depth == DEEPEST {
            let message = format!("nested more than {DEEPEST} deep");
            return Err(Fault::new(self.cursor.pos, message));
        }
        self.depth += 1;
        let kind = read(self);
        self.depth -= 1;
        kind
    }

    fn array(&mut self) -> Result<Kind, Fault> {
        self.cursor.bump();
        let mut items = Vec::new();
        loop {
            self.cursor.skip_trivia()?;
            if self.cursor.eat("]") {
                return Ok(Kind::Array(items));
            }
            let node = self.value()?;
            let comma = self.comma("]", "a comma or ]")?;
            items.push(Item { node, comma });
        }
    }

    fn object(&mut self) -> Result<Kind, Fault> {
        self.cursor.bump();
        let mut members: Vec<Member> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        loop {
            self.cursor.skip_trivia()?;
            if self.cursor.eat("}") {
                return Ok(Kind::Object(members));
            }
            let start = self.cursor.pos;
            let key = self.key()?;
            let key_span = Span { start, end: self.cursor.pos };
            self.cursor.skip_trivia()?;
            if !self.cursor.eat(":") {
                return Err(self.unexpected("a colon behind the key"));
            }
            self.cursor.skip_trivia()?;
            let node = self.value()?;
            let comma = self.comma("}", "a comma or }")?;
            if let Some(first) = seen.insert(key.clone(), start) {
                self.duplicate(start, &key, first)?;
            }
            members.push(Member { key, key_span, node, comma });
        }
    }

    fn comma(&mut self, close: &str, wanted: &str) -> Result<Option<usize>, Fault> {
        self.cursor.skip_trivia()?;
        let at = self.cursor.pos;
        if self.cursor.eat(",") {
            Ok(Some(at))
        } else if self.cursor.rest().starts_with(close) {
            Ok(None)
        } else {
            Err(self.unexpected(wanted))
        }
    }

    fn duplicate(&mut self, at: usize, key: &str, first: usize) -> Result<(), Fault> {
        let line = 1 + self.cursor.text.get(..first).unwrap_or_default().matches('\n').count();
        let message = format!(
            "the key {:?} is here a second time (first on line {line}); remove one",
            one_line(key, 64)
        );
        self.soft(Fault::new(at, message))
    }

    /// Notes a fault after which reading can go on.
    fn soft(&mut self, fault: Fault) -> Result<(), Fault> {
        if self.faults.len() + 1 >= MOST_FAULTS {
            return Err(fault);
        }
        self.faults.push(fault);
        Ok(())
    }

    fn key(&mut self) -> Result<String, Fault> {
        match self.cursor.peek() {
            Some('"' | '\'') => string::read(&mut self.cursor),
            Some(c) if starts_name(c) || c == '\\' => self.bare_key(),
            Some('0'..='9') => {
                Err(Fault::new(self.cursor.pos, "a key that begins with a digit needs quotes"))
            }
            _ => Err(self.unexpected("a key or }")),
        }
    }

    fn bare_key(&mut self) -> Result<String, Fault> {
        let mut key = String::new();
        while let Some(next) = self.cursor.peek() {
            let start = self.cursor.pos;
            let part = if next == '\\' {
                let part = string::escape_in_name(&mut self.cursor)?;
                let fits = if key.is_empty() { starts_name(part) } else { continues_name(part) };
                if !fits {
                    return Err(Fault::new(start, "this character in a key needs quotes"));
                }
                part
            } else if continues_name(next) {
                self.cursor.bump();
                next
            } else {
                break;
            };
            key.push(part);
        }
        if self.cursor.peek() == Some('-') {
            let message =
                format!("a key with - in it needs quotes: \"{}-...\"", one_line(&key, 40));
            return Err(Fault::new(self.cursor.pos, message));
        }
        Ok(key)
    }

    fn number(&mut self) -> Result<Kind, Fault> {
        let start = self.cursor.pos;
        match number::read(&mut self.cursor)? {
            Some(number) => Ok(Kind::Number(number)),
            None => self.not_finite(start),
        }
    }

    fn not_finite(&mut self, start: usize) -> Result<Kind, Fault> {
        let written = self.cursor.text.get(start..self.cursor.pos).unwrap_or_default();
        let message = format!("{} is not a number that can be used", one_line(written, 40));
        self.soft(Fault::new(start, message))?;
        Ok(Kind::Null)
    }

    fn word(&mut self) -> Result<Kind, Fault> {
        let start = self.cursor.pos;
        let word = self.cursor.take_while(continues_name);
        match word {
            "null" => Ok(Kind::Null),
            "true" => Ok(Kind::Bool(true)),
            "false" => Ok(Kind::Bool(false)),
            "NaN" | "Infinity" => self.not_finite(start),
            _ => {
                let message = format!("{} is not a value; text needs quotes", one_line(word, 40));
                Err(Fault::new(start, message))
            }
        }
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let found = match self.cursor.peek() {
            None => "the end of the file".to_owned(),
            Some(c) => format!("{:?}", one_line(&c.to_string(), 8)),
        };
        Fault::new(self.cursor.pos, format!("expected {wanted}, found {found}"))
    }
}
