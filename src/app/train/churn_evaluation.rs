//! A churn model on the snapshot that no fit has seen.

use crate::app::PipelineError;
use crate::config::Config;
use crate::dataset::{Bilingual, ChurnRule, Purchases, Snapshot};
use crate::models::churn::{
    CalibrationScores, ChurnEvaluation, Classifier, Evidence, FittedChurn, FlagUser, LabelledUsers,
    Ranking, measure_layers, measure_rankings,
};
use crate::models::rules::{FittedRfm, FittedRules};
use crate::models::segmentation::FittedGroups;
use crate::models::value::FittedValue;
use crate::stats::linear::probability;

/// What is measured, and what it learned from.
pub(super) struct Measured<'a> {
    pub churn: &'a FittedChurn,
    pub rules: &'a FittedRules,
    pub layers: &'a FittedGroups,
    /// The model of value at the holdout date, if there is one.
    pub value: Option<&'a FittedValue>,
    /// The lifetime value of each user of the holdout snapshot, where it is known.
    pub clv: Vec<Option<f64>>,
    /// Days of events before the holdout snapshot.
    pub history_days: i64,
}

/// Measures the model beside rules of thumb, within layers, and by what flags would
/// have done.
pub(super) fn evaluate_churn(
    config: &Config,
    measured: &Measured<'_>,
    holdout: &Snapshot,
) -> Result<ChurnEvaluation, PipelineError> {
    let churn = measured.churn;
    let no_order = match measured.value {
        Some(value) => value.no_order(holdout)?,
        None => Vec::new(),
    };
    let labelled = LabelledUsers::of(holdout, &no_order)?;
    let (matrix, churned) = (&labelled.matrix, &labelled.churned[..]);
    let purchases: Vec<Purchases> =
        labelled.rows.iter().map(|&row| holdout.purchases[row]).collect();
    let gmv: Vec<f64> = purchases.iter().map(|it| it.orders.amount_365d).collect();
    let log_odds = churn.log_odds(matrix, &labelled.no_order)?;
    let after = churn.probabilities_at(holdout.as_of, &log_odds);
    let of_classifier = churn.classifier.log_odds(matrix)?;
    let before: Vec<f64> = of_classifier.into_iter().map(probability).collect();
    let silence: Vec<f64> = purchases.iter().map(|it| it.kept_by.last_days_ago).collect();
    let few_days: Vec<f64> = purchases.iter().map(|it| -f64::from(it.kept_by.n_days)).collect();
    let low_rfm = low_rfm(&measured.rules.rfm, &labelled)?;
    let event = &churn.settings.label.event;
    let silence_name =
        Bilingual::new(format!("days since last {event}"), format!("距上次`{event}`的天数"));
    let days_name = Bilingual::new(format!("days with {event}"), format!("有`{event}`的天数"));
    let score = |name, scores| Ranking { name, scores, is_probability: false };
    let no_order = match measured.value {
        Some(value) => {
            let kind = value.orders.model.kind;
            Some((kind, chance_of_no_order(value, holdout, &labelled.rows)?))
        }
        None => None,
    };
    let mut rankings = vec![
        Ranking {
            name: Bilingual::new("churn model", "流失模型"),
            scores: &after,
            is_probability: true,
        },
        score(silence_name, &silence),
        score(days_name, &few_days),
        score(Bilingual::new("RFM score", "RFM 得分"), &low_rfm),
    ];
    if let Some((kind, no_order)) = &no_order {
        let model = kind.as_str();
        rankings.push(Ranking {
            name: Bilingual::new(format!("no order by {model}"), format!("{model} 不下单概率")),
            scores: no_order,
            // Where churn is another event, it says how likely that is no more than others do.
            is_probability: is_of_orders(config),
        });
    }
    let scores = measure_rankings(&rankings, churned, Some(&gmv), config.seed);
    let n_churned = labelled.n_churned();
    let rates = &churn.settings.snapshot_rates;
    let n_training: usize = rates.iter().map(|rate| rate.n_users).sum();
    let n_training_churned: usize =
        rates.iter().map(|rate| (rate.churn_rate * rate.n_users as f64).round() as usize).sum();
    let evidence = Evidence {
        n_training: (n_training_churned, n_training - n_training_churned),
        n_holdout: (n_churned, churned.len() - n_churned),
        history_days: measured.history_days,
        horizon_days: config.snapshots.horizon_days.get(),
    };
    let layers = &measured.layers;
    let reach_days = f64::from(churn.settings.silence.reach_days.get());
    let layer_of = layers.assign(matrix)?.groups;
    let user = |(row, purchases)| FlagUser {
        probability: after[row],
        purchases,
        clv: measured.clv[labelled.rows[row]],
    };
    let users: Vec<FlagUser<'_>> = purchases.iter().enumerate().map(user).collect();
    let ids: Vec<String> = layers.groups.iter().map(|layer| layer.id.clone()).collect();
    Ok(ChurnEvaluation {
        n_users: churned.len(),
        n_churned,
        failed_checks: evidence.failed_checks(&config.churn, &scores),
        scores,
        calibration: CalibrationScores::of(&before, &after, churned),
        flags: churn.settings.flag.outcomes(&users, churned, reach_days),
        layers: measure_layers(&ids, &layer_of, &after, churned),
        importance: churn.importance(&labelled, config.seed)?,
    })
}

/// The chance of no order in the horizon of some users; 1 for who never paid.
fn chance_of_no_order(
    value: &FittedValue,
    holdout: &Snapshot,
    rows: &[usize],
) -> Result<Vec<f64>, PipelineError> {
    let p_order = value.p_order(holdout)?;
    Ok(rows.iter().map(|&row| 1.0 - p_order[row].unwrap_or(0.0)).collect())
}

/// Whether churn is no order in the horizon.
fn is_of_orders(config: &Config) -> bool {
    let churn = &config.churn;
    churn.rule == ChurnRule::NoEvent
        && churn.event.as_ref().is_none_or(|event| *event == config.events.order)
}

/// The sum of R, F and M, turned round; users without orders have none.
fn low_rfm(rfm: &FittedRfm, labelled: &LabelledUsers) -> Result<Vec<f64>, PipelineError> {
    let scores = rfm.scores(&labelled.matrix)?.into_iter();
    Ok(scores.map(|it| it.map_or(0.0, |it| -f64::from(it.sum()))).collect())
}
