//! What the decisions cost that every message waits for. They are measured by a program of the engine's own
//! (`crates/engine/examples/decisions.rs`), because they can be seen from nowhere else.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

/// What each takes for one message, in nanoseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decisions {
    admission_ns: u64,
    one_tenant_ns: u64,
    /// Tenants, where they are many.
    pub many_tenants: u64,
    many_tenants_ns: u64,
}

/// Where cargo puts it, seen from the folder of the binary under trial.
const PROGRAM: &str = "examples/decisions";

// === impl Decisions ===

impl Decisions {
    /// Measures them. `None` when the program was not built.
    ///
    /// # Errors
    /// When it does not end well, or says something else.
    pub async fn measure(binary: &Path) -> Result<Option<Self>> {
        let program = binary.with_file_name(PROGRAM);
        if !program.is_file() {
            return Ok(None);
        }
        let output = Command::new(&program).output().await.context("it cannot be run")?;
        ensure!(output.status.success(), "{} ended with {}", program.display(), output.status);
        Ok(Some(serde_json::from_slice(&output.stdout)?))
    }

    /// To let a message in.
    #[must_use]
    pub fn admission(&self) -> Duration {
        Duration::from_nanos(self.admission_ns)
    }

    /// To choose whose turn is next, with one tenant.
    #[must_use]
    pub fn one_tenant(&self) -> Duration {
        Duration::from_nanos(self.one_tenant_ns)
    }

    /// The same among many.
    #[must_use]
    pub fn among_many(&self) -> Duration {
        Duration::from_nanos(self.many_tenants_ns)
    }
}
