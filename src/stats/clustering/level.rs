//! Which vector instructions the kernels use. It changes their speed, never a byte
//! of what they give.

use std::sync::OnceLock;

use fearless_simd::Level;

use super::ClusteringError;

static FORCED: OnceLock<Level> = OnceLock::new();

/// The level in use: the one forced, else the best that the processor has.
pub(super) fn level() -> Level {
    FORCED.get().copied().unwrap_or_else(Level::new)
}

/// Names of the levels that this processor has, the best first.
#[must_use]
pub fn simd_levels() -> Vec<&'static str> {
    levels().into_iter().map(|(name, _)| name).collect()
}

/// Has k-means use a lower level than the processor has, to measure it. Holds for the
/// whole process, so only the first call counts.
///
/// # Errors
/// When the processor has no level of this name, or a level is forced already.
pub fn force_simd_level(name: &str) -> Result<(), ClusteringError> {
    let found = levels().into_iter().find(|(level, _)| *level == name);
    let none = || format!("this processor has the levels {:?}, got {name:?}", simd_levels());
    let (_, level) = found.ok_or_else(none).map_err(ClusteringError::Params)?;
    let twice = |_| ClusteringError::Params("a level is forced already".to_owned());
    FORCED.set(level).map_err(twice)
}

/// All levels of this processor, the best first.
pub(super) fn levels() -> Vec<(&'static str, Level)> {
    let best = Level::new();
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("avx512", best.as_avx512().map(Level::Avx512)),
        ("avx2", best.as_avx2().map(Level::Avx2)),
        ("sse4.2", best.as_sse4_2().map(Level::Sse4_2)),
        ("sse2", best.as_sse2().map(Level::Sse2)),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let found = [("best", Some(best))];
    found.into_iter().filter_map(|(name, level)| Some((name, level?))).collect()
}
