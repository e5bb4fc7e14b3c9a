use hessboost::tree::RegTree;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::patterns::{BLOCK_ROWS, Columns, Splits};
use super::{BoostedTrees, BoostingError};

/// What each feature adds to the predictions of trees, looked up instead of computed.
///
/// A row's contributions to one tree depend only on which side of each of its
/// splits the row falls. Small trees have few such patterns, so that the Shapley
/// values of all of them fit into a table; explaining a row then takes one
/// comparison a split and one addition a feature.
///
/// Source: Yang (2022), "Fast TreeSHAP", §3.3, which tables the weights of each
/// leaf; here the values themselves. The values are those of Lundberg et al.
/// (2020), algorithm 1, by definition.
#[derive(Debug, Clone)]
pub struct Explainer {
    trees: Vec<TabledTree>,
    n_features: usize,
}

#[derive(Debug, Clone)]
struct TabledTree {
    splits: Splits,
    /// Features that the tree asks for.
    features: Vec<u32>,
    /// Contributions, shape (features, patterns).
    table: Vec<f32>,
}

impl Explainer {
    /// Works out the tables. `None` where a tree has more than ten splits: then
    /// only [`BoostedTrees::contributions`] explains.
    pub fn new(trees: &BoostedTrees) -> Option<Self> {
        let model = &trees.model;
        let n_trees = model.best_iteration().map_or(model.num_trees(), |best| best + 1);
        let trees = model
            .trees()
            .par_iter()
            .zip(model.tree_weights().collect::<Vec<f32>>())
            .take(n_trees)
            .map(|(tree, weight)| TabledTree::new(tree, f64::from(weight)))
            .collect::<Option<Vec<_>>>()?;
        Some(Self { trees, n_features: model.n_features() })
    }

    /// Contributions of all rows, shape (rows, features): with what the trees
    /// predict for the average row, a row's contributions sum to what they
    /// predict for it.
    ///
    /// # Errors
    /// When the number of features differs from that of the fit.
    pub fn contributions(
        &self,
        features: ArrayView2<'_, f32>,
    ) -> Result<Array2<f32>, BoostingError> {
        if features.ncols() != self.n_features {
            return Err(BoostingError::Width { expected: self.n_features, got: features.ncols() });
        }
        let features = features.as_standard_layout();
        let mut contributions = Array2::zeros(features.dim());
        let rows = features.as_slice().unwrap_or_default();
        let sums = contributions.as_slice_mut().unwrap_or_default();
        let block = self.n_features.max(1) * BLOCK_ROWS;
        sums.par_chunks_mut(block).zip(rows.par_chunks(block)).for_each_init(
            || Block::new(self.n_features),
            |block, (sums, rows)| {
                block.explain(self, rows, sums);
            },
        );
        Ok(contributions)
    }
}

/// Some rows, and what is added up of them, column by column.
struct Block {
    rows: Columns,
    sums: Vec<[f32; BLOCK_ROWS]>,
}

impl Block {
    fn new(n_features: usize) -> Self {
        Self { rows: Columns::new(n_features), sums: vec![[0.0; BLOCK_ROWS]; n_features] }
    }

    /// Writes the contributions of `rows` to `sums`, both row after row.
    fn explain(&mut self, explainer: &Explainer, rows: &[f32], sums: &mut [f32]) {
        self.rows.load(rows);
        self.sums.iter_mut().for_each(|column| column.fill(0.0));
        for tree in &explainer.trees {
            let (patterns, n_patterns) =
                (tree.splits.patterns(&self.rows), tree.splits.n_patterns());
            let tables = tree.table.chunks_exact(n_patterns);
            for (&feature, table) in tree.features.iter().zip(tables) {
                let column = &mut self.sums[feature as usize];
                for (sum, &pattern) in column.iter_mut().zip(&patterns) {
                    *sum += table[pattern as usize & (n_patterns - 1)];
                }
            }
        }
        for (row, sums) in sums.chunks_exact_mut(explainer.n_features).enumerate() {
            self.sums.iter().zip(sums).for_each(|(column, sum)| *sum = column[row]);
        }
    }
}

impl TabledTree {
    fn new(tree: &RegTree, weight: f64) -> Option<Self> {
        let (nodes, splits) = (tree.nodes(), Splits::of(tree)?);
        let split_nodes = &splits.nodes;
        let mut features: Vec<u32> =
            split_nodes.iter().map(|&id| nodes[id].split_feature).collect();
        features.sort_unstable();
        features.dedup();
        let game = Game::new(tree, split_nodes, &features);
        let n_patterns = splits.n_patterns();
        let mut table = vec![0.0; n_patterns * features.len()];
        for pattern in 0..n_patterns {
            for (feature, value) in game.shapley_values(pattern).enumerate() {
                table[feature * n_patterns + pattern] = (value * weight) as f32;
            }
        }
        Some(Self { splits, features, table })
    }
}

/// The game whose players are the features of a tree: a coalition's worth is what
/// the tree predicts when only its features are known, all others being averaged
/// over the training rows at each split.
struct Game<'t> {
    tree: &'t RegTree,
    /// Of each node: the number of its split, and of that split's feature.
    split_of_node: Vec<(usize, usize)>,
    /// Weight of a coalition in the Shapley value, by its size.
    weights: Vec<f64>,
}

impl<'t> Game<'t> {
    fn new(tree: &'t RegTree, split_nodes: &[usize], features: &[u32]) -> Self {
        let mut split_of_node = vec![(0, 0); tree.num_nodes()];
        for (split, &id) in split_nodes.iter().enumerate() {
            let feature = features.partition_point(|&f| f < tree.node(id).split_feature);
            split_of_node[id] = (split, feature);
        }
        // |S|! (n − |S| − 1)! / n!
        let n = features.len();
        let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
        let weights =
            (0..n).map(|size| factorial(size) * factorial(n - size - 1) / factorial(n)).collect();
        Self { tree, split_of_node, weights }
    }

    /// What the tree predicts below `node` of a row with this pattern when the
    /// features of `known` (a bit each) are known.
    fn worth(&self, node: usize, pattern: usize, known: usize) -> f64 {
        let it = self.tree.node(node);
        if it.is_leaf() {
            return f64::from(it.leaf_value);
        }
        let (left, right) = (it.left as usize, it.right as usize);
        let (split, feature) = self.split_of_node[node];
        if known >> feature & 1 == 1 {
            let next = if pattern >> split & 1 == 1 { left } else { right };
            return self.worth(next, pattern, known);
        }
        let cover = |node: usize| f64::from(self.tree.node(node).sum_hess);
        (cover(left) * self.worth(left, pattern, known)
            + cover(right) * self.worth(right, pattern, known))
            / (cover(left) + cover(right)).max(f64::MIN_POSITIVE)
    }

    fn shapley_values(&self, pattern: usize) -> impl Iterator<Item = f64> {
        let n = self.weights.len();
        let worth: Vec<f64> = (0..1usize << n).map(|known| self.worth(0, pattern, known)).collect();
        (0..n).map(move |player| {
            (0..1usize << n)
                .filter(|others| others >> player & 1 == 0)
                .map(|others| {
                    let gain = worth[others | 1 << player] - worth[others];
                    self.weights[others.count_ones() as usize] * gain
                })
                .sum()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BoostingParams, Loss, Sample, fit_trees};
    use super::*;

    fn rows(n: usize) -> Array2<f32> {
        Array2::from_shape_fn((n, 6), |(row, column)| {
            ((row * (column * 17 + 11) + column) % 211) as f32
        })
    }

    fn trees(max_leaves: usize) -> BoostedTrees {
        let features = rows(3_000);
        let target: Vec<f64> = features
            .rows()
            .into_iter()
            .map(|row| f64::from(u8::from(row[0] + row[1] > 200.0 && row[2] < 150.0)))
            .collect();
        let params =
            BoostingParams { loss: Loss::Log, max_leaves, min_leaf_rows: 20, ..Default::default() };
        let sample =
            Sample { features: features.view(), target: &target, weights: None, offset: None };
        fit_trees(&params, sample, 60, 3).unwrap()
    }

    #[test]
    fn tables_give_the_values_of_the_library() {
        let trees = trees(8);
        let features = rows(500);
        let expected = trees.contributions(features.view()).unwrap();
        let loaded: BoostedTrees =
            serde_json::from_str(&serde_json::to_string(&trees).unwrap()).unwrap();
        for trees in [&trees, &loaded] {
            let found = Explainer::new(trees).unwrap().contributions(features.view()).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 2e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn contributions_sum_to_the_prediction() {
        let trees = trees(6);
        let features = rows(400);
        let contributions = Explainer::new(&trees).unwrap().contributions(features.view()).unwrap();
        let predicted = trees.predict(features.view()).unwrap();
        let rest = |row: usize| {
            predicted[row] - contributions.row(row).iter().map(|&c| f64::from(c)).sum::<f64>()
        };
        assert!((0..400).all(|row| (rest(row) - rest(0)).abs() < 1e-4));
    }

    #[test]
    fn large_trees_have_no_table() {
        assert!(Explainer::new(&trees(31)).is_none());
    }

    #[test]
    fn another_number_of_features_is_an_error() {
        let explainer = Explainer::new(&trees(4)).unwrap();
        assert!(explainer.contributions(rows(3).slice(ndarray::s![.., ..2])).is_err());
    }
}
