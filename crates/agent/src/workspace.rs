//! A tenant's workspace: the files that say who its agent is.
//!
//! The one place that opens files under a tenant's root. Every path is resolved beneath that root by the
//! operating system's own rules, so neither `..` nor a link leads out of it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use domain::{Coded, Kind};

/// A tenant's workspace directory.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

/// What the files say, in an order in which what changes least comes first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brief {
    /// One section for each file that is there.
    pub sections: Vec<String>,
}

/// A workspace that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory could not be made.
    #[error("cannot make the workspace {path}; check that this user may write there")]
    Create {
        /// Where.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file is there but cannot be read.
    #[error("cannot read {file} in the workspace {path}; check its permissions")]
    Read {
        /// Which file.
        file: String,
        /// Where.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Files of the workspace in the order in which they enter the prompt, each with its limit in characters.
const FILES: &[(&str, usize)] = &[
    ("AGENTS.md", FILE_LIMIT),
    ("SOUL.md", FILE_LIMIT),
    ("IDENTITY.md", FILE_LIMIT),
    ("CLAUDE.md", FILE_LIMIT),
    ("TOOLS.md", FILE_LIMIT),
    ("USER.md", 4_000),
    ("MEMORY.md", FILE_LIMIT),
];
/// Daily notes, newest first; their names are dates.
const NOTES: &str = "memory";
const NOTES_READ: usize = 2;
const FILE_LIMIT: usize = 20_000;
const TOTAL_LIMIT: usize = 60_000;
/// No file is read further than this, whatever its size.
const READ_LIMIT: u64 = 1024 * 1024;

const FIRST_AGENTS: &str = "\
# Who you are

You are the assistant of this business. You answer the people who write to it, in their own language,
briefly and kindly. When you do not know something, you say so and offer to ask a colleague.

Edit this file to say what the business does and how you should speak. Changes take effect with the next
message.
";

// === impl Error ===

impl Coded for Error {
    fn kind(&self) -> Kind {
        Kind::Internal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Create { .. } => "workspace-create",
            Self::Read { .. } => "workspace-read",
        }
    }
}

// === impl Workspace ===

impl Workspace {
    /// The workspace at a directory, which need not be there yet.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the directory, and a first `AGENTS.md` in it, unless they are there.
    ///
    /// # Errors
    /// [`Error::Create`].
    pub fn create(&self) -> Result<(), Error> {
        let failed = |source| Error::Create { path: self.root.display().to_string(), source };
        std::fs::create_dir_all(&self.root).map_err(failed)?;
        let root = Dir::open_ambient_dir(&self.root, ambient_authority()).map_err(failed)?;
        if root.try_exists("AGENTS.md").map_err(failed)? {
            return Ok(());
        }
        root.write("AGENTS.md", FIRST_AGENTS).map_err(failed)
    }

    /// Reads the files as they are now. A missing file or directory is no error: it says nothing.
    ///
    /// # Errors
    /// [`Error::Read`] when a file is there but cannot be read.
    pub fn brief(&self) -> Result<Brief, Error> {
        let root = match Dir::open_ambient_dir(&self.root, ambient_authority()) {
            Ok(root) => root,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Brief::default()),
            Err(source) => return Err(self.unreadable("", source)),
        };
        let mut brief = Brief::default();
        let mut room = TOTAL_LIMIT;
        for (name, limit) in FILES {
            self.add(&mut brief, &mut room, &root, name, *limit)?;
        }
        for note in newest_notes(&root) {
            self.add(&mut brief, &mut room, &root, &note, FILE_LIMIT)?;
        }
        Ok(brief)
    }

    fn add(
        &self,
        brief: &mut Brief,
        room: &mut usize,
        root: &Dir,
        name: &str,
        limit: usize,
    ) -> Result<(), Error> {
        let Some(text) = read(root, name).map_err(|source| self.unreadable(name, source))? else {
            return Ok(());
        };
        let text = text.trim();
        if text.is_empty() || *room == 0 {
            return Ok(());
        }
        let section = section(name, text, limit.min(*room));
        *room = room.saturating_sub(text.chars().count());
        brief.sections.push(section);
        Ok(())
    }

    fn unreadable(&self, file: &str, source: io::Error) -> Error {
        Error::Read { file: file.to_owned(), path: self.root.display().to_string(), source }
    }
}

/// A file's text; `None` when it is not there, is not a file, or leads out of the workspace.
fn read(root: &Dir, name: &str) -> io::Result<Option<String>> {
    let file = match root.open(name) {
        Ok(file) => file,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(READ_LIMIT).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// A link that leads out of the root is answered with `PermissionDenied` by the sandboxed open, and says
/// as little as a missing file.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    ) || (error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none())
}

fn newest_notes(root: &Dir) -> Vec<String> {
    let Ok(entries) = root.read_dir(NOTES) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_dated_note(name))
        .collect();
    names.sort_unstable_by(|one, other| other.cmp(one));
    names.truncate(NOTES_READ);
    names.into_iter().map(|name| format!("{NOTES}/{name}")).collect()
}

/// `2026-11-20.md`
fn is_dated_note(name: &str) -> bool {
    name.strip_suffix(".md").is_some_and(|date| {
        date.len() == 10
            && date.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    })
}

fn section(name: &str, text: &str, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return format!("## {name}\n\n{text}");
    }
    let kept: String = text.chars().take(limit).collect();
    format!(
        "## {name}\n\n{kept}\n\n[{name} has {length} characters; only the first {limit} are read]"
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn workspace(files: &[(&str, &str)]) -> (tempfile::TempDir, Workspace) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("workspace");
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        (directory, Workspace::at(root))
    }

    #[test]
    fn files_come_in_a_stable_order_and_the_newest_notes_last() {
        let (_directory, workspace) = workspace(&[
            ("memory/2026-11-18.md", "old"),
            ("memory/2026-11-20.md", "today"),
            ("memory/2026-11-19.md", "yesterday"),
            ("memory/notes.txt", "not a note"),
            ("USER.md", "Anna"),
            ("TOOLS.md", "tools"),
            ("AGENTS.md", "rules"),
            ("SOUL.md", "  \n"),
        ]);
        assert_eq!(
            workspace.brief().unwrap().sections,
            [
                "## AGENTS.md\n\nrules",
                "## TOOLS.md\n\ntools",
                "## USER.md\n\nAnna",
                "## memory/2026-11-20.md\n\ntoday",
                "## memory/2026-11-19.md\n\nyesterday",
            ]
        );
    }

    #[test]
    fn an_edit_is_seen_by_the_next_reading() {
        let (_directory, workspace) = workspace(&[("AGENTS.md", "one")]);
        let before = workspace.brief().unwrap();
        fs::write(workspace.root().join("AGENTS.md"), "two").unwrap();
        assert_ne!(workspace.brief().unwrap(), before);
    }

    #[test]
    fn long_files_are_cut_and_say_so() {
        let long = "я".repeat(FILE_LIMIT + 5);
        let (_directory, workspace) = workspace(&[
            ("AGENTS.md", &long),
            ("SOUL.md", &long),
            ("CLAUDE.md", &long),
            ("TOOLS.md", &long),
        ]);
        let sections = workspace.brief().unwrap().sections;
        assert!(
            sections[0]
                .ends_with("[AGENTS.md has 20005 characters; only the first 20000 are read]")
        );
        let total: usize = sections.iter().map(|section| section.matches('я').count()).sum();
        assert!(total <= TOTAL_LIMIT, "{total}");
    }

    #[test]
    fn nothing_outside_the_workspace_is_read() {
        let (directory, workspace) = workspace(&[("AGENTS.md", "inside")]);
        fs::write(directory.path().join("secret"), "outside").unwrap();
        std::os::unix::fs::symlink("../secret", workspace.root().join("SOUL.md")).unwrap();
        std::os::unix::fs::symlink(
            directory.path().join("secret"),
            workspace.root().join("USER.md"),
        )
        .unwrap();
        fs::create_dir(workspace.root().join("TOOLS.md")).unwrap();
        assert_eq!(workspace.brief().unwrap().sections, ["## AGENTS.md\n\ninside"]);
    }

    #[test]
    fn a_new_workspace_has_something_to_edit_and_keeps_what_was_edited() {
        let (_directory, workspace) = workspace(&[]);
        assert_eq!(workspace.brief().unwrap(), Brief::default());
        workspace.create().unwrap();
        assert_eq!(workspace.brief().unwrap().sections.len(), 1);
        fs::write(workspace.root().join("AGENTS.md"), "mine").unwrap();
        workspace.create().unwrap();
        assert_eq!(workspace.brief().unwrap().sections, ["## AGENTS.md\n\nmine"]);
    }
}
