//! Child processes and the programs that answer in a model's place, with real processes.
#![cfg(test)]

mod answers;
mod calls;
mod child;
mod failures;
mod stage;
