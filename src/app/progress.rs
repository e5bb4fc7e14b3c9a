//! The stages of a verb: shown while they run, and how long each took.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Shows what a run is doing to those who wait for it.
pub trait Progress: Send {
    /// The next stage begins: `done` of `total` are behind it.
    fn stage(&mut self, done: usize, total: usize, what: &str);

    /// The verb is over: there is nothing to show any more.
    fn finish(&mut self) {}
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn stage(&mut self, _done: usize, _total: usize, _what: &str) {}
}

/// Progress and timings of all verbs of a session.
pub(super) struct Stages {
    state: Mutex<State>,
}

struct State {
    progress: Box<dyn Progress>,
    timings: Vec<(String, Duration)>,
}

impl Stages {
    pub fn new(progress: Box<dyn Progress>) -> Self {
        Self { state: Mutex::new(State { progress, timings: Vec::new() }) }
    }

    /// The stages of a verb, of which there are `n_stages`.
    pub fn of(&self, verb: &'static str, n_stages: usize) -> VerbStages<'_> {
        VerbStages { stages: self, verb, n_stages, n_done: 0, current: None }
    }

    /// What each stage took, in the order in which they ended.
    pub fn timings(&self) -> Vec<(String, Duration)> {
        self.lock().timings.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no progress panics while it is shown")
    }
}

/// A verb under way; its last stage ends when this is dropped.
pub(super) struct VerbStages<'a> {
    stages: &'a Stages,
    verb: &'static str,
    n_stages: usize,
    n_done: usize,
    current: Option<(String, Instant)>,
}

impl VerbStages<'_> {
    /// Ends the stage under way and begins the next.
    pub fn begin(&mut self, what: &str) {
        self.end_current();
        self.stages.lock().progress.stage(self.n_done, self.n_stages, what);
        self.n_done += 1;
        self.current = Some((what.to_owned(), Instant::now()));
    }

    fn end_current(&mut self) {
        if let Some((what, start)) = self.current.take() {
            let stage = format!("{}: {what}", self.verb);
            self.stages.lock().timings.push((stage, start.elapsed()));
        }
    }
}

impl Drop for VerbStages<'_> {
    fn drop(&mut self) {
        self.end_current();
        self.stages.lock().progress.finish();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    struct Seen(Arc<Mutex<Vec<String>>>);

    impl Progress for Seen {
        fn stage(&mut self, done: usize, total: usize, what: &str) {
            self.0.lock().unwrap().push(format!("{done}/{total} {what}"));
        }

        fn finish(&mut self) {
            self.0.lock().unwrap().push("finished".into());
        }
    }

    #[test]
    fn each_stage_is_shown_and_timed_once() {
        let seen = Arc::default();
        let stages = Stages::new(Box::new(Seen(Arc::clone(&seen))));
        let mut verb = stages.of("train", 2);
        verb.begin("reading");
        std::thread::sleep(Duration::from_millis(5));
        verb.begin("fitting");
        drop(verb);
        drop(stages.of("score", 0));
        assert_eq!(*seen.lock().unwrap(), ["0/2 reading", "1/2 fitting", "finished", "finished"]);
        let timings = stages.timings();
        let names: Vec<&str> = timings.iter().map(|(stage, _)| stage.as_str()).collect();
        assert_eq!(names, ["train: reading", "train: fitting"]);
        assert!(timings[0].1 >= Duration::from_millis(5));
    }
}
