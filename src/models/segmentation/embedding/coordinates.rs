use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use serde::{Deserialize, Serialize};

use super::habits::{HabitPoints, Habits};
use super::outcome::Outcome;
use super::outcome_models::{OutcomeModels, OutcomeTrees, credibility};
use super::training_rows::TrainingRows;
use crate::dataset::FeatureMatrix;
use crate::models::segmentation::{EmbeddingKind, SegmentationError, SegmentationParams};
use crate::stats::linear::principal_components;
use crate::stats::metrics::{correlations, standard_deviation};
use crate::stats::scaling::Scaling;

/// Directions of behaviour beside the predicted outcomes.
const N_COMPONENTS: usize = 10;

/// Where each feature is a coordinate, only the first of two features correlated
/// beyond this counts.
const MAX_CORRELATION: f64 = 0.9;

/// Rows that are transformed at a time, so that a large matrix does not need a
/// second one of its size.
const BLOCK_ROWS: usize = 1 << 16;

/// Gives users coordinates; users who are near each other are one group.
///
/// The first coordinates are the predicted outcomes: the prediction of trees plus a
/// weighted sum of the scaled features. The next, directions of behaviour, are
/// weighted sums of the scaled features alone. The last are habits. In the embedding
/// `behaviour` there are no trees, and each scaled feature is a coordinate; kinds have
/// habits alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// Models of the outcomes; saved in a file of their own, since trees are many.
    #[serde(skip)]
    pub outcome_models: OutcomeModels,
    /// Features that count as behaviour, and how they are scaled.
    pub scaling: Scaling,
    /// Weights of the scaled features, one row a coordinate, those of the predicted
    /// outcomes first; without rows, each scaled feature is a coordinate.
    pub loadings: Vec<Vec<f64>>,
    /// How users shop.
    pub habits: Habits,
    /// What the coordinates of habits are multiplied by; 0 where they have no part.
    pub habits_weight: f64,
}

impl Embedding {
    /// Habits alone.
    pub(in super::super) fn of_habits(habits: Habits) -> Self {
        Self { habits, habits_weight: 1.0, ..Self::default() }
    }

    /// The same with habits, whose standard deviation over the rows is `share` times that
    /// of the predicted outcomes, in place of the directions of behaviour, which say of all
    /// features together what habits say of how users shop.
    pub(in super::super) fn with_habits(
        &self,
        rows: &TrainingRows,
        habits: &Habits,
        share: f64,
    ) -> Result<Self, SegmentationError> {
        let mut with = self.clone();
        if share == 0.0 || habits.n_coordinates() == 0 {
            return Ok(with);
        }
        with.loadings.truncate(self.n_outcomes());
        let points = with.transform(&rows.matrix)?;
        let of_habits = habits.of_users(&rows.matrix)?.coordinates;
        let habits_weight = share * self.outcome_sd(points.view()) / total_sd(of_habits.view());
        Ok(Self { habits: habits.clone(), habits_weight, ..with })
    }

    /// Standard deviation of the predicted outcomes among the users' coordinates.
    pub(in super::super) fn outcome_sd(&self, points: ArrayView2<f32>) -> f64 {
        total_sd(self.of_outcomes(points).view())
    }

    /// Of the users' coordinates the predicted outcomes.
    pub(in super::super) fn of_outcomes(&self, points: ArrayView2<f32>) -> Array2<f64> {
        points.slice(s![.., ..self.n_outcomes()]).mapv(f64::from)
    }

    /// Coordinates that are predicted outcomes; they come first.
    pub(in super::super) fn n_outcomes(&self) -> usize {
        self.outcome_models.models.len()
    }

    /// Learns the embedding from users and, unless it is `behaviour`, from their
    /// outcomes, which `trees` grown on the same rows predict.
    pub(in super::super) fn fit(
        params: &SegmentationParams,
        rows: &TrainingRows,
        trees: OutcomeTrees,
    ) -> Result<Self, SegmentationError> {
        let scaling = separating_features(params, &rows.matrix)?;
        if params.embedding == EmbeddingKind::Behaviour {
            return Ok(Self { scaling, ..Self::default() });
        }
        let scaled = scaling.apply(&rows.matrix)?;
        let (outcome_models, weights) = OutcomeModels::fit(rows, scaled.view(), trees)?;
        let features = rows.matrix.select_single(&outcome_models.features)?;
        let predicted = outcome_models.coordinates(features.view())? + scaled.dot(&weights.t());
        // Predictions that were learned from few users count less.
        let behaviour_sd =
            total_sd(predicted.view()) * params.behaviour_weight.get() / credibility(rows);
        let directions = directions_of_behaviour(scaled.view(), behaviour_sd)?;
        let loadings = weights.rows().into_iter().chain(directions.rows());
        let loadings = loadings.map(|row| row.to_vec()).collect();
        Ok(Self { outcome_models, scaling, loadings, ..Self::default() })
    }

    /// Number of coordinates.
    pub fn n_coordinates(&self) -> usize {
        // Where nothing tells users apart, all are in one place.
        (self.n_base_coordinates() + self.habits.n_coordinates()).max(1)
    }

    /// Coordinates that come before habits.
    fn n_base_coordinates(&self) -> usize {
        if self.loadings.is_empty() { self.scaling.names.len() } else { self.loadings.len() }
    }

    /// The users' coordinates, shape (rows, coordinates).
    ///
    /// # Errors
    /// When the matrix lacks a feature of the embedding.
    pub fn transform(&self, matrix: &FeatureMatrix) -> Result<Array2<f32>, SegmentationError> {
        Ok(self.transform_with_known(matrix)?.0)
    }

    /// The coordinate that predicts the first of these outcomes that there is, for each
    /// user; `None` where there is none.
    ///
    /// # Errors
    /// When the matrix lacks a feature of the embedding.
    pub fn predicted(
        &self,
        outcomes: &[Outcome],
        matrix: &FeatureMatrix,
    ) -> Result<Option<Vec<f32>>, SegmentationError> {
        let models = &self.outcome_models.models;
        let place = |outcome: &Outcome| models.iter().position(|it| it.outcome == *outcome);
        let Some(place) = outcomes.iter().find_map(place) else { return Ok(None) };
        Ok(Some(self.transform(matrix)?.column(place).to_vec()))
    }

    /// The users' coordinates, and whether enough is known of each to say how they shop.
    ///
    /// # Errors
    /// As [`Embedding::transform`].
    pub fn transform_with_known(
        &self,
        matrix: &FeatureMatrix,
    ) -> Result<(Array2<f32>, Vec<bool>), SegmentationError> {
        if matrix.n_rows() <= BLOCK_ROWS {
            return self.transform_block(matrix);
        }
        let mut points = Array2::zeros((matrix.n_rows(), self.n_coordinates()));
        let mut known = Vec::with_capacity(matrix.n_rows());
        let mut start = 0;
        while start < matrix.n_rows() {
            let end = (start + BLOCK_ROWS).min(matrix.n_rows());
            let block = matrix.slice_rows(start..end);
            let (of_block, are_known) = self.transform_block(&block)?;
            points.slice_mut(s![start..end, ..]).assign(&of_block);
            known.extend(are_known);
            start = end;
        }
        Ok((points, known))
    }

    fn transform_block(
        &self,
        matrix: &FeatureMatrix,
    ) -> Result<(Array2<f32>, Vec<bool>), SegmentationError> {
        let mut coordinates = self.scaling.apply(matrix)?;
        if !self.loadings.is_empty() {
            coordinates = coordinates.dot(&self.loadings_matrix().t());
            let features = matrix.select_single(&self.outcome_models.features)?;
            let predicted = self.outcome_models.coordinates(features.view())?;
            coordinates
                .slice_mut(s![.., ..predicted.ncols()])
                .zip_mut_with(&predicted, |a, b| *a += b);
        }
        let habits = self.weighted_habits(matrix)?;
        let mut both = concatenate![Axis(1), coordinates, habits.coordinates];
        if both.ncols() == 0 {
            both = Array2::zeros((matrix.n_rows(), 1));
        }
        Ok((both.mapv(|value| value as f32), habits.are_known))
    }

    fn weighted_habits(&self, matrix: &FeatureMatrix) -> Result<HabitPoints, SegmentationError> {
        let mut habits = self.habits.of_users(matrix)?;
        habits.coordinates *= self.habits_weight;
        Ok(habits)
    }

    fn loadings_matrix(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.loadings.len(), self.scaling.names.len()), |(row, column)| {
            self.loadings[row][column]
        })
    }

    /// What the mean of some users is made of.
    pub(in super::super) fn mean_parts(
        &self,
        users: &FeatureMatrix,
    ) -> Result<MeanParts, SegmentationError> {
        let n_users = users.n_rows().max(1) as f64;
        let features = users.select_single(&self.outcome_models.features)?;
        let of_trees = (0..self.outcome_models.models.len())
            .map(|coordinate| {
                let parts = self.outcome_models.contributions(coordinate, features.view())?;
                Ok(parts.sum_axis(Axis(0)) / n_users)
            })
            .collect::<Result<_, SegmentationError>>()?;
        let scaled = self.scaling.apply(users)?.sum_axis(Axis(0)) / n_users;
        let habits = self.weighted_habits(users)?.coordinates.sum_axis(Axis(0)) / n_users;
        Ok(MeanParts { of_trees, scaled, habits })
    }

    /// What each feature contributes to the mean of some users,
    /// less the mean of all: (feature, one number a coordinate). They add up to
    /// the difference of the two means.
    pub(in super::super) fn contributions(
        &self,
        some: &MeanParts,
        all: &MeanParts,
    ) -> Vec<(String, Vec<f64>)> {
        let n_coordinates = self.n_coordinates();
        let mut found: Vec<(String, Vec<f64>)> = Vec::new();
        let mut add = |feature: &str, coordinate: usize, value: f64| {
            let index = found.iter().position(|(name, _)| name == feature).unwrap_or_else(|| {
                found.push((feature.to_owned(), vec![0.0; n_coordinates]));
                found.len() - 1
            });
            found[index].1[coordinate] += value;
        };
        for (coordinate, (some, all)) in some.of_trees.iter().zip(&all.of_trees).enumerate() {
            for (name, value) in self.outcome_models.features.iter().zip(some - all) {
                add(name, coordinate, value);
            }
        }
        let difference = &some.scaled - &all.scaled;
        for (column, name) in self.scaling.names.iter().enumerate() {
            if self.loadings.is_empty() {
                add(name, column, difference[column]);
            }
            for (coordinate, loadings) in self.loadings.iter().enumerate() {
                add(name, coordinate, loadings[column] * difference[column]);
            }
        }
        let habits = self.habits.features().into_iter().zip(&some.habits - &all.habits);
        for (coordinate, (name, difference)) in (self.n_base_coordinates()..).zip(habits) {
            add(name, coordinate, difference);
        }
        found
    }
}

/// What the mean of some users is made of.
pub(in super::super) struct MeanParts {
    /// Mean contribution of each feature of the trees, for each outcome.
    of_trees: Vec<Array1<f64>>,
    /// Mean of each scaled feature.
    scaled: Array1<f64>,
    /// Mean of each coordinate of habits.
    habits: Array1<f64>,
}

/// Standard deviation of points, shape (rows, coordinates), around their mean.
pub(in super::super) fn total_sd(points: ArrayView2<f64>) -> f64 {
    let columns = points.columns().into_iter();
    columns.map(|it| standard_deviation(&it.to_vec()).powi(2)).sum::<f64>().sqrt()
}

/// Scaling over the features that vary and, where each is a coordinate, do not
/// repeat each other. Sums of all features are the steadier for repeats: which of
/// two near-equals stays would differ from one fit to the next.
fn separating_features(
    params: &SegmentationParams,
    matrix: &FeatureMatrix,
) -> Result<Scaling, SegmentationError> {
    let varying = matrix.varying_names_for_models();
    if varying.is_empty() {
        return Err(SegmentationError::ConstantFeatures {
            n_features: matrix.n_features(),
            n_users: matrix.n_rows(),
        });
    }
    let all = Scaling::fit(matrix, &varying, params.transform)?;
    if params.embedding == EmbeddingKind::Outcome {
        return Ok(all);
    }
    let kept = drop_collinear(all.apply(matrix)?.view(), &varying, MAX_CORRELATION);
    Ok(Scaling::fit(matrix, &kept, params.transform)?)
}

/// Names of the features to keep so that no two are correlated beyond
/// `max_correlation` (absolute, on the scaled values); of such a pair the earlier one
/// stays. `scaled` has the shape (rows, `names`).
fn drop_collinear(scaled: ArrayView2<f64>, names: &[String], max_correlation: f64) -> Vec<String> {
    let correlations = correlations(scaled);
    let mut kept: Vec<usize> = Vec::new();
    for candidate in 0..names.len() {
        let varies = correlations[[candidate, candidate]] > 0.0;
        let repeats = |&other: &usize| correlations[[candidate, other]].abs() > max_correlation;
        if varies && !kept.iter().any(repeats) {
            kept.push(candidate);
        }
    }
    kept.into_iter().map(|index| names[index].clone()).collect()
}

/// Directions of behaviour, shape (directions, scaled features), along which
/// users together spread as far as asked for.
fn directions_of_behaviour(
    scaled: ArrayView2<f64>,
    wanted_sd: f64,
) -> Result<Array2<f64>, SegmentationError> {
    if wanted_sd == 0.0 {
        return Ok(Array2::zeros((0, scaled.ncols())));
    }
    let (components, variances) = principal_components(scaled, N_COMPONENTS)?;
    let total_sd = variances.iter().sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    Ok(components * (wanted_sd / total_sd))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Outcomes;
    use crate::models::segmentation::Outcome;
    use crate::models::segmentation::embedding::{Rounds, grow_trees};
    use crate::settings::Weight;

    /// Users of whom one feature shows which buy; the other shows nothing.
    fn rows(n_users: usize) -> TrainingRows {
        let names = vec!["n_orders".to_owned(), "weekday".to_owned()];
        let values = Array2::from_shape_fn((n_users, 2), |(row, column)| match column {
            0 => f64::from(u8::from((row * 7) % 31 > 15)),
            _ => ((row * 11) % 31) as f64,
        });
        let gmv: Vec<f64> = values.column(0).iter().map(|&n| n * 100.0).collect();
        let n_orders = gmv.iter().map(|&gmv| f64::from(u8::from(gmv > 0.0))).collect();
        let matrix = FeatureMatrix::new(names, values).unwrap();
        TrainingRows { matrix, outcomes: Outcomes::of_orders(n_orders, gmv), n_users }
    }

    fn fitted(params: &SegmentationParams, rows: &TrainingRows) -> Embedding {
        let rounds: Rounds = match params.embedding {
            EmbeddingKind::Outcome => {
                Outcome::that_vary(&rows.outcomes).into_iter().map(|it| (it, 60)).collect()
            }
            EmbeddingKind::Behaviour => Rounds::new(),
        };
        Embedding::fit(params, rows, grow_trees(rows, &rounds, 1).unwrap()).unwrap()
    }

    fn mean(points: &Array2<f32>) -> Vec<f64> {
        points.mapv(f64::from).mean_axis(Axis(0)).unwrap().to_vec()
    }

    #[test]
    fn constants_and_repeats_are_dropped() {
        let values = ndarray::array![[1.0, 2.0, 5.0], [2.0, 4.0, 5.0], [4.0, 8.0, 5.0]];
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(drop_collinear(values.view(), &names, 0.95), ["a"]);
    }

    #[test]
    fn contributions_of_features_add_up_to_the_difference_of_means() {
        let rows = rows(600);
        let some = rows.matrix.slice_rows(20..90);
        for embedding in [EmbeddingKind::Outcome, EmbeddingKind::Behaviour] {
            let params = SegmentationParams { embedding, ..Default::default() };
            let embedding = fitted(&params, &rows);
            let from = mean(&embedding.transform(&rows.matrix).unwrap());
            let to = mean(&embedding.transform(&some).unwrap());
            let parts = |users: &FeatureMatrix| embedding.mean_parts(users).unwrap();
            let contributions = embedding.contributions(&parts(&some), &parts(&rows.matrix));
            for coordinate in 0..embedding.n_coordinates() {
                let sum: f64 = contributions.iter().map(|(_, by)| by[coordinate]).sum();
                assert!((sum - (to[coordinate] - from[coordinate])).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn users_who_will_do_the_same_are_near_whatever_else_they_do() {
        let rows = rows(600);
        let distance_ratio = |weight: f64| {
            let params =
                SegmentationParams { behaviour_weight: Weight::of(weight), ..Default::default() };
            let points = fitted(&params, &rows).transform(&rows.matrix).unwrap();
            let buys = |row: usize| rows.outcomes.gmv[row] > 0.0;
            let distance = |a: usize, b: usize| -> f32 {
                points.row(a).iter().zip(points.row(b)).map(|(x, y)| (x - y).powi(2)).sum()
            };
            let other = (1..600).find(|&row| buys(row) != buys(0)).unwrap();
            let alike = (1..600).filter(|&row| buys(row) == buys(0)).map(|row| distance(0, row));
            alike.fold(0.0, f32::max) / distance(0, other)
        };
        assert!(distance_ratio(0.0) < 0.1, "{}", distance_ratio(0.0));
        assert!(distance_ratio(3.0) > distance_ratio(0.0));
    }

    #[test]
    fn the_behaviour_embedding_is_the_scaled_features() {
        let rows = rows(100);
        let params =
            SegmentationParams { embedding: EmbeddingKind::Behaviour, ..Default::default() };
        let embedding = fitted(&params, &rows);
        let expected = embedding.scaling.apply(&rows.matrix).unwrap().mapv(|value| value as f32);
        assert_eq!(embedding.transform(&rows.matrix).unwrap(), expected);
    }
}
