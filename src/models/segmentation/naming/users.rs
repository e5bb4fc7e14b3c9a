//! What is known of each user of a snapshot, in the terms in which claims are
//! made: their own rhythm, their own silence, their place by money.

use ndarray::ArrayView1;

use crate::dataset::{Family, FeatureMatrix, Purchases, Snapshot};
use crate::stats::metrics::{quantile, sorted};

/// The users of a snapshot.
pub(super) struct Users<'a> {
    purchases: &'a [Purchases],
    matrix: &'a FeatureMatrix,
    n_orders: ArrayView1<'a, f64>,
    spend: Option<ArrayView1<'a, f64>>,
    /// Median of the customers' usual gaps, for who has none of their own.
    shop_gap_days: f64,
    inactive_days: Option<ArrayView1<'a, f64>>,
    /// From the first order of all to the snapshot.
    pub(super) history_days: f64,
}

/// Order days that make a rhythm of one's own: two gaps.
const MIN_RHYTHM_DAYS: u32 = 3;

/// Usual gaps without an order after which the next is overdue, and after which
/// the rhythm has ended.
const OVERDUE_GAPS: f64 = 2.0;
const LAPSED_GAPS: f64 = 3.0;

/// Days without an order below which nobody is called overdue or lapsed.
const MIN_OVERDUE_DAYS: f64 = 7.0;
const MIN_LAPSED_DAYS: f64 = 60.0;

impl<'a> Users<'a> {
    /// The users of a snapshot; `None` where it does not say who ordered what.
    pub(super) fn of(snapshot: &'a Snapshot) -> Option<Self> {
        let matrix = &snapshot.features;
        let purchases = &snapshot.purchases;
        if purchases.len() != matrix.n_rows() {
            return None;
        }
        let gaps = sorted(purchases.iter().filter_map(|it| it.orders.median_gap_days()).collect());
        Some(Self {
            purchases,
            matrix,
            n_orders: matrix.all_time(Family::Orders).ok()?,
            spend: matrix.all_time(Family::Gmv).ok(),
            shop_gap_days: quantile(&gaps, 0.5),
            inactive_days: matrix.all_time(Family::DaysSinceActivity).ok(),
            history_days: purchases.iter().map(|it| it.orders.first_days_ago).fold(0.0, f64::max),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.purchases.len()
    }

    /// The features of which claims are made, all of them over all time.
    pub(super) fn matrix(&self) -> &'a FeatureMatrix {
        self.matrix
    }

    pub(super) fn n_orders(&self, user: usize) -> f64 {
        self.n_orders[user]
    }

    /// Days with an order.
    pub(super) fn n_order_days(&self, user: usize) -> f64 {
        f64::from(self.purchases[user].orders.n_days)
    }

    pub(super) fn is_customer(&self, user: usize) -> bool {
        self.n_orders[user] > 0.0
    }

    /// Days since the first order; `None` without one.
    pub(super) fn first_order_days_ago(&self, user: usize) -> Option<f64> {
        self.is_customer(user).then(|| self.purchases[user].orders.first_days_ago)
    }

    /// Days since the last order; `None` without one.
    pub(super) fn silence_days(&self, user: usize) -> Option<f64> {
        self.is_customer(user).then(|| self.purchases[user].orders.last_days_ago)
    }

    /// The usual gap of who has a rhythm: at least three order days of which the
    /// median gap is no exception.
    pub(super) fn rhythm_days(&self, user: usize) -> Option<f64> {
        let it = &self.purchases[user].orders;
        let gap = it.median_gap_days().filter(|_| it.n_days >= MIN_RHYTHM_DAYS)?;
        let mean_gap = (it.first_days_ago - it.last_days_ago) / f64::from(it.n_days - 1);
        (mean_gap <= 3.0 * gap.max(1.0)).then_some(gap)
    }

    /// Days since the user was last active in any way; `None` where the data does not
    /// say.
    pub(super) fn inactive_days(&self, user: usize) -> Option<f64> {
        self.inactive_days.as_ref().map(|days| days[user])
    }

    /// The next order is late by the user's own rhythm, which has not ended yet.
    pub(super) fn is_overdue(&self, user: usize) -> bool {
        let limit = |gap: f64| (OVERDUE_GAPS * gap).max(MIN_OVERDUE_DAYS);
        let is_late = |days| self.rhythm_days(user).is_some_and(|gap| days > limit(gap));
        self.silence_days(user).is_some_and(is_late) && !self.has_lapsed(user)
    }

    /// The user has been silent for so long that the rhythm has ended; who ordered
    /// on one day only is held against the rhythm of the shop.
    pub(super) fn has_lapsed(&self, user: usize) -> bool {
        let gap = self.purchases[user].orders.median_gap_days().unwrap_or(self.shop_gap_days);
        let limit = (LAPSED_GAPS * gap).max(MIN_LAPSED_DAYS);
        self.silence_days(user).is_some_and(|days| days > limit)
    }

    /// The first order is so long ago that who did not come back has lapsed.
    pub(super) fn could_have_come_back(&self, user: usize) -> bool {
        let limit = (LAPSED_GAPS * self.shop_gap_days).max(MIN_LAPSED_DAYS);
        self.first_order_days_ago(user).is_some_and(|days| days > limit)
    }

    /// Silent for at least so many days, and longer than is usual for the user.
    pub(super) fn is_quiet_for(&self, user: usize, days: f64) -> bool {
        let gap = self.purchases[user].orders.median_gap_days().unwrap_or(self.shop_gap_days);
        self.silence_days(user).is_some_and(|it| it >= days && it > OVERDUE_GAPS * gap)
    }

    /// All that a user spent so far; `None` where the data has no money, and of who
    /// has not ordered.
    pub(super) fn spend(&self, user: usize) -> Option<f64> {
        self.spend.as_ref().filter(|_| self.is_customer(user)).map(|it| it[user])
    }

    pub(super) fn mean_order_value(&self, user: usize) -> Option<f64> {
        Some(self.spend(user)? / self.n_orders[user])
    }

    /// The figures of all customers of whom they are known, in ascending order.
    pub(super) fn of_customers(&self, figure: impl Fn(usize) -> Option<f64>) -> Vec<f64> {
        sorted((0..self.len()).filter_map(figure).collect())
    }

    /// What users did over all time, where that is known.
    pub(super) fn all_time(&self, family: Family) -> Option<ArrayView1<'a, f64>> {
        self.matrix.all_time(family).ok()
    }
}
