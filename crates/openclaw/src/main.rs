//! x
mod clock;
mod logging;
fn main() {}
