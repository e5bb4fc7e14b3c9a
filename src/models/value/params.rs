use serde::{Deserialize, Serialize};

use crate::settings::{Conflict, Days, Margin, Share};
use crate::stats::orders::OrderModelKind;

/// `[value]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValueParams {
    /// How customers order and leave.
    pub model: ValueModelChoice,
    /// The occasions of BG/BB; days when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occasion: Option<Occasion>,
    /// Features of few values that move the parameters of the model.
    pub covariates: Vec<String>,
    /// How far the lifetime value looks ahead.
    pub horizon_days: Days,
    /// By how much less an amount is worth a year later.
    pub discount_yearly: Share,
    /// Part of what customers pay that is earned.
    pub margin: Margin,
}

/// Twenty years: who is a customer by then no history tells.
const MAX_HORIZON_DAYS: u32 = 7_300;

impl ValueParams {
    /// Checks what no type of a key shows.
    ///
    /// # Errors
    /// The key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), Conflict> {
        let days = self.horizon_days.get();
        if days > MAX_HORIZON_DAYS {
            let message = format!("must be {MAX_HORIZON_DAYS} at most (20 years), got {days}");
            return Err(Conflict::new("horizon_days", message));
        }
        Ok(())
    }
}

impl Default for ValueParams {
    fn default() -> Self {
        Self {
            model: ValueModelChoice::Auto,
            occasion: None,
            covariates: Vec::new(),
            horizon_days: Days::of(365),
            discount_yearly: Share::of(0.1),
            margin: Margin::of(1.0),
        }
    }
}

/// Which model of orders is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueModelChoice {
    /// Of those at random times the one that says best who ordered, at dates of training.
    Auto,
    /// BG/NBD.
    BgNbd,
    /// MBG/NBD.
    MbgNbd,
    /// Pareto/NBD.
    ParetoNbd,
    /// BG/BB.
    BgBb,
}

impl ValueModelChoice {
    /// The models that are tried.
    pub fn candidates(self) -> &'static [OrderModelKind] {
        match self {
            Self::Auto => {
                &[OrderModelKind::BgNbd, OrderModelKind::MbgNbd, OrderModelKind::ParetoNbd]
            }
            Self::BgNbd => &[OrderModelKind::BgNbd],
            Self::MbgNbd => &[OrderModelKind::MbgNbd],
            Self::ParetoNbd => &[OrderModelKind::ParetoNbd],
            Self::BgBb => &[OrderModelKind::BgBb],
        }
    }
}

/// A stretch of the calendar in which a customer orders or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
}

impl Occasion {
    /// Its length, on average.
    pub fn days(self) -> f64 {
        match self {
            Self::Day => 1.0,
            Self::Week => 7.0,
            Self::Month => 365.2425 / 12.0,
        }
    }
}
