//! Files that appear whole or not at all: written beside their place, flushed
//! to disk, then renamed over whatever stood there.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::record::FileRecord;

/// A file that is written but not yet in its place.
#[derive(Debug)]
pub struct Staged {
    partial: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Staged {
    /// The file as it will stand in its place.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn record(&self) -> io::Result<FileRecord> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(FileRecord { name, ..FileRecord::of(self.partial.path())? })
    }

    /// Puts the file in its place, over whatever stands there.
    ///
    /// # Errors
    /// What the system said; the old file then stands.
    pub fn commit(self) -> io::Result<()> {
        self.partial.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Writes a file beside its place and flushes it to disk. Folders are made as
/// needed.
///
/// # Errors
/// What the system or `write` said.
pub fn stage(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<Staged> {
    let path = &place(path)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    sweep(folder);
    let partial = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(folder)?;
    // Held for as long as the run lives, so that others can tell; not every
    // file system can.
    let _ = partial.as_file().try_lock();
    let mut writer = BufWriter::new(partial.as_file());
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    make_readable(partial.as_file())?;
    partial.as_file().sync_all()?;
    Ok(Staged { partial, path: path.to_owned() })
}

/// The regular file, present or to come, that a path stands for: the rename
/// that publishes would replace a link or a device itself.
fn place(path: &Path) -> io::Result<PathBuf> {
    let is_link = path.symlink_metadata().is_ok_and(|it| it.file_type().is_symlink());
    let path = if is_link { path.canonicalize()? } else { path.to_owned() };
    match path.metadata() {
        Ok(it) if !it.is_file() => Err(io::Error::other("this is no regular file")),
        _ => Ok(path),
    }
}

/// Writes a file in one step; readers see the old content or the new, and a
/// run that is killed half way leaves the old.
///
/// # Errors
/// What the system or `write` said; the old file then stands.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    stage(path, write)?.commit()
}

/// How names of what is not yet published begin.
pub const PARTIAL: &str = ".layercake-partial-";

/// A run takes less long than this: what is older was left by one that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// A run takes less long than this to lock a file that it has made.
const LOCKED_BY_NOW: Duration = Duration::from_secs(60);

/// Whether the run that made what is not yet published is over.
fn is_abandoned(path: &Path, age: Duration) -> bool {
    let is_free = || path.is_file() && File::open(path).is_ok_and(|file| file.try_lock().is_ok());
    age > ABANDONED || age > LOCKED_BY_NOW && is_free()
}

/// Removes what runs that were killed left in a folder. What can't be removed
/// harms nobody.
pub fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        let is_partial = entry.file_name().to_string_lossy().starts_with(PARTIAL);
        if is_partial && age.is_some_and(|age| is_abandoned(&entry.path(), age)) {
            let _ = std::fs::remove_file(entry.path())
                .or_else(|_| std::fs::remove_dir_all(entry.path()));
        }
    }
}

/// Removes all that is not yet published from a folder in which nobody else works.
pub(super) fn remove_partials(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            // What can't be removed harms nobody.
            let _ = std::fs::remove_file(entry.path())
                .or_else(|_| std::fs::remove_dir_all(entry.path()));
        }
    }
}

/// Temporary files are private; what is published follows the usual mode.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        write_atomically(&path, |file| file.write_all(b"old")).unwrap();
        let failed = write_atomically(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("killed"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn only_what_was_abandoned_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let partial = |name: &str| folder.path().join(format!("{PARTIAL}{name}"));
        let (old, fresh) = (partial("a"), partial("b"));
        std::fs::create_dir(&old).unwrap();
        std::fs::write(&fresh, "").unwrap();
        let (dead, alive) = (partial("c"), partial("d"));
        std::fs::write(&dead, "").unwrap();
        std::fs::write(&alive, "").unwrap();
        let made = |path: &Path, ago| {
            File::open(path).unwrap().set_modified(std::time::SystemTime::now() - ago).unwrap();
        };
        made(&old, 2 * ABANDONED);
        made(&dead, 2 * LOCKED_BY_NOW);
        made(&alive, 2 * LOCKED_BY_NOW);
        let writer = File::open(&alive).unwrap();
        writer.try_lock().unwrap();
        sweep(folder.path());
        assert!(!old.exists() && fresh.exists());
        assert!(!dead.exists() && alive.exists());
    }

    #[test]
    fn links_are_followed_and_what_is_no_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&file, &link).unwrap();
            write_atomically(&link, |it| it.write_all(b"new")).unwrap();
            assert!(link.symlink_metadata().unwrap().file_type().is_symlink());
            assert_eq!(std::fs::read(&file).unwrap(), b"new");
        }
        assert!(write_atomically(folder.path(), |it| it.write_all(b"new")).is_err());
    }
}
