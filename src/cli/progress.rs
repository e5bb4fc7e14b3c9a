use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::app::Progress;

/// Verbs that take less than this show no bar.
const PATIENCE: Duration = Duration::from_secs(2);

/// A bar on standard error, on a terminal only, once a verb takes long.
#[derive(Default)]
pub(super) struct TerminalProgress {
    bar: Option<ProgressBar>,
}

impl Progress for TerminalProgress {
    fn stage(&mut self, done: usize, total: usize, what: &str) {
        let bar = self.bar.get_or_insert_with(start);
        bar.set_length(total.max(1) as u64);
        bar.set_position(done as u64);
        bar.set_message(what.to_owned());
    }

    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn start() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::hidden());
    let style = ProgressStyle::with_template("{elapsed:>4} [{bar:24}] {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    let shown_later = bar.clone();
    let show = move || {
        std::thread::sleep(PATIENCE);
        if !shown_later.is_finished() {
            // Draws nothing where standard error is not a terminal.
            shown_later.set_draw_target(ProgressDrawTarget::stderr());
            shown_later.enable_steady_tick(Duration::from_millis(200));
        }
    };
    // Where no thread is to be had, the run does without a bar.
    let _ = std::thread::Builder::new().name("progress".into()).spawn(show);
    bar
}
