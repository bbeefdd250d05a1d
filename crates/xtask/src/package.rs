//! What a crate's manifest says, as cargo itself reads it.
//!
//! Owns the reading of `cargo metadata`; refuses to judge who may depend on whom.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

/// One crate of the workspace.
#[derive(Debug, Clone)]
pub struct Package {
    /// The crate's name.
    pub name: String,
    /// Path of its manifest from the root of the tree.
    pub manifest: String,
    /// Everything it depends on, ours and foreign.
    pub dependencies: Vec<Dependency>,
}

/// One line of a `[dependencies]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The name of the crate depended on, not the local rename.
    pub name: String,
    /// Whether only tests, examples and benches see it.
    pub dev: bool,
}

// === impl Package ===

impl Package {
    /// Every crate of the workspace at `root`. Asks cargo, without the network.
    ///
    /// # Errors
    /// When cargo cannot be run or a manifest cannot be read; the text is cargo's own.
    pub fn all(root: &Path) -> anyhow::Result<Vec<Self>> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(root)
            .output()
            .context("running cargo metadata")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        array(&metadata, "packages").map(|package| Self::from_metadata(package, root)).collect()
    }

    fn from_metadata(package: &Value, root: &Path) -> anyhow::Result<Self> {
        let manifest = Path::new(text(package, "manifest_path")?);
        let manifest = manifest.strip_prefix(root).unwrap_or(manifest);
        let dependencies = array(package, "dependencies")
            .map(|dependency| {
                let dev = dependency.get("kind").and_then(Value::as_str) == Some("dev");
                Ok(Dependency { name: text(dependency, "name")?.to_owned(), dev })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            name: text(package, "name")?.to_owned(),
            manifest: manifest.to_string_lossy().into_owned(),
            dependencies,
        })
    }
}

fn array<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    value.get(key).and_then(Value::as_str).with_context(|| format!("cargo metadata has no {key}"))
}
