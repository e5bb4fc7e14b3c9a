//! The layers of a model as people look at them before they name them.

use std::collections::HashSet;

use super::phrases::users;
use crate::bundle::Bundle;
use crate::dataset::{FeatureInfo, Missing};
use crate::features::Feature;
use crate::models::segmentation::{Candidate, Difference, Driver, Group, KVerdict};
use crate::report::{Document, Format, Table, Value, column, digits, words};

/// Differences and drivers that are shown of each layer.
const N_DIFFERENCES: usize = 6;
const N_DRIVERS: usize = 5;

/// Every layer with its profile, and how each number of layers did.
pub fn layers(bundle: &Bundle) -> Document {
    let mut page = Document::default();
    let days = bundle.config.snapshots.horizon_days.get();
    let as_of = bundle.record.dates.training[0].date();
    page.fact("as_of", as_of);
    page.fact("horizon_days", days);
    page.heading(words(
        format!("Layers as of {as_of}, and what their users did in the {days} days after"),
        format!("{as_of} 的分层，及其后 {days} 天的表现"),
    ));
    page.table(profiles(&bundle.layers.groups).for_programs());
    for layer in &bundle.layers.groups {
        one_layer(&mut page, layer, &bundle.plan.features, days);
    }
    page.table(differences_of_all(&bundle.layers.groups).for_programs());
    page.table(drivers(&bundle.layers.groups).for_programs());
    page.heading(words("Numbers of layers tried", "试过的分层数"));
    page.table(candidates(&bundle.layers.candidates));
    page.paragraph(words(
        "Outcome R²: share of the variance in users' later behaviour that the layers predict. \
         Stability: adjusted Rand index between clusters of resampled users in the same embedding. \
         Smallest: share of users in the smallest layer. All are measured on users or dates that \
         the candidate was not fitted to.",
        "结果 R²：分层所预测的用户之后行为的方差占比。稳定性：同一嵌入中重抽样用户的聚类之间的调整兰德\
         指数。最小：最小分层的用户占比。均在候选方案未拟合过的用户或时间上计算。",
    ));
    page
}

fn one_layer(page: &mut Document, layer: &Group, features: &[Feature], days: u32) {
    let profile = &layer.profile;
    page.heading(words(
        format!("{}  {} · {}", layer.id, layer.name, layer.name_zh),
        format!("{}  {} · {}", layer.id, layer.name_zh, layer.name),
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
    page.paragraph(words(layer.description.clone(), layer.description_zh.clone()));
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

/// What programs read of each layer.
fn profiles(layers: &[Group]) -> Table {
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
    Table::new("layers", layers, &columns)
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

fn differences_of_all(layers: &[Group]) -> Table {
    type Row<'a> = (&'a str, &'a Difference);
    let rows = layers
        .iter()
        .flat_map(|layer| layer.profile.differences.iter().map(|it| (layer.id.as_str(), it)));
    let columns = [
        column("layer", ("", ""), Format::Text, |it: &Row<'_>| it.0),
        column("feature", ("", ""), Format::Text, |it: &Row<'_>| it.1.feature.clone()),
        column("median", ("", ""), Format::Short, |it: &Row<'_>| it.1.median),
        column("median_of_all", ("", ""), Format::Short, |it: &Row<'_>| it.1.median_of_all),
        column("effect", ("", ""), Format::Signed(2), |it: &Row<'_>| it.1.effect),
    ];
    Table::new("differences", rows, &columns)
}

fn drivers(layers: &[Group]) -> Table {
    type Row<'a> = (&'a str, &'a Driver);
    let rows = layers
        .iter()
        .flat_map(|layer| layer.profile.drivers.iter().map(|it| (layer.id.as_str(), it)));
    let columns = [
        column("layer", ("", ""), Format::Text, |it: &Row<'_>| it.0),
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

/// Every number of layers that training tried.
fn candidates(candidates: &[Candidate]) -> Table {
    let columns = [
        column("k", ("Layers", "分层数"), Format::Count, |it: &&Candidate| it.k),
        column(
            "outcome_r2",
            ("Outcome R²", "结果 R²"),
            Format::Decimal(3),
            |it: &&Candidate| it.outcome_r2,
        ),
        column(
            "silhouette",
            ("Silhouette", "轮廓系数"),
            Format::Decimal(3),
            |it: &&Candidate| it.silhouette,
        ),
        column("stability", ("Stability", "稳定性"), Format::Decimal(3), |it: &&Candidate| {
            it.stability
        }),
        column("smallest_share", ("Smallest", "最小"), Format::Share, |it: &&Candidate| {
            it.smallest_share
        }),
        column("verdict", ("Verdict", "结论"), Format::Text, |it: &&Candidate| {
            verdict(it.verdict)
        }),
    ];
    Table::new("candidates", candidates, &columns)
}

fn verdict(verdict: KVerdict) -> Value {
    match verdict {
        KVerdict::Taken => Value::code("taken", "taken", "采用"),
        KVerdict::SmallGroup => Value::code("small_layer", "a layer is too small", "有分层太小"),
        KVerdict::Unstable => Value::code("unstable", "refits disagree", "重拟合不一致"),
        KVerdict::LowerOutcomeR2 => Value::code("lower_outcome_r2", "predicts less", "预测力较低"),
        KVerdict::NoTighter => Value::code("no_tighter", "no tighter", "并不更紧密"),
        KVerdict::NotSeparated => {
            Value::code("not_separated", "one cloud in pieces", "只是一团的切块")
        }
        KVerdict::MoreAreFound => {
            Value::code("more_are_found", "one more is tighter", "再多一个更紧密")
        }
        KVerdict::LowerSilhouette => {
            Value::code("lower_silhouette", "clusters less apart", "分层区分度较低")
        }
    }
}
