/// Told what a run is doing, for whoever waits.
pub trait Progress {
    /// The next stage begins: `done` of `total` are behind it.
    fn stage(&mut self, done: usize, total: usize, what: &str);
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn stage(&mut self, _done: usize, _total: usize, _what: &str) {}
}
