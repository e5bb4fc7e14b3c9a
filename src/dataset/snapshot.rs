use chrono::NaiveDateTime;

use super::{DatasetError, FeatureMatrix, Pace, UserIds};

/// All users' features at one as-of date, and their outcomes where the data
/// reaches far enough beyond it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Only events strictly before this moment were read for the features.
    pub as_of: NaiveDateTime,
    /// Sorted, distinct; row `i` of `features` belongs to user `i`.
    pub users: UserIds,
    /// Shape (users, features).
    pub features: FeatureMatrix,
    /// What users did in `[as_of, as_of + horizon)`; `None` when that lies
    /// beyond the data.
    pub outcomes: Option<Outcomes>,
    /// How often users do what keeps them customers; empty where not asked for.
    pub paces: Vec<Pace>,
}

/// What each user did in the horizon after the as-of date, in snapshot order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcomes {
    /// Orders placed.
    pub n_orders: Vec<f64>,
    /// Amount ordered, in the currency of the data.
    pub gmv: Vec<f64>,
    /// Days until the event whose absence is churn, infinite where it did not
    /// happen in the horizon; empty where not asked for.
    pub days_to_event: Vec<f64>,
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
        outcomes: Option<Outcomes>,
    ) -> Result<Self, DatasetError> {
        users.check_sorted()?;
        let n_users = users.len();
        let expect = |what, got| {
            if got == n_users {
                Ok(())
            } else {
                Err(DatasetError::Shape { what, expected: n_users, got })
            }
        };
        expect("number of matrix rows", features.n_rows())?;
        if let Some(outcomes) = &outcomes {
            expect("number of order outcomes", outcomes.n_orders.len())?;
            expect("number of GMV outcomes", outcomes.gmv.len())?;
        }
        Ok(Self { as_of, users, features, outcomes, paces: Vec::new() })
    }

    /// The given users, in that order; `rows` must ascend.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        // What was not asked for is empty, and stays so.
        let pick =
            |values: &[f64]| rows.iter().filter_map(|&row| values.get(row).copied()).collect();
        Self {
            as_of: self.as_of,
            users: self.users.select(rows),
            features: self.features.select_rows(rows),
            outcomes: self.outcomes.as_ref().map(|outcomes| Outcomes {
                n_orders: pick(&outcomes.n_orders),
                gmv: pick(&outcomes.gmv),
                days_to_event: pick(&outcomes.days_to_event),
            }),
            paces: rows.iter().filter_map(|&row| self.paces.get(row).copied()).collect(),
        }
    }
}

impl Outcomes {
    /// True for each user without an order in the horizon.
    pub fn churned(&self) -> Vec<bool> {
        self.n_orders.iter().map(|&n| n == 0.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn refuses_unsorted_users() {
        let features = FeatureMatrix::new(vec![], Array2::zeros((2, 0))).unwrap();
        let error =
            Snapshot::new(NaiveDateTime::default(), UserIds::Integer(vec![2, 1]), features, None);
        assert_eq!(
            error.unwrap_err().to_string(),
            "users must be sorted and distinct, but `1` follows `2`"
        );
    }

    #[test]
    fn churned_means_no_order() {
        let outcomes = Outcomes { n_orders: vec![0.0, 2.0], ..Outcomes::default() };
        assert_eq!(outcomes.churned(), [true, false]);
    }
}
