//! What is counted and summed of the users of an experiment, one pass over them.

use chrono::{Days, NaiveDate};

use super::plan::ExperimentPlan;
use crate::stats::effects::{ExactSums, MetricForm, Moments, N_COLUMNS};

/// Values are whole numbers of 1 / `SCALE`, so that sums are exact in any order.
pub const SCALE: f64 = 1e6;

/// Largest size of a value: squares of a hundred million users then stay exact.
pub const MAX_VALUE: f64 = 1e9;

/// In the place of a cell: a row whose user does not count.
pub const NO_CELL: u32 = u32::MAX;

/// A number in units of 1 / [`SCALE`]; `None` where it is none, or larger than
/// [`MAX_VALUE`].
#[inline]
pub fn fixed_point(value: f64) -> Option<i64> {
    let scaled = value * SCALE;
    (value.abs() <= MAX_VALUE).then(|| (scaled + 0.5f64.copysign(scaled)) as i64)
}

/// Largest values that are remembered with their users.
const N_LARGEST: usize = 8;

/// What is measured of a user, in units of 1 / [`SCALE`]: the value, what it is divided by,
/// and the same two before exposure; what a metric lacks is 0.
pub type UnitValues = [i64; N_COLUMNS];

/// How a metric is tallied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricShape {
    /// How the metric follows from its columns.
    pub form: MetricForm,
    /// Largest value that counts in full.
    pub cap: Option<i64>,
    /// Whether the covariate is the same metric before exposure, and so has the same cap.
    pub caps_covariate: bool,
}

impl MetricShape {
    /// Columns in use, from the first.
    fn n_columns(self) -> usize {
        use crate::stats::effects::CovariateOf::{Mean, None, Ratio};
        match (self.form.covariate, self.form.is_ratio) {
            (Ratio, _) => 4,
            (Mean, _) => 3,
            (None, true) => 2,
            (None, false) => 1,
        }
    }

    /// A user's values as they count.
    #[inline]
    fn capped(self, values: &UnitValues) -> UnitValues {
        let Some(cap) = self.cap else { return *values };
        let mut capped = *values;
        capped[0] = capped[0].min(cap);
        if self.caps_covariate {
            capped[2] = capped[2].min(cap);
        }
        capped
    }
}

/// All users by arm and layer, and the sums of every metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    n_arms: usize,
    n_layers: usize,
    /// Users by arm, then layer.
    n_users: Vec<u64>,
    start: NaiveDate,
    /// Users by day of entry, from the first, then arm.
    by_day: Vec<u64>,
    /// In the order of the plan.
    pub metrics: Vec<MetricTally>,
}

/// The sums of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricTally {
    /// How it is tallied.
    pub shape: MetricShape,
    n_columns: usize,
    n_layers: usize,
    /// By arm, then layer: values as they are.
    raw: Vec<ExactSums>,
    /// The same with the cap.
    capped: Option<Vec<ExactSums>>,
    /// By arm: users beyond the cap.
    pub n_capped: Vec<u64>,
    /// By arm: users whose value is not 0.
    pub n_not_zero: Vec<u64>,
    /// Users whose value is below 0.
    pub n_negative: u64,
    /// Users without a value, who count as 0.
    pub n_missing: u64,
    /// Users whose window is not over yet; they do not count.
    pub n_open: u64,
    /// The largest values by size, in descending order.
    pub largest: Vec<LargeValue>,
    /// Size below which no value is among them.
    least_large: u64,
}

/// A value that stands out, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeValue {
    /// The user.
    pub id: String,
    /// The user's arm.
    pub arm: usize,
    /// The user's layer.
    pub layer: usize,
    /// What is measured, as it is.
    pub values: UnitValues,
}

impl Tally {
    /// Nobody yet.
    pub fn new(plan: &ExperimentPlan, n_layers: usize, shapes: &[MetricShape]) -> Self {
        let n_arms = plan.arms.len();
        let n_cells = n_arms * n_layers;
        let metric = |&shape: &MetricShape| MetricTally {
            shape,
            n_columns: shape.n_columns(),
            n_layers,
            raw: vec![ExactSums::default(); n_cells],
            capped: shape.cap.map(|_| vec![ExactSums::default(); n_cells]),
            n_capped: vec![0; n_arms],
            n_not_zero: vec![0; n_arms],
            n_negative: 0,
            n_missing: 0,
            n_open: 0,
            largest: Vec::new(),
            least_large: 1,
        };
        Self {
            n_arms,
            n_layers,
            n_users: vec![0; n_cells],
            start: plan.start,
            by_day: vec![0; n_arms * (plan.end - plan.start).num_days() as usize],
            metrics: shapes.iter().map(metric).collect(),
        }
    }

    /// Counts a user; the metrics are told by themselves.
    #[inline]
    pub fn count(&mut self, arm: usize, layer: usize) {
        self.n_users[arm * self.n_layers + layer] += 1;
    }

    /// The number of an arm in a layer, for [`MetricTally::add_rows`].
    #[inline]
    pub fn cell(&self, arm: usize, layer: usize) -> u32 {
        (arm * self.n_layers + layer) as u32
    }

    /// Counts a user by day of entry, in days since the first.
    #[inline]
    pub fn count_day(&mut self, n_days: usize, arm: usize) {
        self.by_day[n_days * self.n_arms + arm] += 1;
    }

    /// Users of each arm, for each day on which some entered.
    pub fn days(&self) -> impl Iterator<Item = (NaiveDate, &[u64])> {
        let days = self.by_day.chunks(self.n_arms).enumerate();
        days.filter(|(_, counts)| counts.iter().any(|n| *n > 0))
            .map(|(number, counts)| (self.start + Days::new(number as u64), counts))
    }

    /// Adds the users of another tally of the same plan.
    pub fn merge(&mut self, other: &Self) {
        add_each(&mut self.n_users, &other.n_users);
        add_each(&mut self.by_day, &other.by_day);
        self.metrics.iter_mut().zip(&other.metrics).for_each(|(metric, it)| metric.merge(it));
    }

    /// Users of an arm.
    pub fn n_of_arm(&self, arm: usize) -> u64 {
        (0..self.n_layers).map(|layer| self.n_of(arm, layer)).sum()
    }

    /// Users of an arm in a layer.
    pub fn n_of(&self, arm: usize, layer: usize) -> u64 {
        self.n_users[arm * self.n_layers + layer]
    }

    /// Number of layers.
    pub fn n_layers(&self) -> usize {
        self.n_layers
    }
}

impl MetricTally {
    /// Adds a user.
    #[inline]
    pub fn add(&mut self, arm: usize, layer: usize, values: &UnitValues, id: &str) {
        let cell = arm * self.n_layers + layer;
        add_columns(&mut self.raw[cell], self.n_columns, values);
        let value = values[0];
        self.n_not_zero[arm] += u64::from(value != 0);
        self.n_negative += u64::from(value < 0);
        if let (Some(capped), Some(cap)) = (&mut self.capped, self.shape.cap) {
            add_columns(&mut capped[cell], self.n_columns, &self.shape.capped(values));
            self.n_capped[arm] += u64::from(value > cap);
        }
        let size = value.unsigned_abs();
        if size >= self.least_large && self.is_large(size, id) {
            self.remember(LargeValue { id: id.to_owned(), arm, layer, values: *values });
        }
    }

    /// Adds users of these cells of the tally, by column; a column that is not there is 0.
    pub fn add_rows<'i>(
        &mut self,
        cells: &[u32],
        columns: [Option<&[i64]>; N_COLUMNS],
        id: impl Fn(usize) -> &'i str,
    ) {
        if let ([Some(values), None, None, None], None, 1) = (columns, &self.capped, self.n_columns)
        {
            let parts = cells.chunks(BATCH_ROWS).zip(values.chunks(BATCH_ROWS)).enumerate();
            for (number, (cells, values)) in parts {
                self.add_values(cells, values, |row| id(number * BATCH_ROWS + row));
            }
            return;
        }
        for (row, &cell) in cells.iter().enumerate().filter(|(_, cell)| **cell != NO_CELL) {
            let values = columns.map(|column| column.map_or(0, |column| column[row]));
            let (arm, layer) = (cell as usize / self.n_layers, cell as usize % self.n_layers);
            self.add(arm, layer, &values, id(row));
        }
    }

    /// The same of a metric of one column without a cap: sums of a batch fit into 64 bits.
    fn add_values<'i>(&mut self, cells: &[u32], values: &[i64], id: impl Fn(usize) -> &'i str) {
        let mut batches = vec![BatchSums::default(); self.raw.len()];
        for (row, (&cell, &value)) in cells.iter().zip(values).enumerate() {
            let Some(batch) = batches.get_mut(cell as usize) else { continue };
            batch.sum += value;
            batch.squares += i128::from(value) * i128::from(value);
            batch.n += 1;
            batch.n_not_zero += u32::from(value != 0);
            batch.n_negative += u32::from(value < 0);
            let size = value.unsigned_abs();
            if size >= self.least_large && self.is_large(size, id(row)) {
                let (arm, layer) = (cell as usize / self.n_layers, cell as usize % self.n_layers);
                let values = [value, 0, 0, 0];
                self.remember(LargeValue { id: id(row).to_owned(), arm, layer, values });
            }
        }
        for (cell, batch) in batches.into_iter().enumerate() {
            self.raw[cell].add_sums(u64::from(batch.n), batch.sum, batch.squares);
            self.n_not_zero[cell / self.n_layers] += u64::from(batch.n_not_zero);
            self.n_negative += u64::from(batch.n_negative);
        }
    }

    /// Whether a value is among the largest; of equals, those with the first ids.
    fn is_large(&self, size: u64, id: &str) -> bool {
        match self.largest.last() {
            Some(last) if self.largest.len() == N_LARGEST => {
                size > last.values[0].unsigned_abs() || *id < *last.id
            }
            _ => size > 0,
        }
    }

    fn remember(&mut self, value: LargeValue) {
        let size = |it: &LargeValue| std::cmp::Reverse(it.values[0].unsigned_abs());
        self.largest.push(value);
        self.largest.sort_by(|a, b| size(a).cmp(&size(b)).then_with(|| a.id.cmp(&b.id)));
        self.largest.truncate(N_LARGEST);
        if let Some(last) = self.largest.get(N_LARGEST - 1) {
            self.least_large = last.values[0].unsigned_abs();
        }
    }

    fn merge(&mut self, other: &Self) {
        self.raw.iter_mut().zip(&other.raw).for_each(|(sums, it)| sums.merge(it));
        if let (Some(capped), Some(others)) = (&mut self.capped, &other.capped) {
            capped.iter_mut().zip(others).for_each(|(sums, it)| sums.merge(it));
        }
        add_each(&mut self.n_capped, &other.n_capped);
        add_each(&mut self.n_not_zero, &other.n_not_zero);
        self.n_negative += other.n_negative;
        self.n_missing += other.n_missing;
        self.n_open += other.n_open;
        other.largest.iter().cloned().for_each(|value| self.remember(value));
    }

    /// The moments of an arm in several layers together, with or without the cap.
    pub fn moments_in(&self, arm: usize, layers: &[usize], is_capped: bool) -> Moments {
        let mut sums = ExactSums::default();
        let cells = self.sums(is_capped);
        layers.iter().for_each(|layer| sums.merge(&cells[arm * self.n_layers + layer]));
        sums.moments([SCALE; N_COLUMNS])
    }

    /// Users of an arm in a layer whose window is over.
    pub fn n_of(&self, arm: usize, layer: usize) -> u64 {
        self.raw[arm * self.n_layers + layer].n
    }

    /// The moments of each arm, with or without the cap.
    pub fn moments_of_arms(&self, is_capped: bool) -> Vec<Moments> {
        let of_arm = |cells: &[ExactSums]| {
            let mut sums = ExactSums::default();
            cells.iter().for_each(|cell| sums.merge(cell));
            sums.moments([SCALE; N_COLUMNS])
        };
        self.sums(is_capped).chunks(self.n_layers).map(of_arm).collect()
    }

    fn sums(&self, is_capped: bool) -> &[ExactSums] {
        self.capped.as_deref().filter(|_| is_capped).unwrap_or(&self.raw)
    }

    /// The tally as it were without some of its largest values.
    pub fn without(&self, values: &[&LargeValue]) -> Self {
        let (mut rest, n_columns) = (self.clone(), self.n_columns);
        for value in values {
            let cell = value.arm * self.n_layers + value.layer;
            rest.raw[cell].remove(&value.values[..n_columns]);
            if let Some(capped) = &mut rest.capped {
                capped[cell].remove(&self.shape.capped(&value.values)[..n_columns]);
            }
        }
        rest
    }
}

/// Rows whose values, each at most [`MAX_VALUE`] in size, fit into 64 bits together.
const BATCH_ROWS: usize = 8192;

/// Sums of one column over a batch of rows.
#[derive(Debug, Clone, Copy, Default)]
struct BatchSums {
    sum: i64,
    squares: i128,
    n: u32,
    n_not_zero: u32,
    n_negative: u32,
}

/// Adds the columns in use; each number of them is a loop that the compiler unrolls.
#[inline]
fn add_columns(sums: &mut ExactSums, n_columns: usize, values: &UnitValues) {
    match n_columns {
        1 => sums.add(&values[..1]),
        2 => sums.add(&values[..2]),
        3 => sums.add(&values[..3]),
        _ => sums.add(values),
    }
}

fn add_each(counts: &mut [u64], others: &[u64]) {
    counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
}
