//! What a build without Postgres says.

use std::path::Path;

use super::destination::Destination;
use super::error::DeliveryError;
use crate::app::ScoreSummary;

/// Says how to get a build that can.
pub(super) fn deliver(
    to: &Destination,
    _place: (&str, &str),
    _folder: &Path,
    _summary: &ScoreSummary,
) -> Result<bool, DeliveryError> {
    Err(DeliveryError::Postgres {
        to: to.clone(),
        cause: "this build knows no databases; build it with --features postgres".into(),
        is_temporary: false,
    })
}
