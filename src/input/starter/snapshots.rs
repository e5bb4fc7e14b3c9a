//! From the days of the rows to a horizon and dates of snapshots.

use chrono::{Days, NaiveDate};

use super::times::{Times, day_of};

/// Horizons in use; the one nearest to a sixth of the data's span is suggested,
/// which leaves room for a holdout and several training snapshots.
const HORIZONS_DAYS: [i64; 9] = [1, 2, 3, 7, 14, 30, 60, 90, 180];

/// Training snapshots at most, as in the default config.
const N_SNAPSHOTS: i64 = 6;

/// Training snapshots that earlier ones should be able to foresee.
pub(super) const WANTED_VALIDATIONS: i64 = 3;

/// Share of the rows at either end of time that may be strays.
const STRAY_SHARE: f64 = 0.0005;

/// First and last day of the rows, without strays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub first: NaiveDate,
    pub last: NaiveDate,
    /// Rows outside of these days.
    pub n_strays: usize,
}

/// The days that hold all rows but strays: clocks set wrong put a few rows far
/// from all others, and a span with them says nothing.
pub(super) fn span_of(times: &Times) -> Option<Span> {
    let mut seconds: Vec<i64> = times.seconds.iter().flatten().copied().collect();
    seconds.sort_unstable();
    let days: Vec<NaiveDate> = seconds.iter().filter_map(|second| day_of(*second)).collect();
    let (all_first, all_last) = (*days.first()?, *days.last()?);
    let allowed = (days.len() as f64 * STRAY_SHARE) as usize;
    let first = while_near(days[allowed], days[..allowed].iter().rev());
    let last = while_near(days[days.len() - 1 - allowed], days[days.len() - allowed..].iter());
    if (all_last - all_first) <= (last - first) * 2 {
        return Some(Span { first: all_first, last: all_last, n_strays: 0 });
    }
    let n_strays = days.iter().filter(|day| !(first..=last).contains(*day)).count();
    Some(Span { first, last, n_strays })
}

/// Moves the end of a span over days that follow it closely: thin, but no strays.
fn while_near<'a>(end: NaiveDate, days: impl Iterator<Item = &'a NaiveDate>) -> NaiveDate {
    let mut end = end;
    for day in days {
        if (*day - end).num_days().abs() > 7 {
            break;
        }
        end = *day;
    }
    end
}

/// `[snapshots]` for data of some length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub horizon_days: i64,
    pub step_days: i64,
    /// Training snapshots that the data has room for.
    pub n_snapshots: i64,
    /// Of these, how many can be validated by models fitted to earlier ones,
    /// whose outcomes had ended by then.
    pub n_validations: i64,
}

/// The horizon nearest to a sixth of the span that leaves room to validate, with
/// the longest step between snapshots up to 30 days, or more where six snapshots
/// would all lie within one horizon.
pub(super) fn plan(span_days: i64) -> Plan {
    let nearest = |days: &i64| (days - span_days / 6).abs();
    let preferred = HORIZONS_DAYS.into_iter().min_by_key(nearest).unwrap_or(90);
    let plans: Vec<Plan> = HORIZONS_DAYS
        .into_iter()
        .rev()
        .filter(|horizon_days| *horizon_days <= preferred)
        .flat_map(|horizon_days| {
            steps(horizon_days).map(move |step_days| room(span_days, horizon_days, step_days))
        })
        .collect();
    let is_enough = |plan: &&Plan| plan.n_validations >= WANTED_VALIDATIONS;
    let most = plans.iter().map(|plan| plan.n_validations).max().unwrap_or(0);
    let best = plans.iter().find(|plan| plan.n_validations == most);
    *plans.iter().find(is_enough).or(best).expect("one horizon at least is no longer")
}

/// Days between snapshots to try, the preferred first.
fn steps(horizon_days: i64) -> impl Iterator<Item = i64> {
    let fractions = [3, 2, 1].into_iter().map(move |n| horizon_days / n);
    let longer = fractions.clone().filter(|step| *step > 30);
    let shorter = fractions.rev().filter(|step| (1..30).contains(step));
    std::iter::once(horizon_days.min(30)).chain(longer).chain(shorter)
}

fn room(span_days: i64, horizon_days: i64, step_days: i64) -> Plan {
    // The first day counts from its first row, so that it may not be a whole one.
    let free_days = span_days - 1 - 3 * horizon_days;
    let n_snapshots = if free_days < 0 { 0 } else { (free_days / step_days + 1).min(N_SNAPSHOTS) };
    let steps_per_horizon = (horizon_days + step_days - 1) / step_days;
    let n_validations = (n_snapshots - steps_per_horizon).max(0);
    Plan { horizon_days, step_days, n_snapshots, n_validations }
}

/// The day after.
pub(super) fn next_day(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_dates_can_be_validated_wherever_the_history_allows() {
        for span_days in 10..6_000 {
            let plan = plan(span_days);
            assert!(plan.n_validations >= WANTED_VALIDATIONS, "{span_days}: {plan:?}");
        }
        assert_eq!(plan(3).n_validations, 0);
    }

    #[test]
    fn usual_spans_keep_their_horizon_and_step() {
        for (span_days, horizon_days, step_days) in
            [(546, 90, 30), (374, 60, 30), (17, 2, 2), (1_095, 180, 60), (178, 30, 15)]
        {
            let plan = plan(span_days);
            assert_eq!((plan.horizon_days, plan.step_days), (horizon_days, step_days));
        }
    }

    #[test]
    fn a_few_rows_far_from_all_others_are_strays() {
        let day = |day: i64| Some(1_500_000_000 + day * 86_400);
        let mut seconds: Vec<Option<i64>> = (0..10_000).map(|row| day(row % 60)).collect();
        seconds.push(day(-900));
        let times = Times {
            name: String::new(),
            expression: String::new(),
            seconds,
            remark: String::new(),
            to_check: None,
            is_certain: true,
        };
        let span = span_of(&times).unwrap();
        assert_eq!((span.n_strays, (span.last - span.first).num_days()), (1, 59));
    }
}
