//! Writing the configuration: checked first, then all at once, with the version before kept as `.bak`.
//!
//! Never writes through a link, and never leaves half a file.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use domain::Ids;
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::error::Error;
use crate::include::{Unreadable, read_text};
use crate::key_path::KeyPath;
use crate::load::{Loaded, load_text};
use crate::locate::{Env, Paths, folder_of};
use crate::{edit, first_file};

/// Puts a setting into the file; see [`edit::set`] for how.
///
/// # Errors
/// [`Error::Edit`] when it cannot be put there, [`Error::Invalid`] when the file would then be refused,
/// [`Error::Link`], [`Error::Read`] and [`Error::Write`] when the file cannot be replaced. The file is
/// untouched in all of these cases.
pub fn set(paths: &Paths, env: &Env, path: &KeyPath, value: &Value) -> Result<Loaded, Error> {
    save(paths, env, edit::set(&current(paths)?, path, value)?)
}

/// Takes a setting out of the file; see [`edit::unset`] for how.
///
/// # Errors
/// As for [`set`].
pub fn unset(paths: &Paths, env: &Env, path: &KeyPath) -> Result<Loaded, Error> {
    save(paths, env, edit::unset(&current(paths)?, path)?)
}

/// Replaces the file with this text, if it may be used.
///
/// # Errors
/// As for [`set`].
pub fn save(paths: &Paths, env: &Env, text: String) -> Result<Loaded, Error> {
    let loaded = load_text(paths, env, text.clone())?;
    let file = &paths.config;
    refuse_link(file)?;
    let failed = |source| Error::Write { path: file.clone(), source };
    make_folder(paths.folder()).map_err(failed)?;
    match fs::read(file) {
        Ok(before) if before == text.as_bytes() => return Ok(loaded),
        Ok(before) => {
            let backup = beside(file, ".bak");
            refuse_link(&backup)?;
            let failed = |source| Error::Write { path: backup.clone(), source };
            replace(&backup, &before, Some(file)).map_err(failed)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(Error::Read { path: file.clone(), source }),
    }
    replace(file, text.as_bytes(), Some(file)).map_err(failed)?;
    Ok(loaded)
}

/// Writes a first file with a random gateway token, if there is none. The folder and the file are for
/// this user alone. Returns whether it was written.
///
/// # Errors
/// [`Error::Write`] when it cannot be written.
pub fn first_run(paths: &Paths, ids: &dyn Ids) -> Result<bool, Error> {
    let file = &paths.config;
    let failed = |source| Error::Write { path: file.clone(), source };
    make_folder(paths.folder()).map_err(failed)?;
    make_folder(&paths.state)
        .map_err(|source| Error::Write { path: paths.state.clone(), source })?;
    if file.symlink_metadata().is_ok() {
        return Ok(false);
    }
    let text = first_file::text(ids);
    let written = prepare(file, text.as_bytes(), None).map_err(failed)?;
    match written.persist_noclobber(file) {
        Ok(_) => sync_folder(file).map(|()| true).map_err(failed),
        // Another process was faster; its file counts.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error.error)),
    }
}

fn current(paths: &Paths) -> Result<String, Error> {
    let file = &paths.config;
    refuse_link(file)?;
    let failed = |source| Error::Read { path: file.clone(), source };
    match read_text(file) {
        Ok(text) => Ok(text),
        Err(Unreadable::Refused(message)) => Err(failed(io::Error::other(message))),
        Err(Unreadable::Failed(error)) if error.kind() == io::ErrorKind::NotFound => {
            Ok("{\n}\n".to_owned())
        }
        Err(Unreadable::Failed(source)) => Err(failed(source)),
    }
}

fn refuse_link(file: &Path) -> Result<(), Error> {
    match file.symlink_metadata() {
        Ok(found) if found.is_symlink() => Err(Error::Link { path: file.to_owned() }),
        _ => Ok(()),
    }
}

fn replace(file: &Path, content: &[u8], owner: Option<&Path>) -> io::Result<()> {
    prepare(file, content, owner)?.persist(file).map_err(|error| error.error)?;
    sync_folder(file)
}

/// A file beside `file` that has the content on the disk, readable by this user alone, and belongs to
/// whom `owner` belongs: an administrator's edit must not lock the service out.
fn prepare(file: &Path, content: &[u8], owner: Option<&Path>) -> io::Result<NamedTempFile> {
    let mut written = tempfile::Builder::new().prefix(".openclaw-").tempfile_in(folder_of(file))?;
    written.write_all(content)?;
    if let Some(owner) = owner {
        give_to_owner_of(owner, written.as_file())?;
    }
    written.as_file().sync_all()?;
    Ok(written)
}

#[cfg(unix)]
fn give_to_owner_of(known: &Path, written: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let Ok(known) = fs::metadata(known) else { return Ok(()) };
    let mine = written.metadata()?;
    if (known.uid(), known.gid()) == (mine.uid(), mine.gid()) {
        return Ok(());
    }
    fchown(written, Some(known.uid()), Some(known.gid()))
}

#[cfg(not(unix))]
fn give_to_owner_of(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

/// Makes the rename itself durable.
fn sync_folder(file: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder_of(file))?.sync_all() } else { Ok(()) }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
