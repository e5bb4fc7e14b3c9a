//! What a grouping, learned on training snapshots, says of the users of a later one.

use std::collections::BTreeMap;

use ndarray::Array2;

use crate::app::grouping::user_groups;
use crate::app::{Grouping, Model, PipelineError};
use crate::dataset::{Bilingual, Family, Outcomes, Snapshot};
use crate::models::rules::RuleGrouping;
use crate::models::segmentation::{Outcome, Partition};
use crate::stats::metrics::{quantile, sorted};
use crate::stats::shrinkage::{DirichletPrior, NormalPrior};

/// What puts users into groups in a back-test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Candidate {
    /// A grouping that the model knows.
    Grouping(Grouping),
    /// As many groups as there are layers, by the quantiles of a score.
    Quantiles(Score),
}

/// A number by which users can be put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Score {
    Churn,
    PastGmv,
    PredictedGmv,
}

impl Candidate {
    /// All that a back-test looks at; layers are the first.
    pub const ALL: [Self; 8] = [
        Self::Grouping(Grouping::Groups(Partition::Layers)),
        Self::Grouping(Grouping::Groups(Partition::Kinds)),
        Self::Grouping(Grouping::KindTiers),
        Self::Grouping(Grouping::Rule(RuleGrouping::Rfm)),
        Self::Grouping(Grouping::Rule(RuleGrouping::RfmCells)),
        Self::Quantiles(Score::Churn),
        Self::Quantiles(Score::PastGmv),
        Self::Quantiles(Score::PredictedGmv),
    ];

    /// What programs call it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Grouping(grouping) => grouping.as_str(),
            Self::Quantiles(Score::Churn) => "churn_quantiles",
            Self::Quantiles(Score::PastGmv) => "past_gmv_quantiles",
            Self::Quantiles(Score::PredictedGmv) => "predicted_gmv_quantiles",
        }
    }

    /// Whether layers are held against it: it is none of the model's own groups.
    pub fn is_rival(self) -> bool {
        matches!(self, Self::Grouping(Grouping::Rule(_)) | Self::Quantiles(_))
    }

    /// "RFM, 10 names"
    pub fn in_words(self, model: &Model) -> Bilingual {
        let n_names = model.bundle.rules.rfm_map.names().len();
        match self {
            Self::Grouping(Grouping::Rule(RuleGrouping::Rfm)) => {
                Bilingual::new(format!("RFM, {n_names} names"), format!("RFM，{n_names} 个名称"))
            }
            Self::Grouping(Grouping::Rule(RuleGrouping::RfmCells)) => {
                Bilingual::new("RFM, 125 cells", "RFM，125 格")
            }
            Self::Grouping(grouping) => grouping.title(),
            Self::Quantiles(Score::Churn) => Bilingual::new("churn score", "流失评分"),
            Self::Quantiles(Score::PastGmv) => Bilingual::new("past GMV", "历史 GMV"),
            Self::Quantiles(Score::PredictedGmv) => Bilingual::new("predicted GMV", "预测 GMV"),
        }
    }

    /// How the users of any snapshot are grouped; bounds come from the training snapshots.
    /// `None` where the data has no such score.
    fn rule(
        self,
        model: &Model,
        training: &[Snapshot],
    ) -> Result<Option<GroupRule>, PipelineError> {
        let score = match self {
            Self::Grouping(grouping) => return Ok(Some(GroupRule::Grouping(grouping))),
            Self::Quantiles(score) => score,
        };
        let mut scores = Vec::new();
        for snapshot in training {
            let Some(of_users) = score.of(model, snapshot)? else { return Ok(None) };
            scores.extend(of_users);
        }
        let (scores, n_groups) = (sorted(scores), model.groups(Partition::Layers).len());
        let bound = |number: usize| quantile(&scores, number as f64 / n_groups as f64);
        Ok(Some(GroupRule::Bounds(score, (1..n_groups).map(bound).collect())))
    }
}

impl Score {
    fn of(self, model: &Model, snapshot: &Snapshot) -> Result<Option<Vec<f64>>, PipelineError> {
        let matrix = &snapshot.features;
        const VALUE: [Outcome; 2] = [Outcome::LogGmv, Outcome::LogOrders];
        Ok(match self {
            Self::Churn => {
                let no_order = match model.bundle.mixed_value() {
                    Some(value) => value.fitted.no_order(snapshot)?,
                    None => Vec::new(),
                };
                Some(model.bundle.churn.predict(matrix, &no_order)?)
            }
            Self::PastGmv => matrix.all_time(Family::Gmv).ok().map(|column| column.to_vec()),
            Self::PredictedGmv => {
                let predicted = model.bundle.layers.embedding.predicted(&VALUE, matrix)?;
                predicted.map(|it| it.into_iter().map(f64::from).collect())
            }
        })
    }
}

/// What puts the users of a snapshot into groups.
enum GroupRule {
    Grouping(Grouping),
    Bounds(Score, Vec<f64>),
}

impl GroupRule {
    fn groups(&self, model: &Model, snapshot: &Snapshot) -> Result<Vec<usize>, PipelineError> {
        match self {
            Self::Grouping(grouping) => Ok(user_groups(model, *grouping, snapshot)?.group_of),
            Self::Bounds(score, bounds) => {
                let scores = score.of(model, snapshot)?.unwrap_or_default();
                let group = |score: f64| bounds.partition_point(|bound| *bound <= score);
                Ok(scores.into_iter().map(group).collect())
            }
        }
    }
}

/// The predictions of a grouping for each user.
pub(super) struct Forecast {
    pub candidate: Candidate,
    pub name: Bilingual,
    /// Groups that occur.
    pub n_groups: usize,
    pub log_gmv: Vec<f64>,
    pub gmv: Vec<f64>,
    pub churn: Vec<f64>,
}

#[derive(Default, Clone)]
struct GroupSums {
    n: f64,
    gmv: f64,
    gmv_squares: f64,
    log_gmv: f64,
    log_gmv_squares: f64,
    churned: f64,
}

impl GroupSums {
    fn add(&mut self, outcomes: &Outcomes, row: usize) {
        let (gmv, log_gmv) = (outcomes.gmv[row], Outcome::LogGmv.of_user(outcomes, row));
        self.n += 1.0;
        self.gmv += gmv;
        self.gmv_squares += gmv * gmv;
        self.log_gmv += log_gmv;
        self.log_gmv_squares += log_gmv * log_gmv;
        self.churned += f64::from(u8::from(outcomes.churned_or_no_order(row)));
    }
}

impl Forecast {
    /// Learns the means of groups on the training snapshots and looks them up for the users
    /// of `holdout`. Means of small groups are drawn towards those of all users, as far as
    /// the data says, so that none is held against its noise; a group that training never saw
    /// has the mean of all. `None` where the data has no such score.
    pub fn learn(
        candidate: Candidate,
        model: &Model,
        training: &[Snapshot],
        holdout: &Snapshot,
    ) -> Result<Option<Self>, PipelineError> {
        let Some(rule) = candidate.rule(model, training)? else { return Ok(None) };
        let mut groups: BTreeMap<usize, GroupSums> = BTreeMap::new();
        let mut overall = GroupSums::default();
        for snapshot in training {
            let Some(outcomes) = &snapshot.outcomes else { continue };
            for (row, key) in rule.groups(model, snapshot)?.into_iter().enumerate() {
                groups.entry(key).or_default().add(outcomes, row);
                overall.add(outcomes, row);
            }
        }
        let keys = rule.groups(model, holdout)?;
        let means = Means::shrunken(&groups);
        let of_all = Mean {
            log_gmv: overall.log_gmv / overall.n,
            gmv: overall.gmv / overall.n,
            churn: overall.churned / overall.n,
        };
        let mean = |key: &usize| means.0.get(key).unwrap_or(&of_all);
        let mut distinct = keys.clone();
        distinct.sort_unstable();
        distinct.dedup();
        Ok(Some(Self {
            candidate,
            name: candidate.in_words(model),
            n_groups: distinct.len(),
            log_gmv: keys.iter().map(|key| mean(key).log_gmv).collect(),
            gmv: keys.iter().map(|key| mean(key).gmv).collect(),
            churn: keys.iter().map(|key| mean(key).churn).collect(),
        }))
    }
}

struct Mean {
    log_gmv: f64,
    gmv: f64,
    churn: f64,
}

/// Expected means, by group.
struct Means(BTreeMap<usize, Mean>);

impl Means {
    fn shrunken(groups: &BTreeMap<usize, GroupSums>) -> Self {
        let all: Vec<&GroupSums> = groups.values().collect();
        let gmv = shrunken(&all, |it| (it.gmv, it.gmv_squares));
        let log_gmv = shrunken(&all, |it| (it.log_gmv, it.log_gmv_squares));
        let counts = Array2::from_shape_fn((all.len(), 2), |(row, part)| match part {
            0 => all[row].churned,
            _ => all[row].n - all[row].churned,
        });
        let prior = DirichletPrior::fit(counts.view());
        let churn = |row: usize| match &prior {
            Some(prior) => prior.shares(counts.row(row)).next().unwrap_or_default(),
            None => all[row].churned / all[row].n,
        };
        let mean = |(row, key): (usize, &usize)| {
            (*key, Mean { log_gmv: log_gmv[row], gmv: gmv[row], churn: churn(row) })
        };
        Self(groups.keys().enumerate().map(mean).collect())
    }
}

/// Expected means of a quantity, from its sum and its sum of squares in each group.
fn shrunken(groups: &[&GroupSums], sums: impl Fn(&GroupSums) -> (f64, f64)) -> Vec<f64> {
    let rows: Vec<(f64, f64)> = groups.iter().map(|it| (sums(it).0 / it.n, it.n)).collect();
    let n: f64 = groups.iter().map(|it| it.n).sum();
    let squares: f64 = groups.iter().map(|it| sums(it).1 - sums(it).0.powi(2) / it.n).sum();
    let within = squares.max(0.0) / (n - groups.len() as f64).max(1.0);
    let prior = NormalPrior::fit(&rows, within);
    let expected = |(mean, n): &(f64, f64)| prior.map_or(*mean, |prior| prior.expected(*mean, *n));
    rows.iter().map(expected).collect()
}
