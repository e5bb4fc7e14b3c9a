//! What is to be known of the users of an arm: how many, means and covariances.

/// Columns of a metric: what is measured, what it is divided by, and the same two before
/// exposure. A column that a metric lacks stays 0.
pub const N_COLUMNS: usize = 4;

/// Means and covariances of the columns over users.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Users.
    pub n: f64,
    /// By column.
    pub means: [f64; N_COLUMNS],
    /// Shape (columns, columns), with n − 1 below.
    pub covariances: [[f64; N_COLUMNS]; N_COLUMNS],
}

impl Moments {
    /// From sums of columns and of their products.
    pub fn from_sums(
        n: f64,
        sums: [f64; N_COLUMNS],
        products: [[f64; N_COLUMNS]; N_COLUMNS],
    ) -> Self {
        let means = sums.map(|sum| if n > 0.0 { sum / n } else { 0.0 });
        let mut covariances = [[0.0; N_COLUMNS]; N_COLUMNS];
        for (a, row) in covariances.iter_mut().enumerate() {
            for (b, cell) in row.iter_mut().enumerate() {
                *cell =
                    if n > 1.0 { (products[a][b] - sums[a] * means[b]) / (n - 1.0) } else { 0.0 };
            }
        }
        Self { n, means, covariances }
    }

    /// The moments of what was before exposure, as if that were measured.
    pub fn of_covariate(&self) -> Self {
        let mut moved =
            Self { n: self.n, means: [0.0; N_COLUMNS], covariances: Default::default() };
        for a in 0..2 {
            moved.means[a] = self.means[a + 2];
            for b in 0..2 {
                moved.covariances[a][b] = self.covariances[a + 2][b + 2];
            }
        }
        moved
    }

    /// The moments of all users of several arms together.
    pub fn pooled<'a>(arms: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let n: f64 = arms.clone().map(|arm| arm.n).sum();
        let mut means = [0.0; N_COLUMNS];
        for (column, mean) in means.iter_mut().enumerate() {
            let sum: f64 = arms.clone().map(|arm| arm.n * arm.means[column]).sum();
            *mean = if n > 0.0 { sum / n } else { 0.0 };
        }
        let mut covariances = [[0.0; N_COLUMNS]; N_COLUMNS];
        for arm in arms {
            for (a, row) in covariances.iter_mut().enumerate() {
                for (b, cell) in row.iter_mut().enumerate() {
                    let within = (arm.n - 1.0).max(0.0) * arm.covariances[a][b];
                    let between = arm.n * (arm.means[a] - means[a]) * (arm.means[b] - means[b]);
                    *cell += (within + between) / (n - 1.0).max(1.0);
                }
            }
        }
        Self { n, means, covariances }
    }
}

/// Sums of whole numbers and of their products, in which neither the order of rows nor
/// the number of threads can change a digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExactSums {
    /// Users.
    pub n: u64,
    /// By column.
    pub sums: [i128; N_COLUMNS],
    /// Of column a with column b, where a ≤ b.
    pub products: [[i128; N_COLUMNS]; N_COLUMNS],
}

impl ExactSums {
    /// Adds a user, with the first columns; the others are 0.
    #[inline]
    pub fn add(&mut self, values: &[i64]) {
        self.n += 1;
        for (a, &value) in values.iter().enumerate() {
            let value = i128::from(value);
            self.sums[a] += value;
            for (b, &other) in values.iter().enumerate().skip(a) {
                self.products[a][b] += value * i128::from(other);
            }
        }
    }

    /// Adds users by the sums of their first column, the only one.
    pub fn add_sums(&mut self, n: u64, sum: i64, squares: i128) {
        self.n += n;
        self.sums[0] += i128::from(sum);
        self.products[0][0] += squares;
    }

    /// Takes a user out again.
    pub fn remove(&mut self, values: &[i64]) {
        self.n -= 1;
        for (a, &value) in values.iter().enumerate() {
            let value = i128::from(value);
            self.sums[a] -= value;
            for (b, &other) in values.iter().enumerate().skip(a) {
                self.products[a][b] -= value * i128::from(other);
            }
        }
    }

    /// Adds the users of another.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        for a in 0..N_COLUMNS {
            self.sums[a] += other.sums[a];
            for b in a..N_COLUMNS {
                self.products[a][b] += other.products[a][b];
            }
        }
    }

    /// The moments, where column c counts units of 1 / `scales[c]`.
    pub fn moments(&self, scales: [f64; N_COLUMNS]) -> Moments {
        let n = self.n as f64;
        if self.n == 0 {
            return Moments::from_sums(0.0, [0.0; N_COLUMNS], [[0.0; N_COLUMNS]; N_COLUMNS]);
        }
        // About the whole number below each mean, so that little is left to cancel.
        let about = self.sums.map(|sum| sum / i128::from(self.n));
        let rest: [f64; N_COLUMNS] =
            std::array::from_fn(|c| (self.sums[c] - about[c] * i128::from(self.n)) as f64);
        let mut covariances = [[0.0; N_COLUMNS]; N_COLUMNS];
        for a in 0..N_COLUMNS {
            for b in a..N_COLUMNS {
                let centred = self.products[a][b]
                    - about[a] * self.sums[b]
                    - about[b] * (self.sums[a] - about[a] * i128::from(self.n));
                let centred = (centred as f64 - rest[a] * rest[b] / n) / (n - 1.0).max(1.0);
                covariances[a][b] = centred / (scales[a] * scales[b]);
                covariances[b][a] = covariances[a][b];
            }
        }
        let means = std::array::from_fn(|c| self.sums[c] as f64 / n / scales[c]);
        Moments { n, means, covariances }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn assert_near(a: &Moments, b: &Moments) {
        assert_eq!(a.n, b.n);
        for c in 0..N_COLUMNS {
            assert!((a.means[c] - b.means[c]).abs() < 1e-9 * (1.0 + b.means[c].abs()));
            for d in 0..N_COLUMNS {
                let (found, expected) = (a.covariances[c][d], b.covariances[c][d]);
                assert!((found - expected).abs() < 1e-6 * (1.0 + expected.abs()), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn exact_sums_lose_nothing_where_means_are_large_and_spread_is_small() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        let rows: Vec<[i64; N_COLUMNS]> = (0..2_000)
            .map(|_| [1_000_000_000_000 + rng.gen_range(0..10), rng.gen_range(-5..5), 7, 0])
            .collect();
        let mut sums = ExactSums::default();
        rows.iter().for_each(|row| sums.add(row));
        let found = sums.moments([1.0; N_COLUMNS]);
        let mean = rows.iter().map(|row| (row[0] - 1_000_000_000_000) as f64).sum::<f64>() / 2e3;
        let spread: f64 =
            rows.iter().map(|row| ((row[0] - 1_000_000_000_000) as f64 - mean).powi(2)).sum();
        assert!((found.covariances[0][0] - spread / 1_999.0).abs() < 1e-9);
        assert_eq!(found.covariances[2][2], 0.0);
    }

    #[test]
    fn neither_order_nor_parts_nor_scale_change_the_moments() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(6);
        let mut rows: Vec<[i64; N_COLUMNS]> =
            (0..999).map(|_| std::array::from_fn(|_| rng.gen_range(-9_000..90_000))).collect();
        let of = |rows: &[[i64; N_COLUMNS]]| {
            let mut sums = ExactSums::default();
            rows.iter().for_each(|row| sums.add(row));
            sums
        };
        let whole = of(&rows);
        rows.reverse();
        let (mut first, second) = (of(&rows[..400]), of(&rows[400..]));
        let scales = [100.0, 1.0, 100.0, 10.0];
        let parts = [first.moments(scales), second.moments(scales)];
        assert_near(&Moments::pooled(parts.iter()), &whole.moments(scales));
        first.merge(&second);
        assert_eq!(first, whole);
        let sums = whole.sums.map(|it| it as f64);
        let products = whole.products.map(|row| row.map(|it| it as f64));
        let mut symmetric = products;
        (0..N_COLUMNS).for_each(|a| (0..a).for_each(|b| symmetric[a][b] = products[b][a]));
        assert_near(&Moments::from_sums(999.0, sums, symmetric), &whole.moments([1.0; N_COLUMNS]));
    }

    #[test]
    fn nobody_has_no_spread() {
        let nobody = ExactSums::default().moments([1.0; N_COLUMNS]);
        assert_eq!((nobody.n, nobody.means[0], nobody.covariances[0][0]), (0.0, 0.0, 0.0));
        assert_eq!(Moments::pooled([nobody.clone(), nobody].iter()).means[0], 0.0);
    }
}
