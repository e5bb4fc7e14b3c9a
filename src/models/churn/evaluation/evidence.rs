use super::{Estimate, RankingScores};
use crate::models::churn::ChurnParams;
use crate::settings::Days;

/// How much data a model rests on.
#[derive(Debug, Clone, Copy)]
pub struct Evidence {
    /// Rows of the training snapshots who churned, and who stayed.
    pub n_training: (usize, usize),
    /// Users of the holdout snapshot who churned, and who stayed.
    pub n_holdout: (usize, usize),
    /// Days of events before the holdout snapshot.
    pub history_days: i64,
    /// Length of the outcome window.
    pub horizon_days: u32,
}

impl Evidence {
    /// The checks that a model fails, in words; a model is trusted where the list
    /// is empty.
    pub fn failed_checks(&self, params: &ChurnParams, scores: &[RankingScores]) -> Vec<String> {
        let roc_auc = scores.first().and_then(|model| model.roc_auc);
        let mut failed_checks = Vec::new();
        let least = params.min_class_size;
        let counts = [
            ("in the training snapshots", self.n_training),
            ("on the holdout snapshot", self.n_holdout),
        ];
        for (place, (churned, stayed)) in counts {
            if churned.min(stayed) < least {
                failed_checks.push(format!(
                    "{churned} users churned and {stayed} stayed {place}, {least} of each are needed \
                     ([churn] min_class_size)"
                ));
            }
        }
        let needed =
            i64::from(params.lookback_days.map_or(0, Days::get)) + i64::from(self.horizon_days);
        if self.history_days < needed {
            failed_checks.push(format!(
                "{} days of history before the holdout snapshot; lookback and horizon need {needed}",
                self.history_days
            ));
        }
        match roc_auc {
            None => {
                failed_checks.push("whom it ranks first can't be measured: one class only".into());
            }
            Some(Estimate { interval: Some(interval), .. }) if interval.low <= 0.5 => failed_checks
                .push(
                    "it may rank no better than chance: the interval of ROC AUC reaches 0.5".into(),
                ),
            Some(_) => {}
        }
        failed_checks.extend(better_rule(scores));
        failed_checks
    }
}

/// The rule of thumb that ranks users better than the model, if there is one.
fn better_rule(scores: &[RankingScores]) -> Option<String> {
    let auc = |scores: &RankingScores| scores.roc_auc.map(|it| it.value);
    let (model, rules) = scores.split_first()?;
    let best =
        rules.iter().max_by(|a, b| auc(a).unwrap_or(0.0).total_cmp(&auc(b).unwrap_or(0.0)))?;
    (auc(best)? > auc(model)?).then(|| {
        format!(
            "{} alone ranks better (ROC AUC {:.3}, the model {:.3})",
            best.name,
            auc(best).unwrap_or_default(),
            auc(model).unwrap_or_default()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::churn::{Ranking, measure_rankings};

    #[test]
    fn all_failed_checks_are_reported() {
        let params = ChurnParams { lookback_days: Some(Days::of(365)), ..ChurnParams::default() };
        let evidence = Evidence {
            n_training: (600, 600),
            n_holdout: (500, 20),
            history_days: 300,
            horizon_days: 90,
        };
        let failed_checks = evidence.failed_checks(&params, &[]);
        assert_eq!(failed_checks.len(), 3, "{failed_checks:?}");
        assert!(
            failed_checks[0]
                .starts_with("500 users churned and 20 stayed on the holdout snapshot, 500")
        );
        assert!(failed_checks[1].contains("455"));
        let enough = Evidence { n_holdout: (500, 500), history_days: 455, ..evidence };
        let churned: Vec<bool> = (0..400u64).map(|row| row * 7919 % 100 < row / 5).collect();
        let (good, bad): (Vec<f64>, Vec<f64>) =
            (0..400).map(|row| (f64::from(row), f64::from(row % 7))).unzip();
        let rank = |first: &[f64], second: &[f64]| {
            let ranking = |name, scores| Ranking { name, scores, is_probability: false };
            let rankings = [ranking("model", first), ranking("rule", second)];
            measure_rankings(&rankings, &churned, &[1.0; 400], 1)
        };
        assert!(enough.failed_checks(&params, &rank(&good, &bad)).is_empty());
        let failed_checks = enough.failed_checks(&params, &rank(&bad, &good));
        assert!(
            failed_checks.last().unwrap().starts_with("rule alone ranks better"),
            "{failed_checks:?}"
        );
    }
}
