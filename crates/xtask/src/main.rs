//! `cargo xtask`: the house rules that clippy cannot see.
//!
//! Owns the reading of the tree and the words on the terminal; each rule has a file of its own under
//! `tidy`. Refuses to change anything: it looks, and says what it saw.

mod package;
mod source;
mod tidy;
mod tree;
mod violation;

use std::io::{self, Write};
use std::process::ExitCode;

use tree::Tree;

const USAGE: &str = "\
usage: cargo xtask COMMAND
  tidy    check the house rules; prints every violation, exits 1 when there is one
  sizes   print how long files and functions are, crate by crate";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => tidy(),
        ["sizes"] => {
            write!(io::stdout(), "{}", tidy::sizes::table(&Tree::read(&tree::root())?))?;
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            writeln!(io::stderr(), "{USAGE}")?;
            Ok(ExitCode::from(2))
        }
    }
}

fn tidy() -> anyhow::Result<ExitCode> {
    let tree = Tree::read(&tree::root())?;
    let violations = tidy::check(&tree);
    let mut out = io::stdout().lock();
    for violation in &violations {
        writeln!(out, "{violation}")?;
    }
    if violations.is_empty() {
        writeln!(out, "tidy: {} files, no violation", tree.files.len())?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "tidy: {} violations in {} files", violations.len(), tree.files.len())?;
    Ok(ExitCode::FAILURE)
}
