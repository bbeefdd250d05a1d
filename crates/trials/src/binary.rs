//! The binary under trial: which file it is.
//!
//! Owns the search; refuses to build anything.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// Names the file, when it is not beside the one that runs.
pub const VARIABLE: &str = "OPENCLAW_BIN";

/// The file: what [`VARIABLE`] says, else `openclaw` beside this program or one folder above it, which is
/// where cargo puts it for a test.
///
/// # Errors
/// When it is not there.
pub fn find() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        let named = PathBuf::from(named);
        if named.is_file() {
            return Ok(named);
        }
        bail!("{VARIABLE} names {}, which is no file", named.display());
    }
    let this = std::env::current_exe().context("this program cannot find itself")?;
    let beside = this.ancestors().skip(1).take(2).map(|folder| folder.join("openclaw"));
    beside.into_iter().find(|path| path.is_file()).with_context(|| {
        format!("there is no binary openclaw beside {}: cargo build -p openclaw", this.display())
    })
}
