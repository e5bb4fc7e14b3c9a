//! A plan that cannot be changed in silence.

use serde::{Deserialize, Serialize};

use super::plan::ExperimentPlan;
use crate::settings::Share;

/// Format of the files.
const FORMAT: u32 = 1;

/// A plan as it was when it was sealed, with the hash of its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    format: u32,
    /// BLAKE3 of the plan as TOML with all settings but the coverage, in hexadecimal.
    pub hash: String,
    /// The plan.
    pub plan: ExperimentPlan,
}

/// Why a seal is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Written by another version.
    #[error("this seal has format {found}, and this program reads {FORMAT}")]
    Format {
        /// What it has.
        found: u32,
    },
    /// Changed after it was written.
    #[error("this seal was changed: its plan does not have the hash that stands beside it")]
    Changed,
}

/// A setting that is no longer what was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// The key, dotted; arms and metrics by their name.
    pub key: String,
    /// What was sealed; `None` where the key is new.
    pub sealed: Option<String>,
    /// What stands there now; `None` where it is gone.
    pub now: Option<String>,
}

impl Sealed {
    /// Seals a plan.
    pub fn new(plan: &ExperimentPlan) -> Self {
        Self { format: FORMAT, hash: hash_of(plan), plan: plan.clone() }
    }

    /// The first letters of the hash, by which files name the plan.
    pub fn short_hash(&self) -> &str {
        &self.hash[..16]
    }

    /// Takes a larger coverage: nobody who has an arm loses it by that.
    pub fn raise_coverage(&mut self, coverage: Share) {
        if coverage > self.plan.coverage {
            self.plan.coverage = coverage;
        }
    }

    /// As a file.
    pub fn to_toml(&self) -> String {
        let content = toml::to_string(self).expect("settings are plain values");
        format!("# The plan as it was sealed. Do not edit: a changed seal is refused.\n{content}")
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// When another version wrote it, or somebody changed it.
    pub fn check(&self) -> Result<(), SealError> {
        if self.format != FORMAT {
            return Err(SealError::Format { found: self.format });
        }
        match hash_of(&self.plan) == self.hash {
            true => Ok(()),
            false => Err(SealError::Changed),
        }
    }
}

fn hash_of(plan: &ExperimentPlan) -> String {
    let plan = ExperimentPlan { coverage: Share::of(1.0), ..plan.clone() };
    let text = toml::to_string(&plan).expect("settings are plain values");
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What differs between a sealed plan and one of now, in order of keys. A coverage that rose
/// is no deviation.
pub fn deviations(sealed: &ExperimentPlan, now: &ExperimentPlan) -> Vec<Deviation> {
    let coverage = sealed.coverage.get().max(now.coverage.get());
    let sealed = &ExperimentPlan {
        coverage: if now.coverage.get() < coverage { sealed.coverage } else { now.coverage },
        ..sealed.clone()
    };
    let keys = |plan: &ExperimentPlan| {
        let table = toml::Value::try_from(plan).expect("settings are plain values");
        let mut keys = std::collections::BTreeMap::new();
        add_keys(&table, String::new(), &mut keys);
        keys
    };
    let (mut before, mut after) = (keys(sealed), keys(now));
    let mut all: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    all.sort();
    all.dedup();
    let deviation = |key: String| {
        let (sealed, now) = (before.remove(&key), after.remove(&key));
        (sealed != now).then_some(Deviation { key, sealed, now })
    };
    all.into_iter().filter_map(deviation).collect()
}

fn add_keys(
    value: &toml::Value,
    key: String,
    keys: &mut std::collections::BTreeMap<String, String>,
) {
    let under = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        toml::Value::Table(table) => {
            table.iter().for_each(|(name, inner)| add_keys(inner, under(name), keys));
        }
        toml::Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(toml::Value::as_str);
                let name = name.map_or_else(|| (number + 1).to_string(), str::to_owned);
                add_keys(item, under(&name), keys);
            }
            // The first arm is the control: order matters.
            let names = items.iter().filter_map(|item| item.get("name")?.as_str());
            keys.insert(under("order"), names.collect::<Vec<_>>().join(", "));
        }
        other => {
            keys.insert(key, other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::plan::tests::plan_of;
    use crate::settings::Days;

    #[test]
    fn a_seal_outlives_writing_and_tells_what_changed() {
        let plan = plan_of("", &[0.5, 0.5]);
        let sealed = Sealed::new(&plan);
        let read: Sealed = toml::from_str(&sealed.to_toml()).unwrap();
        assert_eq!((read.check(), &read), (Ok(()), &sealed));
        assert_eq!(deviations(&sealed.plan, &plan), []);
        let mut changed = plan.clone();
        changed.metrics[0].window_days = Some(Days::of(28));
        changed.arms.swap(0, 1);
        let found = deviations(&plan, &changed);
        let keys: Vec<&str> = found.iter().map(|it| it.key.as_str()).collect();
        assert_eq!(keys, ["arm.order", "metric.gmv.window_days"]);
        assert_eq!((found[1].sealed.as_deref(), found[1].now.as_deref()), (Some("14"), Some("28")));
    }

    #[test]
    fn a_seal_that_somebody_edited_is_refused() {
        let sealed = Sealed::new(&plan_of("", &[0.5, 0.5]));
        let edited = sealed.to_toml().replace("window_days = 14", "window_days = 7");
        let read: Sealed = toml::from_str(&edited).unwrap();
        assert_eq!(read.check(), Err(SealError::Changed));
        let other = sealed.to_toml().replace("format = 1", "format = 9");
        let read: Sealed = toml::from_str(&other).unwrap();
        assert_eq!(read.check(), Err(SealError::Format { found: 9 }));
    }
}
