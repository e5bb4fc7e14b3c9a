use super::N_BUCKETS;
use super::row::MAX_WORDS;

/// Words of a chunk: small enough that the last, half-filled chunk of every
/// bucket wastes little.
const CHUNK_WORDS: usize = 2048;

/// The rows of one bucket, in chunks, so that growing never copies. No row lies
/// across two chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    words: Box<[u32]>,
    n_used: usize,
}

impl Chunk {
    /// An empty chunk; a row may be longer than most chunks are.
    fn for_row(n_words: usize) -> Self {
        Self { words: vec![0; n_words.max(CHUNK_WORDS)].into(), n_used: 0 }
    }

    fn n_free(&self) -> usize {
        self.words.len() - self.n_used
    }

    fn n_bytes(&self) -> usize {
        self.words.len() * 4
    }

    fn push(&mut self, row: &[u32]) {
        self.words[self.n_used..self.n_used + row.len()].copy_from_slice(row);
        self.n_used += row.len();
    }
}

impl Chunks {
    /// Appends a row, the first `n_words` of `row`; returns how many bytes more
    /// are taken.
    #[inline]
    pub fn push_short(&mut self, row: &[u32; MAX_WORDS], n_words: usize) -> usize {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.n_free() >= MAX_WORDS => {
                // A copy of fixed length is a few instructions; what is too
                // much of it gets overwritten.
                let start = chunk.n_used;
                chunk.words[start..start + MAX_WORDS].copy_from_slice(row);
                chunk.n_used += n_words;
                0
            }
            _ => self.push(&row[..n_words]),
        }
    }

    /// Appends a row; returns how many bytes more are taken.
    pub fn push(&mut self, row: &[u32]) -> usize {
        if let Some(chunk) = self.chunks.last_mut().filter(|chunk| chunk.n_free() >= row.len()) {
            chunk.push(row);
            return 0;
        }
        let mut chunk = Chunk::for_row(row.len());
        chunk.push(row);
        let n_bytes = chunk.n_bytes();
        self.chunks.push(chunk);
        n_bytes
    }

    pub fn n_words(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.n_used).sum()
    }

    /// The rows, many at a time.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.chunks.iter().map(|chunk| &chunk.words[..chunk.n_used])
    }

    /// Replaces all rows by others, in the memory of the former.
    pub fn overwrite<'a>(&mut self, rows: impl Iterator<Item = &'a [u32]>) {
        let mut spare = std::mem::take(&mut self.chunks);
        for row in rows {
            if self.chunks.last().is_none_or(|chunk| chunk.n_free() < row.len()) {
                let chunk = spare.pop().filter(|chunk| chunk.words.len() >= row.len());
                let mut chunk = chunk.unwrap_or_else(|| Chunk::for_row(row.len()));
                chunk.n_used = 0;
                self.chunks.push(chunk);
            }
            self.chunks.last_mut().expect("just pushed").push(row);
        }
    }

    /// Takes over the chunks of another bucket buffer.
    pub fn append(&mut self, other: Self) {
        self.chunks.extend(other.chunks);
    }
}

/// An empty bucket each.
pub(super) fn empty_buckets() -> Vec<Chunks> {
    std::iter::repeat_with(Chunks::default).take(N_BUCKETS).collect()
}
