//! Back-tests, and how well layers agree with refits and reference groups.

use super::phrases::{many, thousands, users};
use crate::app::{
    Backtest, GainOverDates, GroupingScores, LayersAgainst, OverDates, ReferenceGroupScores,
    RolledBacktest, Stability,
};
use crate::report::{Document, Format, Table, Value, column, digits, words};
use crate::stats::resample::Interval;

/// A back-test.
pub fn backtest(backtest: &Backtest) -> Document {
    let mut page = Document::default();
    let (users, day) = (users(backtest.n_users), backtest.holdout.date());
    let (days, gmv) = (backtest.horizon_days, digits::whole(backtest.gmv));
    page.fact("n_users", backtest.n_users);
    page.fact("holdout", day);
    page.fact("horizon_days", days);
    page.fact("gmv", backtest.gmv);
    page.heading(words(
        format!("{} as of {day}, validated on the {days} days after (GMV {gmv})", users.en),
        format!("{day} 的{}，用其后 {days} 天验证（GMV {gmv}）", users.zh),
    ));
    page.table(groupings(&backtest.groupings));
    page.table(differences(&backtest.differences));
    page.paragraph(words(
        "The means of each group on the training snapshots, those of small groups drawn towards \
         those of all, predict the holdout. Scores are cut into as many groups as there are layers. R² log and R² are \
         of log(1 + GMV) and GMV, AUC and log loss of churn. Top 10 %: share of GMV from the 10 % \
         of users in the best groups. Higher is better, except for log loss. Gains are 95 % \
         bootstrap intervals over users; above zero, layers are better.",
        "用训练快照中各组的均值（小组向全体收缩）预测留出期。各评分切成与分层相同的组数。R² log 与 R² 针对 log(1 + GMV) 与 GMV，AUC 与对数损失针对流失。\
         前 10 %：最佳组中 10 % 的用户贡献的 GMV 份额。除对数损失外越高越好。增益为用户自助抽样的 95 % 区间；大于零表示分层更好。",
    ));
    page
}

fn groupings(groupings: &[GroupingScores]) -> Table {
    let columns = [
        column("id", ("Grouping", "分组"), Format::Text, |it: &&GroupingScores| {
            Value::Code(it.id, it.name.clone())
        }),
        column("n_groups", ("Groups", "组数"), Format::Count, |it: &&GroupingScores| it.n_groups),
        column("r2_log_gmv", ("R² log", "R² log"), Format::Decimal(3), |it: &&GroupingScores| {
            it.r2_log_gmv
        }),
        column("r2_gmv", ("R²", "R²"), Format::Decimal(3), |it: &&GroupingScores| it.r2_gmv),
        column("churn_auc", ("AUC", "AUC"), Format::Decimal(3), |it: &&GroupingScores| {
            it.churn_auc
        }),
        column(
            "churn_log_loss",
            ("Log loss", "对数损失"),
            Format::Decimal(4),
            |it: &&GroupingScores| it.churn_log_loss,
        ),
        column(
            "gmv_capture_10",
            ("Top\n10 %", "前\n10 %"),
            Format::Share,
            |it: &&GroupingScores| it.gmv_capture_10,
        ),
        column(
            "gmv_capture_20",
            ("Top\n20 %", "前\n20 %"),
            Format::Share,
            |it: &&GroupingScores| it.gmv_capture_20,
        ),
    ];
    Table::new("groupings", groupings, &columns)
}

fn differences(differences: &[LayersAgainst]) -> Table {
    let gain = |of: fn(&LayersAgainst) -> Option<Interval>| {
        move |it: &&LayersAgainst| of(it).map_or(Value::Missing, |it| Value::Range(it.low, it.high))
    };
    let columns = [
        column(
            "id",
            ("Layers gain (95 %)", "分层增益（95 %）"),
            Format::Text,
            |it: &&LayersAgainst| Value::Code(it.id, it.name.clone()),
        ),
        column("r2_log_gmv", ("R² log", "R² log"), Format::Signed(3), gain(|it| it.r2_log_gmv)),
        column("r2_gmv", ("R²", "R²"), Format::Signed(3), gain(|it| it.r2_gmv)),
        column("churn_auc", ("AUC", "AUC"), Format::Signed(3), gain(|it| it.churn_auc))
            .for_programs(),
        column("churn_log_loss", ("Log loss", "对数损失"), Format::Signed(3), {
            gain(|it| it.churn_log_loss)
        }),
        column("gmv_capture_10", ("Top\n10 %", "前\n10 %"), Format::Signed(3), {
            gain(|it| it.gmv_capture_10)
        }),
    ];
    Table::new("differences", differences, &columns)
}

/// Back-tests on several dates: what layers gain over each rival, then each date.
pub fn rolled_backtest(rolled: &RolledBacktest) -> Document {
    let mut page = Document::default();
    let n_dates = rolled.dates.len();
    page.fact("n_dates", n_dates);
    page.heading(words(
        format!("Layers on {n_dates} holdout dates, each with a model of its own"),
        format!("分层在 {n_dates} 个留出日期上的表现，每个日期各自训练模型"),
    ));
    type Row<'a> = &'a OverDates;
    let gain = |of: fn(&OverDates) -> Option<GainOverDates>| {
        move |it: &Row<'_>| {
            of(it).map_or(Value::Missing, |it| {
                Value::Estimate(it.mean, it.interval.map(|it| (it.low, it.high)))
            })
        }
    };
    let won =
        |of: fn(&OverDates) -> Option<GainOverDates>| move |it: &Row<'_>| of(it).map(|it| it.n_won);
    let columns = [
        column("id", ("Layers gain over", "分层相对增益"), Format::Text, |it: &Row<'_>| {
            Value::Code(it.id, it.name.clone())
        }),
        column("r2_log_gmv_won", ("Won", "胜"), Format::Count, won(|it| it.r2_log_gmv)),
        column("r2_log_gmv", ("R² log", "R² log"), Format::Signed(3), gain(|it| it.r2_log_gmv)),
        column("gmv_capture_10_won", ("Won", "胜"), Format::Count, won(|it| it.gmv_capture_10)),
        column("gmv_capture_10", ("Top 10 %", "前 10 %"), Format::Signed(3), {
            gain(|it| it.gmv_capture_10)
        }),
        column("churn_log_loss_won", ("", ""), Format::Count, won(|it| it.churn_log_loss))
            .for_programs(),
        column("churn_log_loss", ("", ""), Format::Signed(4), gain(|it| it.churn_log_loss))
            .for_programs(),
        column("r2_gmv_won", ("", ""), Format::Count, won(|it| it.r2_gmv)).for_programs(),
        column("r2_gmv", ("", ""), Format::Signed(3), gain(|it| it.r2_gmv)).for_programs(),
    ];
    page.table(Table::new("over_dates", &rolled.over_dates, &columns));
    page.paragraph(words(
        "Won: dates on which layers are better. Gains are means over the dates, with 95 % intervals \
         by Student's t; dates closer than the horizon share outcomes, which makes the intervals too \
         narrow. Scores are cut into as many groups as there are layers.",
        "胜：分层更优的日期数。增益为各日期的均值，区间为 95 % 的 t 区间；相距不足观察期的日期共享结果，\
         区间会偏窄。各评分切成与分层相同的组数。",
    ));
    let rows = rolled.dates.iter().flat_map(|date| date.groupings.iter().map(move |it| (date, it)));
    type DateRow<'a> = (&'a Backtest, &'a GroupingScores);
    let columns = [
        column("holdout", ("Holdout", "留出日"), Format::Text, |it: &DateRow<'_>| {
            it.0.holdout.date()
        }),
        column("id", ("Grouping", "分组"), Format::Text, |it: &DateRow<'_>| {
            Value::Code(it.1.id, it.1.name.clone())
        }),
        column("n_groups", ("Groups", "组数"), Format::Count, |it: &DateRow<'_>| it.1.n_groups),
        column("r2_log_gmv", ("R² log", "R² log"), Format::Decimal(3), |it: &DateRow<'_>| {
            it.1.r2_log_gmv
        }),
        column("r2_gmv", ("R²", "R²"), Format::Decimal(3), |it: &DateRow<'_>| it.1.r2_gmv),
        column(
            "churn_log_loss",
            ("Log loss", "对数损失"),
            Format::Decimal(4),
            |it: &DateRow<'_>| it.1.churn_log_loss,
        ),
        column("gmv_capture_10", ("Top\n10 %", "前\n10 %"), Format::Share, |it: &DateRow<'_>| {
            it.1.gmv_capture_10
        }),
    ];
    page.table(Table::new("dates", rows, &columns));
    page
}

/// How well refits agree.
pub fn stability(stability: &Stability) -> Document {
    let mut page = Document::default();
    let Stability { partition, k, n_refits, n_users, adjusted_rand_index: index } = stability;
    let groups = many(*partition);
    page.fact("of", partition.many());
    page.fact("k", *k);
    page.fact("n_refits", *n_refits);
    page.fact("n_users", *n_users);
    page.fact("adjusted_rand_index", *index);
    let n_users = thousands(*n_users);
    page.heading(words(
        format!("Adjusted Rand index between refits: {index:.3}"),
        format!("重拟合之间的调整兰德指数：{index:.3}"),
    ));
    page.paragraph(words(
        format!(
            "{n_refits} refits of {k} {}, each on users drawn with replacement; mean over all \
             pairs, on the {n_users} users of the holdout (1: the same {0})",
            partition.many()
        ),
        format!(
            "{k} 个{}重拟合 {n_refits} 次，每次有放回地抽取用户；在留出快照的 {n_users} 位用户上对所有配对取平均\
             （1 表示{0}相同）",
            groups.zh
        ),
    ));
    page
}

/// Layers and RFM beside reference groups.
pub fn reference_groups(scores: &ReferenceGroupScores) -> Document {
    let mut page = Document::default();
    let ReferenceGroupScores { n_users, n_groups, layers, kinds, rfm } = scores;
    page.fact("n_users", *n_users);
    page.fact("n_groups", *n_groups);
    page.fact("layers", *layers);
    page.fact("kinds", *kinds);
    page.fact("rfm", *rfm);
    let users = users(*n_users);
    page.heading(words(
        format!(
            "{} in {n_groups} reference groups: adjusted Rand index {kinds:.3} for the kinds, \
             {layers:.3} for the layers, {rfm:.3} for RFM",
            users.en
        ),
        format!("{}、{n_groups} 个参照组：调整兰德指数：类型 {kinds:.3}，分层 {layers:.3}，RFM {rfm:.3}", users.zh),
    ));
    page
}
