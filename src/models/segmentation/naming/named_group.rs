//! The name of a group, and what it claims.

use serde::{Deserialize, Serialize};

use crate::dataset::Bilingual;

/// The name of a layer or a kind, and of how many of its users it is true.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct NamedGroup {
    pub(in super::super) words: Bilingual,
    pub(in super::super) claims: Vec<NameClaim>,
    /// In what its users differ from all; `None` where a typical user says it.
    pub(in super::super) description: Option<Bilingual>,
}

/// What a name claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameClaim {
    /// The claim.
    pub words: Bilingual,
    /// Share of the group's users of whom it is true; of a habit, of those of whom it can
    /// be said, such as customers: who do it more than all other users do.
    pub share: f64,
}
