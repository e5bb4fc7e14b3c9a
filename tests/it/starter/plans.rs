//! Horizon and dates of snapshots that `init` chooses, against those that training
//! makes of them.

use chrono::{Days, NaiveDate, NaiveDateTime};

use super::read;

/// Early enough for all days to be over.
fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2014, 1, 1).unwrap()
}

/// Snapshots that earlier ones can validate, their outcomes having ended by then.
fn n_validated(training: &[NaiveDateTime], horizon_days: u32) -> usize {
    let horizon = Days::new(u64::from(horizon_days));
    let is_validated =
        |date: &&NaiveDateTime| training.iter().any(|earlier| *earlier + horizon <= **date);
    training.iter().filter(is_validated).count()
}

#[test]
fn three_dates_at_least_can_be_validated() {
    for n_days in
        [12, 17, 30, 45, 61, 90, 120, 151, 178, 240, 365, 500, 546, 731, 830, 1_095, 2_000, 4_016]
    {
        let mut text = String::from("user,at,amount\n");
        for day in 0..n_days {
            text += &format!("{},{} 10:00:00,5.5\n", day % 30, first_day() + Days::new(day));
        }
        let read = read(&[("orders.csv", &text)]);
        let snapshots = &read.parsed.snapshots;
        let first = first_day().and_hms_opt(10, 0, 0).unwrap();
        let as_of = (first_day() + Days::new(n_days)).and_time(Default::default());
        let dates = snapshots.dates(first, as_of).unwrap();
        let n_validated = n_validated(&dates.training, snapshots.horizon_days.get());
        assert!(n_validated >= 3, "{n_days} days: {n_validated}\n{}", read.config);
        read.says(&[&format!("of which {n_validated} can be validated")]);
    }
}

#[test]
fn a_history_that_is_too_short_is_said_to_be() {
    let text = "user,at,amount\n1,2024-01-01,5.5\n2,2024-01-04,5.5\n1,2024-01-05,5.5\n";
    read(&[("orders.csv", text)]).says(&["# CHECK: room for 2 training snapshots"]);
}
