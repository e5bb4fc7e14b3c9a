use chrono::NaiveDateTime;

use super::{DatasetError, FeatureMatrix, Outcomes, Purchases, UserIds};

/// All users' features at one as-of date, what they did before in short, and what
/// they did afterwards where the data reaches far enough beyond it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Only events strictly before this moment were read for the features.
    pub as_of: NaiveDateTime,
    /// Sorted, distinct; row `i` of `features` belongs to user `i`.
    pub users: UserIds,
    /// Shape (users, features).
    pub features: FeatureMatrix,
    /// Orders and the event that keeps users, before as-of.
    pub purchases: Vec<Purchases>,
    /// What users did in `[as_of, as_of + horizon)`; `None` when that lies
    /// beyond the data.
    pub outcomes: Option<Outcomes>,
}

impl Snapshot {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When users are unsorted or repeated, or lengths differ.
    pub fn new(
        as_of: NaiveDateTime,
        users: UserIds,
        features: FeatureMatrix,
        purchases: Vec<Purchases>,
        outcomes: Option<Outcomes>,
    ) -> Result<Self, DatasetError> {
        users.check_sorted()?;
        let n_users = users.len();
        let expect = |what, got| match got == n_users {
            true => Ok(()),
            false => Err(DatasetError::Shape { what, expected: n_users, got }),
        };
        expect("number of matrix rows", features.n_rows())?;
        expect("number of purchase summaries", purchases.len())?;
        if let Some(outcomes) = &outcomes {
            expect("number of order outcomes", outcomes.n_orders.len())?;
            expect("number of GMV outcomes", outcomes.gmv.len())?;
            expect("number of outcomes of paid days", outcomes.n_paid_days.len())?;
            expect("number of times to the next event", outcomes.days_to_event.len())?;
            expect("number of churn labels", outcomes.churned.len())?;
        }
        Ok(Self { as_of, users, features, purchases, outcomes })
    }

    /// What users did afterwards.
    ///
    /// # Errors
    /// When the data does not reach far enough.
    pub fn known_outcomes(&self) -> Result<&Outcomes, DatasetError> {
        let (what, expected) = ("number of outcomes", self.users.len());
        self.outcomes.as_ref().ok_or(DatasetError::Shape { what, expected, got: 0 })
    }

    /// The given users, in that order; `rows` must ascend.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        Self {
            as_of: self.as_of,
            users: self.users.select(rows),
            features: self.features.select_rows(rows),
            purchases: rows.iter().map(|&row| self.purchases[row]).collect(),
            outcomes: self.outcomes.as_ref().map(|outcomes| outcomes.select_rows(rows)),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn snapshot(ids: &[i64], n_purchases: usize) -> Result<Snapshot, DatasetError> {
        let features = FeatureMatrix::new(vec![], Array2::zeros((ids.len(), 0))).unwrap();
        let users = UserIds::Integer(ids.to_vec());
        let purchases = vec![Purchases::default(); n_purchases];
        Snapshot::new(NaiveDateTime::default(), users, features, purchases, None)
    }

    #[test]
    fn refuses_unsorted_users() {
        assert_eq!(
            snapshot(&[2, 1], 2).unwrap_err().to_string(),
            "users must be sorted and distinct, but `1` follows `2`"
        );
    }

    #[test]
    fn every_user_has_a_summary_of_purchases() {
        let error = snapshot(&[1, 2], 0).unwrap_err().to_string();
        assert_eq!(error, "number of purchase summaries: expected 2, got 0");
        let error = snapshot(&[1, 2], 2).unwrap().known_outcomes().unwrap_err().to_string();
        assert_eq!(error, "number of outcomes: expected 2, got 0");
    }
}
