use serde::{Deserialize, Serialize};

use crate::metrics::{brier_score, lift_at, log_loss, pr_auc, roc_auc};

/// How well a model and simple rules rank the customers of the held-out
/// snapshot by their chance to churn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChurnEvaluation {
    /// Customers (users with an order before the snapshot).
    pub n_customers: usize,
    /// How many of them churned.
    pub n_churned: usize,
    /// The model first, then the baselines.
    pub scores: Vec<RankingScores>,
}

/// One ranking of the same customers; `None` where a measure is undefined, as
/// when only one class is present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankingScores {
    /// What ranks.
    pub name: String,
    /// Area under the ROC curve.
    pub roc_auc: Option<f64>,
    /// Average precision.
    pub pr_auc: Option<f64>,
    /// Churn rate among the top 10 % over the churn rate of all.
    pub lift_10: Option<f64>,
    /// Brier score; probabilities only.
    pub brier: Option<f64>,
    /// Log loss in nats; probabilities only.
    pub log_loss: Option<f64>,
}

/// What a ranking says of each customer.
pub enum Evidence<'a> {
    /// Probabilities to churn.
    Probability(&'a [f64]),
    /// Any number that grows with the risk.
    Score(&'a [f64]),
}

/// Measures each named ranking against who churned.
pub fn evaluate(churned: &[bool], rankings: &[(&str, Evidence<'_>)]) -> ChurnEvaluation {
    let scores = rankings
        .iter()
        .map(|(name, evidence)| {
            let (values, is_probability) = match evidence {
                Evidence::Probability(values) => (*values, true),
                Evidence::Score(values) => (*values, false),
            };
            let of_probability = |measure: fn(&[f64], &[bool]) -> Option<f64>| {
                if is_probability { measure(values, churned) } else { None }
            };
            RankingScores {
                name: (*name).to_owned(),
                roc_auc: roc_auc(values, churned),
                pr_auc: pr_auc(values, churned),
                lift_10: lift_at(values, churned, 0.1),
                brier: of_probability(brier_score),
                log_loss: of_probability(log_loss),
            }
        })
        .collect();
    let n_churned = churned.iter().filter(|&&churned| churned).count();
    ChurnEvaluation { n_customers: churned.len(), n_churned, scores }
}
