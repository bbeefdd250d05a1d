//! The real binary, driven as a person or a script drives it.
#![cfg(test)]

mod installation;

mod agent;
mod basics;
mod config;
mod inbox;
mod logs;
mod status;
mod tenants;
mod up;
