//! The `layers.toml` that a person edits.

use std::fmt::Write;

use crate::models::segmentation::{FittedGroups, Group, Partition};

const HEADER: &str = r##"# The layers and kinds of a model, for a person to edit. `layercake-score` and
# `layercake-compare` use this file where it stands, beside `latest`;
# `layercake-train review` checks it against the model.
#
# What a user's row in the scores says in `assigned_by` and `kind_assigned_by`, and
# what wins:
#   1. pin:ID      a [[pin]] whose rule holds; the first in this file
#   2. split:ID    a [[split]] of the group they are in, whose rule holds; the first
#   3. merge:ID    their own group, ID, was merged into another
#   4. cluster     none of these: the group that training found
#
# Below, every layer and kind as the model has it: take the # off one, and of its
# lines those that you change. What stays a comment follows the model when it is
# trained again; what does not is held against it, and an error if its group is gone.
#
# [[layer]]  name, name_zh, description   as you like; the same for a [[kind]]
#            playbook = "…"               what to do with them; for people only
#            merge_into = "L4"            its users go to L4, and so do rules of L4
#
# [[split]]                               # a group of its own, by rule
# id = "baby_under_12m"
# name = "Baby under 12 months"
# name_zh = "12月龄以下宝宝"              # optional, as description and playbook are
# from = "L3"                             # a layer or kind of the model that stands
# where = "baby_age_months < 12"
#
# [[pin]]                                 # users by rule, whatever group they are in
# id = "house_accounts"                   # optional
# layer = "L1"                            # a layer of the model or a split; or kind = "K2"
# where = "gmv > 10000 AND n_orders >= 3"
#
# A rule is a SQL condition on the features of one user;
#   layercake-train show features --bundle FOLDER
# has them all. One that is not there: add it to the config as
# [features.custom.NAME] with keep = true, and train again.
"##;

/// The file for the groups of a model: every group as it is, under a header that
/// says what may be changed. All of it is a comment, so that only what a person
/// wants is held against the next model. `playbook` has a line to start from, where there is
/// one.
pub fn review_template(
    partitions: &[&FittedGroups],
    playbook: impl Fn(Partition, &Group) -> Option<String>,
) -> String {
    let mut text = HEADER.to_owned();
    let quoted = |value: &str| toml_string(value);
    let groups =
        partitions.iter().flat_map(|it| it.groups.iter().map(|group| (it.partition, group)));
    for (partition, layer) in groups {
        let profile = &layer.profile;
        let _ = write!(
            text,
            "\n# {} users, {:.1} %, with {:.1} % of GMV\n# [[{one}]]\n# id = {}\n# name = {}\n\
             # name_zh = {}\n# description = {}\n# playbook = {}\n# merge_into = \"{letter}…\"\n",
            profile.n_users,
            profile.share * 100.0,
            profile.gmv_share * 100.0,
            quoted(&layer.id),
            quoted(&layer.name),
            quoted(&layer.name_zh),
            quoted(&layer.description),
            quoted(&playbook(partition, layer).unwrap_or_else(|| "…".into())),
            one = partition.one(),
            letter = partition.letter(),
        );
    }
    text
}

/// A basic string of TOML: names may hold values of the data.
fn toml_string(value: &str) -> String {
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(text, "\\u{:04X}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_survives_as_a_toml_string() {
        let odd = "a \"b\" \\ c\n“小程序”";
        let parsed: toml::Table = toml::from_str(&format!("x = {}", toml_string(odd))).unwrap();
        assert_eq!(parsed["x"].as_str(), Some(odd));
    }
}
