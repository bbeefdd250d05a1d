//! Taking up changes of the file while running.
//!
//! An edit that cannot be used changes nothing and is reported until it is put right.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::sync::watch;

use crate::error::{Error, Problem};
use crate::key_path::KeyPath;
use crate::load::{Loaded, load};
use crate::locate::{Env, Paths};
use crate::settings::gateway::ReloadMode;
use crate::{Config, change, schema, setting};

/// How often files are looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// Looks at the files of the configuration and publishes what changes.
pub struct Watch {
    paths: Paths,
    env: Env,
    seen: Vec<(PathBuf, Stamp)>,
    /// Whether there is a file; one that vanishes must not turn everything back to defaults.
    has_file: bool,
    /// All settings as they were at the start, and as they are now.
    started: Value,
    current: Value,
    config: watch::Sender<Arc<Config>>,
    standing: watch::Sender<Standing>,
}

/// How the running configuration and the file stand to one another.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Why the file as it is now cannot be used; the configuration before it goes on.
    pub problem: Option<Arc<Error>>,
    /// What is doubtful in the file.
    pub warnings: Vec<Problem>,
    /// The settings that the last change took up.
    pub taken: Vec<KeyPath>,
    /// The settings that are written differently from how they run, and need a restart.
    pub restart: Vec<KeyPath>,
}

/// What one look at the files found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing new.
    Same,
    /// A change that is now in force, apart from what needs a restart.
    Taken,
    /// A file that cannot be used.
    Refused,
}

/// What tells two versions of a file apart; `None` when there is no file.
type Stamp = Option<(Option<SystemTime>, u64, u64)>;

// === impl Watch ===

impl Watch {
    /// Begins with a configuration that was loaded from these places.
    #[must_use]
    pub fn new(paths: Paths, env: Env, loaded: &Loaded) -> Self {
        let current = everything(loaded);
        let standing = Standing { warnings: loaded.warnings.clone(), ..Standing::default() };
        Self {
            // Without stamps the first look reads again: nothing written since is missed.
            seen: unseen(&paths, &loaded.files),
            has_file: !loaded.files.is_empty(),
            paths,
            env,
            started: current.clone(),
            current,
            config: watch::Sender::new(Arc::new(loaded.config.clone())),
            standing: watch::Sender::new(standing),
        }
    }

    /// The configuration in force, now and after every change.
    #[must_use]
    pub fn config(&self) -> watch::Receiver<Arc<Config>> {
        self.config.subscribe()
    }

    /// How the file stands to the configuration in force, now and after every change.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Looks at the files every second, for as long as it is polled.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Files may be slow, on a network for example; that must not hold up anything else.
            let looked = tokio::task::spawn_blocking(move || {
                self.poll();
                self
            });
            match looked.await {
                Ok(watch) => self = watch,
                Err(_) => return,
            }
        }
    }

    /// Looks at the files once.
    pub fn poll(&mut self) -> Seen {
        if self.config.borrow().gateway.reload.mode == ReloadMode::Off {
            return Seen::Same;
        }
        // After a refusal it is not known which files matter: read again until it is right.
        let troubled = self.standing.borrow().problem.is_some();
        // Stamps are taken before reading: a write in between is seen by the next look.
        let stamps: Vec<_> =
            self.seen.iter().map(|(file, _)| (file.clone(), stamp(file))).collect();
        if stamps == self.seen && !troubled {
            return Seen::Same;
        }
        match load(&self.paths, &self.env) {
            Ok(loaded) if loaded.files.is_empty() && self.has_file => self.refuse(Error::Read {
                path: self.paths.config.clone(),
                source: io::Error::from(io::ErrorKind::NotFound),
            }),
            Ok(loaded) => self.take(&loaded, stamps, troubled),
            Err(error) => self.refuse(error),
        }
    }

    fn take(&mut self, loaded: &Loaded, stamps: Vec<(PathBuf, Stamp)>, troubled: bool) -> Seen {
        self.seen = unseen(&self.paths, &loaded.files);
        for (file, stamp) in &mut self.seen {
            let known = stamps.iter().find(|(known, _)| known == file);
            *stamp = known.and_then(|(_, stamp)| *stamp);
        }
        self.has_file = !loaded.files.is_empty();
        let now = everything(loaded);
        let changed = change::differences(&self.current, &now);
        self.current = now;
        if !changed.is_empty() {
            self.config.send_replace(Arc::new(loaded.config.clone()));
        } else if !troubled {
            return Seen::Same;
        }
        let mut restart = change::differences(&self.started, &self.current);
        restart.retain(|path| !change::is_hot(path));
        self.standing.send_replace(Standing {
            problem: None,
            warnings: loaded.warnings.clone(),
            taken: changed.into_iter().filter(change::is_hot).collect(),
            restart,
        });
        Seen::Taken
    }

    fn refuse(&mut self, error: Error) -> Seen {
        let text = error.to_string();
        self.standing.send_if_modified(|standing| {
            let news = standing.problem.as_ref().is_none_or(|known| known.to_string() != text);
            if news {
                standing.problem = Some(Arc::new(error));
                standing.taken.clear();
            }
            news
        });
        Seen::Refused
    }
}

fn everything(loaded: &Loaded) -> Value {
    setting::effective(schema::shared(), Some(&loaded.tree)).unwrap_or_default()
}

/// The main file, whether it exists or not, and those it includes, none of them looked at yet.
fn unseen(paths: &Paths, files: &[PathBuf]) -> Vec<(PathBuf, Stamp)> {
    let included = files.iter().filter(|file| **file != paths.config);
    std::iter::once(&paths.config).chain(included).map(|file| (file.clone(), None)).collect()
}

fn stamp(file: &Path) -> Stamp {
    let found = fs::metadata(file).ok()?;
    Some((found.modified().ok(), found.len(), inode(&found)))
}

#[cfg(unix)]
fn inode(found: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests;
