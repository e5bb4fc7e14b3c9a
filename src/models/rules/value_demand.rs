use serde::{Deserialize, Serialize};

use super::GroupName;
use crate::dataset::{DatasetError, Family, FeatureMatrix};
use crate::stats::metrics::median;

/// Where value and demand are cut in two: value is the mean amount of an order,
/// demand the number of orders, and high is above the customers' median.
///
/// Source: the customer value matrix of Marcus (1998), "A practical yet
/// meaningful approach to customer segmentation", Journal of Consumer Marketing
/// 15(5), whose quadrants are best, spender, frequent and uncertain. Marcus cuts
/// at the means, which a few large customers pull away from nearly all others;
/// the medians are not moved by them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedValueDemand {
    /// Median of the mean amount of an order, in the currency of the data.
    pub median_order_value: f64,
    /// Median of the number of orders.
    pub median_orders: f64,
}

impl FittedValueDemand {
    /// Learns the medians from the users with at least one order. Where there
    /// is no money in the data, nobody's value is high.
    ///
    /// # Errors
    /// When the matrix lacks the number of orders.
    pub fn fit(matrix: &FeatureMatrix) -> Result<Self, DatasetError> {
        let customers: Vec<(f64, f64)> = value_and_demand(matrix)?.into_iter().flatten().collect();
        let median = |of: fn(&(f64, f64)) -> f64| median(customers.iter().map(of).collect());
        Ok(Self { median_order_value: median(|it| it.0), median_orders: median(|it| it.1) })
    }

    /// The quadrants, in the order that [`FittedValueDemand::quadrants`] counts
    /// in.
    pub fn names() -> Vec<GroupName> {
        vec![
            GroupName::new("high-value high-demand", "高价值高需求"),
            GroupName::new("high-value low-demand", "高价值低需求"),
            GroupName::new("low-value high-demand", "低价值高需求"),
            GroupName::new("low-value low-demand", "低价值低需求"),
        ]
    }

    /// The quadrant of each user; `None` for those who never ordered.
    ///
    /// # Errors
    /// When the matrix lacks the number of orders.
    pub fn quadrants(&self, matrix: &FeatureMatrix) -> Result<Vec<Option<usize>>, DatasetError> {
        let quadrant = |(value, demand): (f64, f64)| {
            let low_value = usize::from(value <= self.median_order_value);
            2 * low_value + usize::from(demand <= self.median_orders)
        };
        Ok(value_and_demand(matrix)?.into_iter().map(|it| it.map(quadrant)).collect())
    }
}

/// Mean amount of an order and number of orders of each customer.
fn value_and_demand(matrix: &FeatureMatrix) -> Result<Vec<Option<(f64, f64)>>, DatasetError> {
    let n_orders = matrix.all_time(Family::Orders)?;
    let gmv = matrix.all_time(Family::Gmv).ok();
    let of = |row: usize| {
        let n = n_orders[row];
        (n > 0.0).then(|| (gmv.map_or(0.0, |gmv| gmv[row] / n), n))
    };
    Ok((0..matrix.n_rows()).map(of).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn cut_at_the_medians_of_customers() {
        // Mean order values 10, 30, 20, 40; orders 1, 1, 3, 5: medians 25 and 2.
        let values = array![[0.0, 0.0], [1.0, 10.0], [1.0, 30.0], [3.0, 60.0], [5.0, 200.0]];
        let matrix =
            FeatureMatrix::of_families(&[("a", Family::Orders), ("b", Family::Gmv)], values);
        let fitted = FittedValueDemand::fit(&matrix).unwrap();
        assert_eq!(fitted, FittedValueDemand { median_order_value: 25.0, median_orders: 2.0 });
        let quadrants = fitted.quadrants(&matrix).unwrap();
        assert_eq!(quadrants, [None, Some(3), Some(1), Some(2), Some(0)]);
    }

    #[test]
    fn without_money_nobody_is_of_high_value() {
        let matrix =
            FeatureMatrix::of_families(&[("a", Family::Orders)], array![[1.0], [1.0], [4.0]]);
        let fitted = FittedValueDemand::fit(&matrix).unwrap();
        assert_eq!(fitted.quadrants(&matrix).unwrap(), [Some(3), Some(3), Some(2)]);
    }
}
