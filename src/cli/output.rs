use std::io::{self, Write};

use super::log;

/// Writes to standard output; a reader that has left (`| head`) is no error.
///
/// # Errors
/// When standard output cannot be written otherwise, as on a full disk.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            anyhow::bail!("the work is done, but standard output can't be written: {error}")
        }
        _ => Ok(()),
    }
}

/// Writes one line to standard error, or to the log; where even that is impossible, the exit
/// code has to do.
pub(super) fn complain(line: &str) {
    write_line(line, || tracing::error!("{line}"));
}

/// The same of what is no error.
pub(super) fn warn(line: &str) {
    write_line(line, || tracing::warn!("{line}"));
}

/// The same of what is no fault.
pub(super) fn inform(line: &str) {
    write_line(line, || tracing::info!("{line}"));
}

fn write_line(line: &str, to_log: impl FnOnce()) {
    match log::is_on() {
        true => to_log(),
        false => drop(writeln!(io::stderr().lock(), "{}", line.replace('\n', " "))),
    }
}
