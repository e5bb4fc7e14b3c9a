//! How a report is printed: the same options for every command.

use std::time::Duration;

use clap::ValueEnum;

use super::log::LogFormat;
use super::output;
use crate::dataset::Language;
use crate::report::{Document, Rendering};

/// Options of every command.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Printing")]
pub(super) struct Printing {
    /// How the report is printed
    #[arg(long, value_enum, default_value = "text", global = true, value_name = "FORMAT")]
    format: Format,
    /// Language of the report
    #[arg(long, value_enum, default_value = "en", global = true, value_name = "LANGUAGE")]
    lang: Lang,
    /// Print warnings and errors only, on standard error
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Log stages, warnings and errors on standard error, for runs that nobody watches
    #[arg(long, value_enum, global = true, value_name = "FORMAT")]
    pub(super) log: Option<LogFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Words and tables of 80 columns
    Text,
    /// One object: figures and tables by key, with all digits
    Json,
    /// The table that the report is about
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lang {
    /// English
    En,
    /// 中文
    Zh,
}

impl Printing {
    /// Whether people read what is printed.
    pub(super) fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// The language of what people read.
    pub(super) fn language(&self) -> Language {
        match self.lang {
            Lang::En => Language::English,
            Lang::Zh => Language::Chinese,
        }
    }

    /// Prints an empty line between two reports for people.
    ///
    /// # Errors
    /// As [`Printing::print`].
    pub(super) fn print_gap(&self) -> anyhow::Result<()> {
        if self.quiet { Ok(()) } else { output::print("\n") }
    }

    /// Prints a report to standard output, or only its warnings to standard error.
    ///
    /// # Errors
    /// When standard output cannot be written, as on a full disk.
    pub(super) fn print(&self, document: &Document) -> anyhow::Result<()> {
        let language = self.language();
        if self.quiet {
            for warning in document.warnings() {
                output::warn(warning.in_language(language));
            }
            return Ok(());
        }
        let rendering = match self.format {
            Format::Text => Rendering::Text,
            Format::Json => Rendering::Json,
            Format::Csv => Rendering::Csv,
        };
        output::print(&document.render(rendering, language))
    }
}

/// What each stage took, on standard error, where it is in no report's way.
pub(super) fn print_timings(timings: &[(String, Duration)]) {
    let total: Duration = timings.iter().map(|(_, time)| *time).sum();
    for (stage, time) in timings {
        output::inform(&format!("{:>8.2} s  {stage}", time.as_secs_f64()));
    }
    output::inform(&format!("{:>8.2} s  in all", total.as_secs_f64()));
}
