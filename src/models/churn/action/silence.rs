//! When users turn silent if they do nothing.

use chrono::{Duration, NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use crate::dataset::PurchaseSummary;
use crate::settings::{Days, Positive};

/// `[silence]` of the config: when a user who does nothing counts as silent, when
/// to warn of it, and until when anybody is within reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SilenceParams {
    /// Days without the event after which anybody is silent.
    pub days: Days,
    /// Median gaps after which a user is silent by their own rhythm.
    pub gap_factor: Positive,
    /// Days before either from which a warning stands.
    pub warning_days: u32,
    /// Days without the event after which a user is out of reach: not flagged, and
    /// dormant.
    pub reach_days: Days,
}

impl Default for SilenceParams {
    fn default() -> Self {
        Self {
            days: Days::of(180),
            gap_factor: Positive::of(3.0),
            warning_days: 15,
            reach_days: Days::of(90),
        }
    }
}

/// When a user turns silent if they do nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silence {
    /// The day on which the fixed rule says so.
    pub on: NaiveDate,
    /// Whole days from as-of to that day; negative where it is past.
    pub days_left: i64,
    /// The same by the user's own gaps; `None` with fewer than two of them.
    pub by_own_gaps: Option<(NaiveDate, i64)>,
    /// Whether either day is near, but not past.
    pub warning: bool,
}

impl SilenceParams {
    /// When a user turns silent; `None` for a user who never did the event.
    pub fn silence(&self, summary: &PurchaseSummary, as_of: NaiveDateTime) -> Option<Silence> {
        if summary.n_days == 0 {
            return None;
        }
        let after = |silence_days: f64| -> Option<(NaiveDate, i64)> {
            let left = silence_days - summary.last_days_ago;
            let seconds = Duration::try_seconds((left * 86_400.0).round() as i64)?;
            let on = as_of.checked_add_signed(seconds)?.date();
            Some((on, (on - as_of.date()).num_days()))
        };
        let (on, days_left) = after(f64::from(self.days.get()))?;
        let by_own_gaps = summary.own_silence_days(self.gap_factor.get()).and_then(after);
        let is_near = |days: i64| (0..=i64::from(self.warning_days)).contains(&days);
        let warning = is_near(days_left) || by_own_gaps.is_some_and(|(_, days)| is_near(days));
        Some(Silence { on, days_left, by_own_gaps, warning })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Gaps;

    fn silence(n_days: u32, last_days_ago: f64, gap: f64) -> Silence {
        let rule = SilenceParams::default();
        let gaps = Gaps { median_days: gap, mean_days: gap, longest_days: gap };
        let summary = PurchaseSummary {
            n_days,
            first_days_ago: 500.0,
            last_days_ago,
            gaps: (n_days > 1).then_some(gaps),
            ..PurchaseSummary::default()
        };
        let as_of = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap().and_time(Default::default());
        rule.silence(&summary, as_of).unwrap()
    }

    fn day(month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, month, day).unwrap()
    }

    #[test]
    fn a_warning_stands_from_fifteen_days_before() {
        let early = silence(1, 164.0, 0.0);
        assert_eq!((early.days_left, early.warning), (16, false));
        let near = silence(1, 165.0, 0.0);
        assert_eq!((near.on, near.days_left, near.warning), (day(7, 16), 15, true));
        let last_day = silence(1, 180.0, 0.0);
        assert_eq!((last_day.days_left, last_day.warning), (0, true));
        assert!(!silence(1, 181.0, 0.0).warning);
    }

    #[test]
    fn ones_by_own_gaps_may_be_faster_than_the_fixed_rule() {
        let silence = silence(5, 50.0, 20.0);
        assert_eq!(silence.by_own_gaps, Some((day(7, 11), 10)));
        assert_eq!((silence.on, silence.warning), (day(11, 8), true));
    }

    #[test]
    fn a_user_who_never_came_never_turns_silent() {
        let rule = SilenceParams::default();
        assert_eq!(rule.silence(&PurchaseSummary::default(), NaiveDateTime::default()), None);
    }
}
