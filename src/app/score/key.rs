//! What the scores of a day follow from.

use super::receipt::RunKey;
use crate::app::{Model, PipelineError, Session};
use crate::files::{bytes_hash, content_hash};
use crate::input::source::input_hash;

/// The key of a run: model and review, what the config says of the input, and the input.
pub(super) fn run_key(session: &Session, model: &Model) -> Result<RunKey, PipelineError> {
    let (bundle, review) = of_model(model)?;
    let config = session.config();
    let of_input = config.of_input().map_err(|cause| PipelineError::Output {
        path: config.name.clone().into(),
        cause: std::io::Error::other(cause),
    })?;
    Ok(RunKey {
        version: env!("CARGO_PKG_VERSION").into(),
        bundle,
        review,
        config: bytes_hash(of_input.as_bytes()),
        input: input_hash(&config.sources)?,
    })
}

/// The name of the bundle's own folder and the hash of the review.
pub(super) fn of_model(model: &Model) -> Result<(String, Option<String>), PipelineError> {
    let folder = model.folder.canonicalize().unwrap_or_else(|_| model.folder.clone());
    let bundle = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let hash = |file: &std::path::Path| {
        let unread = |cause| PipelineError::Output { path: file.to_owned(), cause };
        content_hash(file).map(|(hash, _)| hash).map_err(unread)
    };
    Ok((bundle, model.review_file().map(hash).transpose()?))
}
