use std::fmt;
use std::path::PathBuf;

/// What is wrong with a file that people write.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("can't read the config {file}: {cause}{hint}")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: std::io::Error,
        /// The next step, or empty.
        hint: &'static str,
    },
    /// Something in it is not allowed.
    #[error("{place}: {message}")]
    Invalid {
        /// Where it was written.
        place: Place,
        /// Section, key, what is allowed and what it got.
        message: String,
    },
}

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On a line of a file, counted from 1.
    Line(PathBuf, usize),
    /// In an override, as in `--set churn.model=trees`.
    Override(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(file, line) => write!(f, "{}, line {line}", file.display()),
            Self::Override(setting) => write!(f, "--set {setting}"),
        }
    }
}
