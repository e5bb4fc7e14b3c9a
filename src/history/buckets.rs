use super::N_BUCKETS;

/// Words of a chunk: small enough that the last, half-filled chunk of every
/// bucket wastes little.
const CHUNK_WORDS: usize = 1024;
pub(super) const CHUNK_BYTES: usize = CHUNK_WORDS * 8;

/// The rows of one bucket, in chunks, so that growing never copies.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    chunks: Vec<Vec<u64>>,
}

impl Chunks {
    /// Appends words; returns how many chunks that took.
    #[inline]
    pub fn push(&mut self, words: &[u64]) -> usize {
        let mut n_new = 0;
        let mut rest = words;
        while !rest.is_empty() {
            if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK_WORDS) {
                self.chunks.push(Vec::with_capacity(CHUNK_WORDS));
                n_new += 1;
            }
            let chunk = self.chunks.last_mut().expect("just pushed");
            let (now, later) = rest.split_at(rest.len().min(CHUNK_WORDS - chunk.len()));
            chunk.extend_from_slice(now);
            rest = later;
        }
        n_new
    }

    pub fn n_words(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u64]> {
        self.chunks.iter().map(Vec::as_slice)
    }

    /// Replaces all words by others, no more than there were, in place.
    pub fn overwrite<'a>(&mut self, rows: impl Iterator<Item = &'a [u64]>) {
        let mut chunks = std::mem::take(&mut self.chunks);
        chunks.iter_mut().for_each(Vec::clear);
        let mut spare = chunks.into_iter();
        for row in rows {
            let mut rest = row;
            while !rest.is_empty() {
                if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK_WORDS) {
                    let chunk = spare.next();
                    self.chunks.push(chunk.unwrap_or_else(|| Vec::with_capacity(CHUNK_WORDS)));
                }
                let chunk = self.chunks.last_mut().expect("just pushed");
                let (now, later) = rest.split_at(rest.len().min(CHUNK_WORDS - chunk.len()));
                chunk.extend_from_slice(now);
                rest = later;
            }
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
