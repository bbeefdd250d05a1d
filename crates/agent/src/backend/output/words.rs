//! The words of an answer as they are said: bounded, and without space around them.

/// Most words of one answer, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// What was said so far, as far as it matters for what is said next.
#[derive(Debug, Default)]
pub(super) struct Words {
    said: usize,
    /// White space that counts only if more words follow.
    space: String,
    paused: bool,
    streamed: bool,
}

// === impl Words ===

impl Words {
    /// Whether there were any.
    pub(super) fn any(&self) -> bool {
        self.said > 0
    }

    /// What comes next is a new paragraph.
    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    /// From now on words come in pieces, so that whole messages are repetitions.
    pub(super) fn stream(&mut self) {
        self.streamed = true;
    }

    pub(super) fn streamed(&self) -> bool {
        self.streamed
    }

    /// The words to say now. White space at the end waits for more; at the beginning there is none.
    pub(super) fn add(&mut self, text: &str) -> Result<String, &'static str> {
        let body = text.trim_end();
        if body.is_empty() {
            self.space.push_str(text);
            return self.bounded(String::new());
        }
        let paused = std::mem::take(&mut self.paused) && self.any();
        let before = std::mem::take(&mut self.space);
        let words = match (self.any(), paused) {
            (false, _) => body.trim_start().to_owned(),
            (true, true) => format!("\n\n{}", body.trim_start()),
            (true, false) => format!("{before}{body}"),
        };
        text.get(body.len()..).unwrap_or_default().clone_into(&mut self.space);
        self.said = self.said.saturating_add(words.len());
        self.bounded(words)
    }

    fn bounded(&self, words: String) -> Result<String, &'static str> {
        if self.said.saturating_add(self.space.len()) > LARGEST {
            return Err("an answer of more than 4 MiB");
        }
        Ok(words)
    }
}
