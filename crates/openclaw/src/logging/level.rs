//! Pino's numeric levels, which the log file carries, and thresholds on them.

use std::str::FromStr;

use tracing::Level;
use tracing::level_filters::LevelFilter;

/// Pino's number for an error after which the process cannot go on.
pub const FATAL: u8 = 60;

/// The lowest level that is written; `silent` writes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Threshold {
    /// Everything.
    Trace,
    /// Debugging and above.
    Debug,
    /// Normal operation and above.
    Info,
    /// What may need attention, and above.
    Warn,
    /// Failures and above.
    Error,
    /// Only what ends the process.
    Fatal,
    /// Nothing.
    Silent,
}

/// A word that names no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a level is one of silent, fatal, error, warn, info, debug, trace; {0:?} is not")]
pub struct UnknownLevel(pub String);

/// Pino's number for a level: trace 10, debug 20, info 30, warn 40, error 50.
#[must_use]
pub fn number(level: Level) -> u8 {
    match level {
        Level::TRACE => 10,
        Level::DEBUG => 20,
        Level::INFO => 30,
        Level::WARN => 40,
        Level::ERROR => 50,
    }
}

// === impl Threshold ===

impl Threshold {
    /// Every level, the most talkative first.
    pub const ALL: [Self; 7] =
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal, Self::Silent];

    /// The word that the configuration uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
            Self::Silent => "silent",
        }
    }

    /// The lowest of pino's numbers that passes.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Trace => 10,
            Self::Debug => 20,
            Self::Info => 30,
            Self::Warn => 40,
            Self::Error => 50,
            Self::Fatal => FATAL,
            Self::Silent => u8::MAX,
        }
    }

    /// What tracing must let through so that nothing above the threshold is missed.
    #[must_use]
    pub fn filter(number: u8) -> LevelFilter {
        match number {
            0..=10 => LevelFilter::TRACE,
            11..=20 => LevelFilter::DEBUG,
            21..=30 => LevelFilter::INFO,
            31..=40 => LevelFilter::WARN,
            41..=FATAL => LevelFilter::ERROR,
            _ => LevelFilter::OFF,
        }
    }
}

impl FromStr for Threshold {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| UnknownLevel(domain::text::one_line(text, 32)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_numbers_are_pinos() {
        for level in Threshold::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
        }
        assert_eq!(Threshold::ALL.map(Threshold::number), [10, 20, 30, 40, 50, 60, u8::MAX]);
        assert!("loud".parse::<Threshold>().is_err());
        assert_eq!(Threshold::filter(Threshold::Fatal.number()), LevelFilter::ERROR);
        assert_eq!(Threshold::filter(Threshold::Silent.number()), LevelFilter::OFF);
    }
}
