//! What kinds of failure exist, whatever crate they come from.
//!
//! Owns the closed set of kinds that one file in the gateway maps to HTTP; refuses to know about HTTP itself.

use std::time::Duration;

/// What a failure means to the one who asked, independent of transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// It exists already, or changed under the caller.
    Conflict,
    /// The request is malformed or a field has a value that cannot be.
    Invalid,
    /// No credential, or one that is not valid.
    Unauthenticated,
    /// A valid credential that does not allow this.
    Forbidden,
    /// A limit of this caller is used up.
    Exhausted {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// The system cannot take more work now, or something it needs is down.
    Overloaded {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// A system we depend on answered with a failure.
    Upstream,
    /// Our own fault.
    Internal,
}

/// A failure that is told to others: what an error says, without the error.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What it means to the caller.
    pub kind: Kind,
    /// The stable code.
    pub code: &'static str,
    /// One line about what went wrong and what to do, without secrets.
    pub text: String,
    /// The numbers in it by name, for a program.
    pub figures: Vec<(&'static str, f64)>,
}

/// An error with a stable code that `openclaw explain CODE` knows.
pub trait Coded: std::error::Error {
    /// What the failure means to the caller.
    fn kind(&self) -> Kind;

    /// The stable code: lower case words joined by `-`, never reused for another meaning.
    fn code(&self) -> &'static str;

    /// The numbers in it by name, for a program that reads the error: limits, what was used of them. Names
    /// are written as in JSON.
    fn figures(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
}

// === impl Failure ===

impl Failure {
    /// What an error says.
    #[must_use]
    pub fn of(error: &dyn Coded) -> Self {
        Self {
            kind: error.kind(),
            code: error.code(),
            text: error.to_string(),
            figures: error.figures(),
        }
    }
}
