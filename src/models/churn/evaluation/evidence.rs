use super::{Estimate, RankingScores};
use crate::models::churn::ChurnParams;
use crate::settings::Days;

/// What the data behind a model amounts to.
#[derive(Debug, Clone, Copy)]
pub struct Evidence {
    /// Rows of the training snapshots who churned, and who stayed.
    pub n_training: (usize, usize),
    /// Users of the held-out snapshot who churned, and who stayed.
    pub n_held_out: (usize, usize),
    /// Days of events before the held-out snapshot.
    pub history_days: i64,
    /// Length of the outcome window.
    pub horizon_days: u32,
}

impl Evidence {
    /// What is missing before a model can be trusted, in words; nothing where
    /// nothing is.
    pub fn doubts(&self, params: &ChurnParams, scores: &[RankingScores]) -> Vec<String> {
        let roc_auc = scores.first().and_then(|model| model.roc_auc);
        let mut doubts = Vec::new();
        let least = params.min_class_size;
        let counts = [
            ("in the training snapshots", self.n_training),
            ("on the held-out snapshot", self.n_held_out),
        ];
        for (place, (churned, stayed)) in counts {
            if churned.min(stayed) < least {
                doubts.push(format!(
                    "{churned} users churned and {stayed} stayed {place}, {least} of each are needed \
                     ([churn] min_class_size)"
                ));
            }
        }
        let needed =
            i64::from(params.lookback_days.map_or(0, Days::get)) + i64::from(self.horizon_days);
        if self.history_days < needed {
            doubts.push(format!(
                "{} days of history before the held-out snapshot; lookback and horizon need {needed}",
                self.history_days
            ));
        }
        match roc_auc {
            None => doubts.push("whom it ranks first can't be measured: one class only".into()),
            Some(Estimate { interval: Some(interval), .. }) if interval.low <= 0.5 => doubts.push(
                "it may rank no better than chance: the interval of ROC AUC reaches 0.5".into(),
            ),
            Some(_) => {}
        }
        doubts.extend(better_rule(scores));
        doubts
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
    fn too_little_evidence_is_told_in_full() {
        let params = ChurnParams { lookback_days: Some(Days::of(365)), ..ChurnParams::default() };
        let evidence = Evidence {
            n_training: (600, 600),
            n_held_out: (500, 20),
            history_days: 300,
            horizon_days: 90,
        };
        let doubts = evidence.doubts(&params, &[]);
        assert_eq!(doubts.len(), 3, "{doubts:?}");
        assert!(
            doubts[0].starts_with("500 users churned and 20 stayed on the held-out snapshot, 500")
        );
        assert!(doubts[1].contains("455"));
        let enough = Evidence { n_held_out: (500, 500), history_days: 455, ..evidence };
        let churned: Vec<bool> = (0..400u64).map(|row| row * 7919 % 100 < row / 5).collect();
        let (good, bad): (Vec<f64>, Vec<f64>) =
            (0..400).map(|row| (f64::from(row), f64::from(row % 7))).unzip();
        let rank = |first: &[f64], second: &[f64]| {
            let ranking = |name, scores| Ranking { name, scores, is_probability: false };
            let rankings = [ranking("model", first), ranking("rule", second)];
            measure_rankings(&rankings, &churned, &[1.0; 400], 1)
        };
        assert!(enough.doubts(&params, &rank(&good, &bad)).is_empty());
        let doubts = enough.doubts(&params, &rank(&bad, &good));
        assert!(doubts.last().unwrap().starts_with("rule alone ranks better"), "{doubts:?}");
    }
}
