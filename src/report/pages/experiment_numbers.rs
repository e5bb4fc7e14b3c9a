//! Numbers of experiments as people read them: as many digits as their error leaves.

use crate::report::digits;

/// < .001, .012, > .99
pub(super) fn p_text(p: f64) -> String {
    match p {
        p if p < 0.0001 => "< .0001".into(),
        p if p > 0.99 => "> .99".into(),
        p if p < 0.01 => format!("{p:.4}").replacen("0.", ".", 1),
        p => format!("{p:.3}").replacen("0.", ".", 1),
    }
}

/// A number with as many digits as its error leaves it.
pub(super) fn by_error(value: f64, error: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if error <= 0.0 || !error.is_finite() {
        return format!("{value:.4}");
    }
    let n_digits = (1.0 - error.log10().floor()).clamp(0.0, 9.0) as usize;
    match n_digits {
        0 => digits::whole(value),
        n => format!("{value:.n$}"),
    }
}

pub(super) fn signed(value: f64, error: f64) -> String {
    let text = by_error(value, error);
    if value >= 0.0 && value.is_finite() { format!("+{text}") } else { text }
}
