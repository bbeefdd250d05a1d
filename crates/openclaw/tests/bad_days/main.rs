//! Bad days of a real process: what it refuses, what it keeps, and how it comes back.
#![cfg(test)]

mod bad_input;
mod database_away;
mod disk_fails;
mod disk_full;
mod edits;
mod home;
mod http;
mod ledger;
mod proxy;
mod running;
mod second;
mod socket;
mod stopping;
