use super::{Estimate, RankingScores};
use crate::dataset::Bilingual;
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
    pub fn failed_checks(&self, params: &ChurnParams, scores: &[RankingScores]) -> Vec<Bilingual> {
        let roc_auc = scores.first().and_then(|model| model.roc_auc);
        let mut failed = Vec::new();
        let least = params.min_class_size;
        let counts = [
            ("in the training snapshots", "训练快照中", self.n_training),
            ("on the holdout snapshot", "留出快照中", self.n_holdout),
        ];
        for (place, place_zh, (churned, stayed)) in counts {
            if churned.min(stayed) < least {
                failed.push(Bilingual::new(
                    format!(
                        "{churned} users churned and {stayed} stayed {place}, {least} of each are \
                         needed ([churn] min_class_size)"
                    ),
                    format!(
                        "{place_zh}流失 {churned} 人、留存 {stayed} 人，每类至少需要 {least} 人\
                         （[churn] min_class_size）"
                    ),
                ));
            }
        }
        let needed =
            i64::from(params.lookback_days.map_or(0, Days::get)) + i64::from(self.horizon_days);
        if self.history_days < needed {
            let days = self.history_days;
            failed.push(Bilingual::new(
                format!(
                    "{days} days of history before the holdout snapshot; lookback and horizon need \
                     {needed}"
                ),
                format!("留出快照之前只有 {days} 天历史；回看期与预测期共需 {needed} 天"),
            ));
        }
        match roc_auc {
            None => failed.push(Bilingual::new(
                "whom it ranks first can't be measured: one class only",
                "只有一类用户，无法衡量排序",
            )),
            Some(Estimate { interval: Some(interval), .. }) if interval.low <= 0.5 => {
                failed.push(Bilingual::new(
                    "it may rank no better than chance: the interval of ROC AUC reaches 0.5",
                    "排序可能不优于随机：ROC AUC 的区间触及 0.5",
                ));
            }
            Some(_) => {}
        }
        failed.extend(better_rule(scores));
        failed
    }
}

/// The rule of thumb that ranks users better than the model, if there is one.
fn better_rule(scores: &[RankingScores]) -> Option<Bilingual> {
    let auc = |scores: &RankingScores| scores.roc_auc.map(|it| it.value);
    let (model, rules) = scores.split_first()?;
    let best =
        rules.iter().max_by(|a, b| auc(a).unwrap_or(0.0).total_cmp(&auc(b).unwrap_or(0.0)))?;
    let (of_rule, of_model) = (auc(best)?, auc(model)?);
    (of_rule > of_model).then(|| {
        let Bilingual { en, zh } = &best.name;
        Bilingual::new(
            format!("{en} alone ranks better (ROC AUC {of_rule:.3}, the model {of_model:.3})"),
            format!("仅凭{zh}排序更好（ROC AUC {of_rule:.3}，模型 {of_model:.3}）"),
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
        let failed = evidence.failed_checks(&params, &[]);
        assert_eq!(failed.len(), 3, "{failed:?}");
        assert!(
            failed[0]
                .en
                .starts_with("500 users churned and 20 stayed on the holdout snapshot, 500")
        );
        assert!(failed[1].en.contains("455") && failed[1].zh.contains("455"));
        let enough = Evidence { n_holdout: (500, 500), history_days: 455, ..evidence };
        let churned: Vec<bool> = (0..400u64).map(|row| row * 7919 % 100 < row / 5).collect();
        let (good, bad): (Vec<f64>, Vec<f64>) =
            (0..400).map(|row| (f64::from(row), f64::from(row % 7))).unzip();
        let rank = |first: &[f64], second: &[f64]| {
            let ranking = |name, scores| Ranking {
                name: Bilingual::same(name),
                scores,
                is_probability: false,
            };
            let rankings = [ranking("model", first), ranking("rule", second)];
            measure_rankings(&rankings, &churned, Some(&[1.0; 400]), 1)
        };
        assert!(enough.failed_checks(&params, &rank(&good, &bad)).is_empty());
        let failed = enough.failed_checks(&params, &rank(&bad, &good));
        assert!(failed.last().unwrap().en.starts_with("rule alone ranks better"), "{failed:?}");
    }
}
