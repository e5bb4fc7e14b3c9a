//! The model of value of a bundle: what it is, and how it did on the holdout snapshot.

use super::value_tracking::tracking;
use crate::bundle::Bundle;
use crate::dataset::Bilingual;
use crate::models::value::{
    AmountRanking, AmountScores, COVERAGE, Estimated, FittedValue, MixCandidate, MixSelection,
    NoValue, RankedBy, RatioEstimate, RepeatRow, SpendModel, ValueCandidate, ValueEvaluation,
    ValueModel, ValueSelection, WhyMean,
};
use crate::report::{Document, Format, Table, Value, column, digits, words};
use crate::stats::resample::Interval;

/// Customers with a repeat below whom a model is not to be relied on.
const FEW_REPEATERS: usize = 200;

/// What everybody should see after training.
pub(super) fn summary(bundle: &Bundle) -> Document {
    let mut page = Document::default();
    match &bundle.value {
        ValueModel::Absent(reason) => page.warning(absent(reason)),
        ValueModel::Fitted { selection, .. } => {
            let model = selection.chosen.as_str();
            let Some(amounts) = bundle.record.value.as_ref().and_then(|it| it.amounts.as_ref())
            else {
                page.paragraph(words(
                    format!("value: {model}; no amounts on the holdout to measure it by"),
                    format!("价值：{model}；留出期没有金额可供衡量"),
                ));
                return page;
            };
            let total = error_of_total(&amounts.total);
            let gini = |by: RankedBy| {
                let found = amounts.rankings.iter().find(|it| it.by == by);
                found.and_then(|it| it.gini.value).map_or("–".to_owned(), |it| format!("{it:.3}"))
            };
            let (of_model, of_past) = (gini(RankedBy::Model), gini(RankedBy::PastAmount));
            page.paragraph(words(
                format!(
                    "value: {model}; holdout total {total}, normalised Gini {of_model} (past GMV \
                     {of_past})"
                ),
                format!(
                    "价值：{model}；留出期总额 {total}，归一化基尼系数 {of_model}（历史 GMV {of_past}）"
                ),
            ));
        }
    }
    page
}

/// All that is known of the model.
pub fn value(bundle: &Bundle) -> Document {
    let mut page = Document::default();
    page.heading(words("Value of customers", "顾客价值"));
    match &bundle.value {
        ValueModel::Absent(reason) => page.warning(absent(reason)),
        ValueModel::Fitted { selection, mix, fitted } => {
            choice(&mut page, bundle, selection);
            learning(&mut page, mix.as_ref());
            parameters(&mut page, fitted);
            spend(&mut page, &fitted.spend);
            checks(&mut page, fitted);
            match &bundle.record.value {
                Some(evaluation) => holdout(&mut page, bundle, evaluation),
                None => page.warning(words(
                    "too few customers had ordered again by the holdout date to measure it",
                    "截至留出日复购顾客太少，无法衡量",
                )),
            }
        }
    }
    page
}

fn absent(reason: &NoValue) -> Bilingual {
    match reason {
        NoValue::FewRepeaters { n_repeaters, n_customers, needed } => words(
            format!(
                "no model of value: of {n_customers} customers {n_repeaters} ordered on a second \
                 day, and {needed} are needed; the columns of value are empty"
            ),
            format!(
                "没有价值模型：{n_customers} 位顾客中有 {n_repeaters} 位在第二天以上下单，至少需要 {needed} 位；价值各列为空"
            ),
        ),
        NoValue::NoMaximum { model, how } => words(
            format!(
                "no model of value: {} does not fit ({how}); the columns of value are empty. Try \
                 another [value] model",
                model.as_str()
            ),
            format!(
                "没有价值模型：{} 无法拟合（{how}）；价值各列为空。请试用其他 [value] model",
                model.as_str()
            ),
        ),
    }
}

/// Which model was taken, and by what.
fn choice(page: &mut Document, bundle: &Bundle, selection: &ValueSelection) {
    let chosen = selection.chosen;
    let days = bundle.config.snapshots.horizon_days;
    let n_dates = selection.dates.len();
    page.fact("model", chosen.as_str());
    page.paragraph(words(
        format!(
            "{}: of the models below it says best who orders in the {days} days after {n_dates} \
             training date{}, fitted to what was known at each. How well a model fits the data it \
             is fitted to decides nothing.",
            chosen.as_str(),
            if n_dates == 1 { "" } else { "s" },
        ),
        format!(
            "{}：在 {n_dates} 个训练日期，用当时已知的数据拟合，它最能预测之后 {days} 天谁会下单。样本内的拟合优度不作依据。",
            chosen.as_str(),
        ),
    ));
    let columns = [
        column("model", ("Model", "模型"), Format::Text, |it: &&ValueCandidate| {
            it.model.as_str()
        }),
        column(
            "log_loss",
            ("Log loss", "对数损失"),
            Format::Decimal(4),
            |it: &&ValueCandidate| it.log_loss,
        ),
        column("roc_auc", ("AUC", "AUC"), Format::Decimal(3), |it: &&ValueCandidate| it.roc_auc),
        column(
            "expected_by_actual",
            ("Orders ÷ actual", "订单 ÷ 实际"),
            Format::Decimal(2),
            |it: &&ValueCandidate| it.expected_by_actual,
        ),
        column(
            "log_likelihood",
            ("LL a customer, in sample", "样本内人均对数似然"),
            Format::Decimal(4),
            |it: &&ValueCandidate| it.log_likelihood,
        ),
    ];
    page.table(Table::new("candidates", &selection.candidates, &columns));
}

/// How much learning counts beside the model.
fn learning(page: &mut Document, mix: Option<&MixSelection>) {
    let Some(mix) = mix else {
        page.paragraph(words(
            "nothing was learned beside it: there were too few buyers, or no amounts",
            "未另行学习：下单顾客太少，或没有金额",
        ));
        return;
    };
    page.fact("learned_weight", mix.weight);
    let weight = mix.weight;
    let (en, zh) = match weight {
        0.0 => ("the model of orders alone".to_owned(), "只用订单模型".to_owned()),
        1.0 => ("trees are added to it in full".to_owned(), "树模型的修正全部计入".to_owned()),
        _ => (
            format!("trees are added to it by {weight:.2}"),
            format!("树模型的修正按 {weight:.2} 计入"),
        ),
    };
    let (how, how_zh) = match mix.out_of_time {
        true => ("at later dates than those learned from", "在晚于学习数据的日期"),
        false => ("for half of the users from the other half", "用一半用户预测另一半"),
    };
    page.paragraph(words(
        format!("orders and amounts of the horizon: {en}, which has the least deviance {how}"),
        format!("窗口内的订单与金额：{zh}，{how_zh}偏差最小"),
    ));
    page.table(mixes("learned", &mix.candidates));
}

/// How weights of learning did.
fn mixes(key: &'static str, candidates: &[MixCandidate]) -> Table {
    let columns = [
        column(
            "weight",
            ("Weight of trees", "树模型权重"),
            Format::Decimal(2),
            |it: &&MixCandidate| it.weight,
        ),
        column("deviance", ("Deviance", "偏差"), Format::Decimal(4), |it: &&MixCandidate| {
            it.deviance
        }),
        column(
            "expected_by_actual",
            ("GMV ÷ actual", "GMV ÷ 实际"),
            Format::Decimal(2),
            |it: &&MixCandidate| it.expected_by_actual,
        ),
        column(
            "gini",
            ("Normalised Gini", "归一化基尼"),
            Format::Decimal(3),
            |it: &&MixCandidate| it.gini,
        ),
    ];
    Table::new(key, candidates, &columns)
}

fn parameters(page: &mut Document, fitted: &FittedValue) {
    let orders = &fitted.orders;
    let errors = orders.standard_errors;
    page.fact("n_customers", orders.n_customers);
    page.fact("n_repeaters", orders.n_repeaters);
    page.fact("log_likelihood", orders.log_likelihood);
    page.fact("n_days_set_aside", fitted.n_days_set_aside as usize);
    page.paragraph(words(
        format!(
            "fitted to {} customers up to {}, {} of whom ordered again; log-likelihood {:.3}",
            digits::count(orders.n_customers as u64),
            fitted.as_of.date(),
            digits::count(orders.n_repeaters as u64),
            orders.log_likelihood,
        ),
        format!(
            "以截至 {} 的 {} 位顾客拟合，其中 {} 位复购；对数似然 {:.3}",
            fitted.as_of.date(),
            digits::count(orders.n_customers as u64),
            digits::count(orders.n_repeaters as u64),
            orders.log_likelihood,
        ),
    ));
    let names = orders.model.kind.parameter_names();
    let rows = (0..4).map(|place| Parameter {
        name: names[place],
        value: orders.model.parameters[place],
        error: errors.map(|it| it[place]),
    });
    page.table(parameter_table("parameters", rows));
    if let Some(season) = &fitted.season {
        let (factor, day) = (fitted.season_factor(fitted.as_of), fitted.as_of.date());
        page.fact("season_weight", season.weight);
        page.fact("season_factor", factor);
        let weight = digits::percent(season.weight);
        page.paragraph(words(
            format!(
                "The year before tells the season (it counts {weight}): after {day} customers \
                 order {factor:.2} times as often as the model alone says."
            ),
            format!("上一年同期可说明季节（计入 {weight}）：{day} 之后的下单频次为模型所示的 {factor:.2} 倍。"),
        ));
    }
    if fitted.n_days_set_aside > 0 {
        let n = digits::count(fitted.n_days_set_aside);
        page.paragraph(words(
            match fitted.n_days_set_aside {
                1 => "1 day with orders came to nothing or less and was set aside".to_owned(),
                _ => format!("{n} days with orders came to nothing or less and were set aside"),
            },
            format!("{n} 个有订单的日子合计为零或负，未计入"),
        ));
    }
}

struct Parameter {
    name: &'static str,
    value: f64,
    error: Option<f64>,
}

fn parameter_table(key: &'static str, rows: impl Iterator<Item = Parameter>) -> Table {
    let columns = [
        column("parameter", ("Parameter", "参数"), Format::Text, |it: &Parameter| it.name),
        column("value", ("Value", "值"), Format::Decimal(4), |it: &Parameter| it.value),
        column("standard_error", ("±", "±"), Format::Decimal(4), |it: &Parameter| it.error),
    ];
    Table::new(key, rows, &columns)
}

fn spend(page: &mut Document, spend: &SpendModel) {
    match spend {
        SpendModel::NoAmounts => page.paragraph(words(
            "the data has no amounts: orders are predicted, and no value",
            "数据没有金额：只预测订单，不预测价值",
        )),
        SpendModel::Mean { prior, why, .. } => {
            let because = match why {
                WhyMean::FewCustomers => words("there are too few customers", "顾客太少"),
                WhyMean::EqualValues => words("all are worth the same", "金额全部相等"),
                WhyMean::NoMaximum => words("its likelihood has no maximum", "似然没有最大值"),
                WhyMean::InfiniteMean => {
                    words("by it the mean of all is infinite (q ≤ 1)", "其总体均值为无穷（q ≤ 1）")
                }
            };
            page.paragraph(words(
                format!(
                    "value of an order: the customer's mean, drawn towards that of all ({}), as \
                     Gamma-Gamma does not serve: {}",
                    digits::whole(prior.mean),
                    because.en
                ),
                format!(
                    "订单金额：顾客自己的均值向总体均值（{}）收缩；不用 Gamma-Gamma，因为{}",
                    digits::whole(prior.mean),
                    because.zh
                ),
            ));
        }
        SpendModel::GammaGamma { groups, correlation } => {
            page.fact("spend_correlation", *correlation);
            let apart = match groups.len() {
                1 => words("independent enough", "足够独立"),
                _ => words(
                    "too much for one model: customers who order about as often have one of \
                     their own",
                    "相关过强，按下单频率相近的顾客分别拟合",
                ),
            };
            page.paragraph(words(
                format!(
                    "value of an order: Gamma-Gamma; frequency and value have a rank correlation \
                     of {correlation:.2}, {}",
                    apart.en
                ),
                format!(
                    "订单金额：Gamma-Gamma；频率与金额的秩相关为 {correlation:.2}，{}",
                    apart.zh
                ),
            ));
            for group in groups {
                let model = &group.fitted.model;
                let errors = group.fitted.standard_errors;
                let rows = [("p", model.p), ("q", model.q), ("v", model.v)];
                let rows = rows.into_iter().enumerate().map(|(place, (name, value))| Parameter {
                    name,
                    value,
                    error: errors.map(|it| it[place]),
                });
                page.table(parameter_table("spend_parameters", rows));
            }
        }
    }
}

/// What speaks against the model.
fn checks(page: &mut Document, fitted: &FittedValue) {
    let n_repeaters = fitted.orders.n_repeaters;
    if n_repeaters < FEW_REPEATERS {
        page.warning(words(
            format!(
                "{n_repeaters} customers ordered again: below {FEW_REPEATERS} the parameters are \
                 little more than a guess"
            ),
            format!("仅 {n_repeaters} 位顾客复购：少于 {FEW_REPEATERS} 位时参数不可靠"),
        ));
    }
    let checked = &fitted.checks;
    if checked.share_of_daily_buyers > 0.01 {
        page.warning(words(
            format!(
                "{:.1} % of the customers order on more than half of their days: they do not order \
                 at random times; try [value] model = \"bg_bb\"",
                checked.share_of_daily_buyers * 100.0
            ),
            format!(
                "{:.1}% 的顾客在超过一半的日子下单，并非随机时间；请试用 [value] model = \"bg_bb\"",
                checked.share_of_daily_buyers * 100.0
            ),
        ));
    }
    if checked.share_of_early_first_orders > 0.2 {
        page.warning(words(
            format!(
                "{:.0} % of the customers have their first order in the first 20th of the data: \
                 unless the shop was new then, they are older than the data and only seem to begin",
                checked.share_of_early_first_orders * 100.0
            ),
            format!(
                "{:.0}% 的顾客首单落在数据最初的二十分之一：除非店铺当时新开，他们早于数据，只是看似新客",
                checked.share_of_early_first_orders * 100.0
            ),
        ));
    }
    if fitted.is_spread_at_an_end() {
        let factor = fitted.spread_factor;
        page.warning(words(
            format!(
                "amounts are spread {factor} times as the models say, which is as far as is tried: \
                 intervals hold 90 % of the customers' amounts less exactly"
            ),
            format!(
                "金额离散度为模型所述的 {factor} 倍，已到所试范围的边界：区间的 90% 覆盖率不再准确"
            ),
        ));
    }
    if fitted.orders.is_flat() || fitted.spend.is_flat() {
        page.warning(words(
            "the likelihood is flat in some direction: some parameters have no standard error or \
             one above themselves, and predictions hardly depend on them",
            "似然在某个方向上平坦：部分参数没有标准误或标准误大于参数本身，但几乎不影响预测",
        ));
    }
}

fn holdout(page: &mut Document, bundle: &Bundle, evaluation: &ValueEvaluation) {
    let dates = &bundle.record.dates;
    let (days, from) = (bundle.config.snapshots.horizon_days, dates.holdout.date());
    page.heading(words(
        format!("The {days} days from {from}, by what was known then"),
        format!("自 {from} 起 {days} 天，依据当时已知的数据"),
    ));
    page.fact("n_customers_at_holdout", evaluation.n_customers);
    page.fact("n_ordering", evaluation.n_ordering);
    page.fact("log_loss", evaluation.log_loss);
    page.fact("roc_auc", evaluation.roc_auc);
    if let Some(orders) = &evaluation.orders_ratio {
        ratio(page, ("orders", "days with an order", "有订单的天数"), orders);
    }
    tracking(page, evaluation);
    if let Some(amounts) = &evaluation.amounts {
        ratio(page, ("total_gmv", "GMV", "GMV"), &amounts.total);
        of_amounts(page, amounts);
    }
    if !evaluation.mixes.is_empty() {
        page.table(mixes("learned_at_holdout", &evaluation.mixes));
    }
    let columns = [
        column("n_repeats", ("Repeats before", "此前复购"), Format::Text, |it: &&RepeatRow| {
            let last = evaluation.by_repeats.last().map(|it| it.n_repeats);
            match last == Some(it.n_repeats) && it.n_repeats >= 7 {
                true => format!("{}+", it.n_repeats),
                false => it.n_repeats.to_string(),
            }
        }),
        column("n_customers", ("Customers", "顾客数"), Format::Count, |it: &&RepeatRow| {
            it.n_customers
        }),
        column(
            "expected",
            ("Expected orders", "预期订单"),
            Format::Decimal(3),
            |it: &&RepeatRow| it.expected,
        ),
        column("actual", ("Actual", "实际"), Format::Decimal(3), |it: &&RepeatRow| it.actual),
    ];
    page.table(Table::new("by_repeats", &evaluation.by_repeats, &columns));
}

fn ratio(page: &mut Document, (key, en, zh): (&'static str, &str, &str), of: &RatioEstimate) {
    page.paragraph(words(
        format!("{en}: {}", error_of_total(of)),
        format!("{zh}：{}", error_of_total(of)),
    ));
    let columns = [
        column("expected", ("Expected", "预期"), Format::Short, |it: &&RatioEstimate| {
            it.expected
        }),
        column("actual", ("Actual", "实际"), Format::Short, |it: &&RatioEstimate| it.actual),
        column("ratio", ("Ratio", "比值"), Format::Decimal(3), |it: &&RatioEstimate| {
            let interval = it.interval.map(|it| (it.low, it.high));
            (it.actual > 0.0).then(|| Value::Estimate(it.expected / it.actual, interval))
        }),
    ];
    page.table(Table::new(key, [of], &columns).for_programs());
}

/// By how much a total is off, with its interval.
fn error_of_total(total: &RatioEstimate) -> String {
    if total.actual <= 0.0 {
        return "–".to_owned();
    }
    let percent = |ratio: f64| format!("{:+.1}", (ratio - 1.0) * 100.0);
    let error = percent(total.expected / total.actual);
    match total.interval {
        Some(Interval { low, high }) => format!("{error} % [{}, {}]", percent(low), percent(high)),
        None => format!("{error} %"),
    }
}

fn of_amounts(page: &mut Document, amounts: &AmountScores) {
    page.fact("decile_error", amounts.decile_error);
    page.fact("coverage", amounts.coverage);
    let columns = [
        column(
            "by",
            ("Customers in order of", "顾客按此排序"),
            Format::Text,
            |it: &&AmountRanking| by(it.by),
        ),
        column(
            "gini",
            ("Normalised Gini", "归一化基尼"),
            Format::Decimal(3),
            |it: &&AmountRanking| estimate(&it.gini),
        ),
        column(
            "model_ahead_by",
            ("Model ahead by", "模型领先"),
            Format::Signed(3),
            |it: &&AmountRanking| it.behind.as_ref().map(estimate),
        ),
        column(
            "top_decile",
            ("Top tenth has", "前十分之一占"),
            Format::Share,
            |it: &&AmountRanking| it.top_decile.value,
        ),
    ];
    page.table(Table::new("rankings", &amounts.rankings, &columns));
    if let Some(decile) = amounts.decile_error {
        let decile = digits::percent(decile);
        page.paragraph(words(
            format!("a tenth of the customers, by predicted value, is off by {decile} on average"),
            format!("按预测价值分为十份，平均误差 {decile}"),
        ));
    }
    page.fact("coverage_above_0", amounts.coverage_above_0);
    let (covered, meant) = (amounts.coverage * 100.0, COVERAGE * 100.0);
    let (above_0, above_0_zh) = match amounts.coverage_above_0.map(|it| it * 100.0) {
        Some(share) => (
            format!(", {share:.1} % of those whose interval is more than 0"),
            format!("；区间不全为 0 的顾客中为 {share:.1}%"),
        ),
        None => Default::default(),
    };
    page.paragraph(words(
        format!(
            "{covered:.1} % of the customers paid what lies in their {meant:.0} % interval{above_0}"
        ),
        format!("{covered:.1}% 的顾客实付金额落在其 {meant:.0}% 区间内{above_0_zh}"),
    ));
}

fn estimate(of: &Estimated) -> Value {
    let interval = of.interval.map(|it| (it.low, it.high));
    of.value.map_or(Value::Missing, |value| Value::Estimate(value, interval))
}

fn by(by: RankedBy) -> Value {
    Value::from(match by {
        RankedBy::Model => words("the model's value", "模型预测的价值"),
        RankedBy::PastAmount => words("GMV up to then", "此前 GMV"),
        RankedBy::PastYear => words("GMV of the year before", "此前一年 GMV"),
        RankedBy::LayerMean => words("mean GMV of their layer", "所在分层的人均 GMV"),
    })
}
