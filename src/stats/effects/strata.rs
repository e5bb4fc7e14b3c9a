//! Effects within strata, put together by the strata's shares of all users.

use super::effect::Effect;
use super::estimate::Estimate;

/// The effect over all strata, of which each has its own estimates, weighted by its share
/// of the users of both arms. Variances include that these shares are estimates themselves.
/// A stratum that one arm has fewer than two users of takes no part.
///
/// Source: Miratrix, Sekhon & Yu (2013), "Adjusting treatment effect estimates by
/// post-stratification in randomized experiments", JRSS B 75, eq. 4; the term of the shares
/// is the covariance of a multinomial distribution.
pub fn post_stratified(strata: &[Effect]) -> Option<Effect> {
    let usable = || strata.iter().filter(|it| it.control.n > 1.0 && it.treated.n > 1.0);
    let n: f64 = usable().map(|it| it.control.n + it.treated.n).sum();
    if n == 0.0 {
        return None;
    }
    let share = |it: &Effect| (it.control.n + it.treated.n) / n;
    let mean = |of: fn(&Effect) -> f64| usable().map(|it| share(it) * of(it)).sum::<f64>();
    let (control, treated) = (mean(|it| it.control.value), mean(|it| it.treated.value));
    let of_shares = |a: fn(&Effect) -> f64, b: fn(&Effect) -> f64| {
        (usable().map(|it| share(it) * a(it) * b(it)).sum::<f64>() - mean(a) * mean(b)) / n
    };
    let within = |arm: fn(&Effect) -> &Estimate| {
        usable().map(|it| share(it).powi(2) * arm(it).variance()).sum::<f64>()
    };
    let estimate = |arm: fn(&Effect) -> &Estimate, value: f64, of: fn(&Effect) -> f64| {
        let n = usable().map(|it| arm(it).n).sum::<f64>();
        Estimate { n, value, unit_variance: n * (within(arm) + of_shares(of, of)) }
    };
    Some(Effect {
        control: estimate(|it| &it.control, control, |it| it.control.value),
        treated: estimate(|it| &it.treated, treated, |it| it.treated.value),
        covariance: of_shares(|it| it.control.value, |it| it.treated.value),
    })
}
