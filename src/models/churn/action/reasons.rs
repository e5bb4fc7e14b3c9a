use ndarray::{ArrayView1, Axis};

use super::{RiskSide, Theme};
use crate::dataset::{FeatureInfo, FeatureMatrix};
use crate::models::churn::{ChurnError, Classifier, Explain, Explained, FittedClassifier};

/// Features of one theme that together raise a user's risk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason {
    /// What it is about.
    pub theme: Theme,
    /// What the features of the theme add to the log odds, together; above zero.
    pub contribution: f64,
    /// The feature that shows it best, as a place among [`Classifier::features`].
    pub feature: u32,
    /// Value of that feature.
    pub value: f64,
    /// Whether that value speaks for risk beside what is usual, or is a mere fact; if
    /// not, it says how things are and not what is wrong.
    pub is_shown: bool,
}

/// Why a user's risk is what it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reasons {
    /// What raises it most, the strongest first; one a theme.
    pub raising: Vec<Reason>,
    /// Log odds less the contributions of `raising`: the model's constant and the
    /// features of all other themes.
    pub rest: f64,
}

/// The features of a classifier by theme.
#[derive(Debug, Clone, PartialEq)]
struct ReasonThemes {
    /// For each feature, the place of its theme in `themes`.
    theme_of: Vec<usize>,
    themes: Vec<(Theme, Vec<usize>)>,
    /// For each feature on which side it speaks for risk, and of what value.
    usual: Vec<(RiskSide, f64)>,
}

impl ReasonThemes {
    /// Groups `features`, in the order of [`Classifier::features`]; `typical` are
    /// their medians among the users who stayed.
    ///
    /// # Panics
    /// When lengths differ.
    fn of(features: &[FeatureInfo], typical: &[f64]) -> Self {
        assert_eq!(features.len(), typical.len(), "one typical value for each feature");
        let themes: Vec<(Theme, Vec<usize>)> = Theme::ALL
            .into_iter()
            .map(|theme| {
                let members = 0..features.len();
                (theme, members.filter(|&it| Theme::of(&features[it]) == theme).collect())
            })
            .filter(|(_, members): &(Theme, Vec<usize>)| !members.is_empty())
            .collect();
        let place = |feature| themes.iter().position(|(theme, _)| *theme == Theme::of(feature));
        Self {
            theme_of: features.iter().filter_map(place).collect(),
            usual: features.iter().map(RiskSide::of).zip(typical.iter().copied()).collect(),
            themes,
        }
    }

    /// Sums the contributions of a row by theme.
    fn sum(&self, contributions: ArrayView1<'_, f32>, sums: &mut Vec<f64>) {
        sums.clear();
        sums.resize(self.themes.len(), 0.0);
        for (&theme, &contribution) in self.theme_of.iter().zip(contributions) {
            sums[theme] += f64::from(contribution);
        }
    }

    /// The reason that a theme is for a row, shown by the feature that raises the
    /// risk most among those whose value speaks for it; failing that, among mere
    /// facts; failing that, among all.
    fn reason(
        &self,
        (theme, contribution): (usize, f64),
        contributions: ArrayView1<'_, f32>,
        value: impl Fn(usize) -> f64,
    ) -> Reason {
        let (theme, members) = &self.themes[theme];
        let rank = |feature: usize| {
            let (side, usual) = self.usual[feature];
            match side {
                RiskSide::High if value(feature) > usual => 2,
                RiskSide::Low if value(feature) < usual => 2,
                RiskSide::Neither => 1,
                _ => 0,
            }
        };
        let raising = members.iter().copied().filter(|&it| contributions[it] > 0.0);
        let clearest = raising
            .map(|feature| (rank(feature), contributions[feature], feature))
            .reduce(|best, it| if (it.0, it.1) > (best.0, best.1) { it } else { best });
        let (rank, _, feature) = clearest.expect("what sums above zero has a part above zero");
        let is_shown = rank > 0;
        Reason {
            theme: *theme,
            contribution,
            feature: feature as u32,
            value: value(feature),
            is_shown,
        }
    }
}

/// Finds reasons, with all prepared that does not depend on rows.
pub struct ReasonFinder<'a> {
    explainer: Box<dyn Explain + 'a>,
    /// Features of the classifier, in its order.
    names: Vec<String>,
    themes: ReasonThemes,
}

impl<'a> ReasonFinder<'a> {
    /// `features` are the classifier's, in its order, `typical` their medians among the
    /// users who stayed.
    ///
    /// # Panics
    /// When lengths differ.
    pub fn new(
        classifier: &'a FittedClassifier,
        features: &[FeatureInfo],
        typical: &[f64],
    ) -> Self {
        Self {
            explainer: classifier.explainer(),
            names: classifier.features(),
            themes: ReasonThemes::of(features, typical),
        }
    }

    /// The log odds of each row, and the `n` themes that raise them most.
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    pub fn find(
        &self,
        matrix: &FeatureMatrix,
        n: usize,
    ) -> Result<(Vec<f64>, Vec<Reasons>), ChurnError> {
        let columns =
            self.names.iter().map(|name| matrix.column(name)).collect::<Result<Vec<_>, _>>()?;
        let Explained { log_odds, contributions } = self.explainer.explain(matrix)?;
        let (mut sums, mut strongest) = (Vec::new(), Vec::with_capacity(n + 1));
        let reasons = contributions.axis_iter(Axis(0)).zip(&log_odds).enumerate();
        let reasons = reasons.map(|(row, (of_row, log_odds))| {
            self.themes.sum(of_row, &mut sums);
            keep_strongest(&sums, n, &mut strongest);
            let value = |feature: usize| columns[feature][row];
            let raising: Vec<Reason> =
                strongest.iter().map(|&it| self.themes.reason(it, of_row, value)).collect();
            let shown: f64 = raising.iter().map(|reason| reason.contribution).sum();
            Reasons { raising, rest: log_odds - shown }
        });
        let reasons = reasons.collect();
        Ok((log_odds, reasons))
    }
}

/// Keeps the `n` largest sums above zero, the largest first, of equal ones the
/// earlier.
fn keep_strongest(sums: &[f64], n: usize, strongest: &mut Vec<(usize, f64)>) {
    strongest.clear();
    for (theme, &sum) in sums.iter().enumerate() {
        let weakest = strongest.last().map_or(0.0, |&(_, weakest)| weakest);
        if sum <= 0.0 || (strongest.len() == n && sum <= weakest) {
            continue;
        }
        let place = strongest.partition_point(|&(_, other)| other >= sum);
        strongest.insert(place, (theme, sum));
        strongest.truncate(n);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::dataset::Family;

    fn feature(name: &str, family: Family) -> FeatureInfo {
        FeatureInfo { family, ..FeatureInfo::plain(name) }
    }

    #[test]
    fn the_strongest_that_raise_are_kept_in_order() {
        let mut strongest = Vec::new();
        keep_strongest(&[0.2, -5.0, 0.9, 0.2, 0.0, 0.5], 3, &mut strongest);
        assert_eq!(strongest, [(2, 0.9), (5, 0.5), (0, 0.2)]);
        keep_strongest(&[-1.0, 0.0], 3, &mut strongest);
        assert!(strongest.is_empty());
        keep_strongest(&[1.0], 0, &mut strongest);
        assert!(strongest.is_empty());
    }

    #[test]
    fn a_theme_is_the_sum_of_its_features_and_shown_by_one_that_supports_it() {
        let features = [
            feature("orders", Family::Orders),
            feature("silence", Family::Silence),
            feature("trend", Family::OrdersTrend),
            feature("ratio", Family::SilenceRatio),
            feature("own", Family::Custom),
        ];
        let themes = ReasonThemes::of(&features, &[3.0, 20.0, 0.5, 1.0, 0.0]);
        let contributions = array![0.5f32, 0.25, 0.25, -0.125, 1.0];
        let mut sums = Vec::new();
        themes.sum(contributions.view(), &mut sums);
        assert_eq!(sums, [0.125, 0.75, 1.0]);
        let reason = |theme, values: [f64; 5]| {
            themes.reason((theme, sums[theme]), contributions.view(), |feature| values[feature])
        };
        // More orders than usual do not speak for risk, though they weigh more.
        let frequency = reason(1, [9.0, 30.0, 0.1, 0.5, 7.0]);
        assert_eq!((frequency.theme, frequency.feature), (Theme::Frequency, 2));
        assert_eq!((frequency.contribution, frequency.value), (0.75, 0.1));
        assert!(frequency.is_shown);
        assert!(!reason(1, [9.0, 30.0, 0.9, 0.5, 7.0]).is_shown);
        assert_eq!(reason(0, [9.0, 30.0, 0.1, 0.5, 7.0]).feature, 1);
        assert!(reason(2, [9.0, 30.0, 0.1, 0.5, 7.0]).is_shown);
    }

    #[test]
    fn every_theme_has_its_own_name() {
        let names: std::collections::BTreeSet<&str> =
            Theme::ALL.iter().map(|theme| theme.as_str()).collect();
        assert_eq!(names.len(), Theme::ALL.len());
    }
}
