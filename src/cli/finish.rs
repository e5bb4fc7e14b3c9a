//! How a run ends: exit code, and one line about what went wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use super::hints::hint;
use super::output;
use super::printing::Printing;
use crate::app::{ErrorKind, PipelineError};
use crate::deliver::DeliveryError;

/// What every program says of its exit codes.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 done, 1 refused by a gate of the config or the data, 2 could not run, 75 try again \
     later.";

/// A gate of the input refused the data.
const REFUSED: u8 = 1;

/// The run could not be done; clap says the same of wrong arguments.
const COULD_NOT_RUN: u8 = 2;

/// EX_TEMPFAIL of sysexits.h: the same run may succeed later.
const TRY_AGAIN: u8 = 75;

/// How a command ended.
pub(super) struct Ended {
    /// What the shell sees.
    pub exit_code: u8,
    /// What went wrong.
    pub error: Option<String>,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(ended.exit_code)
    }
}

/// Runs a command and turns what comes of it into what the shell sees: one line on
/// standard error where it failed, and an exit code.
pub(super) fn finish(
    program: &str,
    printing: &Printing,
    run: impl FnOnce() -> anyhow::Result<()>,
) -> Ended {
    if let Some(format) = printing.log {
        format.start();
    }
    // A fault of ours or of a library is reported like any other, not as a trace.
    std::panic::set_hook(Box::new(|_| ()));
    let (exit_code, error) = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => (0, None),
        Ok(Err(error)) => {
            let hint = hint(&error).map(|hint| format!("; {hint}")).unwrap_or_default();
            (exit_code(&error), Some(format!("{error}{hint}")))
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let what = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
            let report = "Please report it with the command and, if you can, the data";
            (COULD_NOT_RUN, Some(format!("internal error: {what}. {report}")))
        }
    };
    if let Some(error) = &error {
        output::complain(&format!("{program}: {error}"));
    }
    Ended { exit_code, error }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let of_run = error.downcast_ref::<PipelineError>().map(PipelineError::kind);
    let kind = of_run.or_else(|| error.downcast_ref::<DeliveryError>().map(DeliveryError::kind));
    match kind {
        Some(ErrorKind::Refused) => REFUSED,
        Some(ErrorKind::TryAgain) => TRY_AGAIN,
        Some(ErrorKind::CouldNotRun) | None => COULD_NOT_RUN,
    }
}
