//! Scores in a table of Postgres: one transaction for a day.
//!
//! Rows are copied in binary into a temporary table, which takes the place of the day's rows
//! at the end: readers see the former scores or the new ones, and a connection that breaks
//! leaves the former.

use std::fs::File;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::BytesMut;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pgpq::ArrowToPostgresBinaryEncoder;
use pgpq::pg_schema::PostgresSchema;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgTransaction};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use super::destination::Destination;
use super::error::DeliveryError;
use crate::app::ScoreSummary;

/// Rows that are sent at a time.
const BATCH_ROWS: usize = 4_096;

/// The temporary table of a transaction.
const STAGING: &str = "layercake_staging";

/// What goes wrong, before it is known of where.
enum Problem {
    Database(sqlx::Error),
    Shape(String),
    Busy,
    Scores(String),
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Returns whether the same scores were there already.
pub(super) fn deliver(
    to: &Destination,
    (url, table): (&str, &str),
    folder: &Path,
    summary: &ScoreSummary,
) -> Result<bool, DeliveryError> {
    let failed = |cause: String, is_temporary| DeliveryError::Postgres {
        to: to.clone(),
        cause,
        is_temporary,
    };
    // A socket is named after the `?`: then no host stands before it.
    let url = url.replacen("@/", "@localhost/", 1);
    let options =
        PgConnectOptions::from_str(&url).map_err(|error| failed(error.to_string(), false))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(error.to_string(), true))?;
    let tables = Tables::new(table);
    let done = runtime.block_on(async {
        let scores = Scores::open(folder, summary)?;
        let mut connection = PgConnection::connect_with(&options).await?;
        let was_there = scores.copy_to(&tables, &mut connection).await?;
        connection.close().await?;
        Ok(was_there)
    });
    done.map_err(|problem| match problem {
        Problem::Scores(cause) => DeliveryError::Scores { folder: folder.to_owned(), cause },
        Problem::Shape(cause) => failed(cause, false),
        Problem::Busy => failed("another run is writing this table".into(), true),
        Problem::Database(error) => {
            let (cause, is_temporary) = told(&error);
            failed(cause, is_temporary)
        }
    })
}

/// An error of the database in one line, and whether the same may succeed later.
fn told(error: &sqlx::Error) -> (String, bool) {
    match error {
        sqlx::Error::Database(said) => {
            let code = said.code().unwrap_or_default().into_owned();
            let hint = match code.as_str() {
                "28P01" | "28000" => "; give the password as PGPASSWORD or in ~/.pgpass",
                "42501" => "; the user needs the right to create or to write the table",
                "3F000" => "; create the schema, or name another before the table",
                "3D000" => "; create the database, or correct the URL",
                _ => "",
            };
            // Classes of SQLSTATE: connection, resources, operator intervention, locks.
            let is_temporary = ["08", "53", "57", "55", "40"].iter().any(|it| code.starts_with(it));
            (format!("{}{hint}", said.message()), is_temporary)
        }
        sqlx::Error::Io(cause) => (format!("the connection failed ({cause})"), true),
        sqlx::Error::Protocol(cause) => (format!("the connection failed ({cause})"), true),
        sqlx::Error::Tls(cause) => (format!("no secure connection ({cause})"), false),
        other => (other.to_string(), false),
    }
}

/// The table of scores and, beside it, which nights are in it.
struct Tables {
    scores: String,
    nights: String,
}

impl Tables {
    fn new(table: &str) -> Self {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let (schema, name) = match table.split_once('.') {
            Some((schema, name)) => (format!("{}.", quoted(schema)), name),
            None => (String::new(), table),
        };
        Self {
            scores: format!("{schema}{}", quoted(name)),
            nights: format!("{schema}{}", quoted(&format!("{name}_nights"))),
        }
    }
}

/// The scores of a day, to be sent.
struct Scores<'a> {
    folder: &'a Path,
    summary: &'a ScoreSummary,
    /// That of the file, with the day before it.
    schema: SchemaRef,
    columns: PostgresSchema,
}

impl<'a> Scores<'a> {
    fn open(folder: &'a Path, summary: &'a ScoreSummary) -> Result<Self, Problem> {
        let of_file = reader(folder, summary)?.schema().clone();
        let day = Arc::new(Field::new("as_of", DataType::Date32, false));
        let fields: Vec<_> = std::iter::once(day).chain(of_file.fields().iter().cloned()).collect();
        let schema = Arc::new(Schema::new(fields));
        let encoder = ArrowToPostgresBinaryEncoder::try_new(&schema);
        let columns = encoder.map_err(|error| Problem::Scores(format!("{error:?}")))?.schema();
        Ok(Self { folder, summary, schema, columns })
    }

    /// Name and type of each column, as SQL has them.
    fn columns(&self) -> impl Iterator<Item = (&str, String)> {
        let types = self.columns.columns.iter().map(|it| it.data_type.name().unwrap_or_default());
        self.schema.fields().iter().map(|field| field.name().as_str()).zip(types)
    }

    async fn copy_to(
        &self,
        tables: &Tables,
        connection: &mut PgConnection,
    ) -> Result<bool, Problem> {
        let mut transaction = connection.begin().await?;
        self.lock(tables, &mut transaction).await?;
        self.prepare(tables, &mut transaction).await?;
        let blake3 = &self.summary.scores.blake3;
        let day = self.summary.as_of.date().to_string();
        let Tables { scores, nights } = tables;
        let there = format!("SELECT blake3 FROM {nights} WHERE as_of = $1::date");
        let there = sqlx::query(AssertSqlSafe(there)).bind(&day);
        if let Some(row) = there.fetch_optional(&mut *transaction).await?
            && row.get::<String, _>(0) == *blake3
        {
            return Ok(true);
        }
        let staging = format!(
            "CREATE TEMPORARY TABLE {STAGING} ({}) ON COMMIT DROP",
            self.columns()
                .map(|(name, sql)| format!("{name} {sql}"))
                .collect::<Vec<_>>()
                .join(", ")
        );
        transaction.execute(AssertSqlSafe(staging)).await?;
        self.send(&mut transaction).await?;
        let names: Vec<&str> = self.columns().map(|(name, _)| name).collect();
        let names = names.join(", ");
        let delete = format!("DELETE FROM {scores} WHERE as_of = $1::date");
        sqlx::query(AssertSqlSafe(delete)).bind(&day).execute(&mut *transaction).await?;
        let insert = format!("INSERT INTO {scores} ({names}) SELECT {names} FROM {STAGING}");
        transaction.execute(AssertSqlSafe(insert)).await?;
        let note = format!(
            "INSERT INTO {nights} (as_of, bundle, n_users, blake3, published_at) \
             VALUES ($1::date, $2, $3, $4, now()) ON CONFLICT (as_of) DO UPDATE SET \
             bundle = excluded.bundle, n_users = excluded.n_users, blake3 = excluded.blake3, \
             published_at = excluded.published_at"
        );
        sqlx::query(AssertSqlSafe(note))
            .bind(&day)
            .bind(&self.summary.key.bundle)
            .bind(self.summary.n_users as i64)
            .bind(blake3)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(false)
    }

    /// One run at a time writes a table.
    async fn lock(
        &self,
        tables: &Tables,
        transaction: &mut PgTransaction<'_>,
    ) -> Result<(), Problem> {
        let lock = sqlx::query("SELECT pg_try_advisory_xact_lock(hashtext($1))");
        let row = lock.bind(&tables.scores).fetch_one(&mut **transaction).await?;
        if row.get::<bool, _>(0) { Ok(()) } else { Err(Problem::Busy) }
    }

    /// Creates the tables where they are not there; else checks that scores fit in.
    async fn prepare(
        &self,
        tables: &Tables,
        transaction: &mut PgTransaction<'_>,
    ) -> Result<(), Problem> {
        let Tables { scores, nights } = tables;
        let there = columns_of(scores, transaction).await?;
        if there.is_empty() {
            let columns: Vec<String> =
                self.columns().map(|(name, sql)| format!("{name} {sql}")).collect();
            let create = format!(
                "CREATE TABLE {scores} ({}, PRIMARY KEY (as_of, user_id))",
                columns.join(", ")
            );
            transaction.execute(AssertSqlSafe(create)).await?;
        } else {
            self.check_shape(scores, &there)?;
        }
        if columns_of(nights, transaction).await?.is_empty() {
            let create = format!(
                "CREATE TABLE {nights} (as_of DATE PRIMARY KEY, bundle TEXT, n_users INT8, \
                 blake3 TEXT, published_at TIMESTAMPTZ)"
            );
            transaction.execute(AssertSqlSafe(create)).await?;
        }
        Ok(())
    }

    fn check_shape(&self, table: &str, there: &[(String, String)]) -> Result<(), Problem> {
        let missing = self.columns().filter(|(name, sql)| {
            !there.iter().any(|(known, of)| known == name && of.eq_ignore_ascii_case(sql))
        });
        let problems: Vec<String> = missing
            .map(|(name, sql)| match there.iter().find(|(known, _)| known == name) {
                Some((_, of)) => format!("{name} is {of} and should be {}", sql.to_lowercase()),
                None => format!("{name} ({}) is missing", sql.to_lowercase()),
            })
            .collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Problem::Shape(format!(
                "the table {table} has another shape: {}; change it by ALTER TABLE, or name \
                 another table after # in the URL",
                problems.join(", ")
            ))),
        }
    }

    /// Sends the file's rows to the temporary table.
    async fn send(&self, transaction: &mut PgTransaction<'_>) -> Result<(), Problem> {
        let wrong = |error: String| Problem::Scores(error);
        let mut encoder = ArrowToPostgresBinaryEncoder::try_new(&self.schema)
            .map_err(|error| wrong(format!("{error:?}")))?;
        let rows = reader(self.folder, self.summary)?;
        let rows = rows.with_batch_size(BATCH_ROWS).build().map_err(|it| wrong(it.to_string()))?;
        let day = self.summary.as_of.and_utc().timestamp().div_euclid(86_400);
        let copy = format!("COPY {STAGING} FROM STDIN (FORMAT BINARY)");
        let mut copy = transaction.copy_in_raw(&copy).await?;
        let mut buffer = BytesMut::new();
        let encoded = |it: Result<(), pgpq::error::ErrorKind>| {
            it.map_err(|error| Problem::Scores(format!("{error:?}")))
        };
        encoded(encoder.write_header(&mut buffer))?;
        for batch in rows {
            let batch = batch.map_err(|error| wrong(error.to_string()))?;
            let days: ArrayRef = Arc::new(Date32Array::from(vec![day as i32; batch.num_rows()]));
            let columns = std::iter::once(days).chain(batch.columns().iter().cloned()).collect();
            let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
                .map_err(|error| wrong(error.to_string()))?;
            encoded(encoder.write_batch(&batch, &mut buffer))?;
            copy.send(buffer.split().freeze()).await?;
        }
        encoded(encoder.write_footer(&mut buffer))?;
        copy.send(buffer.split().freeze()).await?;
        copy.finish().await?;
        Ok(())
    }
}

/// Name and type of each column of a table; none if there is no such table.
async fn columns_of(
    table: &str,
    transaction: &mut PgTransaction<'_>,
) -> Result<Vec<(String, String)>, Problem> {
    let columns = sqlx::query(
        "SELECT attname::text, (SELECT typname FROM pg_type WHERE oid = atttypid)::text \
         FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
    );
    let rows = columns.bind(table).fetch_all(&mut **transaction).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn reader(
    folder: &Path,
    summary: &ScoreSummary,
) -> Result<ParquetRecordBatchReaderBuilder<File>, Problem> {
    let path = folder.join(&summary.scores.name);
    if path.extension().is_some_and(|it| it == "csv") {
        return Err(Problem::Scores(
            "a database takes scores from Parquet; leave out --encoding csv".into(),
        ));
    }
    summary.scores.check(folder).map_err(|error| Problem::Scores(error.to_string()))?;
    let file = File::open(&path).map_err(|error| Problem::Scores(error.to_string()))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| Problem::Scores(error.to_string()))
}
