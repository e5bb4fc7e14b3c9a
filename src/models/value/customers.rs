//! From what is known of a user to what the models see.

use chrono::{Datelike, NaiveDate, NaiveDateTime};

use super::Occasion;
use crate::dataset::PaidDays;
use crate::stats::orders::{OrderModelKind, OrderTimes, Spend};

/// The unit of time of a model, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    occasion: Occasion,
    /// The last day of the data.
    today: NaiveDate,
}

impl Clock {
    pub fn new(kind: OrderModelKind, occasion: Occasion, as_of: NaiveDateTime) -> Self {
        let occasion = if kind == OrderModelKind::BgBb { occasion } else { Occasion::Day };
        let today = as_of.date().pred_opt().unwrap_or(as_of.date());
        Self { occasion, today }
    }

    /// Units of time in so many days.
    pub fn units(self, days: f64) -> f64 {
        days / self.occasion.days()
    }

    /// Days in so many units of time.
    pub fn days(self, units: f64) -> f64 {
        units * self.occasion.days()
    }

    /// Units of time in which a customer ordered.
    pub fn n_occasions(self, paid: &PaidDays) -> u32 {
        match self.occasion {
            Occasion::Day => paid.n_days,
            Occasion::Week => paid.n_weeks,
            Occasion::Month => paid.n_months,
        }
    }

    /// When a customer ordered; `None` for who never paid.
    pub fn order_times(self, paid: &PaidDays) -> Option<OrderTimes> {
        if self.occasion == Occasion::Day {
            let (n_repeats, last_repeat, age) = paid.repeats_last_and_age()?;
            return Some(OrderTimes { n_repeats, age, last_repeat });
        }
        let n_repeats = self.n_occasions(paid).checked_sub(1)?;
        let number = |days_ago: u32| {
            // The day before as-of is one day ago.
            let day = self.today - chrono::Days::new(u64::from(days_ago.saturating_sub(1)));
            match self.occasion {
                Occasion::Month => i64::from(day.year()) * 12 + i64::from(day.month0()),
                _ => (i64::from(day.num_days_from_ce()) - 1).div_euclid(7),
            }
        };
        let first = number(paid.first_days_ago);
        let since_first = |number: i64| (number - first) as u32;
        Some(OrderTimes {
            n_repeats,
            age: since_first(number(1)),
            last_repeat: since_first(number(paid.last_days_ago)),
        })
    }
}

/// What a customer spends on a day with an order; `None` for who never paid an amount.
pub(super) fn spend_of(paid: &PaidDays) -> Option<Spend> {
    let mean = paid.amount / f64::from(paid.n_days);
    (paid.n_days > 0 && mean > 0.0).then_some(Spend { n_days: paid.n_days, mean })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_weeks_and_months_are_those_of_the_calendar() {
        // Paid on Monday 29 June, on 30 June and 1 July 2026; as of Tuesday 7 July.
        let as_of = NaiveDate::from_ymd_opt(2026, 7, 7).unwrap().and_time(Default::default());
        let paid = PaidDays {
            n_days: 3,
            n_weeks: 1,
            n_months: 2,
            first_days_ago: 8,
            last_days_ago: 6,
            ..PaidDays::default()
        };
        let times = |kind, occasion| {
            let found = Clock::new(kind, occasion, as_of).order_times(&paid).unwrap();
            (found.n_repeats, found.last_repeat, found.age)
        };
        assert_eq!(times(OrderModelKind::BgNbd, Occasion::Month), (2, 2, 7));
        assert_eq!(times(OrderModelKind::BgBb, Occasion::Day), (2, 2, 7));
        assert_eq!(times(OrderModelKind::BgBb, Occasion::Week), (0, 0, 1));
        assert_eq!(times(OrderModelKind::BgBb, Occasion::Month), (1, 1, 1));
        let clock = Clock::new(OrderModelKind::BgNbd, Occasion::Day, as_of);
        assert_eq!(clock.order_times(&PaidDays::default()), None);
    }
}
