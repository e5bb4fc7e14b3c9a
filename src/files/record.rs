//! What a file holds, in short.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A file as another one refers to it: its name, and how to tell that it is the same.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Name in the folder of the file that refers to it.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// BLAKE3 of the content, in hexadecimal.
    pub blake3: String,
}

impl FileRecord {
    /// Describes a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (blake3, bytes) = content_hash(path)?;
        Ok(Self { name, bytes, blake3 })
    }

    /// Checks that the file is in a folder as it is described.
    ///
    /// # Errors
    /// When it is not there, cannot be read, or has another content.
    pub fn check(&self, folder: &Path) -> io::Result<()> {
        let path = folder.join(&self.name);
        let bytes = path.metadata()?.len();
        if bytes != self.bytes {
            return Err(io::Error::other(format!("has {bytes} bytes instead of {}", self.bytes)));
        }
        match content_hash(&path)?.0 == self.blake3 {
            true => Ok(()),
            false => Err(io::Error::other("has another content than when it was written")),
        }
    }
}

/// BLAKE3 of some bytes in hexadecimal.
pub fn bytes_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Bytes that are hashed at a time, on all threads.
const BLOCK_BYTES: usize = 1 << 23;

/// BLAKE3 of a file in hexadecimal, and the file's length in bytes.
///
/// # Errors
/// When it cannot be read.
pub fn content_hash(path: &Path) -> io::Result<(String, u64)> {
    let (mut file, mut hasher, mut n_bytes) = (File::open(path)?, blake3::Hasher::new(), 0);
    let mut block = vec![0; BLOCK_BYTES.min(file.metadata()?.len() as usize + 1)];
    loop {
        let mut n_read = 0;
        while n_read < block.len() {
            match file.read(&mut block[n_read..])? {
                0 => break,
                n => n_read += n,
            }
        }
        if n_read == 0 {
            return Ok((hasher.finalize().to_hex().to_string(), n_bytes));
        }
        hasher.update_rayon(&block[..n_read]);
        n_bytes += n_read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_content_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let content: Vec<u8> = (0..3 * BLOCK_BYTES / 2).map(|it| (it % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let record = FileRecord::of(&path).unwrap();
        assert_eq!((record.name.as_str(), record.bytes), ("a.txt", content.len() as u64));
        assert_eq!(record.blake3, blake3::hash(&content).to_hex().to_string());
        record.check(folder.path()).unwrap();
        std::fs::write(&path, &content[1..]).unwrap();
        let error = record.check(folder.path()).unwrap_err().to_string();
        assert!(error.contains("bytes instead of"), "{error}");
        std::fs::write(&path, [&content[1..], &[9]].concat()).unwrap();
        let error = record.check(folder.path()).unwrap_err().to_string();
        assert!(error.contains("another content"), "{error}");
        std::fs::remove_file(&path).unwrap();
        assert!(record.check(folder.path()).is_err());
    }
}
