//! The repository as the rules see it: its text files, its Rust files, its crates.
//!
//! Owns the walk; refuses build output, fetched packages and version control.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::package::Package;
use crate::source::Source;
use crate::violation::Violation;

/// Everything a rule may look at.
#[derive(Debug, Default)]
pub struct Tree {
    /// Every text file, ordered by path.
    pub files: Vec<File>,
    /// Every Rust file that could be parsed.
    pub sources: Vec<Source>,
    /// The Rust files that could not, with the reason.
    pub unreadable: Vec<Violation>,
    /// Every crate of the workspace.
    pub packages: Vec<Package>,
}

/// A text file.
#[derive(Debug, Clone)]
pub struct File {
    /// Path from the root of the tree, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// What is not ours to judge, beside the directories that carry cargo's `CACHEDIR.TAG`.
const FOREIGN: &[&str] = &[".git", ".env", "node_modules", "dist", "test-results"];
/// The hidden directories that are ours.
const OURS: &[&str] = &[".cargo", ".ci", ".github"];

/// The root of this repository.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

// === impl Tree ===

impl Tree {
    /// Reads the repository at `root`.
    ///
    /// # Errors
    /// When a directory cannot be listed, a file cannot be read, or cargo refuses a manifest.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { packages: Package::all(root)?, ..Self::of(files) })
    }

    /// A tree of these files, without crates.
    pub fn of(files: Vec<File>) -> Self {
        let mut tree = Self::default();
        for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
            match Source::parse(&file.path, &file.text) {
                Ok(source) => tree.sources.push(source),
                Err(violation) => tree.unreadable.push(violation),
            }
        }
        tree.files = files;
        tree.mark_test_modules();
        tree
    }

    /// A module under `#[cfg(test)]` is tests, and so is all that stands below it.
    fn mark_test_modules(&mut self) {
        let modules: Vec<String> =
            self.sources.iter().flat_map(Source::test_module_paths).collect();
        for source in &mut self.sources {
            source.is_test_file |= modules.iter().any(|module| {
                let rest = source.path.strip_prefix(module.as_str());
                rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            });
        }
    }

    /// The file at `path`, if there is one.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// What stands below `folder`: the rest of the path, and the file.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().filter_map(move |file| {
            let rest = file.path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((rest, file))
        })
    }
}

// === impl File ===

impl File {
    /// Its lines, counted from one.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

fn walk(folder: &Path, below: &str, files: &mut Vec<File>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let relative = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let kind = entry.file_type()?;
        if FOREIGN.contains(&name.as_str()) {
            continue;
        }
        if kind.is_dir() && is_ours(&path, &name) {
            walk(&path, &relative, files)?;
        } else if kind.is_file() {
            let bytes = fs::read(&path).with_context(|| format!("reading {relative}"))?;
            files.extend(String::from_utf8(bytes).ok().map(|text| File { path: relative, text }));
        }
    }
    Ok(())
}

fn is_ours(folder: &Path, name: &str) -> bool {
    (!name.starts_with('.') || OURS.contains(&name)) && !folder.join("CACHEDIR.TAG").exists()
}
