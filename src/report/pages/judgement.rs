//! Published nights beside what happened since.

use super::phrases::{layer_name, thousands};
use crate::app::{JudgedLayer, JudgedNight, Judgement, UnjudgedNight};
use crate::models::churn::Estimate;
use crate::report::{Column, Document, Format, Table, Value, column, words};

/// How published scores did.
pub fn judgement(judgement: &Judgement) -> Document {
    let mut page = Document::default();
    let Judgement { known_to, nights, unjudged } = judgement;
    page.fact("known_to", *known_to);
    page.table(nights_for_programs(nights));
    let layers: Vec<LayerOfNight<'_>> = nights
        .iter()
        .flat_map(|night| night.layers.iter().map(move |layer| LayerOfNight { night, layer }))
        .collect();
    page.table(Table::new("layers", layers, &layer_columns(true)).for_programs());
    page.table(Table::new("unjudged", unjudged, &unjudged_columns()).for_programs());
    if nights.is_empty() {
        page.paragraph(words(
            format!("no night can be judged yet: what happened is known up to {known_to}"),
            format!("尚无可评判的夜晚：已知数据截至 {known_to}"),
        ));
    }
    if let Some(latest) = nights.last() {
        people(&mut page, nights, latest);
    }
    for night in nights.iter().filter(|night| night.is_off) {
        page.warning(off(night));
    }
    if !unjudged.is_empty() {
        page.heading(words("Nights that are not judged", "未评判的夜晚"));
        page.table(Table::new("unjudged", shown(unjudged), &unjudged_columns()).for_people());
        let n_more = unjudged.len().saturating_sub(N_SHOWN);
        if n_more > 0 {
            page.paragraph(words(
                format!("and {n_more} earlier ones; see --format json"),
                format!("另有更早的 {n_more} 个，见 --format json"),
            ));
        }
    }
    page
}

/// Nights that text lists.
const N_SHOWN: usize = 15;

/// The last of them.
fn shown<T>(rows: &[T]) -> &[T] {
    &rows[rows.len().saturating_sub(N_SHOWN)..]
}

fn people(page: &mut Document, nights: &[JudgedNight], latest: &JudgedNight) {
    let days = match nights {
        [only] => only.day.to_string(),
        _ => format!("{} – {}", nights[0].day, latest.day),
    };
    let n = thousands(nights.len());
    page.heading(words(
        format!("Published nights beside what happened: {n} ({days})"),
        format!("已发布的夜晚与实际结果：{n} 个（{days}）"),
    ));
    page.table(rates(shown(nights)).for_people());
    page.table(measures(shown(nights)).for_people());
    let day = latest.day;
    page.heading(words(format!("Layers on {day}"), format!("{day} 的分层")));
    let layers: Vec<LayerOfNight<'_>> =
        latest.layers.iter().map(|layer| LayerOfNight { night: latest, layer }).collect();
    page.table(Table::new("layers_of_latest", layers, &layer_columns(false)).for_people());
    page.paragraph(words(
        "Expected: what the probabilities said by themselves on that night, true if the calibration \
         holds. Right: share of the flagged who churned. Intervals of 95 % over users, by bootstrap \
         and, of shares, by Wilson; --format json has all of them. Nights whose horizons overlap \
         share outcomes.",
        "预期：当晚的概率本身所示，校准成立时为真。命中：被标记者中实际流失的份额。95 % 区间按用户计：自助法，\
         份额用 Wilson；--format json 含全部区间。观察期重叠的夜晚共用部分结果。",
    ));
}

fn off(night: &JudgedNight) -> crate::dataset::Bilingual {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let (rate, expected) = (percent(night.churn_rate.value), percent(night.mean_probability));
    let (day, n) = (night.day, thousands(night.n_users));
    words(
        format!(
            "{day}: {rate} of {n} users churned, {expected} were expected: the probabilities are no \
             longer calibrated; see whether the season explains it, else train again"
        ),
        format!(
            "{day}：{n} 位用户中 {rate} 流失，预期 {expected}：概率不再校准；请看是否由季节引起，否则重新训练"
        ),
    )
}

fn estimate(it: Estimate) -> Value {
    Value::Estimate(it.value, it.interval.map(|interval| (interval.low, interval.high)))
}

type Night<'a> = &'a JudgedNight;

fn day<'n>() -> Column<'static, Night<'n>> {
    column("as_of", ("Night", "夜晚"), Format::Text, |it: &Night<'_>| it.day)
}

fn rates(nights: &[JudgedNight]) -> Table {
    let columns = [
        day(),
        column("churn_rate", ("Churned", "实际流失"), Format::Decimal(3), |it: &Night<'_>| {
            estimate(it.churn_rate)
        }),
        column("mean", ("Expected", "预期"), Format::Decimal(3), |it: &Night<'_>| {
            it.mean_probability
        }),
        column("n_flagged", ("Flagged", "标记"), Format::Count, |it: &Night<'_>| it.n_flagged),
        column("precision", ("Right", "命中"), Format::Decimal(2), |it: &Night<'_>| {
            it.flag_precision.map(estimate)
        }),
        column("expected", ("Exp.", "预期"), Format::Decimal(2), |it: &Night<'_>| {
            it.expected.and_then(|it| it.flag_precision)
        }),
    ];
    Table::new("rates", nights, &columns)
}

fn measures(nights: &[JudgedNight]) -> Table {
    let columns = [
        day(),
        column("roc_auc", ("AUC", "AUC"), Format::Decimal(3), |it: &Night<'_>| {
            it.roc_auc.map(estimate)
        }),
        column("auc", ("Exp.", "预期"), Format::Decimal(3), |it: &Night<'_>| {
            it.expected.and_then(|it| it.eligible.roc_auc)
        }),
        column("brier", ("Brier", "Brier"), Format::Decimal(3), |it: &Night<'_>| {
            it.brier.map(|it| it.value)
        }),
        column("brier_expected", ("Exp.", "预期"), Format::Decimal(3), |it: &Night<'_>| {
            it.expected.map(|it| it.eligible.brier)
        }),
        column("log_loss", ("Log loss", "对数损失"), Format::Decimal(3), |it: &Night<'_>| {
            it.log_loss.map(|it| it.value)
        }),
        column("ece", ("ECE", "ECE"), Format::Decimal(3), |it: &Night<'_>| {
            it.ece.map(|it| it.value)
        }),
    ];
    Table::new("measures", nights, &columns)
}

fn nights_for_programs(nights: &[JudgedNight]) -> Table {
    type Of<'a> = Night<'a>;
    let number = |key, of: fn(&Of<'_>) -> Value| column(key, ("", ""), Format::Decimal(4), of);
    let count = |key, of: fn(&Of<'_>) -> Value| column(key, ("", ""), Format::Count, of);
    let columns = [
        day(),
        column("horizon_end", ("", ""), Format::Text, |it: &Of<'_>| it.horizon_end),
        column("bundle", ("", ""), Format::Text, |it: &Of<'_>| it.bundle.clone()),
        count("n_users", |it| it.n_users.into()),
        count("n_unknown", |it| it.n_unknown.into()),
        number("churn_rate", |it| estimate(it.churn_rate)),
        number("mean_probability", |it| it.mean_probability.into()),
        column("is_off", ("", ""), Format::Text, |it: &Of<'_>| it.is_off),
        number("n_churned_expected", |it| it.expected.map(|it| it.eligible.n_positive).into()),
        number("n_churned_expected_sd", |it| it.expected.map(|it| it.eligible.sd_positive).into()),
        number("roc_auc", |it| it.roc_auc.map(estimate).into()),
        number("roc_auc_expected", |it| it.expected.and_then(|it| it.eligible.roc_auc).into()),
        number("brier", |it| it.brier.map(estimate).into()),
        number("brier_expected", |it| it.expected.map(|it| it.eligible.brier).into()),
        number("log_loss", |it| it.log_loss.map(estimate).into()),
        number("log_loss_expected", |it| it.expected.map(|it| it.eligible.log_loss).into()),
        number("ece", |it| it.ece.map(estimate).into()),
        count("n_flagged", |it| it.n_flagged.into()),
        number("flag_precision", |it| it.flag_precision.map(estimate).into()),
        number("flag_precision_expected", |it| it.expected.and_then(|it| it.flag_precision).into()),
    ];
    Table::new("nights", nights, &columns).for_programs()
}

#[derive(Clone, Copy)]
struct LayerOfNight<'a> {
    night: &'a JudgedNight,
    layer: &'a JudgedLayer,
}

fn layer_columns<'n>(with_night: bool) -> Vec<Column<'static, LayerOfNight<'n>>> {
    type Of<'a> = LayerOfNight<'a>;
    let mut columns = Vec::new();
    if with_night {
        columns.push(column("as_of", ("", ""), Format::Text, |it: &Of<'_>| it.night.day));
    }
    columns.extend([
        column("id", ("Id", "编号"), Format::Text, |it: &Of<'_>| it.layer.id.clone()),
        column("name", ("Layer", "分层"), Format::Text, |it: &Of<'_>| {
            layer_name(&it.layer.name.en, &it.layer.name.zh)
        }),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &Of<'_>| it.layer.n_users),
        column("churn_rate", ("Churned", "实际流失"), Format::Decimal(2), |it: &Of<'_>| {
            estimate(it.layer.churn_rate)
        }),
        column("mean_probability", ("Expected", "预期"), Format::Decimal(2), |it: &Of<'_>| {
            it.layer.mean_probability
        }),
        column("roc_auc", ("AUC", "AUC"), Format::Decimal(2), |it: &Of<'_>| {
            it.layer.roc_auc.map(estimate)
        }),
    ]);
    if with_night {
        columns.extend([
            column("brier", ("", ""), Format::Decimal(4), |it: &Of<'_>| {
                it.layer.brier.map(estimate)
            }),
            column("n_flagged", ("", ""), Format::Count, |it: &Of<'_>| it.layer.n_flagged),
            column("flag_precision", ("", ""), Format::Decimal(4), |it: &Of<'_>| {
                it.layer.flag_precision.map(estimate)
            }),
        ]);
    }
    columns
}

fn unjudged_columns<'n>() -> [Column<'static, &'n UnjudgedNight>; 2] {
    [
        column("as_of", ("Night", "夜晚"), Format::Text, |it: &&UnjudgedNight| it.day),
        column("reason", ("Why", "原因"), Format::Text, |it: &&UnjudgedNight| it.reason.clone()),
    ]
}
