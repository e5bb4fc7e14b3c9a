//! One line for a playbook.

use super::figures::{Figure, Lever};
use crate::dataset::Bilingual;

/// What the figures of a group make clear, in one line that a marketer may edit.
pub(super) fn suggestion(figures: &[Figure]) -> Bilingual {
    let clear = |lever: Lever| figures.iter().find(move |it| it.lever == lever && it.is_clear);
    let parts: Vec<Bilingual> = [
        best_channel(figures).map(response),
        clear(Lever::BestHours).filter(|it| it.is_clearly_above()).and_then(hours),
        clear(Lever::DiscountedShare).map(discounted),
        clear(Lever::DiscountValueRatio).map(basket),
        // The first is the most frequent.
        figures
            .iter()
            .find(|it| it.lever == Lever::NextCategory)
            .filter(|it| it.is_clearly_above())
            .and_then(next),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() {
        return Bilingual::new("No clear lever in the data.", "数据中没有明显的抓手。");
    }
    let join = |of: fn(&Bilingual) -> &str, mark: &str| {
        parts.iter().map(of).collect::<Vec<_>>().join(mark)
    };
    let en = join(|it| &it.en, "; ");
    let (first, rest) = en.split_at(1);
    Bilingual::new(
        format!("{}{rest}.", first.to_uppercase()),
        format!("{}。", join(|it| &it.zh, "；")),
    )
}

/// The channel on which most is answered, where that says something of the group.
fn best_channel(figures: &[Figure]) -> Option<&Figure> {
    let rates = figures.iter().filter(|it| it.lever == Lever::ResponseRate);
    let best = rates.max_by(|a, b| a.value.partial_cmp(&b.value).expect("rates are numbers"));
    best.filter(|it| it.is_clear)
}

fn response(figure: &Figure) -> Bilingual {
    let (value, all) = shares(figure);
    let event = figure.event.as_deref().unwrap_or_default();
    let (on, on_zh) = match &figure.of {
        Some(channel) => (format!(" on {}", channel.en), format!("在 {} ", channel.zh)),
        None => Default::default(),
    };
    match figure.is_clearly_above() {
        true => Bilingual::new(
            format!("write{on} ({event} {value}, all: {all})"),
            format!("{on_zh}发消息（{event} {value}，全部：{all}）"),
        ),
        false => Bilingual::new(
            format!("messages{on} reach few ({event} {value}, all: {all})"),
            format!("{on_zh}消息触达少（{event} {value}，全部：{all}）"),
        ),
    }
}

fn hours(figure: &Figure) -> Option<Bilingual> {
    let ((value, all), of) = (shares(figure), figure.of.as_ref()?);
    Some(Bilingual::new(
        format!("active at {} ({value}, all: {all})", of.en),
        format!("{} 最活跃（{value}，全部：{all}）", of.zh),
    ))
}

fn discounted(figure: &Figure) -> Bilingual {
    let (value, all) = shares(figure);
    let (en, zh) = match figure.is_clearly_above() {
        true => ("often", "常用"),
        false => ("seldom", "少用"),
    };
    Bilingual::new(
        format!("{en} buys on discount ({value} of orders, all: {all})"),
        format!("{zh}折扣（{value} 的订单，全部：{all}）"),
    )
}

fn basket(figure: &Figure) -> Bilingual {
    let [value, all] =
        [figure.value, figure.of_all].map(|it| format!("{:.2}", it.unwrap_or_default()));
    Bilingual::new(
        format!("with a discount the basket is {value} times that without (all: {all})"),
        format!("有折扣时客单价为无折扣时的 {value} 倍（全部：{all}）"),
    )
}

fn next(figure: &Figure) -> Option<Bilingual> {
    let ((value, all), of) = (shares(figure), figure.of.as_ref()?);
    Some(Bilingual::new(
        format!("next category: {} ({value}, all: {all})", of.en),
        format!("下一品类：{}（{value}，全部：{all}）", of.zh),
    ))
}

/// The group's share and that of all users, in whole percent.
fn shares(figure: &Figure) -> (String, String) {
    let percent = |share: Option<f64>| format!("{:.0} %", share.unwrap_or_default() * 100.0);
    (percent(figure.value), percent(figure.of_all))
}
