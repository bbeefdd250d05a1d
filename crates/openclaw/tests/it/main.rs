//! The real binary, driven as a person or a script drives it.

mod installation;

mod agent;
mod basics;
mod inbox;
mod logs;
mod tenants;
