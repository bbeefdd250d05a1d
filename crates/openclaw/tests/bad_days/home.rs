//! A home directory of its own for each test, with a configuration in it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The operator's token in every test.
pub const TOKEN: &str = "a-token-of-the-operator-alone";

/// A home directory, removed at the end. The configuration lies beside the state, not in it, so that a test
/// can fill the one without the other.
pub struct Home {
    directory: TempDir,
}

// === impl Home ===

impl Home {
    /// One whose model answers at once, and each message by itself.
    pub fn new() -> Self {
        Self::with(&json!({}))
    }

    /// The same, with settings of the test's own at the root.
    pub fn with(settings: &Value) -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(home.state()).unwrap();
        home.configure(settings);
        home
    }

    /// Writes the configuration anew.
    pub fn configure(&self, settings: &Value) {
        let mut config = json!({
            "gateway": { "auth": { "token": TOKEN } },
            "agents": { "defaults": { "model": "simulator/echo" } },
            "messages": { "queue": { "mode": "followup", "debounceMs": 0 } },
        });
        for (name, value) in settings.as_object().unwrap() {
            config[name] = value.clone();
        }
        self.write_config(&config.to_string());
    }

    /// Puts a text in the place of the configuration at once, as an editor does.
    pub fn write_config(&self, text: &str) {
        let beside = self.directory.path().join("openclaw.json.new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.config()).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn config(&self) -> PathBuf {
        self.directory.path().join("openclaw.json")
    }

    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }
}
