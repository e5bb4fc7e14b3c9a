//! Names of features: values of the data as parts of them, and no two alike.

use std::collections::HashMap;

use crate::features::{Feature, FeatureError, Measure};

/// Characters of a value in a feature's name at most.
const MAX_SLUG_CHARS: usize = 48;

/// A value as part of a feature name: lower case, with letters and digits of
/// any script, all else an underscore.
pub(in crate::features) fn slug(value: &str) -> String {
    let slug: String =
        value.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    match slug.char_indices().nth(MAX_SLUG_CHARS) {
        _ if slug.is_empty() => "blank".into(),
        None => slug,
        Some((end, _)) => format!("{}_{}", &slug[..end], short_hash(value)),
    }
}

/// Six hexadecimal digits.
pub(super) fn short_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..6].to_owned()
}

/// Makes names differ that are alike by chance, such as those of an event
/// `active_days`: what names a value of the data ends in a hash of it.
///
/// # Errors
/// When a feature of the config has the name of another.
pub(super) fn with_unique_names(mut features: Vec<Feature>) -> Result<Vec<Feature>, FeatureError> {
    let before = twins(&features);
    let is_twin = |feature: &&mut Feature| before.contains_key(&feature.info.name.to_lowercase());
    for feature in features.iter_mut().filter(is_twin) {
        let values = feature.measure.values();
        if !values.is_empty() {
            let hash = short_hash(&values.join("\0"));
            feature.info.name = format!("{}_{hash}", feature.info.name);
        }
    }
    let after = twins(&features);
    let is_twin = |name: &str| {
        let name = name.to_lowercase();
        before.contains_key(&name) || after.contains_key(&name)
    };
    for feature in features.iter().filter(|feature| is_twin(&feature.info.name)) {
        if let Measure::Sql(sql) = &feature.measure {
            return Err(FeatureError::Custom {
                name: feature.info.name.clone(),
                sql: sql.clone(),
                cause: "the catalogue has a feature of this name: choose another".into(),
            });
        }
    }
    Ok(features)
}

/// Names, in lower case, that several features have.
fn twins(features: &[Feature]) -> HashMap<String, usize> {
    let mut n_of_name: HashMap<String, usize> = HashMap::new();
    for feature in features {
        *n_of_name.entry(feature.info.name.to_lowercase()).or_default() += 1;
    }
    n_of_name.retain(|_, n| *n > 1);
    n_of_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_keep_every_script() {
        assert_eq!(slug("Message Opened"), "message_opened");
        assert_eq!(slug("小程序"), "小程序");
        assert_eq!(slug(&"长".repeat(10_000)).chars().count(), MAX_SLUG_CHARS + 7);
    }
}
