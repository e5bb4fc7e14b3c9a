//! Places that scores can be taken to.

use std::fmt;
use std::str::FromStr;

use crate::objects::is_object_url;

/// Where scores are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A folder of an object store, by its URL: the same files as on this machine.
    Objects(String),
    /// A table of a Postgres database, by the URL of the database.
    Postgres {
        /// URL without a password.
        url: String,
        /// Table, perhaps with a schema: `layercake_scores`.
        table: String,
    },
}

/// A destination that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// Another kind of place.
    #[error(
        "expected the URL of a database (postgres://user@host/database) or of a folder of an object \
         store (s3://bucket/folder, az://…, gs://…)"
    )]
    Unknown,
    /// A password where everybody can read it.
    #[error(
        "a password in the URL can be read by everyone on this machine; give it as PGPASSWORD or in \
         ~/.pgpass"
    )]
    Password,
    /// A table that is none.
    #[error("`{0}` is no name of a table; expected TABLE or SCHEMA.TABLE")]
    Table(String),
}

/// The table where nothing else is said.
const TABLE: &str = "layercake_scores";

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        if is_object_url(text) {
            let bucket = text.split_once("://").map_or("", |(_, rest)| rest).split('/').next();
            if bucket.is_none_or(str::is_empty) {
                return Err(DestinationError::Unknown);
            }
            return Ok(Self::Objects(text.trim_end_matches('/').to_owned()));
        }
        let is_postgres = ["postgres://", "postgresql://"].iter().any(|it| text.starts_with(it));
        if !is_postgres {
            return Err(DestinationError::Unknown);
        }
        let (url, table) = match text.split_once('#') {
            Some((url, table)) => (url, table),
            None => (text, TABLE),
        };
        let authority = url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?']).next().unwrap_or_default();
        let has_password = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
        if has_password || url.contains("password=") {
            return Err(DestinationError::Password);
        }
        let names: Vec<&str> = table.split('.').collect();
        if names.len() > 2 || names.iter().any(|name| name.is_empty() || name.contains('\0')) {
            return Err(DestinationError::Table(table.to_owned()));
        }
        Ok(Self::Postgres { url: url.to_owned(), table: table.to_owned() })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Objects(url) => f.write_str(url),
            Self::Postgres { url, table } => write!(f, "{url}#{table}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_told_apart() {
        let parse = |text: &str| text.parse::<Destination>();
        assert_eq!(parse("s3://b/scores/"), Ok(Destination::Objects("s3://b/scores".into())));
        let of_table = |table: &str| Destination::Postgres {
            url: "postgres://me@db:5433/shop?sslmode=require".into(),
            table: table.into(),
        };
        let url = "postgres://me@db:5433/shop?sslmode=require";
        assert_eq!(parse(url), Ok(of_table("layercake_scores")));
        assert_eq!(parse(&format!("{url}#crm.scores")), Ok(of_table("crm.scores")));
        assert_eq!(parse("postgres://me:secret@db/shop"), Err(DestinationError::Password));
        assert_eq!(parse("postgres://me@db/shop?password=x"), Err(DestinationError::Password));
        assert_eq!(parse("s3://"), Err(DestinationError::Unknown));
        assert_eq!(parse("mysql://db"), Err(DestinationError::Unknown));
        assert_eq!(parse(&format!("{url}#a.b.c")), Err(DestinationError::Table("a.b.c".into())));
    }
}
