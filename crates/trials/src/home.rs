//! An installation of its own for each trial: a state directory, a configuration, a database, a port.
//!
//! Owns what the product finds when it starts; refuses to share any of it with another installation.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::engine::{Database, Engine};

/// An installation. Its files go with it; [`Home::remove`] removes its database too.
#[derive(Debug)]
pub struct Home {
    binary: PathBuf,
    directory: TempDir,
    database: Option<Database>,
    address: SocketAddr,
}

/// The operator's credential in every trial: nothing outside this machine can reach them.
pub const TOKEN: &str = "trials-only-operator-token-0123456789";

/// Ports below those that the kernel hands out by itself.
const PORTS: std::ops::Range<u16> = 15_000..30_000;

// === impl Home ===

impl Home {
    /// A fresh one. `settings` are laid over what every trial needs.
    ///
    /// # Errors
    /// When the files or the database cannot be made.
    pub async fn new(binary: &Path, engine: Engine, settings: Value) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("openclaw-trial").tempdir()?;
        let address = free_address()?;
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Database::create(&database_name(directory.path())).await?),
        };
        let mut config = json!({
            "gateway": { "port": address.port(), "auth": { "token": TOKEN } },
            "logging": { "level": "warn", "consoleLevel": "warn", "consoleStyle": "compact" },
        });
        if let Some(database) = &database {
            config["store"] = json!({ "url": database.url() });
        }
        let home = Self { binary: binary.to_owned(), directory, database, address };
        config["budgets"] = budgets(&json!("unlimited"));
        lay_over(&mut config, settings);
        fs::write(home.path().join("openclaw.json"), format!("{config:#}"))?;
        Ok(home)
    }

    /// Where the gateway will listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The state directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Its database, when that is not made of files.
    #[must_use]
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// A command of the product in this installation, with nothing of the outer environment.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            .env("OPENCLAW_STATE_DIR", self.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it does not succeed; with what it said.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("openclaw {} failed: {said}", arguments.join(" "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Creates a tenant whom the pool alone bounds, and returns its credential.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn create_tenant(&self, slug: &str) -> Result<String> {
        let created: Value = serde_json::from_str(
            &self.run(&["tenants", "create", slug, "--tier", "admin", "--json"]).await?,
        )?;
        Ok(created["token"].as_str().context("a new tenant has a token")?.to_owned())
    }

    /// Removes everything.
    ///
    /// # Errors
    /// When the database or the files stay.
    pub async fn remove(self) -> Result<()> {
        if let Some(database) = self.database {
            database.remove().await.context("the database could not be removed")?;
        }
        self.directory.close().context("the state directory could not be removed")
    }

    /// Leaves the files where they are, for whoever looks into what happened, and says where.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.directory.keep()
    }
}

/// Settings that give this limit to every tenant and every person.
#[must_use]
pub fn budgets(limit: &Value) -> Value {
    let tiers = json!({ "free": limit, "standard": limit, "premium": limit, "admin": limit });
    json!({ "tokensPer24h": tiers, "persons": { "tokensPer24h": tiers } })
}

/// A name that no other trial has: the directory's, which the system made unique.
fn database_name(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{}_{}", plain.to_lowercase(), std::process::id())
}

fn free_address() -> Result<SocketAddr> {
    let mut chance = fastrand::Rng::new();
    for _ in 0..100 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, chance.u16(PORTS)));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no free port was found between {} and {}", PORTS.start, PORTS.end)
}

/// Objects are joined; anything else takes the place of what was there.
fn lay_over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                lay_over(below.entry(name).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_join_what_is_there() {
        let mut config = json!({ "a": { "b": 1, "c": 2 }, "d": 3 });
        lay_over(&mut config, json!({ "a": { "c": 5, "e": [1] }, "d": { "f": 6 } }));
        assert_eq!(config, json!({ "a": { "b": 1, "c": 5, "e": [1] }, "d": { "f": 6 } }));
    }
}
