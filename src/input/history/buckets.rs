use super::N_BUCKETS;
use super::row::MAX_WORDS;

/// Words of a chunk: small enough that the last, half-filled chunk of every
/// bucket wastes little.
const CHUNK_WORDS: usize = 2048;

/// The rows of one bucket, in chunks, so that growing never copies. No row lies
/// across two chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    full: Vec<Chunk>,
    /// Takes the next row.
    open: Chunk,
}

#[derive(Debug, Default)]
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
}

impl Chunks {
    /// Appends a row that `build` writes in its place, of which it returns the
    /// length; returns how many bytes more are taken.
    #[inline]
    pub fn build(&mut self, build: impl FnOnce(&mut [u32; MAX_WORDS]) -> usize) -> usize {
        let n_more = match self.open.n_free() < MAX_WORDS {
            true => self.open_chunk(Chunk::for_row(MAX_WORDS)),
            false => 0,
        };
        let free = &mut self.open.words[self.open.n_used..];
        let row = free.first_chunk_mut().expect("room for a row was made");
        self.open.n_used += build(row);
        n_more
    }

    /// Appends a row of any length; returns how many bytes more are taken.
    pub fn push(&mut self, row: &[u32]) -> usize {
        let n_more = match self.open.n_free() < row.len() {
            true => self.open_chunk(Chunk::for_row(row.len())),
            false => 0,
        };
        let chunk = &mut self.open;
        chunk.words[chunk.n_used..chunk.n_used + row.len()].copy_from_slice(row);
        chunk.n_used += row.len();
        n_more
    }

    fn open_chunk(&mut self, chunk: Chunk) -> usize {
        let n_bytes = chunk.n_bytes();
        let full = std::mem::replace(&mut self.open, chunk);
        if full.n_used > 0 {
            self.full.push(full);
        }
        n_bytes
    }

    fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.full.iter().chain([&self.open])
    }

    pub fn n_words(&self) -> usize {
        self.chunks().map(|chunk| chunk.n_used).sum()
    }

    /// The rows, many at a time.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.chunks().map(|chunk| &chunk.words[..chunk.n_used])
    }

    /// Replaces all rows by others, in the memory of the former.
    pub fn overwrite<'a>(&mut self, rows: impl Iterator<Item = &'a [u32]>) {
        let Self { full: mut spare, open } = std::mem::take(self);
        spare.push(open);
        for row in rows {
            if self.open.n_free() < row.len() {
                let fits = |chunk: &Chunk| chunk.words.len() >= row.len();
                let mut chunk =
                    spare.pop().filter(fits).unwrap_or_else(|| Chunk::for_row(row.len()));
                chunk.n_used = 0;
                self.open_chunk(chunk);
            }
            self.push(row);
        }
    }

    /// Takes over the chunks of another bucket buffer.
    pub fn append(&mut self, other: Self) {
        self.full.extend(other.full);
        self.full.push(other.open);
    }
}

/// An empty bucket each.
pub(super) fn empty_buckets() -> Vec<Chunks> {
    std::iter::repeat_with(Chunks::default).take(N_BUCKETS).collect()
}
