use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Mutex;

use super::HistoryError;

/// Where a run of words stands in a temporary file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub file: usize,
    pub first_word: u64,
    pub n_words: usize,
}

/// A temporary file of words, which the system removes when the run ends in
/// whatever way.
pub(super) struct SpillFile {
    file: Mutex<File>,
}

/// A temporary file that is being written.
pub(super) struct SpillWriter {
    file: BufWriter<File>,
    n_words: u64,
}

impl SpillWriter {
    pub fn new() -> Result<Self, HistoryError> {
        let file = tempfile::tempfile().map_err(HistoryError::disk)?;
        Ok(Self { file: BufWriter::with_capacity(1 << 20, file), n_words: 0 })
    }

    /// Words written so far.
    pub fn n_words(&self) -> u64 {
        self.n_words
    }

    pub fn write(&mut self, words: &[u32]) -> Result<(), HistoryError> {
        for word in words {
            self.file.write_all(&word.to_le_bytes()).map_err(HistoryError::disk)?;
        }
        self.n_words += words.len() as u64;
        Ok(())
    }

    pub fn finish(self) -> Result<SpillFile, HistoryError> {
        let file =
            self.file.into_inner().map_err(|error| HistoryError::disk(error.into_error()))?;
        Ok(SpillFile { file: Mutex::new(file) })
    }
}

impl SpillFile {
    /// Appends the words of a run.
    pub fn read(&self, run: &Run, words: &mut Vec<u32>) -> Result<(), HistoryError> {
        let mut bytes = vec![0; run.n_words * 4];
        {
            let mut file = self.file.lock().expect("no reader panics while it holds the lock");
            file.seek(SeekFrom::Start(run.first_word * 4)).map_err(HistoryError::disk)?;
            file.read_exact(&mut bytes).map_err(HistoryError::disk)?;
        }
        let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        words.extend(bytes.chunks_exact(4).map(word));
        Ok(())
    }
}
