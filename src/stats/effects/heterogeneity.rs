//! Whether effects differ from group to group, and what is left of the largest.

use crate::stats::distributions::chi_square_above;

/// Effects of several groups, looked at together.
#[derive(Debug, Clone, PartialEq)]
pub struct Heterogeneity {
    /// Cochran's Q.
    pub q: f64,
    /// Groups − 1.
    pub degrees_of_freedom: usize,
    /// Its p-value: small where groups differ by more than chance.
    pub p_value: f64,
    /// Each effect, drawn towards that of all the more the less is known of it.
    pub shrunken: Vec<Shrunken>,
}

/// An effect after shrinkage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shrunken {
    /// Expected effect.
    pub effect: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// Looks at effects, each with its standard error, above 0.
///
/// Sources: Cochran (1954), "The combination of estimates from different experiments",
/// Biometrics 10; variance between groups by moments, DerSimonian & Laird (1986), eq. 8;
/// shrinkage as in Morris (1983), "Parametric empirical Bayes inference", eq. 1.7.
pub fn heterogeneity(effects: &[(f64, f64)]) -> Option<Heterogeneity> {
    if effects.len() < 2 || effects.iter().any(|(_, se)| *se <= 0.0 || !se.is_finite()) {
        return None;
    }
    let pooled = |between: f64| {
        let weight = |se: f64| 1.0 / (se * se + between);
        let sum: f64 = effects.iter().map(|(_, se)| weight(*se)).sum();
        (effects.iter().map(|(effect, se)| weight(*se) * effect).sum::<f64>() / sum, sum)
    };
    let (common, sum) = pooled(0.0);
    let q: f64 = effects.iter().map(|(effect, se)| ((effect - common) / se).powi(2)).sum();
    let degrees_of_freedom = effects.len() - 1;
    let squares: f64 = effects.iter().map(|(_, se)| se.powi(-4)).sum();
    let between = ((q - degrees_of_freedom as f64) / (sum - squares / sum)).max(0.0);
    let (mean, weights) = pooled(between);
    let shrink = |&(effect, se): &(f64, f64)| {
        let kept = between / (between + se * se);
        let of_mean = (1.0 - kept).powi(2) / weights;
        Shrunken {
            effect: kept * effect + (1.0 - kept) * mean,
            standard_error: (kept * se * se + of_mean).sqrt(),
        }
    };
    Some(Heterogeneity {
        q,
        degrees_of_freedom,
        p_value: chi_square_above(q, degrees_of_freedom),
        shrunken: effects.iter().map(shrink).collect(),
    })
}
