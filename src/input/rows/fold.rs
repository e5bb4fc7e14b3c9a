//! A pass over rows on all threads.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use tokio::task::JoinSet;

use super::{Rows, RowsError};
use crate::input::engine::{Engine, plain_message};

impl Rows {
    /// An error about the table as a whole.
    pub fn unusable(&self, problem: String) -> RowsError {
        RowsError::Unusable { file: self.path.clone(), problem }
    }

    /// Reads all rows once. Each part of them is added, batch by batch, to what `start` gives;
    /// which rows meet in a part depends on the machine, so what is added must not care.
    ///
    /// # Errors
    /// When the rows cannot be read, or `add` says what is wrong with them.
    pub fn fold<T: Send + 'static>(
        &self,
        engine: &Engine,
        start: impl Fn() -> T,
        add: impl Fn(&mut T, &RecordBatch) -> Result<(), String> + Send + Sync + 'static,
    ) -> Result<Vec<T>, RowsError> {
        let add = Arc::new(add);
        let unusable = |problem| self.unusable(problem);
        engine.wait(async {
            let streams = self.frame.clone().execute_stream_partitioned().await?;
            let mut tasks = JoinSet::new();
            for mut stream in streams {
                let (mut part, add) = (start(), Arc::clone(&add));
                tasks.spawn(async move {
                    while let Some(batch) = stream.next().await {
                        let batch = batch.map_err(|error| plain_message(&error))?;
                        add(&mut part, &batch)?;
                    }
                    Ok::<T, String>(part)
                });
            }
            let mut parts = Vec::new();
            while let Some(part) = tasks.join_next().await {
                // A panic of a task goes on here.
                let part =
                    part.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                parts.push(part.map_err(unusable)?);
            }
            Ok(parts)
        })
    }
}
