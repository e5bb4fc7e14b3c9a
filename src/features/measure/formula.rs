//! Formulas for people, filled in from a template.

/// A value of the data between quotes.
pub(super) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// The template with what `value_of` gives for the name in each pair of braces.
pub(super) fn filled_in(template: &str, value_of: impl Fn(&str) -> String) -> String {
    let mut parts = template.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        text.push_str(&value_of(name));
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_like_a_template_stay_as_they_are() {
        let text = filled_in("a = {a} and b", |_| quoted("{b} it's"));
        assert_eq!(text, "a = '{b} it''s' and b");
    }
}
