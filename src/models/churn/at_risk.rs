use serde::{Deserialize, Serialize};

use crate::dataset::Purchases;

/// `[churn.at_risk]` of the config: whom to flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AtRiskParams {
    /// What decides.
    pub by: FlagBy,
    /// Share of the users in reach to flag, the likeliest to churn.
    pub share: f64,
    /// Number of users to flag, the likeliest to churn.
    pub number: usize,
    /// Probability from which a user is flagged.
    pub threshold: f64,
    /// As many are flagged as can be while this share of them is expected to churn.
    pub precision: f64,
    /// Share of flagged churners who are won back.
    pub save_rate: f64,
    /// What an attempt costs, in the currency of the data.
    pub cost: f64,
    /// Only users whose last event is at most so many days old are in reach:
    /// nobody calls back those who left long ago.
    pub max_silence_days: u32,
}

/// What decides whom to flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagBy {
    /// A share of the users in reach.
    Share,
    /// A number of users.
    Number,
    /// A probability.
    Threshold,
    /// A share of the flagged that must be right.
    Precision,
    /// Whether an attempt is expected to pay: probability × GMV of the last year ×
    /// save rate above cost.
    Profit,
}

impl FlagBy {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Share, Self::Number, Self::Threshold, Self::Precision, Self::Profit];
}

impl Default for AtRiskParams {
    fn default() -> Self {
        Self {
            by: FlagBy::Share,
            share: 0.2,
            number: 1_000,
            threshold: 0.5,
            precision: 0.7,
            save_rate: 0.1,
            cost: 1.0,
            max_silence_days: 90,
        }
    }
}

/// What a way of flagging would have done on the held-out snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagOutcome {
    /// The way.
    pub by: FlagBy,
    /// Users flagged.
    pub n_flagged: usize,
    /// Least probability among them; `None` if nobody is flagged.
    pub least_probability: Option<f64>,
    /// Share of them who churned.
    pub precision: Option<f64>,
    /// Share of the churned in reach who were flagged.
    pub recall: Option<f64>,
    /// Share of the last year's GMV of the churned in reach that was flagged.
    pub gmv_caught: Option<f64>,
    /// What attempts would have brought: save rate × last year's GMV of the flagged
    /// who churned, less the cost of all attempts.
    pub profit: f64,
}

impl AtRiskParams {
    pub(super) fn check(&self) -> Result<(), String> {
        let shares = [
            ("share", self.share),
            ("threshold", self.threshold),
            ("precision", self.precision),
            ("save_rate", self.save_rate),
        ];
        if let Some((key, value)) = shares.iter().find(|(_, v)| !(0.0..=1.0).contains(v)) {
            return Err(format!("[churn.at_risk] {key} must lie between 0 and 1, got {value}"));
        }
        if !self.cost.is_finite() || self.cost < 0.0 {
            return Err(format!("[churn.at_risk] cost must be zero or more, got {}", self.cost));
        }
        if self.max_silence_days == 0 {
            return Err("[churn.at_risk] max_silence_days must be at least 1, got 0".into());
        }
        Ok(())
    }

    /// The way of flagging in words.
    pub fn sentence(&self, by: FlagBy) -> String {
        let percent = |share: f64| format!("{} %", (share * 1000.0).round() / 10.0);
        match by {
            FlagBy::Share => format!("likeliest {}", percent(self.share)),
            FlagBy::Number => format!("likeliest {}", self.number),
            FlagBy::Threshold => format!("probability from {}", self.threshold),
            FlagBy::Precision => format!("{} to be right", percent(self.precision)),
            FlagBy::Profit => {
                format!("pays at cost {}, {} saved", self.cost, percent(self.save_rate))
            }
        }
    }

    /// Whether each user is flagged, by their probability (`None`: not eligible)
    /// and purchases. Of equal probabilities at the end of a budget the earlier user is
    /// flagged.
    ///
    /// # Panics
    /// When lengths differ.
    pub fn flag(
        &self,
        by: FlagBy,
        probabilities: &[Option<f64>],
        purchases: &[Purchases],
    ) -> Vec<bool> {
        assert_eq!(probabilities.len(), purchases.len(), "one summary for each user");
        let limit = f64::from(self.max_silence_days);
        let mut in_reach: Vec<(usize, f64)> = (0..purchases.len())
            .filter(|&row| purchases[row].kept_by.last_days_ago <= limit)
            .filter_map(|row| Some((row, probabilities[row]?)))
            .collect();
        in_reach.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        match by {
            FlagBy::Share => {
                in_reach.truncate((in_reach.len() as f64 * self.share).round() as usize);
            }
            FlagBy::Number => in_reach.truncate(self.number),
            FlagBy::Threshold => in_reach.retain(|&(_, p)| p >= self.threshold),
            FlagBy::Precision => in_reach.truncate(longest_precise(&in_reach, self.precision)),
            FlagBy::Profit => {
                let pays = |row: usize, p: f64| {
                    p * purchases[row].orders.amount_365d * self.save_rate > self.cost
                };
                in_reach.retain(|&(row, p)| pays(row, p));
            }
        }
        let mut flags = vec![false; purchases.len()];
        in_reach.into_iter().for_each(|(row, _)| flags[row] = true);
        flags
    }

    /// What each way of flagging would have done where it is known who churned;
    /// all slices of one length.
    pub fn outcomes(
        &self,
        probabilities: &[f64],
        purchases: &[Purchases],
        churned: &[bool],
    ) -> Vec<FlagOutcome> {
        let known: Vec<Option<f64>> = probabilities.iter().copied().map(Some).collect();
        let limit = f64::from(self.max_silence_days);
        let lost: Vec<usize> = (0..purchases.len())
            .filter(|&row| churned[row] && purchases[row].kept_by.last_days_ago <= limit)
            .collect();
        let gmv = |rows: &[usize]| {
            rows.iter().map(|&row| purchases[row].orders.amount_365d).sum::<f64>() + 0.0
        };
        FlagBy::ALL
            .into_iter()
            .map(|by| {
                let flags = self.flag(by, &known, purchases);
                let flagged: Vec<usize> = (0..flags.len()).filter(|&row| flags[row]).collect();
                let caught: Vec<usize> =
                    flagged.iter().copied().filter(|&row| churned[row]).collect();
                let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
                FlagOutcome {
                    by,
                    n_flagged: flagged.len(),
                    least_probability: flagged
                        .iter()
                        .map(|&row| probabilities[row])
                        .min_by(f64::total_cmp),
                    precision: share(caught.len() as f64, flagged.len() as f64),
                    recall: share(caught.len() as f64, lost.len() as f64),
                    gmv_caught: share(gmv(&caught), gmv(&lost)),
                    profit: self.save_rate * gmv(&caught) - self.cost * flagged.len() as f64,
                }
            })
            .collect()
    }
}

/// How many of the likeliest, whose mean probability is at least `precision`.
fn longest_precise(likeliest_first: &[(usize, f64)], precision: f64) -> usize {
    let mut sum = 0.0;
    likeliest_first
        .iter()
        .enumerate()
        .take_while(|(index, (_, p))| {
            sum += p;
            sum >= precision * (*index + 1) as f64
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::PurchaseSummary;

    fn users() -> (Vec<Option<f64>>, Vec<Purchases>) {
        let probabilities = vec![Some(0.9), Some(0.6), None, Some(0.3), Some(0.95)];
        let of_user = |(last_days_ago, amount_365d)| {
            let orders =
                PurchaseSummary { last_days_ago, amount_365d, ..PurchaseSummary::default() };
            Purchases { orders, kept_by: orders }
        };
        let users = [(30.0, 5.0), (10.0, 500.0), (5.0, 9.0), (1.0, 900.0), (200.0, 9.0)];
        (probabilities, users.map(of_user).to_vec())
    }

    fn flagged(by: FlagBy, params: &AtRiskParams) -> Vec<usize> {
        let (probabilities, purchases) = users();
        let flags = params.flag(by, &probabilities, &purchases);
        (0..flags.len()).filter(|&row| flags[row]).collect()
    }

    #[test]
    fn each_way_flags_whom_it_should() {
        let params = AtRiskParams { share: 0.34, number: 2, precision: 0.7, ..Default::default() };
        assert_eq!(flagged(FlagBy::Share, &params), [0]);
        assert_eq!(flagged(FlagBy::Number, &params), [0, 1]);
        assert_eq!(flagged(FlagBy::Threshold, &params), [0, 1]);
        assert_eq!(flagged(FlagBy::Precision, &params), [0, 1]);
        // .9 × 5 × .1 is less than the cost of 1, .6 × 500 × .1 and .3 × 900 × .1 more.
        assert_eq!(flagged(FlagBy::Profit, &params), [1, 3]);
        let nobody = AtRiskParams { share: 0.0, number: 0, ..params };
        assert!(flagged(FlagBy::Share, &nobody).is_empty());
        assert!(flagged(FlagBy::Number, &nobody).is_empty());
    }

    #[test]
    fn outcomes_count_who_churned_within_reach() {
        let (_, purchases) = users();
        let params = AtRiskParams { number: 2, ..Default::default() };
        let churned = [true, false, false, false, true];
        let outcomes = params.outcomes(&[0.9, 0.6, 0.1, 0.3, 0.95], &purchases, &churned);
        let number = &outcomes[1];
        assert_eq!((number.n_flagged, number.precision, number.recall), (2, Some(0.5), Some(1.0)));
        assert_eq!((number.gmv_caught, number.least_probability), (Some(1.0), Some(0.6)));
        assert!((number.profit - (0.1 * 5.0 - 2.0)).abs() < 1e-12);
    }
}
