//! A trained model: its features, its layers, how its churn model does.

use std::ops::RangeInclusive;

use super::churn;
use super::features::dropped;
use super::files::saved;
use super::input::{input, memory};
use super::lineage::entry;
use super::partition::as_of;
use super::phrases::{layer_name, users};
use super::selection::{habits_of_layers, one_kind};
use super::value;
use crate::app::Trained;
use crate::bundle::Bundle;
use crate::dataset::Bilingual;
use crate::features::Pruning;
use crate::models::segmentation::{
    Candidate, FittedGroups, Group, GroupCount, KVerdict, KindParams, Partition,
};
use crate::report::{Document, Format, Table, column, words};

/// A trained model.
pub fn trained(trained: &Trained) -> Document {
    let bundle = &trained.bundle;
    let mut page = Document::default();
    page.section("input", None, input(&bundle.record.input, trained.quarantine.as_deref()));
    features(&mut page, bundle);
    page.heading(as_of(bundle, Partition::Layers));
    page.table(groups(&bundle.layers, ("Layer", "分层")));
    chosen_k(&mut page, bundle);
    page.table(groups(&bundle.kinds, ("Kind", "类型")));
    number_of_kinds(&mut page, bundle);
    page.append(entry(&trained.lineage));
    page.append(churn::summary(bundle));
    page.append(value::summary(bundle));
    saved(&mut page, &trained.folder);
    page.section("memory", None, memory(&trained.memory));
    page
}

fn horizon_days(bundle: &Bundle) -> u32 {
    bundle.config.snapshots.horizon_days.get()
}

/// How the features were chosen, and the dates of the snapshots.
fn features(page: &mut Document, bundle: &Bundle) {
    let (pruning, dates) = (&bundle.pruning, &bundle.record.dates);
    let (n_kept, n_all) = (pruning.kept().len(), pruning.candidates.len());
    page.fact("n_features", n_kept);
    page.fact("n_candidate_features", n_all);
    page.heading(words(
        format!("{n_kept} of {n_all} features kept"),
        format!("{n_all} 个特征中保留 {n_kept} 个"),
    ));
    if let Some(reasons) = dropped(pruning) {
        page.paragraph(words(format!("dropped: {}", reasons.en), format!("丢弃：{}", reasons.zh)));
    }
    let days = horizon_days(bundle);
    let (first, last) = (dates.training.last().unwrap_or(&dates.holdout), &dates.training[0]);
    let (first, last, holdout) = (first.date(), last.date(), dates.holdout.date());
    let (n, many) = (dates.training.len(), if dates.training.len() == 1 { "" } else { "s" });
    page.fact("n_training_snapshots", n);
    page.fact("holdout", holdout);
    page.fact("horizon_days", days);
    page.paragraph(words(
        format!(
            "{n} training snapshot{many}, {first} to {last}; holdout: the {days} days from {holdout}"
        ),
        format!("{n} 个训练快照，{first} 至 {last}；留出期：自 {holdout} 起 {days} 天"),
    ));
    leak_alarms(page, pruning);
}

/// Features that know too much.
fn leak_alarms(page: &mut Document, pruning: &Pruning) {
    const N_NAMED: usize = 3;
    let mut alarms = pruning.leak_alarms();
    alarms.sort_by(|a, b| b.1.total_cmp(&a.1));
    if alarms.is_empty() {
        return;
    }
    let strongest = alarms.iter().take(N_NAMED);
    let strongest: Vec<String> = strongest.map(|(name, auc)| format!("{name} {auc:.3}")).collect();
    let strongest = strongest.join(", ");
    let (more_en, more_zh) = match alarms.len().saturating_sub(N_NAMED) {
        0 => (String::new(), String::new()),
        n => (format!(" and {n} more"), format!(" 以及另外 {n} 个特征")),
    };
    page.warning(words(
        format!(
            "{strongest}{more_en}: each alone predicts churn with an AUC above 0.90; does one of \
             them know the outcome? Look at its source column"
        ),
        format!(
            "{strongest}{more_zh}，单独预测流失的 AUC 就超过 0.90；其中是否有特征已经知道结果？请检查其来源列"
        ),
    ));
}

fn groups(fitted: &FittedGroups, title: (&str, &str)) -> Table {
    let seen = fitted.groups.iter().filter(|it| it.profile.n_users > 0);
    let columns = [
        column("id", ("", ""), Format::Text, |it: &&Group| it.id.clone()),
        column("name", title, Format::Text, |it: &&Group| layer_name(&it.name, &it.name_zh)),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&Group| it.profile.n_users),
        column("share", ("Share", "占比"), Format::Share, |it: &&Group| it.profile.share),
        column("gmv_share", ("GMV", "GMV"), Format::Share, |it: &&Group| it.profile.gmv_share),
        column("no_order_rate", ("No order", "未下单"), Format::Share, |it: &&Group| {
            it.profile.no_order_rate
        }),
        column("churn_rate", ("Churn", "流失率"), Format::Share, |it: &&Group| {
            it.profile.churn_rate
        }),
    ];
    Table::new(fitted.partition.many(), seen, &columns)
}

/// How many layers there are and why; what speaks against it.
fn chosen_k(page: &mut Document, bundle: &Bundle) {
    let params = &bundle.config.segmentation;
    let taken = bundle.layers.candidates.iter().find(|c| c.verdict == KVerdict::Taken);
    let Some(taken) = taken else { return };
    let why = why(params.k, params.bounds());
    let (n, index) = (bundle.layers.groups.len(), taken.stability);
    page.fact("stability", index);
    page.paragraph(words(
        format!(
            "{n} layers, {}; adjusted Rand index {index:.2} between clusters of resampled \
             users in the same embedding",
            why.en
        ),
        format!(
            "{n} 个分层，{}；同一嵌入中重抽样用户的聚类之间的调整兰德指数为 {index:.2}",
            why.zh
        ),
    ));
    if let Some(habits) = habits_of_layers(bundle) {
        page.paragraph(habits);
    }
    weak_layers(page, bundle, taken);
}

/// How many kinds there are and why.
fn number_of_kinds(page: &mut Document, bundle: &Bundle) {
    let n = bundle.kinds.groups.iter().filter(|it| it.cluster.is_some()).count();
    page.fact("n_kinds", n);
    let k = bundle.config.kinds.k;
    // Where the config leaves it open, one kind may be all there is.
    let why = why(k, k.bounds(1..=*KindParams::AUTO.end()));
    page.paragraph(one_kind(&bundle.kinds).unwrap_or_else(|| {
        words(
            format!("{n} kinds, {}: how users shop, whatever the volume", why.en),
            format!("{n} 种类型，{}：用户如何购物，与多少无关", why.zh),
        )
    }));
}

/// Why there are so many groups.
fn why(k: GroupCount, bounds: RangeInclusive<usize>) -> Bilingual {
    let (least, most) = (bounds.start(), bounds.end());
    match k {
        GroupCount::Exactly(_) => words("as the config asks", "按配置"),
        _ => {
            words(format!("chosen from {least} to {most}"), format!("从 {least} 至 {most} 中选出"))
        }
    }
}

fn weak_layers(page: &mut Document, bundle: &Bundle, taken: &Candidate) {
    if !taken.is_stable() {
        page.warning(words(
            "with other users of the same kind, many would be in another layer; fewer layers or \
             more users are more stable, and `layercake-compare stability` says more",
            "换一批同类用户，许多人会落入别的分层；更少的分层或更多的用户更稳定，详见 \
             `layercake-compare stability`",
        ));
    }
    if !taken.predicts() {
        page.warning(words(
            "the layers say next to nothing about what users did afterwards; is there enough \
             history, and do the [[source]] columns describe behaviour?",
            "分层几乎说明不了用户之后的行为；历史是否足够长，[[source]] 的列是否描述了行为？",
        ));
    }
    let layers = &bundle.layers.groups;
    if layers.len() < taken.k {
        let k = taken.k;
        page.warning(words(
            format!("of {k} layers, only these have users in the latest training snapshot"),
            format!("{k} 个分层中，只有这些在最近的训练快照里有用户"),
        ));
    }
    let min_share = bundle.config.segmentation.min_share.get();
    let smallest = layers.iter().map(|layer| &layer.profile).min_by_key(|it| it.n_users);
    if let Some(profile) = smallest.filter(|profile| profile.share < min_share) {
        let users = users(profile.n_users);
        page.warning(words(
            format!(
                "the smallest layer has {}, a smaller share than [segmentation] min_share = \
                 {min_share}; fewer layers or more users would help",
                users.en
            ),
            format!(
                "最小的分层只有 {}，占比低于 [segmentation] min_share = {min_share}；减少分层或增加用户会有帮助",
                users.zh
            ),
        ));
    }
}
