//! What the scores promise to whoever reads them.

use serde::{Deserialize, Serialize};

use super::Bilingual;

/// What a column of the scores promises; saved with a model, and checked before scores are
/// published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnContract {
    /// Name in the file.
    pub name: String,
    /// Type in words.
    pub kind: String,
    /// Unit of a number; empty where there is none.
    pub unit: String,
    /// Whether values may be missing.
    pub nullable: bool,
    /// Least and largest value of a number; `None` where any finite one will do.
    pub range: Option<(f64, f64)>,
    /// What it says.
    pub meaning: Bilingual,
}
