//! From a tally to effects: as planned, with what each adjustment did.

use super::plan::{ArmPlan, ExperimentPlan, MetricPlan};
use super::tally::{LargeValue, MetricTally, SCALE, Tally};
use crate::stats::effects::{
    AlwaysValid, Effect, Heterogeneity, LiftInterval, Moments, Shrunken, adjusted_p_values,
    covariate_coefficient, estimates, heterogeneity, post_stratified,
};
use crate::stats::resample::Interval;

/// Standard errors by which one user must move a difference to be named.
const OUTLIER_SHIFT: f64 = 0.5;

/// Users with a value other than 0 in an arm, below which Welch's test is too cautious to
/// be of use.
pub const FEW_NOT_ZERO: u64 = 30;

/// All metrics of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Readout {
    /// Whether the windows of all users are over.
    pub is_planned_end: bool,
    /// In the order of the plan.
    pub metrics: Vec<MetricResult>,
}

/// A metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricResult {
    /// Its name.
    pub name: String,
    /// Whether it decides.
    pub is_primary: bool,
    /// By arm.
    pub arms: Vec<ArmResult>,
    /// Each arm but the first against the first.
    pub comparisons: Vec<Comparison>,
    /// By layer, for each arm but the first; empty where that is not asked for.
    pub by_layer: Vec<LayerResults>,
    /// What was done to it.
    pub adjustments: Adjustments,
    /// Users who move a difference by themselves.
    pub outliers: Vec<Outlier>,
    /// Users whose window is not over yet.
    pub n_open: u64,
    /// Users whose value is below 0.
    pub n_negative: u64,
    /// Users without a value, who count as 0.
    pub n_missing: u64,
}

/// A metric in an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmResult {
    /// Name of the arm.
    pub arm: String,
    /// Users whose window is over.
    pub n_users: u64,
    /// Of them, those whose value is not 0.
    pub n_not_zero: u64,
    /// The mean or ratio as it is, with neither cap nor covariate.
    pub value: f64,
    /// The same as planned, with cap, covariate and layers.
    pub adjusted: f64,
}

/// What was done to a metric, and what it changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjustments {
    /// θ of the covariate.
    pub coefficient: Option<f64>,
    /// Share of the variance that the covariate explains.
    pub explained: Option<f64>,
    /// Largest value that counts in full.
    pub cap: Option<f64>,
    /// By arm: users beyond it.
    pub n_capped: Vec<u64>,
    /// Whether effects are put together from those within layers.
    pub is_post_stratified: bool,
}

/// An arm against the control.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Name of the arm.
    pub arm: String,
    /// The difference as planned.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The difference by the control.
    pub lift: Option<f64>,
    /// Valid at one look, at the planned end; `None` before it.
    pub one_look: Option<Tested>,
    /// Valid at every look; `None` where nothing can be tested.
    pub every_look: Option<Tested>,
    /// p-value that counts, corrected for the other tests of its family.
    pub p_adjusted: Option<f64>,
    /// The difference with neither cap, covariate nor layers, and its standard error.
    pub plain: (f64, f64),
    /// The difference as planned but for the cap.
    pub uncapped: Option<f64>,
    /// The same without the users who move it by themselves.
    pub without_outliers: Option<WithoutOutliers>,
    /// What is to be made of it.
    pub verdict: Verdict,
}

/// A comparison without some users.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WithoutOutliers {
    /// The difference.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Its p-value.
    pub p_value: f64,
}

/// A test and its intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// Two-sided.
    pub p_value: f64,
    /// Of the difference.
    pub interval: Interval,
    /// Of the lift; `None` where the control cannot be told from 0.
    pub lift_interval: Option<Interval>,
}

/// What is to be made of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The arm is higher than the control.
    Higher,
    /// The arm is lower.
    Lower,
    /// Neither is shown.
    Open,
    /// The planned end is not there, and the plan has one look.
    TooEarly,
    /// One arm has nobody, or nothing varies.
    NotTestable,
}

/// Effects of an arm by layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerResults {
    /// Name of the arm.
    pub arm: String,
    /// Layers with users in both arms.
    pub layers: Vec<LayerEffect>,
    /// Whether they differ by more than chance.
    pub heterogeneity: Option<Heterogeneity>,
}

/// An effect in a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerEffect {
    /// The layer.
    pub layer: String,
    /// Users of the control and of the arm.
    pub n_users: [u64; 2],
    /// The difference.
    pub difference: f64,
    /// Its test, by the look that counts.
    pub tested: Option<Tested>,
    /// p-value corrected for the other tests of its family.
    pub p_adjusted: Option<f64>,
    /// The difference drawn towards that of all layers.
    pub shrunken: Option<Shrunken>,
}

/// A user who moves a difference by more than half a standard error.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlier {
    /// The user.
    pub id: String,
    /// Name of the arm.
    pub arm: String,
    /// What was measured.
    pub value: f64,
}

/// Reads the effects off a tally.
pub fn read_out(
    plan: &ExperimentPlan,
    layers: &[String],
    tally: &Tally,
    is_planned_end: bool,
) -> Readout {
    let reader = Reader { plan, layers, is_planned_end };
    let metrics = plan.metrics.iter().zip(&tally.metrics);
    let mut metrics: Vec<MetricResult> =
        metrics.map(|(metric, sums)| reader.metric(metric, sums)).collect();
    reader.correct(&mut metrics);
    metrics.iter_mut().for_each(|metric| reader.judge(metric));
    Readout { is_planned_end, metrics }
}

struct Reader<'a> {
    plan: &'a ExperimentPlan,
    layers: &'a [String],
    is_planned_end: bool,
}

impl Reader<'_> {
    fn sequence(&self) -> AlwaysValid {
        AlwaysValid::narrowest_at(self.plan.n_star.get(), self.plan.alpha.get())
    }

    /// Whether the test at one look is the one that counts.
    fn counts_one_look(&self) -> bool {
        self.is_planned_end && self.plan.looks.get() == 1
    }

    fn metric(&self, metric: &MetricPlan, sums: &MetricTally) -> MetricResult {
        let is_stratified = self.is_post_stratified(sums);
        let (arms, shape) = (sums.moments_of_arms(true), sums.shape);
        let covariate = covariate_coefficient(&arms, shape.form);
        let coefficient = covariate.map_or(0.0, |it| it.0);
        let raw = estimates(&sums.moments_of_arms(false), shape.form, 0.0);
        let treated = || 1..self.plan.arms.len();
        let effects: Vec<Effect> =
            treated().map(|arm| self.effect(sums, arm, true, coefficient)).collect();
        let arm = |(number, arm): (usize, &ArmPlan)| ArmResult {
            arm: arm.name.clone(),
            n_users: arms[number].n as u64,
            n_not_zero: sums.n_not_zero[number],
            value: raw[number].value,
            adjusted: match number {
                0 => effects[0].control.value,
                _ => effects[number - 1].treated.value,
            },
        };
        let outliers = self.outliers(sums, &effects);
        let rest = (!outliers.is_empty()).then(|| sums.without(&outliers));
        let without = |arm: usize| {
            let effect = self.effect(rest.as_ref()?, arm, true, coefficient);
            let concerns = outliers.iter().any(|it| it.arm == arm || it.arm == 0);
            let tested = self.test_that_counts(&effect)?;
            let (difference, standard_error) = (effect.difference(), effect.standard_error());
            let p_value = tested.p_value;
            concerns.then_some(WithoutOutliers { difference, standard_error, p_value })
        };
        let comparison = |(arm, effect): (usize, &Effect)| {
            let plain = Effect::between(raw[0], raw[arm]);
            Comparison {
                arm: self.plan.arms[arm].name.clone(),
                difference: effect.difference(),
                standard_error: effect.standard_error(),
                lift: effect.lift(),
                one_look: if self.is_planned_end { self.one_look(effect) } else { None },
                every_look: self.every_look(effect),
                p_adjusted: None,
                plain: (plain.difference(), plain.standard_error()),
                uncapped: shape
                    .cap
                    .map(|_| self.effect(sums, arm, false, self.coefficient(sums)).difference()),
                without_outliers: without(arm),
                verdict: Verdict::Open,
            }
        };
        let by_layer = (metric.primary || metric.by_layer) && self.layers.len() > 1;
        MetricResult {
            name: metric.name.clone(),
            is_primary: metric.primary,
            arms: self.plan.arms.iter().enumerate().map(arm).collect(),
            comparisons: treated().zip(&effects).map(comparison).collect(),
            by_layer: match by_layer {
                true => treated().map(|arm| self.by_layer(sums, arm, coefficient)).collect(),
                false => Vec::new(),
            },
            adjustments: Adjustments {
                coefficient: covariate.map(|it| it.0),
                explained: covariate.map(|it| it.1),
                cap: shape.cap.map(|cap| cap as f64 / SCALE),
                n_capped: sums.n_capped.clone(),
                is_post_stratified: is_stratified,
            },
            outliers: outliers.iter().map(|it| self.outlier(it)).collect(),
            n_open: sums.n_open,
            n_negative: sums.n_negative,
            n_missing: sums.n_missing,
        }
    }

    fn is_post_stratified(&self, sums: &MetricTally) -> bool {
        self.plan.post_stratify && self.layers.len() > 1 && !sums.shape.form.is_ratio
    }

    fn coefficient(&self, sums: &MetricTally) -> f64 {
        covariate_coefficient(&sums.moments_of_arms(false), sums.shape.form).map_or(0.0, |it| it.0)
    }

    /// The effect of an arm, put together from layers if that is planned.
    fn effect(&self, sums: &MetricTally, arm: usize, is_capped: bool, coefficient: f64) -> Effect {
        let all = || {
            let found = estimates(&sums.moments_of_arms(is_capped), sums.shape.form, coefficient);
            Effect::between(found[0], found[arm])
        };
        // Ratios of small layers are too unsteady to be put together.
        if !self.is_post_stratified(sums) {
            return all();
        }
        let strata: Vec<Effect> = self
            .strata(sums, arm)
            .iter()
            .map(|layers| self.effect_in(sums, layers, arm, is_capped, coefficient))
            .collect();
        post_stratified(&strata).unwrap_or_else(all)
    }

    /// Layers by which an effect is put together. Those of which an arm has fewer than two
    /// users are one stratum; if that is not enough, they join the largest.
    fn strata(&self, sums: &MetricTally, arm: usize) -> Vec<Vec<usize>> {
        let n = |arm: usize, layers: &[usize]| -> u64 {
            layers.iter().map(|layer| sums.n_of(arm, *layer)).sum()
        };
        let is_enough = |layers: &[usize]| n(0, layers) > 1 && n(arm, layers) > 1;
        let (large, small): (Vec<usize>, Vec<usize>) =
            (0..self.layers.len()).partition(|layer| is_enough(&[*layer]));
        let mut strata: Vec<Vec<usize>> = large.into_iter().map(|layer| vec![layer]).collect();
        let size = |layers: &Vec<usize>| n(0, layers) + n(arm, layers);
        match (is_enough(&small), strata.iter_mut().max_by_key(|layers| size(layers))) {
            (false, Some(largest)) => largest.extend(small),
            _ => strata.push(small),
        }
        strata
    }

    fn effect_in(
        &self,
        sums: &MetricTally,
        layers: &[usize],
        arm: usize,
        is_capped: bool,
        coefficient: f64,
    ) -> Effect {
        let arms: Vec<Moments> =
            (0..self.plan.arms.len()).map(|arm| sums.moments_in(arm, layers, is_capped)).collect();
        let found = estimates(&arms, sums.shape.form, coefficient);
        Effect::between(found[0], found[arm])
    }

    fn one_look(&self, effect: &Effect) -> Option<Tested> {
        let (alpha, kind) = (self.plan.alpha.get(), self.plan.lift_interval);
        effect.is_testable().then(|| Tested {
            p_value: effect.p_value(),
            interval: effect.interval(effect.one_look(alpha)),
            lift_interval: effect.lift_interval(kind, effect.one_look_of_lift(kind, alpha)),
        })
    }

    fn every_look(&self, effect: &Effect) -> Option<Tested> {
        let (alpha, kind): (f64, LiftInterval) = (self.plan.alpha.get(), self.plan.lift_interval);
        let sequence = self.sequence();
        effect.is_testable().then(|| {
            let critical = effect.every_look(sequence, alpha);
            Tested {
                p_value: effect.always_valid_p_value(sequence),
                interval: effect.interval(critical),
                lift_interval: effect.lift_interval(kind, critical),
            }
        })
    }

    fn test_that_counts(&self, effect: &Effect) -> Option<Tested> {
        if self.counts_one_look() { self.one_look(effect) } else { self.every_look(effect) }
    }

    fn by_layer(&self, sums: &MetricTally, arm: usize, coefficient: f64) -> LayerResults {
        let effect = |(layer, name): (usize, &String)| {
            let effect = self.effect_in(sums, &[layer], arm, true, coefficient);
            let found = LayerEffect {
                layer: name.clone(),
                n_users: [effect.control.n as u64, effect.treated.n as u64],
                difference: effect.difference(),
                tested: self.test_that_counts(&effect),
                p_adjusted: None,
                shrunken: None,
            };
            (found, effect.standard_error())
        };
        let found = self.layers.iter().enumerate().map(effect);
        let (mut layers, errors): (Vec<LayerEffect>, Vec<f64>) =
            found.filter(|(it, _)| it.tested.is_some()).unzip();
        let effects: Vec<(f64, f64)> =
            layers.iter().zip(&errors).map(|(layer, &error)| (layer.difference, error)).collect();
        let heterogeneity = heterogeneity(&effects);
        if let Some(found) = &heterogeneity {
            let shrunken = layers.iter_mut().zip(&found.shrunken);
            shrunken.for_each(|(layer, it)| layer.shrunken = Some(*it));
        }
        LayerResults { arm: self.plan.arms[arm].name.clone(), layers, heterogeneity }
    }

    /// Users whose value alone moves the difference of their arm.
    fn outliers<'t>(&self, sums: &'t MetricTally, effects: &[Effect]) -> Vec<&'t LargeValue> {
        let means = sums.moments_of_arms(true);
        let moves = |value: &&LargeValue| {
            let cap = sums.shape.cap.unwrap_or(i64::MAX);
            let counted = value.values[0].min(cap) as f64 / SCALE;
            let arm = &means[value.arm];
            let (size, divisor) = match sums.shape.form.is_ratio {
                true => {
                    let ratio = arm.means[0] / arm.means[1];
                    (counted - ratio * value.values[1] as f64 / SCALE, arm.means[1])
                }
                false => (counted - arm.means[0], 1.0),
            };
            let shift = (size / divisor / (arm.n - 1.0).max(1.0)).abs();
            let concerned = effects
                .iter()
                .enumerate()
                .filter(|(number, _)| value.arm == 0 || value.arm == number + 1);
            let mut errors = concerned.map(|(_, effect)| effect.standard_error());
            errors.any(|error| error > 0.0 && shift > OUTLIER_SHIFT * error)
        };
        sums.largest.iter().filter(moves).collect()
    }

    fn outlier(&self, value: &LargeValue) -> Outlier {
        Outlier {
            id: value.id.clone(),
            arm: self.plan.arms[value.arm].name.clone(),
            value: value.values[0] as f64 / SCALE,
        }
    }

    /// Corrects p-values: those of the primary metric over the arms, and all others as one
    /// family of metrics, arms and layers.
    fn correct(&self, metrics: &mut [MetricResult]) {
        let counts = self.counts_one_look();
        let of = |it: &Comparison| {
            if counts { it.one_look } else { it.every_look }.map(|tested| tested.p_value)
        };
        for is_primary in [true, false] {
            let mut places: Vec<(f64, &mut Option<f64>)> = Vec::new();
            for metric in metrics.iter_mut() {
                if metric.is_primary == is_primary {
                    for it in &mut metric.comparisons {
                        if let Some(p) = of(it) {
                            places.push((p, &mut it.p_adjusted));
                        }
                    }
                }
                if !is_primary {
                    let layers = metric.by_layer.iter_mut().flat_map(|arm| &mut arm.layers);
                    for layer in layers {
                        if let Some(tested) = layer.tested {
                            places.push((tested.p_value, &mut layer.p_adjusted));
                        }
                    }
                }
            }
            let p_values: Vec<f64> = places.iter().map(|(p, _)| *p).collect();
            let adjusted = adjusted_p_values(&p_values, self.plan.correction);
            places.into_iter().zip(adjusted).for_each(|((_, place), p)| *place = Some(p));
        }
    }

    fn judge(&self, metric: &mut MetricResult) {
        let alpha = self.plan.alpha.get();
        let is_too_early = !self.is_planned_end && self.plan.looks.get() == 1;
        for it in &mut metric.comparisons {
            it.verdict = match it.p_adjusted {
                None => Verdict::NotTestable,
                Some(_) if is_too_early => Verdict::TooEarly,
                Some(p) if p >= alpha => Verdict::Open,
                Some(_) if it.difference > 0.0 => Verdict::Higher,
                Some(_) => Verdict::Lower,
            };
        }
    }
}
