/// Copies of a unit in a resample: a number from a Poisson distribution of mean 1 at
/// the quantile `uniform`, 0..1. With a uniform number that depends on the unit and a
/// seed alone, a unit has the same number of copies wherever it occurs.
///
/// This is the inverse distribution function and not a sampler of a library, whose
/// numbers may change with its version.
///
/// Source: Chamandy et al. (2012), "Estimating uncertainty for massive data
/// streams", §3.
pub fn poisson_copies(uniform: f64) -> usize {
    let (mut copies, mut term, mut below) = (0, (-1f64).exp(), (-1f64).exp());
    while uniform > below && copies < 20 {
        copies += 1;
        term /= copies as f64;
        below += term;
    }
    copies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_those_of_a_poisson_distribution() {
        let n = 100_000;
        let copies: Vec<usize> =
            (0..n).map(|row| poisson_copies((row as f64 + 0.5) / n as f64)).collect();
        assert!(copies.is_sorted());
        let mut expected = (-1f64).exp();
        for count in 0..6 {
            let share = copies.iter().filter(|&&it| it == count).count() as f64 / n as f64;
            assert!((share - expected).abs() < 2.0 / n as f64, "{count}: {share}");
            expected /= (count + 1) as f64;
        }
        let mean = copies.iter().sum::<usize>() as f64 / n as f64;
        assert!((mean - 1.0).abs() < 1e-3);
    }

    #[test]
    fn the_ends_of_the_range_are_finite() {
        assert_eq!(poisson_copies(0.0), 0);
        assert!(poisson_copies(1.0) <= 20);
    }
}
