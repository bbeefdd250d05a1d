//! The verdict: what was said against what the product remembers.
//!
//! Pure. Owns the meaning of lost, twice and out of order.

use std::collections::HashMap;

use super::ledger::Ledger;

/// One line of a history as the product tells it.
#[derive(Debug, Clone)]
pub struct Line {
    /// Whether the agent said it.
    pub is_answer: bool,
    /// The words.
    pub text: String,
    /// `done` when all is well.
    pub state: String,
}

/// What is wrong, and how often. All zero when all is well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Acknowledged, and without an answer.
    pub lost: usize,
    /// Answered more than once.
    pub twice: usize,
    /// Answered before something that was said earlier in the same conversation.
    pub disorder: usize,
    /// Given up.
    pub parked: usize,
    /// Words that nobody said, answers that are not what the model says, answers told otherwise than kept.
    pub foreign: usize,
    /// The first few of them, in words.
    pub examples: Vec<String>,
}

/// The model repeats what it is told after these words.
pub const ECHO: &str = "You said: ";
/// How messages that are answered together are joined.
const JOINT: &str = "\n\n";
const EXAMPLES: usize = 20;

/// Compares one conversation with its history.
#[must_use]
pub fn judge(ledger: &Ledger, lines: &[Line]) -> Findings {
    let mut findings = Findings::default();
    let said: HashMap<&str, usize> = ledger
        .messages
        .iter()
        .enumerate()
        .map(|(number, message)| (message.text.as_str(), number))
        .collect();
    let mut asked = vec![0_usize; said.len()];
    let mut answered = vec![0_usize; said.len()];
    let mut last = [None, None];
    for line in lines {
        findings.parked += usize::from(line.state == "parked");
        let Some(numbers) = numbers(&said, line) else {
            findings.foreign += 1;
            findings.example(ledger, "nobody said", &line.text);
            continue;
        };
        let (counts, last) = match (line.is_answer, &mut last) {
            (true, [answers, _]) => (&mut answered, answers),
            (false, [_, questions]) => (&mut asked, questions),
        };
        for number in numbers {
            if let Some(count) = counts.get_mut(number) {
                *count += 1;
                // What comes twice is not out of order as well.
                if *count == 1 && *last > Some(number) {
                    findings.disorder += 1;
                    findings.example(ledger, "out of order", &line.text);
                }
            }
            *last = (*last).max(Some(number));
        }
    }
    for (number, message) in ledger.messages.iter().enumerate() {
        let times = |counts: &[usize]| counts.get(number).copied().unwrap_or_default();
        let (asked, answered) = (times(&asked), times(&answered));
        if message.acknowledged && (asked == 0 || answered == 0) {
            findings.lost += 1;
            findings.example(ledger, "lost", &message.text);
        }
        if asked > 1 || answered > 1 {
            findings.twice += 1;
            findings.example(ledger, "twice", &message.text);
        }
        let told = message.answer.as_ref();
        if told.is_some_and(|told| *told != format!("{ECHO}{}", message.text)) {
            findings.foreign += 1;
            findings.example(ledger, "told otherwise", &message.text);
        }
    }
    findings
}

/// Which messages a line holds; `None` when it is not exactly made of them.
fn numbers(said: &HashMap<&str, usize>, line: &Line) -> Option<Vec<usize>> {
    if !line.is_answer {
        return said.get(line.text.as_str()).map(|number| vec![*number]);
    }
    let repeated = line.text.strip_prefix(ECHO)?;
    repeated.split(JOINT).map(|text| said.get(text).copied()).collect()
}

// === impl Findings ===

impl Findings {
    /// Whether all is well.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let Self { lost, twice, disorder, parked, foreign, examples: _ } = self;
        lost + twice + disorder + parked + foreign == 0
    }

    /// Adds those of another conversation.
    pub fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.twice += other.twice;
        self.disorder += other.disorder;
        self.parked += other.parked;
        self.foreign += other.foreign;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }

    fn example(&mut self, ledger: &Ledger, what: &str, text: &str) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(format!("{what}, in {}: {text:?}", ledger.session));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Message;
    use super::*;

    fn ledger(texts: &[&str]) -> Ledger {
        let mut ledger = Ledger::new("agent:main:web:s".to_owned());
        ledger.messages = texts
            .iter()
            .map(|text| Message {
                key: (*text).to_owned(),
                text: (*text).to_owned(),
                acknowledged: true,
                answer: None,
            })
            .collect();
        ledger
    }

    /// Lines by a shorthand: `?a` is said by a person, `a` and `a b` are answers.
    fn lines(texts: &[&str]) -> Vec<Line> {
        let line = |text: &&str| match text.strip_prefix('?') {
            Some(said) => {
                Line { is_answer: false, text: said.to_owned(), state: "done".to_owned() }
            }
            None => Line {
                is_answer: true,
                text: format!("{ECHO}{}", text.replace(' ', JOINT)),
                state: "done".to_owned(),
            },
        };
        texts.iter().map(line).collect()
    }

    fn counts(said: &[&str], history: &[&str]) -> [usize; 5] {
        let Findings { lost, twice, disorder, parked, foreign, .. } =
            judge(&ledger(said), &lines(history));
        [lost, twice, disorder, parked, foreign]
    }

    #[test]
    fn one_answer_each_in_order_is_clean() {
        assert_eq!(counts(&["a", "b"], &["?a", "a", "?b", "b"]), [0; 5]);
        assert_eq!(counts(&["a", "b", "c"], &["?a", "a", "?b", "?c", "b c"]), [0; 5]);
    }

    #[test]
    fn every_fault_is_counted_once() {
        assert_eq!(counts(&["a", "b"], &["?a", "a"]), [1, 0, 0, 0, 0], "never kept");
        assert_eq!(counts(&["a", "b"], &["?a", "a", "?b"]), [1, 0, 0, 0, 0], "never answered");
        assert_eq!(counts(&["a", "b"], &["?a", "a", "?b", "b", "b"]), [0, 1, 0, 0, 0]);
        assert_eq!(counts(&["a", "b"], &["?a", "?b", "a b", "b"]), [0, 1, 0, 0, 0]);
        assert_eq!(counts(&["a", "b"], &["?b", "b", "?a", "a"]), [0, 0, 2, 0, 0]);
        assert_eq!(counts(&["a"], &["?a", "a", "?x", "x"]), [0, 0, 0, 0, 2]);
    }

    #[test]
    fn an_unacknowledged_message_may_be_missing_but_not_double() {
        let mut ledger = ledger(&["a"]);
        ledger.messages[0].acknowledged = false;
        assert!(judge(&ledger, &[]).is_clean());
        assert_eq!(judge(&ledger, &lines(&["?a", "a", "a"])).twice, 1);
    }

    #[test]
    fn what_was_given_up_and_what_was_told_otherwise_is_seen() {
        let mut history = lines(&["?a", "a"]);
        history[0].state = "parked".to_owned();
        let mut ledger = ledger(&["a"]);
        ledger.messages[0].answer = Some(format!("{ECHO}b"));
        let findings = judge(&ledger, &history);
        assert_eq!((findings.parked, findings.foreign, findings.lost), (1, 1, 0));
        assert!(!findings.is_clean());
    }
}
