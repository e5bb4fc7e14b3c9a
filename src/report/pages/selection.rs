//! How the number of groups was chosen, and how much of how users shop goes into layers.

use super::habits::habits;
use crate::bundle::Bundle;
use crate::dataset::Bilingual;
use crate::models::segmentation::{Candidate, FittedGroups, GroupCount, KVerdict, Trial};
use crate::report::{Column, Document, Format, Table, Value, column, digits, words};

/// Every number of layers that training tried, and every weight of habits.
pub(super) fn of_layers(page: &mut Document, bundle: &Bundle) {
    page.heading(words("Numbers of layers tried", "试过的分层数"));
    let columns = [
        column("k", ("Layers", "分层数"), Format::Count, |it: &&Candidate| it.k),
        column(
            "outcome_r2",
            ("Outcome R²", "结果 R²"),
            Format::Decimal(3),
            |it: &&Candidate| it.outcome_r2,
        ),
        silhouette(),
        stability(),
        smallest(),
        verdict(),
    ];
    page.table(Table::new("candidates", &bundle.layers.candidates, &columns));
    page.paragraph(words(
        "Outcome R²: share of the variance in users' later behaviour that the layers predict. \
         Stability: adjusted Rand index between clusters of resampled users in the same embedding. \
         Smallest: share of users in the smallest layer. All are measured on users or dates that \
         the candidate was not fitted to.",
        "结果 R²：分层所预测的用户之后行为的方差占比。稳定性：同一嵌入中重抽样用户的聚类之间的调整兰德\
         指数。最小：最小分层的用户占比。均在候选方案未拟合过的用户或时间上计算。",
    ));
    trade_off(page, bundle);
}

/// Every number of kinds that training tried, and what kinds are made of.
pub(super) fn of_kinds(page: &mut Document, bundle: &Bundle) {
    page.heading(words("Numbers of kinds tried", "试过的类型数"));
    if let Some(reason) = one_kind(&bundle.kinds) {
        page.paragraph(reason);
    }
    let columns = [
        column("k", ("Kinds", "类型数"), Format::Count, |it: &&Candidate| it.k),
        column("separation", ("Separation", "分离度"), Format::Decimal(3), |it: &&Candidate| {
            it.separation.map(|gap| gap.mean)
        }),
        column("separation_error", ("±", "±"), Format::Decimal(3), |it: &&Candidate| {
            it.separation.map(|gap| gap.error)
        }),
        stability(),
        column(
            "prediction_strength",
            ("Strength", "预测强度"),
            Format::Decimal(2),
            |it: &&Candidate| it.prediction_strength,
        ),
        column(
            "mixture_stability",
            ("Of mixture", "混合模型"),
            Format::Decimal(2),
            |it: &&Candidate| it.mixture_stability,
        )
        .for_programs(),
        silhouette().for_programs(),
        smallest(),
        verdict(),
    ];
    page.table(Table::new("candidates", &bundle.kinds.candidates, &columns));
    page.paragraph(words(
        "Separation (gap statistic, with its standard error): how much tighter users are around \
         their kinds than one cloud of users without kinds would be, cut into as many. Stability: \
         adjusted Rand index between kinds found in two halves of the users. Strength: of \
         the pairs of users of one kind, the share whom kinds of the other half put together as \
         well, in the kind where it is least.",
        "分离度（gap 统计量及其标准误）：与没有类型的一团用户切成同样多块相比，用户围绕所属类型紧密多少。\
         稳定性：用户分为两半时所得类型之间的调整兰德指数。预测强度：同一类型的用户对中，由另一半用户得出的\
         类型也归在一起的比例，取最低的类型。",
    ));
    page.paragraph(why_so_many(bundle));
    if let Some(algorithm) = algorithm(&bundle.kinds) {
        page.paragraph(algorithm);
    }
    habits(page, bundle);
}

/// By which rule the number of kinds was taken.
fn why_so_many(bundle: &Bundle) -> Bilingual {
    let mut en = String::from(
        "Taken is the first number that is above 0, stable and large enough, and after which one \
         kind more separates users no better than a cut through a cloud; where there is none, the \
         largest that is above 0, stable and large enough.",
    );
    let mut zh = String::from(
        "采用大于 0、稳定且足够大，并且再多一种也不比切开一团更好的首个数；若没有，则取大于 0、稳定且足够大的最大数。",
    );
    match bundle.config.kinds.k {
        GroupCount::Auto => {}
        GroupCount::Exactly(_) => {
            return words("The number is that of the config.", "类型数由配置指定。");
        }
        GroupCount::Between(_) => {
            en += " Of the numbers that the config allows there is always one: else the one \
                   furthest above 0.";
            zh += "配置给出范围时总会采用一个：若都不满足，则取分离度最大的。";
        }
    }
    let last = bundle.kinds.candidates.last();
    if let Some(last) = last.filter(|it| it.verdict == KVerdict::Taken) {
        en += &format!(" More than {} were not tried; there may be more.", last.k);
        zh += &format!("未尝试多于 {} 种，也许还有更多。", last.k);
    }
    words(en, zh)
}

/// Why there is but one kind; `None` where there are more.
pub(super) fn one_kind(kinds: &FittedGroups) -> Option<Bilingual> {
    if kinds.groups.iter().filter(|it| it.cluster.is_some()).count() > 1 {
        return None;
    }
    let is_any = |verdict| kinds.candidates.iter().any(|it| it.verdict == verdict);
    let (en, zh) = if kinds.embedding.habits.n_coordinates() == 0 {
        (
            "nothing in the data says how users shop differently",
            "数据中没有体现用户购物方式差异的内容",
        )
    } else if is_any(KVerdict::NotSeparated) {
        (
            "users differ in how they shop by no more than one cloud of them would",
            "用户购物方式的差异不超过单独一团用户",
        )
    } else if is_any(KVerdict::Unstable) {
        ("other users do not have the same kinds", "换一批用户得不到相同的类型")
    } else {
        ("more kinds would be too small, or users too few", "更多类型会过小，或用户太少")
    };
    Some(words(format!("One kind only: {en}."), format!("只有一种类型：{zh}。")))
}

/// How the kinds were found; `None` where no other way was tried.
fn algorithm(kinds: &FittedGroups) -> Option<Bilingual> {
    let taken = kinds.candidates.iter().find(|it| it.verdict == KVerdict::Taken)?;
    let (k_means, mixture) = (taken.stability, taken.mixture_stability?);
    Some(match kinds.are_of_mixture() {
        false => words(
            format!(
                "Found by k-means: two halves of the users agree on its kinds by {k_means:.2}, on \
                 those of a Gaussian mixture by {mixture:.2}."
            ),
            format!(
                "由 k-means 得出：两半用户对其类型的一致度为 {k_means:.2}，高斯混合模型为 {mixture:.2}。"
            ),
        ),
        true => words(
            format!(
                "Found as a Gaussian mixture: two halves of the users agree on its kinds by \
                 {mixture:.2}, on those of k-means by {k_means:.2}."
            ),
            format!(
                "由高斯混合模型得出：两半用户对其类型的一致度为 {mixture:.2}，k-means 为 {k_means:.2}。"
            ),
        ),
    })
}

/// How layers did with each weight of how users shop.
fn trade_off(page: &mut Document, bundle: &Bundle) {
    let found = &bundle.layers.trade_off;
    if found.trials.is_empty() {
        return;
    }
    page.heading(words("Layers with more and more of how users shop", "逐步加入购物方式的分层"));
    let columns = [
        column("weight", ("Weight", "权重"), Format::Decimal(2), |it: &&Trial| it.weight),
        column("outcome_r2", ("Outcome R²", "结果 R²"), Format::Decimal(3), |it: &&Trial| {
            it.outcome_r2
        }),
        column("value_r2", ("Value R²", "价值 R²"), Format::Decimal(3), |it: &&Trial| {
            it.value_r2
        }),
        column("cost", ("Cost", "代价"), Format::Share, |it: &&Trial| it.cost),
        column("habits_r2", ("Habits", "购物方式"), Format::Share, |it: &&Trial| it.habits_r2),
        column("is_taken", ("Taken", "采用"), Format::Text, |it: &&Trial| {
            Value::from(it.weight == found.taken)
        })
        .for_programs(),
        column("taken", ("", ""), Format::Text, |it: &&Trial| match it.weight == found.taken {
            true => words("taken", "采用"),
            false => words("", ""),
        })
        .for_people(),
    ];
    page.table(Table::new("trade_off", &found.trials, &columns));
    page.fact("rfm_r2", found.rfm_r2);
    let allowed = digits::percent(bundle.config.segmentation.habits_cost.get());
    let rfm = found.rfm_r2.map_or("–".into(), |r2| format!("{r2:.3}"));
    page.paragraph(words(
        format!(
            "Cost: what layers lose of what they predict from outcomes alone, of all outcomes or \
             of value, whichever is more. The largest weight that costs at most {allowed} is \
             taken, as long as the value R² is not below that of RFM's cells, {rfm}. Habits: \
             share of the differences in how users shop that the layers explain. All are measured \
             on users or dates that the layers were not fitted to."
        ),
        format!(
            "代价：与只按结果的分层相比，预测力损失的比例，取全部结果与价值中较大者；权重加大时看似的提高属偶然，已平均掉。采用代价不超过 \
             {allowed} 且价值 R² 不低于 RFM 格（{rfm}）的最大权重。购物方式：分层所解释的购物方式差异的占比。\
             均在分层未拟合过的用户或时间上计算。"
        ),
    ));
    let largest = found.largest_allowed(bundle.config.segmentation.habits_cost.get());
    if largest > found.taken {
        page.paragraph(words(
            format!(
                "Fitted to all rows, layers with weight {largest} lost much of what they predict; \
                 the largest below it that does not is taken."
            ),
            format!(
                "在全部数据上拟合时，权重 {largest} 的分层预测力大减；采用其下不至如此的最大权重。"
            ),
        ));
    }
}

/// How much of how users shop the layers carry, in a sentence.
pub(super) fn habits_of_layers(bundle: &Bundle) -> Option<Bilingual> {
    let found = &bundle.layers.trade_off;
    let taken = found.trials.iter().find(|it| it.weight == found.taken)?;
    if found.taken == 0.0 {
        return Some(words(
            "how users shop has no part in the layers: it would cost too much of what outcomes \
             predict, or layers would fall below RFM's cells",
            "分层未计入购物方式：代价会超过上限，或使分层不及 RFM 格",
        ));
    }
    let (weight, allowed) = (taken.weight, bundle.config.segmentation.habits_cost.get());
    let [cost, allowed, explained] = [taken.cost, allowed, taken.habits_r2].map(digits::percent);
    Some(words(
        format!(
            "how users shop counts in layers with weight {weight}: it costs {cost} of what \
             outcomes alone predict ({allowed} allowed); layers explain {explained} of it"
        ),
        format!(
            "购物方式在分层中的权重为 {weight}：代价为只按结果时预测力的 {cost}（上限 {allowed}）；\
             分层解释其差异的 {explained}"
        ),
    ))
}

type CandidateColumn<'a> = Column<'static, &'a Candidate>;

fn silhouette<'a>() -> CandidateColumn<'a> {
    let title = ("Silhouette", "轮廓系数");
    column("silhouette", title, Format::Decimal(3), |it: &&Candidate| it.silhouette)
}

fn stability<'a>() -> CandidateColumn<'a> {
    column("stability", ("Stability", "稳定性"), Format::Decimal(3), |it: &&Candidate| {
        it.stability
    })
}

fn smallest<'a>() -> CandidateColumn<'a> {
    let title = ("Smallest", "最小");
    column("smallest_share", title, Format::Share, |it: &&Candidate| it.smallest_share)
}

fn verdict<'a>() -> CandidateColumn<'a> {
    column("verdict", ("Verdict", "结论"), Format::Text, |it: &&Candidate| match it.verdict {
        KVerdict::Taken => Value::code("taken", "taken", "采用"),
        KVerdict::SmallGroup => Value::code("small_group", "a group is too small", "有一组太小"),
        KVerdict::Unstable => Value::code("unstable", "refits disagree", "重拟合不一致"),
        KVerdict::LowerOutcomeR2 => Value::code("lower_outcome_r2", "predicts less", "预测力较低"),
        KVerdict::LowerSilhouette => {
            Value::code("lower_silhouette", "clusters less apart", "区分度较低")
        }
        KVerdict::NoTighter => Value::code("no_tighter", "cuts a kind", "把类型切开"),
        KVerdict::NotSeparated => {
            Value::code("not_separated", "one cloud in pieces", "只是一团的切块")
        }
        KVerdict::MoreAreFound => Value::code("more_are_found", "more are apart", "还能分开更多"),
    })
}
