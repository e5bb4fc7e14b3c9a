use std::io;
use std::path::{Path, PathBuf};

use crate::files::write_atomically;

/// The file that lists the rows of a session's data that break its contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRows {
    file: PathBuf,
    is_kept: bool,
}

impl RejectedRows {
    /// They are listed in `file`, which stays.
    pub fn kept_in(file: PathBuf) -> Self {
        Self { file, is_kept: true }
    }

    /// They are listed in a file that goes with the session, unless the data is refused:
    /// then the list says why.
    pub fn temporary(file: PathBuf) -> Self {
        Self { file, is_kept: false }
    }

    /// The same in a file of the folder whose name no other run has.
    pub fn temporary_in(folder: &Path) -> Self {
        Self::temporary(folder.join(format!("_quarantine-{}.csv", std::process::id())))
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Puts the list at `place` as well.
    pub(super) fn copy_to(&self, place: &Path) -> io::Result<()> {
        if self.file == place {
            return Ok(());
        }
        let mut list = std::fs::File::open(&self.file)?;
        write_atomically(place, |copy| io::copy(&mut list, copy).map(|_| ()))
    }

    /// Removes a list that was for the session only.
    pub(super) fn clear(&self) {
        if !self.is_kept {
            // What can't be removed harms nobody.
            let _ = std::fs::remove_file(&self.file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_list_goes_and_its_copy_stays() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("night/list.csv");
        for (list, stays) in [
            (RejectedRows::temporary_in(folder.path()), false),
            (RejectedRows::kept_in(folder.path().join("list.csv")), true),
        ] {
            std::fs::write(list.file(), "source,row\n").unwrap();
            list.copy_to(&copy).unwrap();
            list.copy_to(list.file()).unwrap();
            list.clear();
            assert_eq!(std::fs::read_to_string(&copy).unwrap(), "source,row\n");
            assert_eq!(list.file().exists(), stays);
        }
    }
}
