//! What a feature measures, as data: the vocabulary in which plans are written.

mod formula;
mod statistic;
mod total;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use statistic::Statistic;
pub(super) use statistic::StatisticValue;
pub use total::{Quantity, Total};

/// How a feature's value follows from a user's history before the as-of date.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A total over the window, or over all time.
    Total {
        /// Of what.
        total: Total,
        /// `[as_of − window_days, as_of)`; all time when absent.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        window_days: Option<u32>,
    },
    /// One total by another over the same window; missing when that is zero.
    Quotient {
        /// Above.
        numerator: Total,
        /// Below.
        denominator: Total,
        /// As of [`Measure::Total`].
        #[serde(skip_serializing_if = "Option::is_none", default)]
        window_days: Option<u32>,
    },
    /// A total over a short window by that over a longer one; missing when that
    /// is zero.
    Trend {
        /// Of what.
        total: Total,
        /// The short window.
        recent_days: u32,
        /// The longer one.
        longer_days: u32,
    },
    /// A figure of the whole history.
    Statistic(Statistic),
    /// SQL of the config: an aggregate over the rows of `events`.
    Sql(String),
}

impl Measure {
    /// The totals that it is computed from: of a quotient the numerator first.
    fn totals(&self) -> impl Iterator<Item = &Total> {
        let (first, second) = match self {
            Self::Total { total, .. } | Self::Trend { total, .. } => (Some(total), None),
            Self::Quotient { numerator, denominator, .. } => (Some(numerator), Some(denominator)),
            Self::Statistic(_) | Self::Sql(_) => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Event type that is looked at: of a quotient that of the numerator.
    pub fn event(&self) -> Option<&str> {
        match self {
            Self::Statistic(Statistic::DaysSinceLast(event)) => Some(event),
            _ => self.totals().next()?.event.as_deref(),
        }
    }

    /// Channel that is looked at.
    pub fn channel(&self) -> Option<&str> {
        self.totals().next()?.channel.as_deref()
    }

    /// Category that is looked at.
    pub fn category(&self) -> Option<&str> {
        self.totals().next()?.category.as_deref()
    }

    /// Lengths of the window and, of a trend, of the longer one, in days.
    pub fn windows_days(&self) -> (Option<u32>, Option<u32>) {
        match self {
            Self::Total { window_days, .. } | Self::Quotient { window_days, .. } => {
                (*window_days, None)
            }
            Self::Trend { recent_days, longer_days, .. } => {
                (Some(*recent_days), Some(*longer_days))
            }
            Self::Statistic(_) | Self::Sql(_) => (None, None),
        }
    }

    /// Event types that the measure counts.
    pub fn events(&self) -> Vec<&str> {
        match self {
            Self::Statistic(Statistic::DaysSinceLast(event)) => vec![event],
            _ => self.totals().filter_map(|total| total.event.as_deref()).collect(),
        }
    }

    /// Values of the data that the measure names: events, channels, categories.
    pub fn values(&self) -> Vec<&str> {
        match self {
            Self::Statistic(Statistic::DaysSinceLast(event)) => vec![event],
            _ => self.totals().flat_map(Total::values).collect(),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = |days: &Option<u32>| {
            days.map_or(String::new(), |days| format!(" where age <= {days} d"))
        };
        match self {
            Self::Total { total, window_days } => write!(f, "{total}{}", window(window_days)),
            Self::Quotient { numerator, denominator, window_days } => {
                write!(f, "{numerator} / {denominator}{}", window(window_days))
            }
            Self::Trend { total, recent_days, longer_days } => {
                write!(f, "{total}, age <= {recent_days} d by age <= {longer_days} d")
            }
            Self::Statistic(statistic) => statistic.fmt(f),
            Self::Sql(sql) => f.write_str(sql),
        }
    }
}
