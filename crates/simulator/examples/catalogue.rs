//! Prints the tables of `docs/simulator.md`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(simulator::markdown().as_bytes())
}
