//! How a run ends: exit code, and one line about what went wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::hints::hint;
use super::output;
use crate::app::{ErrorKind, PipelineError};

/// What every program says of its exit codes.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 done, 1 refused by a gate of the config or the data, 2 could not run, 75 try again \
     later.";

/// A gate of the input refused the data.
const REFUSED: u8 = 1;

/// The run could not be done; clap says the same of wrong arguments.
const COULD_NOT_RUN: u8 = 2;

/// EX_TEMPFAIL of sysexits.h: the same run may succeed later.
const TRY_AGAIN: u8 = 75;

/// Runs a command and turns what comes of it into what the shell sees: one line on
/// standard error where it failed, and an exit code.
pub(super) fn finish(program: &str, run: impl FnOnce() -> anyhow::Result<()>) -> u8 {
    // A fault of ours or of a library is reported like any other, not as a trace.
    std::panic::set_hook(Box::new(|_| ()));
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            let hint = hint(&error).map(|hint| format!("; {hint}")).unwrap_or_default();
            output::complain(&format!("{program}: {error}{hint}"));
            exit_code(&error)
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let what = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
            output::complain(&format!(
                "{program}: internal error: {what}. Please report it with the command and, if you \
                 can, the data"
            ));
            COULD_NOT_RUN
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<PipelineError>().map(PipelineError::kind) {
        Some(ErrorKind::Refused) => REFUSED,
        Some(ErrorKind::TryAgain) => TRY_AGAIN,
        Some(ErrorKind::CouldNotRun) | None => COULD_NOT_RUN,
    }
}
