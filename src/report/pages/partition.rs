//! The layers or kinds of a model as people look at them before they name them.

use std::collections::HashSet;

use super::phrases::{many, users};
use super::selection;
use crate::bundle::Bundle;
use crate::dataset::{Bilingual, FeatureInfo, Missing};
use crate::features::Feature;
use crate::models::segmentation::{Difference, Driver, FittedGroups, Group, Partition};
use crate::report::{Document, Format, Table, Value, column, digits, words};

/// Differences and drivers that are shown of each layer.
const N_DIFFERENCES: usize = 6;
const N_DRIVERS: usize = 5;

/// Every group with its profile, and how each number of groups did.
pub fn partition(bundle: &Bundle, partition: Partition) -> Document {
    let fitted = bundle.groups(partition);
    let mut page = Document::default();
    page.fact("as_of", bundle.record.dates.training[0].date());
    page.fact("horizon_days", bundle.config.snapshots.horizon_days.get());
    page.heading(as_of(bundle, partition));
    page.table(profiles(fitted).for_programs());
    let days = bundle.config.snapshots.horizon_days.get();
    for group in fitted.groups.iter().filter(|it| it.profile.n_users > 0) {
        one_group(&mut page, group, &bundle.plan.features, days);
    }
    page.table(differences_of_all(fitted).for_programs());
    page.table(drivers(fitted).for_programs());
    match partition {
        Partition::Layers => selection::of_layers(&mut page, bundle),
        Partition::Kinds => selection::of_kinds(&mut page, bundle),
    }
    page
}

/// What stands above the groups of a model.
pub(super) fn as_of(bundle: &Bundle, partition: Partition) -> Bilingual {
    let days = bundle.config.snapshots.horizon_days.get();
    let (as_of, name) = (bundle.record.dates.training[0].date(), many(partition));
    words(
        format!("{} as of {as_of}, and what their users did in the {days} days after", name.en),
        format!("{as_of} 的{}，及其后 {days} 天的表现", name.zh),
    )
}

fn one_group(page: &mut Document, group: &Group, features: &[Feature], days: u32) {
    let profile = &group.profile;
    page.heading(words(
        format!("{}  {} · {}", group.id, group.name, group.name_zh),
        format!("{}  {} · {}", group.id, group.name_zh, group.name),
    ));
    let users = users(profile.n_users);
    let [share, customers, gmv, no_order] =
        [profile.share, profile.customer_share, profile.gmv_share, profile.no_order_rate]
            .map(digits::percent);
    let each = profile.gmv_per_user;
    page.paragraph(words(
        format!(
            "{} ({share}), {customers} have ordered; {gmv} of GMV, {each:.2} a user; {no_order} \
             without an order in {days} days",
            users.en
        ),
        format!(
            "{}（{share}），{customers} 下过单；GMV 占 {gmv}，人均 {each:.2}；{no_order} 在 {days} 天内没有下单",
            users.zh
        ),
    ));
    page.paragraph(words(group.description.clone(), group.description_zh.clone()));
    page.table(differences(most_telling(&profile.differences, features)).for_people());
    let drivers: Vec<String> = profile
        .drivers
        .iter()
        .filter(|driver| driver.share > 0.0)
        .take(N_DRIVERS)
        .map(|driver| format!("{} {}", driver.feature, digits::percent(driver.share)))
        .collect();
    page.paragraph(words(
        format!("Separated by: {}", drivers.join(", ")),
        format!("区分依据：{}", drivers.join("、")),
    ));
}

/// What programs read of each group.
fn profiles(fitted: &FittedGroups) -> Table {
    let title = ("", "");
    let columns = [
        column("id", title, Format::Text, |it: &&Group| it.id.clone()),
        column("name", title, Format::Text, |it: &&Group| it.name.clone()),
        column("name_zh", title, Format::Text, |it: &&Group| it.name_zh.clone()),
        column("description", title, Format::Text, |it: &&Group| it.description.clone()),
        column("description_zh", title, Format::Text, |it: &&Group| it.description_zh.clone()),
        column("n_users", title, Format::Count, |it: &&Group| it.profile.n_users),
        column("share", title, Format::Share, |it: &&Group| it.profile.share),
        column("customer_share", title, Format::Share, |it: &&Group| it.profile.customer_share),
        column("gmv_share", title, Format::Share, |it: &&Group| it.profile.gmv_share),
        column("gmv_per_user", title, Format::Decimal(2), |it: &&Group| it.profile.gmv_per_user),
        column("no_order_rate", title, Format::Share, |it: &&Group| it.profile.no_order_rate),
        column("churn_rate", title, Format::Share, |it: &&Group| it.profile.churn_rate),
    ];
    Table::new(fitted.partition.many(), &fitted.groups, &columns)
}

fn differences<'a>(rows: Vec<(&'a Difference, Option<&'a FeatureInfo>)>) -> Table {
    type Row<'a> = (&'a Difference, Option<&'a FeatureInfo>);
    let columns = [
        column("feature", ("Differs most in", "最大差异"), Format::Text, |it: &Row<'_>| {
            let (name, meaning) = (&it.0.feature, it.1.map(|info| &info.meaning));
            let meaning = meaning.cloned().unwrap_or_default();
            words(format!("{name}: {}", meaning.en), format!("{name}：{}", meaning.zh))
        }),
        column("median", ("Median", "中位数"), Format::Short, |it: &Row<'_>| {
            median(it.0.median, it.1)
        }),
        column("median_of_all", ("All", "全体"), Format::Short, |it: &Row<'_>| {
            median(it.0.median_of_all, it.1)
        }),
        column("effect", ("Effect", "效应"), Format::Signed(2), |it: &Row<'_>| it.0.effect),
    ];
    Table::new("differences", rows, &columns)
}

/// A median as people read it: what stands for "never" is no number of days.
fn median(value: f64, info: Option<&FeatureInfo>) -> Value {
    match info.map(|info| info.when_missing) {
        Some(Missing::Never(days)) if value >= days => Value::code("never", "never", "从未"),
        _ => value.into(),
    }
}

fn differences_of_all(fitted: &FittedGroups) -> Table {
    type Row<'a> = (&'a str, &'a Difference);
    let rows = fitted
        .groups
        .iter()
        .flat_map(|group| group.profile.differences.iter().map(|it| (group.id.as_str(), it)));
    let columns = [
        column(fitted.partition.one(), ("", ""), Format::Text, |it: &Row<'_>| it.0),
        column("feature", ("", ""), Format::Text, |it: &Row<'_>| it.1.feature.clone()),
        column("median", ("", ""), Format::Short, |it: &Row<'_>| it.1.median),
        column("median_of_all", ("", ""), Format::Short, |it: &Row<'_>| it.1.median_of_all),
        column("effect", ("", ""), Format::Signed(2), |it: &Row<'_>| it.1.effect),
    ];
    Table::new("differences", rows, &columns)
}

fn drivers(fitted: &FittedGroups) -> Table {
    type Row<'a> = (&'a str, &'a Driver);
    let rows = fitted
        .groups
        .iter()
        .flat_map(|group| group.profile.drivers.iter().map(|it| (group.id.as_str(), it)));
    let columns = [
        column(fitted.partition.one(), ("", ""), Format::Text, |it: &Row<'_>| it.0),
        column("feature", ("", ""), Format::Text, |it: &Row<'_>| it.1.feature.clone()),
        column("share", ("", ""), Format::Share, |it: &Row<'_>| it.1.share),
    ];
    Table::new("drivers", rows, &columns)
}

/// The largest differences, one of the features that differ by their window alone.
fn most_telling<'a>(
    differences: &'a [Difference],
    features: &'a [Feature],
) -> Vec<(&'a Difference, Option<&'a FeatureInfo>)> {
    let mut seen = HashSet::new();
    let mut is_first = |info: Option<&FeatureInfo>| {
        info.is_none_or(|info| {
            let FeatureInfo { family, event, per_event, channel, category, .. } = info.clone();
            seen.insert((family, event, per_event, channel, category))
        })
    };
    differences
        .iter()
        .map(|it| {
            let feature = features.iter().find(|feature| feature.info.name == it.feature);
            (it, feature.map(|feature| &feature.info))
        })
        .filter(|(_, info)| is_first(*info))
        .take(N_DIFFERENCES)
        .collect()
}
