//! One installation on this machine: its configuration, and where that says everything is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent::Workspace;
use config::settings::logging::{ConsoleStyle, Level};
use config::{Config, Env, Loaded, Paths};
use domain::{Actor, TenantSlug};
use gateway::log_file::LogFiles;
use store::{Location, Store};

use crate::cli::AddressArgs;
use crate::client::Gateway;
use crate::clock::{SystemClock, SystemIds};
use crate::error::Error;
use crate::logging::{self, Style, Threshold};

/// The installation that the environment names.
#[derive(Debug)]
pub struct Installation {
    /// The environment that the process was started with.
    pub env: Env,
    /// Where the configuration and the state are.
    pub paths: Paths,
    /// The configuration.
    pub loaded: Loaded,
}

// === impl Installation ===

impl Installation {
    /// Finds it and reads its configuration.
    ///
    /// # Errors
    /// [`Error::Config`] when the configuration cannot be read or is not valid.
    pub fn find() -> Result<Self, Error> {
        let (env, paths) = locate()?;
        let loaded = config::load(&paths, &env)?;
        Ok(Self { env, paths, loaded })
    }

    /// Like [`Self::find`]; where there is no configuration yet, writes a small first one with a random
    /// token for the operator.
    ///
    /// # Errors
    /// [`Error::Config`] also when it cannot be written.
    pub fn find_or_begin() -> Result<Self, Error> {
        let (_, paths) = locate()?;
        config::first_run(&paths, &SystemIds)?;
        Self::find()
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// Where the store is.
    ///
    /// # Errors
    /// [`Error::Store`] when `store.url` cannot be read.
    pub fn location(&self) -> Result<Location, Error> {
        Ok(match &self.config().store.url {
            Some(url) => Location::server(url)?,
            None => Location::Directory(self.paths.state.clone()),
        })
    }

    /// Opens the store for one command, beside a gateway that may be running.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn store(&self) -> Result<Store, Error> {
        let location = self.location()?;
        let opened = Store::open_patiently(location, Arc::new(SystemClock), Arc::new(SystemIds));
        Ok(opened.await?.acting_as(Actor::Terminal(self.user())))
    }

    /// The account of this machine that runs the command.
    fn user(&self) -> String {
        let named =
            ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| self.env.get(name));
        named.unwrap_or("unknown").to_owned()
    }

    /// A tenant's workspace: the files that its agent reads before every answer.
    #[must_use]
    pub fn workspace(&self, tenant: &TenantSlug) -> Workspace {
        let tenants = self.paths.state.join("tenants");
        Workspace::at(tenants.join(tenant.as_str()).join("workspace"))
    }

    /// The gateway: where `--url` says, else where the configuration has it listen.
    ///
    /// # Errors
    /// [`Error::Client`] when the address is none.
    pub fn gateway(&self, address: &AddressArgs) -> Result<Gateway, Error> {
        let url = address.url.clone().unwrap_or_else(|| self.url());
        Ok(Gateway::at(&url, self.config().gateway.auth.token.clone())?)
    }

    /// Where the gateway can be reached from this machine, as configured.
    #[must_use]
    pub fn url(&self) -> String {
        let gateway = &self.config().gateway;
        url_of(SocketAddr::new(gateway.address(), gateway.port))
    }

    /// Where the log is.
    #[must_use]
    pub fn log_files(&self) -> LogFiles {
        match self.log_place() {
            logging::Place::Daily { directory, .. } => LogFiles::Daily(directory),
            logging::Place::Fixed(path) => LogFiles::Fixed(path),
        }
    }

    /// What a running process logs, and where. `verbose` shows debugging on the terminal.
    #[must_use]
    pub fn log_settings(&self, verbose: bool) -> logging::Settings {
        let logging = &self.config().logging;
        let (level, console_level) = log_levels(self.config(), verbose);
        let style = match logging.console_style {
            ConsoleStyle::Pretty => Style::Pretty,
            ConsoleStyle::Compact => Style::Compact,
            ConsoleStyle::Json => Style::Json,
        };
        let colour = style != Style::Json && crate::output::colour_on(&std::io::stderr());
        logging::Settings { level, console_level, style, colour, place: self.log_place() }
    }

    fn log_place(&self) -> logging::Place {
        let logging = &self.config().logging;
        match &logging.file {
            Some(file) => logging::Place::Fixed(PathBuf::from(file)),
            None => logging::Place::Daily {
                directory: log_directory(&self.paths),
                keep: usize::try_from(logging.max_files).unwrap_or(usize::MAX),
            },
        }
    }
}

/// Where the configuration says that the log is; the usual place when the configuration is not valid, as
/// that may be just what the reader of the log is looking for.
///
/// # Errors
/// [`Error::Config`] when no place for the configuration can be found.
pub fn log_files() -> Result<LogFiles, Error> {
    let (env, paths) = locate()?;
    match config::load(&paths, &env) {
        Ok(loaded) => Ok(Installation { env, paths, loaded }.log_files()),
        Err(_) => Ok(LogFiles::Daily(log_directory(&paths))),
    }
}

/// The levels of the file and of the terminal; again after every reload of the configuration.
#[must_use]
pub fn log_levels(config: &Config, verbose: bool) -> (Threshold, Threshold) {
    let console = threshold(config.logging.console());
    let console = if verbose { console.min(Threshold::Debug) } else { console };
    (threshold(config.logging.level), console)
}

/// The address under which this machine reaches a listener.
#[must_use]
pub fn url_of(listener: SocketAddr) -> String {
    let host = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}/", SocketAddr::new(host, listener.port()))
}

/// Where the environment says that the installation is.
///
/// # Errors
/// [`Error::Config`] when it says nothing.
pub fn locate() -> Result<(Env, Paths), Error> {
    let env: Env = std::env::vars_os().collect();
    let paths = Paths::locate(&env)?;
    Ok((env, paths))
}

fn log_directory(paths: &Paths) -> PathBuf {
    let state: &Path = &paths.state;
    state.join("logs")
}

fn threshold(level: Level) -> Threshold {
    match level {
        Level::Silent => Threshold::Silent,
        Level::Fatal => Threshold::Fatal,
        Level::Error => Threshold::Error,
        Level::Warn => Threshold::Warn,
        Level::Info => Threshold::Info,
        Level::Debug => Threshold::Debug,
        Level::Trace => Threshold::Trace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_on_this_machine() {
        for (listener, url) in [
            ("0.0.0.0:7", "http://127.0.0.1:7/"),
            ("[::]:7", "http://[::1]:7/"),
            ("192.168.1.2:80", "http://192.168.1.2:80/"),
        ] {
            assert_eq!(url_of(listener.parse().unwrap()), url);
        }
    }

    #[test]
    fn verbose_only_adds() {
        let mut config = Config::default();
        assert_eq!(log_levels(&config, false), (Threshold::Info, Threshold::Info));
        assert_eq!(log_levels(&config, true), (Threshold::Info, Threshold::Debug));
        config.logging.console_level = Some(Level::Trace);
        assert_eq!(log_levels(&config, true), (Threshold::Info, Threshold::Trace));
    }
}
