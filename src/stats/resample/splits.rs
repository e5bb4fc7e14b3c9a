use std::collections::BTreeMap;
use std::iter::StepBy;
use std::ops::Range;

use chrono::{Days, NaiveDateTime};

/// Places of the dates before `validation` whose outcomes, which take
/// `horizon_days`, had ended by then: what a model that is validated at that date may
/// be fitted to.
pub fn dates_ended_by(
    validation: NaiveDateTime,
    dates: &[NaiveDateTime],
    horizon_days: u32,
) -> Vec<usize> {
    let horizon = Days::new(u64::from(horizon_days));
    let has_ended = |date: NaiveDateTime| date < validation && date + horizon <= validation;
    (0..dates.len()).filter(|&place| has_ended(dates[place])).collect()
}

/// Two halves of rows of which each has every other row of each class, the first one
/// being in the first half.
pub fn halves<C: Ord + Copy>(classes: &[C]) -> (Vec<usize>, Vec<usize>) {
    let mut n_of_class: BTreeMap<C, usize> = BTreeMap::new();
    (0..classes.len()).partition(|&row| {
        let n = n_of_class.entry(classes[row]).or_default();
        *n += 1;
        *n % 2 == 1
    })
}

/// Rows at equal steps out of `0..n_rows`, at most `at_most`.
pub fn every_nth(n_rows: usize, at_most: usize) -> StepBy<Range<usize>> {
    (0..n_rows).step_by(n_rows.div_ceil(at_most).max(1))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn only_dates_whose_outcomes_had_ended_are_earlier() {
        let day = |n: u64| NaiveDateTime::default() + Days::new(n);
        let dates = [day(90), day(60), day(61), day(0), day(120)];
        assert_eq!(dates_ended_by(day(90), &dates, 30), [1, 3]);
        assert_eq!(dates_ended_by(day(90), &dates, 0), [1, 2, 3]);
        assert_eq!(dates_ended_by(day(29), &dates, 30), [0usize; 0]);
    }

    #[test]
    fn no_outcome_of_an_earlier_date_reaches_the_validation() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        for _ in 0..200 {
            let mut day = || NaiveDateTime::default() + Days::new(rng.gen_range(0..400));
            let (validation, dates) = (day(), [(); 9].map(|()| day()));
            let horizon = rng.gen_range(0..120);
            let ended = dates_ended_by(validation, &dates, horizon);
            for (place, date) in dates.iter().enumerate() {
                let days_before = (validation - *date).num_days();
                let is_earlier = days_before > 0 && days_before >= i64::from(horizon);
                assert_eq!(ended.contains(&place), is_earlier, "{date} {validation} {horizon}");
            }
        }
    }

    #[test]
    fn halves_share_out_every_class_evenly() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        for n_rows in 0..60 {
            let classes: Vec<u8> = (0..n_rows).map(|_| rng.gen_range(0..3)).collect();
            let (first, second) = halves(&classes);
            let mut all = [first.clone(), second.clone()].concat();
            all.sort_unstable();
            assert_eq!(all, (0..n_rows).collect::<Vec<_>>());
            for class in 0..3 {
                let n = |rows: &[usize]| rows.iter().filter(|&&row| classes[row] == class).count();
                let (n_first, n_second) = (n(&first), n(&second));
                assert!(n_first == n_second || n_first == n_second + 1);
            }
        }
        assert_eq!(halves(&[(); 5]), (vec![0, 2, 4], vec![1, 3]));
    }

    #[test]
    fn no_more_rows_than_asked_for_and_at_equal_steps() {
        for n_rows in 0..100 {
            for at_most in 1..20 {
                let rows: Vec<usize> = every_nth(n_rows, at_most).collect();
                assert!(rows.len() <= at_most && rows.len() * 2 >= at_most.min(n_rows));
                assert!(rows.windows(3).all(|it| it[1] - it[0] == it[2] - it[1]));
            }
        }
    }
}
