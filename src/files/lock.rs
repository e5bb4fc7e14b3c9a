//! One run at a time.

use std::fs::File;
use std::io;
use std::path::Path;

use super::atomic::remove_partials;

/// Held by one run of all that work in a folder; given back when it is dropped, or when
/// the run ends in whatever way.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "the lock goes with the file")] File);

/// Takes a folder, which is made if need be. `name` is that of the file that is locked; it
/// stays, and is empty.
///
/// # Errors
/// [`io::ErrorKind::ResourceBusy`] while another run has the lock, or what the system said.
pub fn lock_folder(folder: &Path, name: &str) -> io::Result<FolderLock> {
    if folder.exists() && !folder.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "a folder is needed there"));
    }
    std::fs::create_dir_all(folder)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(name))?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another run is at work there; run again when it is done",
        )),
        // Not every file system can lock: then nothing keeps two runs apart.
        Err(std::fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            Ok(FolderLock(file))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

impl FolderLock {
    /// Removes what runs that were killed left in a folder in which only the one that holds
    /// this lock works.
    pub fn clean(&self, folder: &Path) {
        remove_partials(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time_and_what_killed_ones_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let partial = folder.path().join(format!("{}x", super::super::PARTIAL));
        std::fs::create_dir(&partial).unwrap();
        let first = lock_folder(folder.path(), ".lock").unwrap();
        first.clean(folder.path());
        assert!(!partial.exists());
        let error = lock_folder(folder.path(), ".lock").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        lock_folder(folder.path(), ".lock").unwrap();
    }
}
