//! One request to a model, made of what the agent is, what was said, and what is to be answered.
//!
//! Pure: the same input gives the same bytes, and what changes least comes first, so that a provider can
//! cache the beginning.

use domain::Role;
use domain::message::Said;
use domain::queue::{QueueDrop, QueuePolicy};
use domain::text::one_line;
use llm::{Request, Turn};

use crate::Brief;

/// What goes into a prompt.
#[derive(Debug, Clone)]
pub struct Prompt<'a> {
    /// What the workspace files say.
    pub brief: &'a Brief,
    /// What was said before, oldest first.
    pub history: &'a [Said],
    /// What is to be answered.
    pub batch: Batch<'a>,
}

/// The messages that one turn answers, oldest first.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// Their words.
    pub texts: Vec<&'a str>,
    /// How those beyond the cap are treated.
    pub policy: QueuePolicy,
}

/// Most bytes of history that enter a prompt; about 30,000 tokens of English.
const HISTORY_LIMIT: usize = 120_000;
/// How much of a message is left when it is shortened to one line, in bytes.
const SHORTENED: usize = 160;

// === impl Prompt ===

impl Prompt<'_> {
    /// The request, for a model at its provider.
    #[must_use]
    pub fn request(&self, model: &str) -> Request {
        let mut system = self.brief.sections.clone();
        let mut turns = Vec::new();
        for said in newest_within(self.history, HISTORY_LIMIT) {
            match said.role {
                Role::System => system.push(said.text.clone()),
                Role::User => push_user(&mut turns, &said.text),
                Role::Assistant => turns.push(Turn::assistant(said.text.clone())),
            }
        }
        push_user(&mut turns, &self.batch.text());
        Request { model: model.to_owned(), system, turns, ..Request::default() }
    }
}

// === impl Batch ===

impl Batch<'_> {
    /// How many of the oldest are not given at full length.
    #[must_use]
    pub fn beyond(&self) -> usize {
        self.texts.len().saturating_sub(self.policy.cap.max(1))
    }

    fn text(&self) -> String {
        let (beyond, full) = self.texts.split_at(self.beyond());
        let mut parts = Vec::new();
        if !beyond.is_empty() && self.policy.drop == QueueDrop::Summarize {
            let lines: Vec<String> =
                beyond.iter().map(|text| format!("- {}", one_line(text, SHORTENED))).collect();
            parts.push(format!(
                "[{} earlier messages, shortened]\n{}",
                beyond.len(),
                lines.join("\n")
            ));
        }
        parts.extend(full.iter().map(|text| (*text).to_owned()));
        parts.join("\n\n")
    }
}

/// Two contributions of one person in a row become one: not every model takes them apart.
fn push_user(turns: &mut Vec<Turn>, text: &str) {
    match turns.last_mut() {
        Some(Turn::User(said)) => {
            said.push_str("\n\n");
            said.push_str(text);
        }
        _ => turns.push(Turn::User(text.to_owned())),
    }
}

/// As many of the newest as fit; instructions always stay. A conversation never begins with an answer.
fn newest_within(history: &[Said], limit: usize) -> impl Iterator<Item = &Said> {
    let mut room = limit;
    let mut first = history.len();
    for (at, said) in history.iter().enumerate().rev() {
        let Some(left) = room.checked_sub(said.text.len()) else { break };
        room = left;
        first = at;
    }
    while history.get(first).is_some_and(|said| said.role == Role::Assistant) {
        first += 1;
    }
    let (older, newer) = history.split_at(first);
    older.iter().filter(|said| said.role == Role::System).chain(newer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(role: Role, text: &str) -> Said {
        Said { role, text: text.to_owned() }
    }

    fn request(history: &[Said], texts: Vec<&str>, policy: QueuePolicy) -> Request {
        let brief = Brief { sections: vec!["## AGENTS.md\n\nrules".to_owned()] };
        Prompt { brief: &brief, history, batch: Batch { texts, policy } }.request("m")
    }

    #[test]
    fn what_waited_together_is_one_contribution() {
        let history = [said(Role::User, "hi"), said(Role::Assistant, "hello")];
        let request = request(&history, vec!["one", "two"], QueuePolicy::default());
        assert_eq!(request.system, ["## AGENTS.md\n\nrules"]);
        assert_eq!(
            request.turns,
            [
                Turn::User("hi".to_owned()),
                Turn::assistant("hello"),
                Turn::User("one\n\ntwo".to_owned())
            ]
        );
    }

    #[test]
    fn beyond_the_cap_the_oldest_give_way() {
        let policy = |drop| QueuePolicy { cap: 2, drop, ..QueuePolicy::default() };
        let texts = || vec!["a\nb", "c", "d", "e"];
        let text = |drop| match request(&[], texts(), policy(drop)).turns.pop() {
            Some(Turn::User(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            text(QueueDrop::Summarize),
            "[2 earlier messages, shortened]\n- a b\n- c\n\nd\n\ne"
        );
        assert_eq!(text(QueueDrop::Old), "d\n\ne");
    }

    #[test]
    fn long_histories_lose_their_beginning_but_not_their_instructions() {
        let long = "x".repeat(HISTORY_LIMIT / 2);
        let history = [
            said(Role::System, "be kind"),
            said(Role::User, &long),
            said(Role::Assistant, &long),
            said(Role::User, "and?"),
        ];
        let request = request(&history, vec!["now"], QueuePolicy::default());
        assert_eq!(request.system[1], "be kind");
        assert_eq!(request.turns, [Turn::User("and?\n\nnow".to_owned())]);
    }
}
