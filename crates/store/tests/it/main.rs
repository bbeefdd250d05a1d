//! The store on both engines: what is promised of every aggregate, and of the files and databases below.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod access;
mod audit;
mod budget;
mod budget_oracle;
mod budget_processes;
mod claim;
mod claim_ends;
mod databases;
mod inbox;
mod intake;
mod life;
mod persons;
mod sample;
mod schema;
mod tenants;
mod transcript;
mod upkeep;
mod words;
mod writes;
