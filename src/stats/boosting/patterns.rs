//! Small trees by the pattern of a row: which side of each split it falls on.
//!
//! A tree of few splits has few patterns, so that whatever it says of a row can be looked
//! up. Rows are taken in blocks with their columns apart, so that one instruction looks at
//! several rows, and one tree's table stays near while it is used for all of them.

use hessboost::tree::RegTree;
use ndarray::ArrayView2;
use rayon::prelude::*;

/// Splits of a tree up to which it has a table: 2^10 patterns.
pub(super) const MAX_SPLITS: usize = 10;

/// Rows of a block.
pub(super) const BLOCK_ROWS: usize = 64;

/// The splits of a tree.
#[derive(Debug, Clone)]
pub(super) struct Splits {
    /// Feature and threshold of each; bit `i` of a pattern is set where the row goes left
    /// at split `i`.
    splits: Vec<(u32, f32)>,
    /// Their nodes.
    pub nodes: Vec<usize>,
}

impl Splits {
    /// `None` of a tree with too many splits, or with ones that compare no numbers.
    pub fn of(tree: &RegTree) -> Option<Self> {
        let nodes = tree.nodes();
        let is_split = |&id: &usize| !nodes[id].is_leaf() && nodes[id].sum_hess > 0.0;
        let of_tree: Vec<usize> = (0..nodes.len()).filter(is_split).collect();
        let has_others = of_tree.iter().any(|&id| nodes[id].is_categorical);
        if of_tree.len() > MAX_SPLITS || has_others {
            return None;
        }
        let splits =
            of_tree.iter().map(|&id| (nodes[id].split_feature, nodes[id].split_cond)).collect();
        Some(Self { splits, nodes: of_tree })
    }

    /// Number of patterns.
    pub fn n_patterns(&self) -> usize {
        1 << self.splits.len()
    }

    /// The pattern of each row of a block.
    #[inline]
    pub fn patterns(&self, rows: &Columns) -> [u32; BLOCK_ROWS] {
        let mut patterns = [0; BLOCK_ROWS];
        for (bit, &(feature, threshold)) in self.splits.iter().enumerate() {
            let column = &rows.0[feature as usize];
            for (pattern, &value) in patterns.iter_mut().zip(column) {
                *pattern |= u32::from(value < threshold) << bit;
            }
        }
        patterns
    }
}

/// Some rows, column by column.
pub(super) struct Columns(Vec<[f32; BLOCK_ROWS]>);

impl Columns {
    pub fn new(n_features: usize) -> Self {
        Self(vec![[0.0; BLOCK_ROWS]; n_features])
    }

    /// Takes rows that stand one after the other.
    pub fn load(&mut self, rows: &[f32]) {
        for (row, values) in rows.chunks_exact(self.0.len().max(1)).enumerate() {
            self.0.iter_mut().zip(values).for_each(|(column, &value)| column[row] = value);
        }
    }
}

/// What small trees predict, by pattern.
#[derive(Debug, Clone)]
pub(super) struct PatternTrees {
    base: f32,
    n_features: usize,
    /// The splits of each tree and what it predicts, by pattern.
    trees: Vec<(Splits, Vec<f32>)>,
}

impl PatternTrees {
    /// `None` where a tree has too many splits. `base` is what no tree at all predicts.
    pub fn new<'t>(
        trees: impl Iterator<Item = (&'t RegTree, f32)>,
        n_features: usize,
        base: f32,
    ) -> Option<Self> {
        let table = |(tree, weight): (&RegTree, f32)| {
            let splits = Splits::of(tree)?;
            let leaf = |pattern: usize| weight * leaf_of(tree, &splits, pattern);
            let leaves = (0..splits.n_patterns()).map(leaf).collect();
            Some((splits, leaves))
        };
        Some(Self { base, n_features, trees: trees.map(table).collect::<Option<_>>()? })
    }

    /// The predictions for rows, summed in the order of the trees.
    pub fn predict(&self, features: ArrayView2<'_, f32>) -> Vec<f64> {
        let features = features.as_standard_layout();
        let rows = features.as_slice().unwrap_or_default();
        let mut predictions = vec![0.0; features.nrows()];
        let block = |columns: &mut Columns, (out, rows): (&mut [f64], &[f32])| {
            columns.load(rows);
            let mut sums = [self.base; BLOCK_ROWS];
            for (splits, leaves) in &self.trees {
                let mask = leaves.len() - 1;
                for (sum, pattern) in sums.iter_mut().zip(splits.patterns(columns)) {
                    *sum += leaves[pattern as usize & mask];
                }
            }
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = f64::from(sum));
        };
        let n_values = (self.n_features * BLOCK_ROWS).max(1);
        predictions
            .par_chunks_mut(BLOCK_ROWS)
            .zip(rows.par_chunks(n_values))
            .with_min_len(8)
            .for_each_init(|| Columns::new(self.n_features), block);
        predictions
    }
}

/// What a tree says of rows of a pattern.
fn leaf_of(tree: &RegTree, splits: &Splits, pattern: usize) -> f32 {
    let mut id = 0;
    loop {
        let node = tree.node(id);
        if node.is_leaf() {
            return node.leaf_value;
        }
        let place = splits.nodes.iter().position(|&split| split == id);
        let goes_left = place.is_none_or(|place| pattern >> place & 1 == 1);
        id = if goes_left { node.left } else { node.right } as usize;
    }
}
