//! A log on standard error, for runs that nobody watches.

use std::time::Instant;

use clap::ValueEnum;
use tracing::Level;

use crate::app::Progress;

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// One line an event: time, level, message
    Text,
    /// One JSON object a line
    Json,
}

impl LogFormat {
    /// Sends what happens from now on to standard error.
    pub fn start(self) {
        let log = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(Level::INFO)
            .with_target(false)
            .with_ansi(false);
        // A second one would be that of a test in the same process.
        let _ = match self {
            Self::Text => log.try_init(),
            Self::Json => log.json().flatten_event(true).try_init(),
        };
    }
}

/// Whether there is a log.
pub(super) fn is_on() -> bool {
    tracing::dispatcher::has_been_set()
}

/// Stages as events of the log, each when it begins and when it ends.
#[derive(Default)]
pub(super) struct LoggedProgress {
    current: Option<(String, Instant)>,
}

impl LoggedProgress {
    fn end_current(&mut self) {
        if let Some((stage, start)) = self.current.take() {
            let seconds = (start.elapsed().as_secs_f64() * 1e3).round() / 1e3;
            tracing::info!(stage, seconds, "stage ended");
        }
    }
}

impl Progress for LoggedProgress {
    fn stage(&mut self, done: usize, total: usize, what: &str) {
        self.end_current();
        tracing::info!(stage = what, number = done + 1, of = total, "stage begins");
        self.current = Some((what.to_owned(), Instant::now()));
    }

    fn finish(&mut self) {
        self.end_current();
    }
}
