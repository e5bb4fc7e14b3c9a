/// How often a user does what keeps them a customer (by default: orders), as
/// far as it was known at the as-of date.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pace {
    /// Different days on which it happened.
    pub n_days: u32,
    /// Days from the first time to as-of; 0 if it never happened.
    pub first_days_ago: f64,
    /// Days from the last time to as-of; 0 if it never happened.
    pub last_days_ago: f64,
    /// Median of the days between one such day and the next; `None` with fewer
    /// than two of them.
    pub usual_gap_days: Option<f64>,
    /// Amount ordered in the 365 days before as-of, in the currency of the data.
    pub gmv_365d: f64,
}
