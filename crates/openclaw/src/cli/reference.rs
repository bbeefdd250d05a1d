//! docs/cli.md, made from the tree of commands, so that it cannot be wrong.

use std::fmt::Write;
use std::path::Path;

use crate::exit::Exit;

const BEGINNING: &str = "\
# The command line

This page is generated from the program itself. `UPDATE_DOCS=1 cargo test -p openclaw` writes it anew.

Data goes to the standard output, everything else to the standard error stream. Every command takes
`--json`: one JSON document, or one per line for what has no end; a failure is then one JSON object on
the standard error stream. Colours appear only on a terminal, and never when `NO_COLOR` is set. What
destroys something asks first; where nobody can be asked it needs `--yes`.
";

fn page() -> String {
    let mut page = String::from(BEGINNING);
    page.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (exit, meaning) in Exit::MEANINGS {
        writeln!(page, "| {} | {meaning} |", exit.number()).unwrap();
    }
    let mut tree = super::tree();
    tree.build();
    for command in tree.get_subcommands() {
        describe(&mut page, "openclaw", command, 2);
    }
    page
}

fn describe(page: &mut String, parent: &str, command: &clap::Command, depth: usize) {
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    writeln!(page, "\n{} {name}\n\n{about}.", "#".repeat(depth)).unwrap();
    if command.has_subcommands() {
        for inner in command.get_subcommands() {
            describe(page, &name, inner, depth + 1);
        }
        return;
    }
    let usage = command.clone().render_usage().to_string();
    writeln!(page, "\n```\n{}\n```", usage.trim_start_matches("Usage: ")).unwrap();
    let mut rows = String::new();
    for argument in command.get_arguments() {
        if ["help", "version", "json"].contains(&argument.get_id().as_str()) {
            continue;
        }
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let default = argument.get_default_values().first().and_then(|value| value.to_str());
        let default = default.filter(|_| argument.get_action().takes_values());
        let default = default.map_or_else(String::new, |value| format!(" Default: `{value}`."));
        let stop = if help.ends_with('.') { "" } else { "." };
        writeln!(rows, "| `{argument}` | {help}{stop}{default} |").unwrap();
    }
    if !rows.is_empty() {
        write!(page, "\n| argument | meaning |\n|---|---|\n{rows}").unwrap();
    }
}

#[test]
fn the_reference_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "docs/cli.md is stale: UPDATE_DOCS=1 cargo test -p openclaw");
}
