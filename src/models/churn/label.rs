use serde::{Deserialize, Serialize};

use super::ChurnParams;
use crate::dataset::Pace;

/// Gaps between days that make a pace of one's own.
const MIN_GAPS: u32 = 2;

/// What counts as churn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChurnRule {
    /// No event in the horizon after as-of.
    NoEvent,
    /// Within the horizon the silence since the last event reaches a fixed length.
    Silence,
    /// Within the horizon the silence reaches a multiple of the user's usual gap.
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
    /// Usual gaps of silence of [`ChurnRule::OwnGap`].
    pub gap_factor: f64,
    /// Days since the first event below which a user is too new.
    pub min_age_days: u32,
}

/// Whether a user can be judged at a date, from what was known by then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// Churns by not acting before the deadline, in days after as-of.
    Judged {
        /// Above zero, at most the horizon.
        deadline_days: f64,
    },
    /// Never did what keeps users: there is nothing to stop.
    Never,
    /// Last did it before the lookback.
    OutOfLookback,
    /// Has not been here for long enough, or not often enough for a pace.
    TooNew,
    /// Is silent already.
    Silent,
    /// Cannot turn silent within the horizon.
    NotDue,
}

impl Standing {
    /// What it is called in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Judged { .. } => "judged",
            Self::Never => "never",
            Self::OutOfLookback => "out_of_lookback",
            Self::TooNew => "too_new",
            Self::Silent => "silent",
            Self::NotDue => "not_due",
        }
    }
}

impl ChurnLabel {
    /// The rule of a config, for a model with this horizon and order event.
    pub fn new(params: &ChurnParams, horizon_days: u32, order_event: &str) -> Self {
        Self {
            rule: params.rule,
            event: params.event.clone().unwrap_or_else(|| order_event.to_owned()),
            horizon_days,
            lookback_days: params.lookback_days,
            silence_days: params.silence_days,
            gap_factor: params.gap_factor,
            min_age_days: params.min_age_days,
        }
    }

    /// Whether a user can be judged, and by when they would have to act.
    pub fn standing(&self, pace: &Pace) -> Standing {
        if pace.n_days == 0 {
            return Standing::Never;
        }
        if self.lookback_days.is_some_and(|days| pace.last_days_ago > f64::from(days)) {
            return Standing::OutOfLookback;
        }
        if pace.first_days_ago < f64::from(self.min_age_days) {
            return Standing::TooNew;
        }
        let horizon_days = f64::from(self.horizon_days);
        let deadline_days = match self.rule {
            ChurnRule::NoEvent => return Standing::Judged { deadline_days: horizon_days },
            ChurnRule::Silence => f64::from(self.silence_days) - pace.last_days_ago,
            ChurnRule::OwnGap => match own_silence_days(pace, self.gap_factor) {
                Some(days) => days - pace.last_days_ago,
                None => return Standing::TooNew,
            },
        };
        match deadline_days {
            days if days <= 0.0 => Standing::Silent,
            days if days > horizon_days => Standing::NotDue,
            deadline_days => Standing::Judged { deadline_days },
        }
    }

    /// Whether a user who next acts in `days_to_event` days (infinite: not within
    /// the horizon) has churned; `None` for who is not judged.
    pub fn churned(&self, pace: &Pace, days_to_event: f64) -> Option<bool> {
        match self.standing(pace) {
            Standing::Judged { deadline_days } => Some(days_to_event >= deadline_days),
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
                "turns silent (no `{event}` for {} times the user's usual gap) in the {horizon} days \
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

/// Days of silence that are too many by a user's own pace; `None` where there are
/// too few gaps for a pace.
pub(super) fn own_silence_days(pace: &Pace, gap_factor: f64) -> Option<f64> {
    if pace.n_days <= MIN_GAPS {
        return None;
    }
    pace.usual_gap_days.map(|gap| gap * gap_factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(rule: ChurnRule) -> ChurnLabel {
        let params = ChurnParams { rule, min_age_days: 10, ..ChurnParams::default() };
        ChurnLabel::new(&params, 90, "order")
    }

    fn pace(n_days: u32, first: f64, last: f64, gap: f64) -> Pace {
        let usual_gap_days = (n_days > 1).then_some(gap);
        let (first_days_ago, last_days_ago) = (first, last);
        Pace { n_days, first_days_ago, last_days_ago, usual_gap_days, gmv_365d: 0.0 }
    }

    #[test]
    fn without_an_event_in_the_horizon_a_customer_has_churned() {
        let label = label(ChurnRule::NoEvent);
        let customer = pace(3, 200.0, 100.0, 50.0);
        assert_eq!(label.churned(&customer, f64::INFINITY), Some(true));
        assert_eq!(label.churned(&customer, 89.9), Some(false));
        assert_eq!(label.churned(&pace(1, 9.0, 9.0, 0.0), 5.0), None);
        assert_eq!(label.standing(&pace(1, 9.0, 9.0, 0.0)), Standing::TooNew);
        assert_eq!(label.standing(&Pace::default()), Standing::Never);
        let active = ChurnLabel { lookback_days: Some(60), ..label };
        assert_eq!(active.standing(&customer), Standing::OutOfLookback);
    }

    #[test]
    fn silence_is_reached_within_the_horizon_or_not_judged() {
        let label = label(ChurnRule::Silence);
        let customer = |last| pace(3, 400.0, last, 50.0);
        assert_eq!(label.standing(&customer(80.0)), Standing::NotDue);
        assert_eq!(label.standing(&customer(180.0)), Standing::Silent);
        assert_eq!(label.standing(&customer(120.0)), Standing::Judged { deadline_days: 60.0 });
        assert_eq!(label.churned(&customer(120.0), 61.0), Some(true));
        assert_eq!(label.churned(&customer(120.0), 59.0), Some(false));
    }

    #[test]
    fn ones_own_gap_needs_two_gaps() {
        let label = label(ChurnRule::OwnGap);
        assert_eq!(label.standing(&pace(2, 100.0, 20.0, 30.0)), Standing::TooNew);
        let standing = label.standing(&pace(3, 100.0, 20.0, 30.0));
        assert_eq!(standing, Standing::Judged { deadline_days: 70.0 });
        assert_eq!(label.standing(&pace(3, 200.0, 95.0, 30.0)), Standing::Silent);
    }

    #[test]
    fn the_sentence_tells_the_whole_rule() {
        assert_eq!(
            label(ChurnRule::NoEvent).sentence(),
            "churned: no `order` in the 90 days after as-of, among users with one before, the first \
             at least 10 days before"
        );
    }
}
