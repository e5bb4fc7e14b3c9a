//! Where users who will do the same are near each other.

mod coordinates;
mod habits;
mod outcome;
mod outcome_models;
mod training_rows;

pub use coordinates::Embedding;
pub(super) use coordinates::{MeanParts, total_sd};
pub use habits::{Composition, Count, HabitPoints, Habits, OrderSize, features_of_habits};
pub use outcome::Outcome;
pub use outcome_models::{OutcomeModel, OutcomeModels};
pub(super) use outcome_models::{OutcomeTrees, Rounds, grow_best_trees, grow_trees};
pub(super) use training_rows::{Resample, TrainingRows, ValidationSplit};
