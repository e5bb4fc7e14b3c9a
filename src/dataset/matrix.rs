use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::{DatasetError, Family, FeatureInfo, signed_log};

/// Columns of finite numbers that know what they mean: one row a user (or a
/// user at a date, when several snapshots are pooled for training), one column
/// a feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMatrix {
    /// In column order; shared by all matrices of the same columns.
    columns: Arc<Columns>,
    values: Array2<f64>,
    /// Of rows that several models look at.
    logs: Option<OnceLock<Array2<f64>>>,
}

#[derive(Debug, PartialEq)]
struct Columns {
    names: Vec<String>,
    features: Vec<FeatureInfo>,
}

impl Columns {
    fn new(features: Vec<FeatureInfo>) -> Arc<Self> {
        let names = features.iter().map(|feature| feature.name.clone()).collect();
        Arc::new(Self { names, features })
    }
}

impl FeatureMatrix {
    /// Takes `values` of shape (rows, `features.len()`).
    ///
    /// # Errors
    /// When a value is NaN or infinite, a name occurs twice, or the number of
    /// features differs from the number of columns.
    pub fn of_features(
        features: Vec<FeatureInfo>,
        values: Array2<f64>,
    ) -> Result<Self, DatasetError> {
        Self::checked(Columns::new(features), values)
    }

    /// The same of features over all time, each known by its name and family.
    #[cfg(test)]
    pub fn of_families(families: &[(&str, Family)], values: Array2<f64>) -> Self {
        let feature =
            |&(name, family): &(&str, _)| FeatureInfo { family, ..FeatureInfo::plain(name) };
        let features = families.iter().map(feature).collect();
        Self::of_features(features, values).expect("as many families as columns")
    }

    /// The same of features of which nothing is known but their names.
    ///
    /// # Errors
    /// As [`FeatureMatrix::of_features`].
    pub fn new(names: Vec<String>, values: Array2<f64>) -> Result<Self, DatasetError> {
        Self::of_features(names.into_iter().map(FeatureInfo::plain).collect(), values)
    }

    /// Puts other values into a column, one for each row.
    ///
    /// # Errors
    /// When there is no such column, or a value is NaN or infinite.
    ///
    /// # Panics
    /// When there are more or fewer values than rows.
    pub fn replace_column(&mut self, name: &str, values: &[f64]) -> Result<(), DatasetError> {
        let position = self.position(name)?;
        if let Some(row) = values.iter().position(|value| !value.is_finite()) {
            let (feature, value) = (name.to_owned(), values[row]);
            return Err(DatasetError::NotFinite { feature, row, value });
        }
        self.values.column_mut(position).assign(&ArrayView1::from(values));
        self.logs = None;
        Ok(())
    }

    /// The same features of other rows.
    ///
    /// # Errors
    /// When a value is NaN or infinite, or there are more or fewer columns.
    pub fn of_rows(&self, values: Array2<f64>) -> Result<Self, DatasetError> {
        Self::of_columns(Arc::clone(&self.columns), values)
    }

    /// The same matrix, which computes logarithms once for all models that look at it, and
    /// keeps them: for blocks of rows, not for all of a large matrix.
    pub fn keeping_logs(self) -> Self {
        Self { logs: Some(OnceLock::new()), ..self }
    }

    /// Logarithms of all values, `sign(x) ln(1 + |x|)`, if the matrix keeps them.
    pub fn kept_logs(&self) -> Option<ArrayView2<'_, f64>> {
        let logs = self.logs.as_ref()?.get_or_init(|| self.values.mapv(signed_log));
        Some(logs.view())
    }

    fn checked(columns: Arc<Columns>, values: Array2<f64>) -> Result<Self, DatasetError> {
        let mut seen = HashSet::new();
        if let Some(name) = columns.names.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(DatasetError::DuplicateName(name.clone()));
        }
        Self::of_columns(columns, values)
    }

    fn of_columns(columns: Arc<Columns>, values: Array2<f64>) -> Result<Self, DatasetError> {
        let names = &columns.names;
        if names.len() != values.ncols() {
            return Err(DatasetError::Shape {
                what: "number of feature names",
                expected: values.ncols(),
                got: names.len(),
            });
        }
        // In the order of memory: matrices are large.
        if !values.iter().all(|value| value.is_finite())
            && let Some(((row, column), &value)) =
                values.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            return Err(DatasetError::NotFinite { feature: names[column].clone(), row, value });
        }
        Ok(Self { columns, values, logs: None })
    }

    /// Feature names, in column order.
    pub fn names(&self) -> &[String] {
        &self.columns.names
    }

    /// What the features are, in column order.
    pub fn features(&self) -> &[FeatureInfo] {
        &self.columns.features
    }

    /// What a feature is, by name.
    ///
    /// # Errors
    /// [`DatasetError::MissingFeature`] when there is no such feature.
    pub fn feature(&self, name: &str) -> Result<&FeatureInfo, DatasetError> {
        Ok(&self.features()[self.position(name)?])
    }

    /// All values, shape (rows, features).
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// All values, shape (rows, features), without a copy.
    pub fn into_values(self) -> Array2<f64> {
        self.values
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.values.nrows()
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.values.ncols()
    }

    /// One feature by name, length [`FeatureMatrix::n_rows`].
    ///
    /// # Errors
    /// [`DatasetError::MissingFeature`] when there is no such feature.
    pub fn column(&self, name: &str) -> Result<ArrayView1<'_, f64>, DatasetError> {
        Ok(self.values.column(self.position(name)?))
    }

    /// The feature that measures something over all time.
    ///
    /// # Errors
    /// [`DatasetError::MissingFeature`] when there is no such feature.
    pub fn all_time_feature(&self, family: Family) -> Result<&FeatureInfo, DatasetError> {
        let fits = |it: &&FeatureInfo| it.family == family && it.window_days.is_none();
        let missing = || self.missing(&format!("{family:?} of all time"));
        self.features().iter().find(fits).ok_or_else(missing)
    }

    /// The values of the feature that measures something over all time.
    ///
    /// # Errors
    /// [`DatasetError::MissingFeature`] when there is no such feature.
    pub fn all_time(&self, family: Family) -> Result<ArrayView1<'_, f64>, DatasetError> {
        self.column(&self.all_time_feature(family)?.name)
    }

    fn position(&self, name: &str) -> Result<usize, DatasetError> {
        let position = self.names().iter().position(|candidate| candidate == name);
        position.ok_or_else(|| self.missing(name))
    }

    /// The named features in the order asked for, so that a model sees its
    /// columns where it saw them when it was fitted.
    ///
    /// # Errors
    /// [`DatasetError::MissingFeature`] naming the first that is absent.
    pub fn select(&self, names: &[String]) -> Result<Self, DatasetError> {
        let indices = self.positions(names)?;
        let features = indices.iter().map(|&index| self.features()[index].clone()).collect();
        let values = self.values.select(Axis(1), &indices);
        Ok(Self { columns: Columns::new(features), values, logs: None })
    }

    /// The named features in single precision, shape (rows, names), as trees see
    /// them.
    ///
    /// # Errors
    /// [`DatasetError::MissingFeature`] naming the first that is absent.
    pub fn select_single(&self, names: &[String]) -> Result<Array2<f32>, DatasetError> {
        let indices = self.positions(names)?;
        let mut values = Vec::with_capacity(self.n_rows() * indices.len());
        let all = self.values.as_standard_layout();
        for row in all.rows() {
            let row = row.to_slice().expect("rows of this layout are contiguous");
            values.extend(indices.iter().map(|&index| row[index] as f32));
        }
        let shape = (self.n_rows(), indices.len());
        Ok(Array2::from_shape_vec(shape, values).expect("as many values as rows times columns"))
    }

    /// The columns of the named features, in the order asked for.
    ///
    /// # Errors
    /// [`DatasetError::MissingFeature`] naming the first that is absent.
    pub fn positions(&self, names: &[String]) -> Result<Vec<usize>, DatasetError> {
        let position: HashMap<&str, usize> =
            self.names().iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
        names
            .iter()
            .map(|name| position.get(name.as_str()).copied().ok_or_else(|| self.missing(name)))
            .collect()
    }

    /// The given rows, in that order.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        Self {
            columns: self.columns.clone(),
            values: self.values.select(Axis(0), rows),
            logs: None,
        }
    }

    /// The rows of a range.
    pub fn slice_rows(&self, rows: std::ops::Range<usize>) -> Self {
        let values = self.values.slice(ndarray::s![rows, ..]).to_owned();
        Self { columns: self.columns.clone(), values, logs: None }
    }

    /// Stacks matrices with the same columns on top of each other.
    ///
    /// # Errors
    /// [`DatasetError::MissingFeature`] when a matrix lacks a column of the first.
    pub fn pool(matrices: &[&Self]) -> Result<Self, DatasetError> {
        let Some(first) = matrices.first() else {
            return Self::of_features(Vec::new(), Array2::zeros((0, 0)));
        };
        let n_rows = matrices.iter().map(|matrix| matrix.n_rows()).sum();
        let mut values = Array2::zeros((n_rows, first.n_features()));
        let mut start = 0;
        for matrix in matrices {
            let aligned = match matrix.names() == first.names() {
                true => Cow::Borrowed(*matrix),
                false => Cow::Owned(matrix.select(first.names())?),
            };
            let end = start + aligned.n_rows();
            values.slice_mut(ndarray::s![start..end, ..]).assign(&aligned.values);
            start = end;
        }
        Ok(Self { columns: first.columns.clone(), values, logs: None })
    }

    /// Names of the features that do not take the same value in every row.
    pub fn varying_names(&self) -> Vec<String> {
        let varies = |column: ArrayView1<f64>| column.iter().any(|&value| value != column[0]);
        self.names()
            .iter()
            .zip(self.values.columns())
            .filter(|(_, column)| varies(column.view()))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Those of them that models of outcomes see.
    pub fn varying_names_for_models(&self) -> Vec<String> {
        let of_habits = |name: &String| self.feature(name).is_ok_and(|it| it.of_habits_only);
        self.varying_names().into_iter().filter(|name| !of_habits(name)).collect()
    }

    fn missing(&self, name: &str) -> DatasetError {
        DatasetError::MissingFeature {
            missing: name.to_owned(),
            available: self.names().join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn refuses_nan_and_names_the_feature() {
        let error = FeatureMatrix::new(names(&["a", "b"]), array![[1.0, 2.0], [3.0, f64::NAN]]);
        assert_eq!(
            error.unwrap_err().to_string(),
            "feature `b` of row 1 is NaN; only finite numbers are allowed"
        );
    }

    #[test]
    fn refuses_two_columns_of_one_name() {
        let error = FeatureMatrix::new(names(&["a", "a"]), array![[1.0, 2.0]]);
        assert_eq!(error, Err(DatasetError::DuplicateName("a".into())));
    }

    #[test]
    fn select_reorders_and_lists_what_there_is() {
        let matrix = FeatureMatrix::new(names(&["a", "b"]), array![[1.0, 2.0]]).unwrap();
        let swapped = matrix.select(&names(&["b", "a"])).unwrap();
        assert_eq!(swapped.values(), array![[2.0, 1.0]]);
        let error = matrix.select(&names(&["c"])).unwrap_err();
        assert_eq!(error.to_string(), "the model needs feature `c`; the matrix has: a, b");
    }

    #[test]
    fn pool_aligns_columns_by_name() {
        let first = FeatureMatrix::new(names(&["a", "b"]), array![[1.0, 2.0]]).unwrap();
        let second = FeatureMatrix::new(names(&["b", "a"]), array![[4.0, 3.0]]).unwrap();
        let pooled = FeatureMatrix::pool(&[&first, &second]).unwrap();
        assert_eq!(pooled.values(), array![[1.0, 2.0], [3.0, 4.0]]);
    }

    #[test]
    fn constant_features_do_not_vary() {
        let matrix =
            FeatureMatrix::new(names(&["a", "b"]), array![[1.0, 2.0], [1.0, 3.0]]).unwrap();
        assert_eq!(matrix.varying_names(), names(&["b"]));
    }
}
