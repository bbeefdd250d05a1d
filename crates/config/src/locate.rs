//! Where the configuration and the state of this installation are.
//!
//! Looks only at the environment it is given and at which files exist; creates nothing.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::Error;

/// The environment variables that were handed in. An empty one counts as absent.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The file, whether it exists or not.
    pub config: PathBuf,
    /// The folder of everything that OpenClaw keeps.
    pub state: PathBuf,
}

const FILE: &str = "openclaw.json";
const OLD_FILE: &str = "moltbot.json";
const FOLDER: &str = ".openclaw";
const OLD_FOLDER: &str = ".clawdbot";

// === impl Env ===

impl Env {
    /// The value of a variable that exists and is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The first of these variables that exists.
    pub(crate) fn first(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }
}

/// From names and values, for example those of `std::env::vars_os`; those that are not UTF-8 are left out.
impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let text = |value: OsString| value.into_string().ok();
        Self(
            variables
                .into_iter()
                .filter_map(|(name, value)| Some((text(name.into())?, text(value.into())?)))
                .collect(),
        )
    }
}

/// The environment is full of secrets: only names are shown.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

// === impl Paths ===

impl Paths {
    /// Finds the file and the state folder: `OPENCLAW_CONFIG_PATH` and `OPENCLAW_STATE_DIR` if set, else
    /// `.openclaw` in `OPENCLAW_HOME` or the home directory, else `~/.clawdbot` if only that exists.
    /// `moltbot.json` stands in for an absent `openclaw.json`. With only the file named, the state
    /// folder is where it would be without it.
    ///
    /// # Errors
    /// [`Error::NoHome`] when the environment names no place at all.
    pub fn locate(env: &Env) -> Result<Self, Error> {
        let named = env.first(&["OPENCLAW_CONFIG_PATH", "CLAWDBOT_CONFIG_PATH"]);
        let named = named.map(|(_, path)| expand_home(path, env));
        let state = match (state_folder(env), &named) {
            (Some(folder), _) => folder,
            (None, Some(file)) => folder_of(file).to_owned(),
            (None, None) => return Err(Error::NoHome),
        };
        let config = named.unwrap_or_else(|| file_in(&state));
        Ok(Self { config, state })
    }

    /// The folder of the file; what it includes must be below this.
    pub(crate) fn folder(&self) -> &Path {
        folder_of(&self.config)
    }
}

/// The folder of a file; a bare name stands in the current one.
pub(crate) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn state_folder(env: &Env) -> Option<PathBuf> {
    if let Some((_, folder)) = env.first(&["OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR"]) {
        return Some(expand_home(folder, env));
    }
    if let Some(home) = env.get("OPENCLAW_HOME") {
        return Some(expand_home(home, env).join(FOLDER));
    }
    let home = Path::new(env.get("HOME")?);
    let (folder, old) = (home.join(FOLDER), home.join(OLD_FOLDER));
    Some(if !folder.exists() && old.is_dir() { old } else { folder })
}

fn file_in(folder: &Path) -> PathBuf {
    let (file, old) = (folder.join(FILE), folder.join(OLD_FILE));
    if !file.exists() && old.exists() { old } else { file }
}

/// `~` and `~/...` stand for the home directory.
fn expand_home(path: &str, env: &Env) -> PathBuf {
    let below = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match (below, env.get("HOME")) {
        (Some(rest), Some(home)) => Path::new(home).join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn env(variables: &[(&str, &str)]) -> Env {
        variables.iter().copied().collect()
    }

    #[test]
    fn variables_go_before_the_home_directory() {
        let found = |variables: &[(&str, &str)]| {
            let paths = Paths::locate(&env(variables)).unwrap();
            (paths.config.display().to_string(), paths.state.display().to_string())
        };
        let both = |config: &str, state: &str| (config.to_owned(), state.to_owned());
        assert_eq!(
            found(&[("HOME", "/nowhere")]),
            both("/nowhere/.openclaw/openclaw.json", "/nowhere/.openclaw")
        );
        assert_eq!(
            found(&[("HOME", "/nowhere"), ("OPENCLAW_HOME", "/srv")]),
            both("/srv/.openclaw/openclaw.json", "/srv/.openclaw")
        );
        assert_eq!(
            found(&[("HOME", "/nowhere"), ("OPENCLAW_STATE_DIR", "~/claw")]),
            both("/nowhere/claw/openclaw.json", "/nowhere/claw")
        );
        assert_eq!(
            found(&[("HOME", "/nowhere"), ("OPENCLAW_CONFIG_PATH", "/etc/claw.json5")]),
            both("/etc/claw.json5", "/nowhere/.openclaw")
        );
        assert_eq!(found(&[("OPENCLAW_CONFIG_PATH", "/etc/c.json")]), both("/etc/c.json", "/etc"));
        assert!(matches!(Paths::locate(&env(&[("HOME", "")])), Err(Error::NoHome)));
    }

    #[test]
    fn old_names_are_found_when_the_new_ones_are_absent() {
        let home = tempfile::tempdir().unwrap();
        let env = env(&[("HOME", home.path().to_str().unwrap())]);
        let old = home.path().join(".clawdbot");
        fs::create_dir(&old).unwrap();
        assert_eq!(Paths::locate(&env).unwrap().config, old.join("openclaw.json"));
        fs::write(old.join("moltbot.json"), "{}").unwrap();
        assert_eq!(Paths::locate(&env).unwrap().config, old.join("moltbot.json"));
        fs::create_dir(home.path().join(".openclaw")).unwrap();
        let new = home.path().join(".openclaw/openclaw.json");
        assert_eq!(Paths::locate(&env).unwrap().config, new);
    }

    #[test]
    fn the_environment_is_never_printed() {
        let shown = format!("{:?}", env(&[("OPENAI_API_KEY", "sk-123")]));
        assert_eq!(shown, "{\"OPENAI_API_KEY\"}");
    }
}
