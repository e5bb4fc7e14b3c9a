//! Greedy k-means++: each next centroid is the best of a few points, drawn in
//! proportion to their squared distance to the centroids there are.
//!
//! Source: Arthur & Vassilvitskii (2007), "k-means++: the advantages of careful
//! seeding", section 2.2, and their remark in section 6 on several candidates;
//! Grunau, Özüdoğru, Rozhoň & Tětek (2023), "A nearly tight analysis of greedy
//! k-means++", algorithm 2.

use rand::Rng;
use rayon::prelude::*;

use super::distances::{PackedCentroids, STRIP, all_distances};
use super::passes::{BLOCK, Rows, sum_of};

/// Squared distance of every point to the nearest centroid so far.
struct Closest {
    distances: Vec<f32>,
    /// Their sum for each block of rows.
    block_sums: Vec<f64>,
}

/// One block of rows with each candidate added to the centroids in turn.
struct CandidateBlock {
    /// Squared distances, candidate by candidate.
    distances: Vec<Vec<f32>>,
    /// Their sums.
    sums: Vec<f64>,
}

/// Starting centroids, row by row; fewer than `n_clusters` if all points lie on
/// the centroids before.
pub(super) fn plus_plus(points: Rows, n_clusters: usize, rng: &mut impl Rng) -> Vec<f32> {
    let n_candidates = 2 + (n_clusters as f64).ln() as usize;
    let mut centroids = points.row(rng.gen_range(0..points.len())).to_vec();
    let everywhere = Closest::nowhere(points);
    let (_, mut closest) = everywhere.with_best_of(points, &centroids);
    while centroids.len() < n_clusters * points.n_features {
        let total: f64 = closest.block_sums.iter().sum();
        if total <= 0.0 {
            break;
        }
        let candidates: Vec<f32> = (0..n_candidates)
            .flat_map(|_| points.row(closest.at(rng.r#gen::<f64>() * total)))
            .copied()
            .collect();
        let (best, next) = closest.with_best_of(points, &candidates);
        centroids.extend(&candidates[best * points.n_features..][..points.n_features]);
        closest = next;
    }
    centroids
}

impl Closest {
    fn nowhere(points: Rows) -> Self {
        Self { distances: vec![f32::INFINITY; points.len()], block_sums: Vec::new() }
    }

    /// The point at which the running sum of distances passes `target`.
    fn at(&self, target: f64) -> usize {
        let mut rest = target;
        let mut block = 0;
        while block + 1 < self.block_sums.len() && rest >= self.block_sums[block] {
            rest -= self.block_sums[block];
            block += 1;
        }
        let start = block * BLOCK;
        let mut chosen = start;
        for (offset, &distance) in self.distances[start..].iter().take(BLOCK).enumerate() {
            if distance > 0.0 {
                chosen = start + offset;
                rest -= f64::from(distance);
                if rest < 0.0 {
                    break;
                }
            }
        }
        chosen
    }

    /// Which candidate leaves the least sum of distances, the first of equals,
    /// and the distances with it.
    fn with_best_of(&self, points: Rows, candidates: &[f32]) -> (usize, Self) {
        let packed = PackedCentroids::new(candidates, points.n_features);
        let n_candidates = candidates.len() / points.n_features;
        let blocks: Vec<CandidateBlock> = points
            .values
            .par_chunks(BLOCK * points.n_features)
            .zip(self.distances.par_chunks(BLOCK))
            .map(|(rows, closest)| CandidateBlock::of(rows, closest, &packed, n_candidates))
            .collect();
        let total = |c: usize| blocks.iter().map(|block| block.sums[c]).sum::<f64>();
        let totals: Vec<f64> = (0..n_candidates).map(total).collect();
        let best =
            (1..n_candidates).fold(0, |best, c| if totals[c] < totals[best] { c } else { best });
        let block_sums = blocks.iter().map(|block| block.sums[best]).collect();
        let distances = blocks.iter().flat_map(|block| &block.distances[best]).copied().collect();
        (best, Self { distances, block_sums })
    }
}

impl CandidateBlock {
    fn of(rows: &[f32], closest: &[f32], packed: &PackedCentroids, n_candidates: usize) -> Self {
        let mut block = Self {
            distances: vec![Vec::with_capacity(closest.len()); n_candidates],
            sums: vec![0.0; n_candidates],
        };
        let n_features = rows.len() / closest.len();
        let mut found = vec![0.0; n_candidates * STRIP];
        for (strip, closest) in rows.chunks(STRIP * n_features).zip(closest.chunks(STRIP)) {
            all_distances(strip, packed, &mut found);
            for (candidate, found) in found.chunks(closest.len()).take(n_candidates).enumerate() {
                let nearer = found.iter().zip(closest).map(|(new, old)| new.min(*old));
                let start = block.distances[candidate].len();
                block.distances[candidate].extend(nearer);
                block.sums[candidate] += sum_of(&block.distances[candidate][start..]);
            }
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn each_of_far_groups_gets_one_centroid() {
        let points = Array2::from_shape_fn((500, 3), |(row, column)| {
            (row % 5 * 1000 + row * 7 % 11 + column) as f32
        });
        for seed in 0..20 {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let found = plus_plus(Rows::new(points.view()).unwrap(), 5, &mut rng);
            let mut groups: Vec<usize> = found.chunks(3).map(|c| c[0] as usize / 1000).collect();
            groups.sort_unstable();
            assert_eq!(groups, [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn points_on_centroids_are_never_drawn() {
        let closest = Closest { distances: vec![0.0, 2.0, 0.0, 1.0, 0.0], block_sums: vec![3.0] };
        assert_eq!(closest.at(0.0), 1);
        assert_eq!(closest.at(1.99), 1);
        assert_eq!(closest.at(2.0), 3);
        // Rounding may carry a draw past the end.
        assert_eq!(closest.at(3.1), 3);
    }
}
