/// The names most like `wanted`, whatever their case, the nearest first; of equals in
/// order of the alphabet.
pub fn nearest_names<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>,
) -> Vec<&'a str> {
    let mut names: Vec<(f64, &str)> =
        names.into_iter().map(|name| (similarity(wanted, name.as_ref()), name.as_ref())).collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    names.into_iter().map(|(_, name)| name).collect()
}

/// The name that was probably meant, if there is one like it.
pub fn did_you_mean<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>,
) -> Option<&'a str> {
    let nearest = nearest_names(wanted, names).into_iter().next();
    nearest.filter(|name| similarity(wanted, name) > 0.7)
}

fn similarity(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(&a.to_lowercase(), &b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_none() {
        let names = ["user", "amount", "at"];
        assert_eq!(did_you_mean("AMMOUNT", &names), Some("amount"));
        assert_eq!(did_you_mean("zzz", &names), None);
        assert_eq!(nearest_names("usr", &names)[0], "user");
    }
}
