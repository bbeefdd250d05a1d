//! Faults that come and go while the simulator runs: outages that somebody switches, and conversations whose
//! first requests fail.
//!
//! Owns both memories, each bounded; refuses to play the faults.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError, RwLock};

use crate::error::Result;
use crate::model_name::parse;

/// How many conversations are remembered.
const CONVERSATIONS: usize = 10_000;

/// The outage that is on, if one is.
#[derive(Debug, Default)]
pub struct Outage(RwLock<Option<Words>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Words {
    /// Options of the model-name grammar.
    fault: String,
    /// The models it befalls: those whose name begins so.
    models: String,
}

/// How often each conversation has asked.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    counts: HashMap<String, u32>,
    order: VecDeque<String>,
}

// === impl Outage ===

impl Outage {
    /// Switches an outage on; it takes the place of the one before.
    pub fn begin(&self, fault: &str, models: &str) -> Result<()> {
        parse(fault)?;
        let words = Words { fault: fault.to_owned(), models: models.to_owned() };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(words);
        Ok(())
    }

    /// Switches it off.
    pub fn end(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The words of the outage that is on.
    pub fn fault(&self) -> Option<String> {
        let words = self.0.read().unwrap_or_else(PoisonError::into_inner);
        words.as_ref().map(|words| words.fault.clone())
    }

    /// The model's name with what befalls it.
    pub fn befall(&self, model: &str) -> String {
        let words = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match words.as_ref().filter(|words| model.starts_with(&words.models)) {
            Some(words) => format!("{model}+{}", words.fault),
            None => model.to_owned(),
        }
    }
}

// === impl Attempts ===

impl Attempts {
    /// Counts an attempt of a conversation; the first is one.
    pub fn count(&self, conversation: &str) -> u32 {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = memory.counts.get_mut(conversation) {
            *count = count.saturating_add(1);
            return *count;
        }
        if memory.order.len() >= CONVERSATIONS
            && let Some(oldest) = memory.order.pop_front()
        {
            memory.counts.remove(&oldest);
        }
        memory.order.push_back(conversation.to_owned());
        memory.counts.insert(conversation.to_owned(), 1);
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_befalls_the_models_it_names() {
        let outage = Outage::default();
        outage.begin("status=503", "story").unwrap();
        assert_eq!(outage.befall("story+words=2"), "story+words=2+status=503");
        assert_eq!(outage.befall("echo"), "echo");
        outage.end();
        assert_eq!(outage.befall("story"), "story");
        assert!(outage.begin("nonsense", "").is_err());
        assert_eq!(outage.fault(), None);
    }

    #[test]
    fn attempts_are_counted_and_the_oldest_forgotten() {
        let attempts = Attempts::default();
        assert_eq!((attempts.count("a"), attempts.count("a"), attempts.count("b")), (1, 2, 1));
        for number in 0..CONVERSATIONS {
            attempts.count(&number.to_string());
        }
        assert_eq!(attempts.count("a"), 1);
    }
}
