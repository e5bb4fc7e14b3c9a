//! Layers and kinds: clusters of what users will do and of how they shop, profiled and
//! named.

mod candidate;
mod choose_kinds;
mod choose_layers;
mod embedding;
mod error;
mod groups;
mod identity;
mod kinds;
mod layers;
mod naming;
mod params;
mod profile;
mod review;
mod tiers;
mod trade_off;

pub use candidate::{Candidate, Gap, KVerdict};
pub use embedding::{
    Composition, Count, Embedding, HabitPoints, Habits, OrderSize, Outcome, OutcomeModel,
    OutcomeModels, features_of_habits,
};
pub use error::SegmentationError;
pub use groups::{Assignments, FittedGroups, Group, Partition, PerPartition};
pub use identity::{GroupIdentity, Matching, SameGroup, SharedUsers};
pub use kinds::{fit_kinds, refit_rand_index_of_kinds};
pub use layers::{Refits, fit_layers, refit_rand_index};
pub use naming::{NameClaim, features_of_names};
pub use params::{
    EmbeddingKind, GroupBounds, GroupCount, HabitsWeight, KindAlgorithm, KindParams,
    SegmentationParams,
};
pub use profile::{Difference, Driver, GroupProfile};
pub use review::{
    GroupEntry, PinEntry, Review, ReviewError, ReviewFile, ReviewedGroup, Rule, SplitEntry,
    review_template,
};
pub use tiers::FittedTiers;
pub use trade_off::{Rival, TradeOff, Trial};
