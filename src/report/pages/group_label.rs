//! What tables call a group.

use super::groups::name;
use crate::app::Grouping;
use crate::dataset::Bilingual;
use crate::models::rules::GroupName;
use crate::report::words;

/// A group as a table names it.
#[derive(Clone)]
pub(super) struct GroupLabel {
    /// The id of a layer or kind, the number of another group.
    pub label: String,
    /// Without its id.
    pub rest: Bilingual,
    /// The whole name.
    pub name: Bilingual,
    /// Where a short name is wanted: the id of a layer or kind, and the tier of a kind; the
    /// name of another group.
    pub short: Bilingual,
}

/// The group at a place; without one, users who are not yet seen.
pub(super) fn label_of(grouping: Grouping, group: Option<&GroupName>, place: usize) -> GroupLabel {
    let Some(group) = group else {
        let name = words("not yet seen", "尚未出现");
        return GroupLabel {
            label: name.en.clone(),
            rest: name.clone(),
            name: name.clone(),
            short: name,
        };
    };
    let name = name(group);
    let without_id = |text: &str| text.split_once(' ').map_or("", |(_, rest)| rest).to_owned();
    let number = (place + 1).to_string();
    let (id, _) = name.en.split_once(' ').unwrap_or((&name.en, ""));
    match grouping {
        Grouping::Groups(_) => GroupLabel {
            label: id.to_owned(),
            rest: words(without_id(&name.en), without_id(&name.zh)),
            short: Bilingual::same(id),
            name,
        },
        Grouping::KindTiers => {
            let tier = |text: &str, comma| text.rsplit(comma).next().unwrap_or("").to_owned();
            let (en, zh) = (tier(&name.en, ", "), tier(&name.zh, "，"));
            let short = words(format!("{id}, {en}"), format!("{id}，{zh}"));
            GroupLabel { label: number, rest: name.clone(), short, name }
        }
        Grouping::Rule(_) => {
            GroupLabel { label: number, rest: name.clone(), short: name.clone(), name }
        }
    }
}
