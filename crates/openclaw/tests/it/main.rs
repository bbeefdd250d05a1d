//! The real binary, driven as a person or a script drives it.
#![cfg(test)]

mod installation;
mod running;

mod agent;
mod basics;
mod budget;
mod config;
mod crowd;
mod devices;
mod inbox;
mod logs;
mod programs;
mod status;
mod tenants;
mod tune;
mod up;
mod workers;
