use super::N_BUCKETS;
use super::row::MAX_WORDS;

/// Words of a chunk: small enough that the last, half-filled chunk of every
/// bucket wastes little.
const CHUNK_WORDS: usize = 1024;
pub(super) const CHUNK_BYTES: usize = CHUNK_WORDS * 8;

/// The rows of one bucket, in chunks, so that growing never copies.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    words: Box<[u64]>,
    n_used: usize,
}

impl Chunk {
    fn new() -> Self {
        Self { words: vec![0; CHUNK_WORDS].into(), n_used: 0 }
    }

    fn n_free(&self) -> usize {
        self.words.len() - self.n_used
    }

    fn push(&mut self, words: &[u64]) {
        self.words[self.n_used..self.n_used + words.len()].copy_from_slice(words);
        self.n_used += words.len();
    }
}

impl Chunks {
    /// Appends a row, the first `n_words` of `row`; returns how many chunks that
    /// took.
    #[inline]
    pub fn push_row(&mut self, row: &[u64; MAX_WORDS], n_words: usize) -> usize {
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

    /// Appends words; returns how many chunks that took.
    pub fn push(&mut self, words: &[u64]) -> usize {
        let n_before = self.chunks.len();
        let mut spare = std::iter::empty();
        self.push_into(words, &mut spare);
        self.chunks.len() - n_before
    }

    fn push_into(&mut self, words: &[u64], spare: &mut impl Iterator<Item = Chunk>) {
        let mut rest = words;
        while !rest.is_empty() {
            if self.chunks.last().is_none_or(|chunk| chunk.n_free() == 0) {
                self.chunks.push(spare.next().unwrap_or_else(Chunk::new));
            }
            let chunk = self.chunks.last_mut().expect("just pushed");
            let (now, later) = rest.split_at(rest.len().min(chunk.n_free()));
            chunk.push(now);
            rest = later;
        }
    }

    pub fn n_words(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.n_used).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u64]> {
        self.chunks.iter().map(|chunk| &chunk.words[..chunk.n_used])
    }

    /// Replaces all words by others, no more than there were, in place.
    pub fn overwrite<'a>(&mut self, rows: impl Iterator<Item = &'a [u64]>) {
        let mut spare = std::mem::take(&mut self.chunks).into_iter().map(|mut chunk| {
            chunk.n_used = 0;
            chunk
        });
        rows.for_each(|row| self.push_into(row, &mut spare));
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
