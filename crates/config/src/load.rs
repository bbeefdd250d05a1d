//! From files and environment to checked settings.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Number;

use crate::error::{Error, Problem};
use crate::include::{Reader, Unreadable, read_text, whole_file};
use crate::key_path::KeyPath;
use crate::locate::{Env, Paths};
use crate::tree::{Kind, Node, Origin};
use crate::{Config, check, rules, substitute};

/// A configuration that may be used.
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What is doubtful but does not stand in the way.
    pub warnings: Vec<Problem>,
    /// Every file that was read, the main one first; empty when there is none.
    pub files: Vec<PathBuf>,
    pub(crate) tree: Node,
}

/// Environment variables that override a setting: the first of them that exists.
const OVERRIDES: &[(&[&str], &[&str])] = &[
    (&["OPENCLAW_GATEWAY_PORT", "CLAWDBOT_GATEWAY_PORT"], &["gateway", "port"]),
    (&["OPENCLAW_GATEWAY_TOKEN", "CLAWDBOT_GATEWAY_TOKEN"], &["gateway", "auth", "token"]),
    (&["OPENCLAW_DATABASE_URL"], &["store", "url"]),
];

/// Reads the configuration. A file that does not exist is an empty one.
///
/// # Errors
/// [`Error::Invalid`] with everything that is wrong in the files; [`Error::Read`] when the main file
/// exists but cannot be read.
pub fn load(paths: &Paths, env: &Env) -> Result<Loaded, Error> {
    let refused = |message: &str| Error::Invalid {
        path: paths.config.clone(),
        problems: vec![Problem {
            place: whole_file(&paths.config),
            path: KeyPath::root(),
            message: format!("the file {message}"),
        }],
    };
    match read_text(&paths.config) {
        Ok(text) => load_text(paths, env, text),
        Err(Unreadable::Refused(message)) => Err(refused(message)),
        Err(Unreadable::Failed(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            finish(paths, env, empty(&paths.config), Reader::new(paths.folder()))
        }
        Err(Unreadable::Failed(source)) => Err(Error::Read { path: paths.config.clone(), source }),
    }
}

/// Reads the configuration as if the main file held this text.
pub(crate) fn load_text(paths: &Paths, env: &Env, text: String) -> Result<Loaded, Error> {
    let mut reader = Reader::new(paths.folder());
    let tree = reader.read(&paths.config, text);
    match tree {
        Some(tree) => finish(paths, env, tree, reader),
        None => Err(Error::Invalid { path: paths.config.clone(), problems: reader.problems }),
    }
}

fn finish(paths: &Paths, env: &Env, mut tree: Node, reader: Reader) -> Result<Loaded, Error> {
    let Reader { files, mut problems, .. } = reader;
    let mut warnings = Vec::new();
    substitute::variables(&mut tree, &KeyPath::root(), env, &mut warnings);
    override_from(env, &mut tree);
    problems.extend(check::check(&tree));
    let invalid = |problems| Error::Invalid { path: paths.config.clone(), problems };
    if !problems.is_empty() {
        return Err(invalid(problems));
    }
    let value = tree.to_value().unwrap_or_default();
    let mut config: Config = serde_json::from_value(value).map_err(|_| {
        let message = "passed every check and still does not fit; please report this".to_owned();
        invalid(vec![Problem { place: whole_file(&paths.config), path: KeyPath::root(), message }])
    })?;
    let found = rules::apply(&mut config, &tree);
    warnings.extend(found.warnings);
    warnings.extend(files.iter().filter_map(|file| exposed(file)));
    if found.problems.is_empty() {
        Ok(Loaded { config, warnings, files, tree })
    } else {
        Err(invalid(found.problems))
    }
}

fn override_from(env: &Env, tree: &mut Node) {
    for (names, keys) in OVERRIDES {
        if let Some((name, value)) = env.first(names) {
            let kind = match value.parse::<u64>() {
                Ok(number) if keys.ends_with(&["port"]) => Kind::Number(Number::from(number)),
                _ => Kind::String(value.to_owned()),
            };
            tree.put(keys, Node::new(Origin::Variable(name), kind));
        }
    }
}

fn empty(path: &Path) -> Node {
    let name = path.display().to_string();
    let source = std::sync::Arc::new(crate::tree::Source { name, text: String::new() });
    Node::new(Origin::File { source, at: 0 }, Kind::Object(Vec::new()))
}

/// A warning for a file that other users of this machine can read or change.
#[cfg(unix)]
fn exposed(file: &Path) -> Option<Problem> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| Problem {
        place: whole_file(file),
        path: KeyPath::root(),
        message: format!(
            "other users may open this file (mode {mode:03o}); run chmod 600 {}",
            file.display()
        ),
    })
}

#[cfg(not(unix))]
fn exposed(_: &Path) -> Option<Problem> {
    None
}

/// The tree holds secrets: only the checked settings are shown.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("config", &self.config)
            .field("warnings", &self.warnings)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
