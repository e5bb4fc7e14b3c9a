use serde::{Deserialize, Serialize};

/// The list of features, as saved in a bundle: the only way in which features
/// are computed, in training and in scoring alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturePlan {
    /// The event that counts as an order.
    pub order_event: String,
    /// Other event types that features count.
    pub events: Vec<String>,
    /// Event columns that held values when the plan was made.
    pub columns: Vec<String>,
    /// All features, in matrix order.
    pub features: Vec<Feature>,
}

/// One feature: what it is called, what it means and how it is computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Name of the matrix column.
    pub name: String,
    /// Unit of its values.
    pub unit: Unit,
    /// One line for people.
    pub meaning: String,
    /// What the expression aggregates over.
    pub over: Relation,
    /// SQL: an aggregate over the relation's rows of one user; for
    /// [`Relation::Features`] a plain expression over features of the others.
    pub sql: String,
    /// Value where the expression is null (no such event, no second order …).
    pub when_missing: f64,
}

/// What a feature's expression aggregates over. All relations hold rows
/// strictly before the as-of date only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// All events, with the columns of the `events` table and `age_days`
    /// (whole days before as-of: an event exactly 7 days old has 6, so that
    /// `age_days < 7` is the window `[as_of − 7 d, as_of)`) and `day`.
    Events,
    /// One row an order: `time, age_days, day, amount, quantity, discount,
    /// n_lines`. Order rows that share an `order_id` are one order, others one
    /// order each.
    Orders,
    /// One row a day with orders: `day, age_days, n_orders, amount, gap_days`
    /// (days since the order day before; null for the first).
    OrderDays,
    /// The features over events, orders and order days, by name, missing values
    /// filled.
    Features,
}

/// Unit of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A number of things.
    Count,
    /// Money, in the currency of the data.
    Money,
    /// Days.
    Days,
    /// Seconds.
    Seconds,
    /// Between 0 and 1.
    Share,
    /// A quotient of like things.
    Ratio,
}

impl FeaturePlan {
    /// Names, in matrix order.
    pub fn names(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.name.clone()).collect()
    }
}
