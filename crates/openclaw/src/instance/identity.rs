//! Which instance this is: an id in the state directory, and a lock that only one process can hold.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use domain::{Clock, Ids};
use uuid::Uuid;

use crate::error::Error;

/// The right to be this instance. It ends with the process, however that ends.
#[derive(Debug)]
pub struct Identity {
    id: Uuid,
    _lock: File,
}

// === impl Identity ===

impl Identity {
    /// Takes it: the id that an earlier run left in the directory, or a fresh one.
    ///
    /// # Errors
    /// [`Error::AlreadyRunning`] when another process has it, [`Error::State`] when the file cannot be used.
    pub fn take(state: &Path, clock: &dyn Clock, ids: &dyn Ids) -> Result<Self, Error> {
        let path = state.join("instance");
        let failed = |source| Error::State { path: path.clone(), source };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::AlreadyRunning { state: state.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let id = match text.trim().parse() {
            Ok(id) => id,
            Err(_) => write_fresh(&mut file, ids.uuid(clock.now())).map_err(failed)?,
        };
        Ok(Self { id, _lock: file })
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }
}

fn write_fresh(file: &mut File, id: Uuid) -> io::Result<Uuid> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{SystemClock, SystemIds};

    #[test]
    fn only_one_process_is_this_instance_and_a_restart_is_the_same_one() {
        let state = tempfile::tempdir().unwrap();
        let take = || Identity::take(state.path(), &SystemClock, &SystemIds);
        let first = take().unwrap();
        assert!(matches!(take(), Err(Error::AlreadyRunning { .. })));
        let id = first.id();
        drop(first);
        assert_eq!(take().unwrap().id(), id);
    }
}
