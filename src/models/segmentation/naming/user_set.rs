//! Sets of the users of a snapshot, one bit each: which claims hold together is
//! asked for thousands of pairs of claims.

/// Users of a snapshot, by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UserSet(Vec<u64>);

impl UserSet {
    /// The users, of `n_users`, of whom something holds.
    pub(super) fn of(n_users: usize, holds: impl Fn(usize) -> bool) -> Self {
        let word = |start: usize| {
            let rows = start..(start + 64).min(n_users);
            rows.fold(0, |word, row| word | u64::from(holds(row)) << (row - start))
        };
        Self((0..n_users).step_by(64).map(word).collect())
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// How many are in another set as well.
    pub(super) fn count_in(&self, other: &Self) -> usize {
        let both = self.0.iter().zip(&other.0);
        both.map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    /// Who, of `n_users`, is not in the set.
    pub(super) fn complement(&self, n_users: usize) -> Self {
        let all = Self::of(n_users, |_| true);
        Self(self.0.iter().zip(&all.0).map(|(it, all)| all & !it).collect())
    }

    /// Who is in another set as well.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_count_and_meet_across_words() {
        let even = UserSet::of(130, |row| row % 2 == 0);
        let late = UserSet::of(130, |row| row >= 126);
        assert_eq!((even.count(), late.count(), even.count_in(&late)), (65, 4, 2));
        assert_eq!(even.and(&late), UserSet::of(130, |row| row == 126 || row == 128));
        assert_eq!(UserSet::of(0, |_| true).count(), 0);
        assert_eq!(even.complement(130), UserSet::of(130, |row| row % 2 == 1));
    }
}
