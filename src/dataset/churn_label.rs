use serde::{Deserialize, Serialize};

use super::PurchaseSummary;

/// What counts as churn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChurnRule {
    /// No event in the horizon after as-of.
    NoEvent,
    /// Within the horizon the silence since the last event reaches a fixed length.
    Silence,
    /// Within the horizon the silence reaches a multiple of the user's median gap.
    OwnGap,
}

/// The rule by which users are said to have churned, with all that it needs. Every
/// rule is a deadline, known at as-of: who does not act before it has churned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChurnLabel {
    /// What counts as churn.
    pub rule: ChurnRule,
    /// The event whose absence it is.
    pub event: String,
    /// Length of the outcome window after as-of.
    pub horizon_days: u32,
    /// Only users who did it in so many days before as-of, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookback_days: Option<u32>,
    /// Days of silence of [`ChurnRule::Silence`].
    pub silence_days: u32,
    /// Median gaps of silence of [`ChurnRule::OwnGap`].
    pub gap_factor: f64,
    /// Days since the first event below which a user is too new.
    pub min_age_days: u32,
}

/// Whether a churn rule applies to a user at a date, from what was known by then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Eligibility {
    /// Churns by not acting before the deadline, in days after as-of.
    Eligible {
        /// Above zero, at most the horizon.
        deadline_days: f64,
    },
    /// Never did what keeps users: there is nothing to stop.
    Never,
    /// Last did it before the lookback.
    OutOfLookback,
    /// Has not been here for long enough, or not often enough for gaps of their own.
    TooNew,
    /// Is silent already.
    Silent,
    /// Cannot turn silent within the horizon.
    NotDue,
}

impl Eligibility {
    /// What it is called in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eligible { .. } => "eligible",
            Self::Never => "never",
            Self::OutOfLookback => "out_of_lookback",
            Self::TooNew => "too_new",
            Self::Silent => "silent",
            Self::NotDue => "not_due",
        }
    }
}

impl ChurnLabel {
    /// Whether the rule applies to a user, by what they did of the event before, and by
    /// when they would have to do it again.
    pub fn eligibility(&self, summary: &PurchaseSummary) -> Eligibility {
        if summary.n_days == 0 {
            return Eligibility::Never;
        }
        if self.lookback_days.is_some_and(|days| summary.last_days_ago > f64::from(days)) {
            return Eligibility::OutOfLookback;
        }
        if summary.first_days_ago < f64::from(self.min_age_days) {
            return Eligibility::TooNew;
        }
        let horizon_days = f64::from(self.horizon_days);
        let deadline_days = match self.rule {
            ChurnRule::NoEvent => return Eligibility::Eligible { deadline_days: horizon_days },
            ChurnRule::Silence => f64::from(self.silence_days) - summary.last_days_ago,
            ChurnRule::OwnGap => match summary.own_silence_days(self.gap_factor) {
                Some(days) => days - summary.last_days_ago,
                None => return Eligibility::TooNew,
            },
        };
        match deadline_days {
            days if days <= 0.0 => Eligibility::Silent,
            days if days > horizon_days => Eligibility::NotDue,
            deadline_days => Eligibility::Eligible { deadline_days },
        }
    }

    /// Whether a user who next does the event in `days_to_event` days (infinite: not
    /// within the horizon) has churned; `None` for a user who is not eligible.
    pub fn churned(&self, summary: &PurchaseSummary, days_to_event: f64) -> Option<bool> {
        match self.eligibility(summary) {
            Eligibility::Eligible { deadline_days } => Some(days_to_event >= deadline_days),
            _ => None,
        }
    }

    /// The rule in one sentence.
    pub fn sentence(&self) -> String {
        let (event, horizon) = (&self.event, self.horizon_days);
        let rule = match self.rule {
            ChurnRule::NoEvent => format!("no `{event}` in the {horizon} days after as-of"),
            ChurnRule::Silence => format!(
                "turns silent (no `{event}` for {} days) in the {horizon} days after as-of",
                self.silence_days
            ),
            ChurnRule::OwnGap => format!(
                "turns silent (no `{event}` for {} times the user's median gap) in the {horizon} days \
                 after as-of",
                self.gap_factor
            ),
        };
        let among = match self.lookback_days {
            None => "users with one before".to_owned(),
            Some(days) => format!("users with one in the {days} days before"),
        };
        let not_silent = match self.rule {
            ChurnRule::NoEvent => "",
            _ => " who are not silent yet and could be by then",
        };
        let age = match self.min_age_days {
            0 => String::new(),
            days => format!(", the first at least {days} days before"),
        };
        format!("churned: {rule}, among {among}{age}{not_silent}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Gaps;

    fn label(rule: ChurnRule) -> ChurnLabel {
        ChurnLabel {
            rule,
            event: "order".to_owned(),
            horizon_days: 90,
            lookback_days: None,
            silence_days: 180,
            gap_factor: 3.0,
            min_age_days: 10,
        }
    }

    fn summary(n_days: u32, first: f64, last: f64, gap: f64) -> PurchaseSummary {
        let of_gap = |days| Gaps { median_days: days, mean_days: days, longest_days: days };
        PurchaseSummary {
            n_days,
            first_days_ago: first,
            last_days_ago: last,
            gaps: (n_days > 1).then(|| of_gap(gap)),
            ..PurchaseSummary::default()
        }
    }

    #[test]
    fn without_an_event_in_the_horizon_a_customer_has_churned() {
        let label = label(ChurnRule::NoEvent);
        let customer = summary(3, 200.0, 100.0, 50.0);
        assert_eq!(label.churned(&customer, f64::INFINITY), Some(true));
        assert_eq!(label.churned(&customer, 89.9), Some(false));
        assert_eq!(label.churned(&summary(1, 9.0, 9.0, 0.0), 5.0), None);
        assert_eq!(label.eligibility(&summary(1, 9.0, 9.0, 0.0)), Eligibility::TooNew);
        assert_eq!(label.eligibility(&PurchaseSummary::default()), Eligibility::Never);
        let active = ChurnLabel { lookback_days: Some(60), ..label };
        assert_eq!(active.eligibility(&customer), Eligibility::OutOfLookback);
    }

    #[test]
    fn silence_is_reached_within_the_horizon_or_the_user_is_not_eligible() {
        let label = label(ChurnRule::Silence);
        let customer = |last| summary(3, 400.0, last, 50.0);
        assert_eq!(label.eligibility(&customer(80.0)), Eligibility::NotDue);
        assert_eq!(label.eligibility(&customer(180.0)), Eligibility::Silent);
        assert_eq!(
            label.eligibility(&customer(120.0)),
            Eligibility::Eligible { deadline_days: 60.0 }
        );
        assert_eq!(label.churned(&customer(120.0), 61.0), Some(true));
        assert_eq!(label.churned(&customer(120.0), 59.0), Some(false));
    }

    #[test]
    fn ones_own_gap_needs_two_gaps() {
        let label = label(ChurnRule::OwnGap);
        assert_eq!(label.eligibility(&summary(2, 100.0, 20.0, 30.0)), Eligibility::TooNew);
        let eligibility = label.eligibility(&summary(3, 100.0, 20.0, 30.0));
        assert_eq!(eligibility, Eligibility::Eligible { deadline_days: 70.0 });
        assert_eq!(label.eligibility(&summary(3, 200.0, 95.0, 30.0)), Eligibility::Silent);
    }

    #[test]
    fn the_sentence_says_the_whole_rule() {
        assert_eq!(
            label(ChurnRule::NoEvent).sentence(),
            "churned: no `order` in the 90 days after as-of, among users with one before, the first \
             at least 10 days before"
        );
    }
}
