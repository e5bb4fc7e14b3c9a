/// How often, when and for how much a user did one thing, as far as it was known at
/// the as-of date.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PurchaseSummary {
    /// Different days on which it happened.
    pub n_days: u32,
    /// Days from the first time to as-of; 0 if it never happened.
    pub first_days_ago: f64,
    /// Days from the last time to as-of; 0 if it never happened.
    pub last_days_ago: f64,
    /// Sum of the amounts, in the currency of the data.
    pub amount: f64,
    /// The same over the 365 days before as-of.
    pub amount_365d: f64,
    /// Days between one such day and the next; `None` with fewer than two days.
    pub gaps: Option<Gaps>,
}

/// The gaps between the days on which a user did something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gaps {
    /// Median, in days.
    pub median_days: f64,
    /// Mean, in days.
    pub mean_days: f64,
    /// The longest, in days.
    pub longest_days: f64,
}

/// What a user did before the as-of date, in short.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Purchases {
    /// Orders.
    pub orders: PurchaseSummary,
    /// The event whose absence is churn: orders again, unless `[churn]` names another.
    pub kept_by: PurchaseSummary,
    /// Days on which the user paid.
    pub paid: PaidDays,
}

/// The days of the calendar on which a user paid for orders. Those of one day are one; a day
/// that came to nothing or less, as by what was taken back, is set aside. Where the data has
/// no amounts, every day with an order counts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PaidDays {
    /// Days.
    pub n_days: u32,
    /// Weeks, from Monday, with such a day.
    pub n_weeks: u32,
    /// Months of the calendar with such a day.
    pub n_months: u32,
    /// Days of the calendar from the first to that of as-of; 0 without one.
    pub first_days_ago: u32,
    /// The same from the last.
    pub last_days_ago: u32,
    /// Days with orders that were set aside.
    pub n_set_aside: u32,
    /// What was paid on the days, in the currency of the data.
    pub amount: f64,
}

impl PaidDays {
    /// Days after the first, days from the first to the last and to the day before as-of: x,
    /// t_x and T of models of orders. `None` for who never paid.
    pub fn repeats_last_and_age(&self) -> Option<(u32, u32, u32)> {
        let n_repeats = self.n_days.checked_sub(1)?;
        let last = self.first_days_ago - self.last_days_ago;
        Some((n_repeats, last, self.first_days_ago.saturating_sub(1)))
    }
}

/// Gaps from which a median says how often a user comes.
const MIN_GAPS: u32 = 2;

impl PurchaseSummary {
    /// Median of the gaps, in days.
    pub fn median_gap_days(&self) -> Option<f64> {
        self.gaps.map(|gaps| gaps.median_days)
    }

    /// Days of silence that are too many by the user's own gaps: a multiple of the
    /// median. `None` where there are too few gaps.
    pub fn own_silence_days(&self, gap_factor: f64) -> Option<f64> {
        let median = self.median_gap_days().filter(|_| self.n_days > MIN_GAPS)?;
        Some(median * gap_factor)
    }
}
