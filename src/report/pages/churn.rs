//! The churn model of a bundle: how good, how calibrated, whom it flags.

use super::churn_labels::{calibrated, chosen, classifier, flag, holdout_rate, label};
use super::phrases::{layer_name, thousands};
use crate::bundle::Bundle;
use crate::dataset::Bilingual;
use crate::models::churn::{
    BaseRate, Candidate, Estimate, FlagOutcome, Importance, LayerScores, ProbabilityScores,
    RankingScores,
};
use crate::report::{Column, Document, Format, Table, Value, column, digits, words};
use crate::stats::metrics::ReliabilityBin;

/// Features that the short page names.
const N_IMPORTANT: usize = 3;

/// Features whose importance text shows.
const N_SHOWN: usize = 15;

/// What everybody should see after training.
pub(super) fn summary(bundle: &Bundle) -> Document {
    let mut page = Document::default();
    page.table(short_scores(bundle));
    about(&mut page, bundle);
    page.paragraph(calibrated(bundle));
    let important = bundle.record.churn.importance.iter();
    let important: Vec<&str> = important
        .filter(|importance| importance.log_loss_increase > 0.0)
        .take(N_IMPORTANT)
        .map(|importance| importance.feature.as_str())
        .collect();
    page.paragraph(match important.is_empty() {
        true => words(
            "it relies on no feature: shuffling any of them does no harm",
            "它不依赖任何特征：打乱任何一个都没有损失",
        ),
        false => words(
            format!("it relies most on {}", important.join(", ")),
            format!("它最依赖 {}", important.join("、")),
        ),
    });
    failed_checks(&mut page, bundle);
    page
}

/// All that is known of the model.
pub fn churn(bundle: &Bundle) -> Document {
    let mut page = Document::default();
    let evaluation = &bundle.record.churn;
    page.heading(words("Churn model", "流失模型"));
    about(&mut page, bundle);
    failed_checks(&mut page, bundle);
    page.fact("n_users", evaluation.n_users);
    page.fact("n_churned", evaluation.n_churned);
    page.fact("trusted", evaluation.failed_checks.is_empty());
    page.fact("base_rate", bundle.churn.settings.base_rate);
    page.table(scores(bundle));
    page.table(rates(bundle));
    season(&mut page, bundle);
    page.table(candidates(bundle));
    page.table(calibration(bundle));
    page.figure(reliability(bundle), "mean_probability", "churn_rate");
    page.table(flags(bundle));
    page.table(layers(bundle));
    page.table(importance(&evaluation.importance).for_programs());
    page.table(importance(evaluation.importance.iter().take(N_SHOWN)).for_people());
    page.paragraph(words(
        "Holdout: a snapshot that no fit has seen. Intervals: 95 % of bootstrap resamples of the \
         users. Lift 5 %: churn rate of the 5 % likeliest to churn, divided by that of all. Captured: \
         their share of all users who churned. GMV: their share of what all users who churned had \
         ordered in the year before. Flags count only users within reach ([silence] reach_days); * \
         marks the one in use. ECE: mean difference between probability and rate in ten bins of \
         equal size.",
        "留出快照：任何拟合都没有见过它。区间包含 95 % 的用户自助抽样。提升度 5 %：最可能流失的 5 % 用户的\
         流失率与全体之比。捕获：其中流失者占全部流失者的份额。GMV：其中流失者前一年的订单金额占全部流失者的份额。标记只计可触达的用户\
         （[silence] reach_days）；* 为当前所用。ECE：十个等大分箱中概率与实际比率的平均差距。",
    ));
    page
}

/// The rule and the classifier.
fn about(page: &mut Document, bundle: &Bundle) {
    let evaluation = &bundle.record.churn;
    let rule = label(&bundle.churn.settings.label);
    let (n, n_all) = (thousands(evaluation.n_churned), thousands(evaluation.n_users));
    page.paragraph(words(
        format!("{}: {n} of {n_all} on the holdout", rule.en),
        format!("{}：留出快照的 {n_all} 人中有 {n} 人", rule.zh),
    ));
    page.paragraph(chosen(bundle));
}

fn failed_checks(page: &mut Document, bundle: &Bundle) {
    if !bundle.churn.settings.selection.out_of_time {
        page.warning(words(
            "no snapshot is early enough to predict another; classifiers were compared and \
             calibrated on other users of one date. More history, or a shorter [snapshots] \
             horizon_days, would help",
            "没有足够早的快照可以预测另一个；分类器是在同一日期的其他用户上比较和校准的。更长的历史，\
             或更短的 [snapshots] horizon_days，会有帮助",
        ));
    }
    if let Some(words) = odd_base_rate(bundle) {
        page.warning(words);
    }
    let failed = &bundle.record.churn.failed_checks;
    if !failed.is_empty() {
        let join = |of: fn(&Bilingual) -> &str, between| {
            failed.iter().map(of).collect::<Vec<_>>().join(between)
        };
        let (en, zh) = (join(|it| &it.en, "; "), join(|it| &it.zh, "；"));
        page.warning(words(
            format!("not trusted: {en}. Probabilities and flags are written nonetheless"),
            format!("不可信：{zh}。概率和标记仍会写出"),
        ));
    }
}

/// What the year before says of the season, where it says something.
fn season(page: &mut Document, bundle: &Bundle) {
    let settings = &bundle.churn.settings;
    page.fact("season_weight", settings.season.as_ref().map_or(0.0, |it| it.weight));
    page.fact("outlook_weight", settings.outlook.map_or(0.0, |it| it.weight));
    if let Some(outlook) = &settings.outlook {
        let weight = format!("{:.2}", outlook.weight);
        page.paragraph(words(
            format!(
                "The model of orders counts beside the classifier: a unit of its log odds of no \
                 order adds {weight}."
            ),
            format!("订单模型与分类器并用：其不下单对数几率每增加 1，计入 {weight}。"),
        ));
    }
    let Some(season) = &settings.season else {
        page.paragraph(words(
            "No season is reckoned with: the history holds no year before the training snapshots, or \
             it does not tell their churn rates.",
            "未计入季节：历史中没有训练快照之前的一年，或其不能说明流失率。",
        ));
        return;
    };
    let dates = &bundle.record.dates;
    let [at_holdout, at_end] = [dates.holdout, dates.as_of].map(|date| settings.season_shift(date));
    page.fact("season_shift_at_holdout", at_holdout);
    page.fact("season_shift", at_end);
    let (weight, holdout) = (digits::percent(season.weight), dates.holdout.date());
    page.paragraph(words(
        format!(
            "The year before tells the season (it counts {weight}): log odds are moved by \
             {at_holdout:+.2} on {holdout}, by {at_end:+.2} on {}.",
            dates.as_of.date()
        ),
        format!(
            "上一年同期可说明季节（计入 {weight}）：{holdout} 的对数几率调整 {at_holdout:+.2}，{} 调整 {at_end:+.2}。",
            dates.as_of.date()
        ),
    ));
}

/// A base rate of the config that no snapshot comes near.
fn odd_base_rate(bundle: &Bundle) -> Option<Bilingual> {
    const NEAR: f64 = 0.1;
    let BaseRate::Known(known) = bundle.config.churn.base_rate else { return None };
    let known = known.get();
    let rates = || bundle.churn.settings.snapshot_rates.iter().map(|rate| rate.churn_rate);
    if rates().any(|rate| (rate - known).abs() <= NEAR) {
        return None;
    }
    let least = digits::percent(rates().fold(f64::INFINITY, f64::min));
    let most = digits::percent(rates().fold(0.0, f64::max));
    Some(words(
        format!(
            "[churn] base_rate = {known}, but {least} to {most} churned after the training \
             snapshots"
        ),
        format!("[churn] base_rate = {known}，但训练快照之后的流失率为 {least} 至 {most}"),
    ))
}

/// A measure of a ranking: to report another one, add a row to [`MEASURES`].
struct Measure {
    key: &'static str,
    title: (&'static str, &'static str),
    of: fn(&RankingScores) -> Option<Estimate>,
    /// Digits in the summary, where it has it.
    summary_digits: Option<usize>,
}

const fn measure(
    key: &'static str,
    title: (&'static str, &'static str),
    of: fn(&RankingScores) -> Option<Estimate>,
    summary_digits: Option<usize>,
) -> Measure {
    Measure { key, title, of, summary_digits }
}

const MEASURES: [Measure; 15] = [
    measure("roc_auc", ("ROC AUC", "ROC AUC"), |it| it.roc_auc, Some(4)),
    measure("pr_auc", ("PR AUC", "PR AUC"), |it| it.pr_auc, Some(4)),
    measure("ks", ("KS", "KS"), |it| it.ks, None),
    measure("lift_5", ("Lift 5 %", "提升度 5 %"), |it| it.lift[0], None),
    measure("lift_10", ("Lift 10 %", "提升度 10 %"), |it| it.lift[1], Some(2)),
    measure("lift_20", ("Lift 20 %", "提升度 20 %"), |it| it.lift[2], None),
    measure("captured_5", ("Captured 5 %", "捕获 5 %"), |it| it.capture[0], None),
    measure("captured_10", ("Captured 10 %", "捕获 10 %"), |it| it.capture[1], None),
    measure("captured_20", ("Captured 20 %", "捕获 20 %"), |it| it.capture[2], None),
    measure("gmv_5", ("GMV 5 %", "GMV 5 %"), |it| it.gmv_caught[0], None),
    measure("gmv_10", ("GMV 10 %", "GMV 10 %"), |it| it.gmv_caught[1], None),
    measure("gmv_20", ("GMV 20 %", "GMV 20 %"), |it| it.gmv_caught[2], None),
    measure("brier", ("Brier", "Brier"), |it| it.brier, Some(4)),
    measure("log_loss", ("Log loss", "对数损失"), |it| it.log_loss, Some(4)),
    measure("ece", ("ECE", "ECE"), |it| it.ece, None),
];

fn ranking<'a>(title: (&str, &str)) -> Column<'a, &'a RankingScores> {
    column("ranking", title, Format::Text, |it: &&RankingScores| it.name.clone())
}

/// The model and rules of thumb, by a few measures.
fn short_scores(bundle: &Bundle) -> Table {
    let columns = MEASURES.iter().filter_map(|it| {
        let format = Format::Decimal(it.summary_digits?);
        Some(column(it.key, it.title, format, |scores: &&RankingScores| {
            (it.of)(scores).map(|estimate| estimate.value)
        }))
    });
    let columns: Vec<_> = std::iter::once(ranking(("Churn on the holdout", "留出快照的流失")))
        .chain(columns)
        .collect();
    Table::new("churn", &bundle.record.churn.scores, &columns)
}

/// The same by all measures, with intervals.
fn scores(bundle: &Bundle) -> Table {
    let columns = MEASURES.iter().map(|it| {
        column(it.key, it.title, Format::Decimal(3), |scores: &&RankingScores| {
            (it.of)(scores).map(estimate)
        })
    });
    let columns: Vec<_> =
        std::iter::once(ranking(("Holdout", "留出快照"))).chain(columns).collect();
    Table::new("scores", &bundle.record.churn.scores, &columns).transposed()
}

fn estimate(it: Estimate) -> Value {
    Value::Estimate(it.value, it.interval.map(|interval| (interval.low, interval.high)))
}

fn candidates(bundle: &Bundle) -> Table {
    let selection = &bundle.churn.settings.selection;
    let columns = [
        column(
            "model",
            ("Out-of-time validation", "跨期验证"),
            Format::Text,
            |it: &&Candidate| classifier(it.model),
        ),
        column("log_loss", ("Log loss", "对数损失"), Format::Decimal(4), |it: &&Candidate| {
            it.log_loss
        }),
        column("roc_auc", ("ROC AUC", "ROC AUC"), Format::Decimal(4), |it: &&Candidate| it.roc_auc),
        column("is_chosen", ("Chosen", "选用"), Format::Text, |it: &&Candidate| {
            it.model == selection.chosen
        }),
    ];
    Table::new("candidates", &selection.candidates, &columns)
}

/// Users of a snapshot who can churn, and how many did.
struct Rate {
    as_of: chrono::NaiveDate,
    is_holdout: bool,
    n_users: usize,
    churn_rate: f64,
    mean_probability: Option<f64>,
}

fn rates(bundle: &Bundle) -> Table {
    let evaluation = &bundle.record.churn;
    let holdout = Rate {
        as_of: bundle.record.dates.holdout.date(),
        is_holdout: true,
        n_users: evaluation.n_users,
        churn_rate: holdout_rate(bundle),
        mean_probability: Some(evaluation.calibration.after.mean_probability),
    };
    let training = bundle.churn.settings.snapshot_rates.iter().map(|rate| Rate {
        as_of: rate.as_of.date(),
        is_holdout: false,
        n_users: rate.n_users,
        churn_rate: rate.churn_rate,
        mean_probability: None,
    });
    let columns = [
        column("as_of", ("Snapshot", "快照"), Format::Text, |it: &Rate| it.as_of),
        column("is_holdout", ("Holdout", "留出"), Format::Text, |it: &Rate| it.is_holdout),
        column(
            "n_users",
            ("Eligible users", "符合条件的用户"),
            Format::Count,
            |it: &Rate| it.n_users,
        ),
        column("churn_rate", ("Churn rate", "流失率"), Format::Share, |it: &Rate| it.churn_rate),
        column(
            "mean_probability",
            ("Mean probability", "平均概率"),
            Format::Share,
            |it: &Rate| it.mean_probability,
        ),
    ];
    Table::new("snapshots", std::iter::once(holdout).chain(training), &columns)
}

fn calibration(bundle: &Bundle) -> Table {
    type Row<'a> = (Value, &'a ProbabilityScores);
    let scores = &bundle.record.churn.calibration;
    let rows = [
        (Value::code("before", "before", "校准前"), &scores.before),
        (Value::code("after", "after", "校准后"), &scores.after),
    ];
    let columns = [
        column("calibration", ("Calibration", "校准"), Format::Text, |it: &Row<'_>| it.0.clone()),
        column(
            "mean_probability",
            ("Mean prob.", "平均概率"),
            Format::Share,
            |it: &Row<'_>| it.1.mean_probability,
        ),
        column("log_loss", ("Log loss", "对数损失"), Format::Decimal(4), |it: &Row<'_>| {
            it.1.log_loss
        }),
        column("brier", ("Brier", "Brier"), Format::Decimal(4), |it: &Row<'_>| it.1.brier),
        column("ece", ("ECE", "ECE"), Format::Decimal(4), |it: &Row<'_>| it.1.ece),
    ];
    Table::new("calibration", rows, &columns)
}

fn reliability(bundle: &Bundle) -> Table {
    let columns = [
        column(
            "mean_probability",
            ("Probability, mean of bin", "分箱平均概率"),
            Format::Share,
            |it: &&ReliabilityBin| it.mean_probability,
        ),
        column("churn_rate", ("Churn rate", "流失率"), Format::Share, |it: &&ReliabilityBin| {
            it.rate
        }),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&ReliabilityBin| it.n),
    ];
    Table::new("reliability", &bundle.record.churn.calibration.reliability, &columns)
}

fn flags(bundle: &Bundle) -> Table {
    let used = bundle.churn.settings.flag;
    let columns = [
        column("method", ("Flag", "标记"), Format::Text, |it: &&FlagOutcome| {
            match flag(it.rule) {
                Value::Code(code, name) if it.rule == used => {
                    Value::Code(code, words(name.en + " *", name.zh + " *"))
                }
                other => other,
            }
        }),
        column("is_in_use", ("In use", "在用"), Format::Text, |it: &&FlagOutcome| {
            it.rule == used
        })
        .for_programs(),
        column("n_flagged", ("Users", "用户数"), Format::Count, |it: &&FlagOutcome| {
            it.n_flagged
        }),
        column("cutoff", ("Cutoff", "阈值"), Format::Decimal(3), |it: &&FlagOutcome| {
            it.least_probability
        }),
        column("precision", ("Precision", "精确率"), Format::Share, |it: &&FlagOutcome| {
            it.precision
        }),
        column("recall", ("Recall", "召回率"), Format::Share, |it: &&FlagOutcome| it.recall),
        column("gmv_captured", ("GMV", "GMV"), Format::Share, |it: &&FlagOutcome| it.gmv_caught),
        column("profit", ("Profit", "利润"), Format::Money, |it: &&FlagOutcome| it.profit),
    ];
    Table::new("flags", &bundle.record.churn.flags, &columns)
}

fn layers(bundle: &Bundle) -> Table {
    let known = |share: fn(&LayerScores) -> f64| {
        move |it: &&LayerScores| (it.n_users > 0).then(|| share(it))
    };
    let name = |it: &&LayerScores| {
        let layer = bundle.layers.groups.iter().find(|layer| layer.id == it.id);
        layer.map(|layer| layer_name(&layer.name, &layer.name_zh))
    };
    let columns = [
        column("id", ("", ""), Format::Text, |it: &&LayerScores| it.id.clone()),
        column("name", ("Layer", "分层"), Format::Text, name),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&LayerScores| it.n_users),
        column("churn_rate", ("Churn rate", "流失率"), Format::Share, known(|it| it.churn_rate)),
        column(
            "mean_probability",
            ("Mean prob.", "平均概率"),
            Format::Share,
            known(|it| it.mean_probability),
        ),
        column("roc_auc", ("ROC AUC", "ROC AUC"), Format::Decimal(3), |it: &&LayerScores| {
            it.roc_auc
        }),
    ];
    Table::new("layers", &bundle.record.churn.layers, &columns)
}

fn importance<'a>(rows: impl IntoIterator<Item = &'a Importance>) -> Table {
    let columns = [
        column(
            "feature",
            ("Shuffled feature", "被打乱的特征"),
            Format::Text,
            |it: &&Importance| it.feature.clone(),
        ),
        column(
            "log_loss_increase",
            ("Log loss rises by", "对数损失上升"),
            Format::Signed(4),
            |it: &&Importance| {
                let interval = it.interval.map(|it| (it.low, it.high));
                Value::Estimate(it.log_loss_increase, interval)
            },
        ),
    ];
    Table::new("importance", rows, &columns)
}
