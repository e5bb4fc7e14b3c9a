//! What kinds are made of.

use crate::bundle::Bundle;
use crate::dataset::{Bilingual, Dimension, Family, FeatureInfo};
use crate::models::segmentation::Composition;
use crate::report::{Document, Format, Table, Value, column, words};

/// Something that users do in shares of their own.
struct Habit {
    what: Bilingual,
    features: Vec<String>,
    /// Events or orders after which a user is known by half.
    half_known_after: f64,
    variance: f64,
}

/// What is shared out over what, how soon a user is known by it, and how much it counts.
pub(super) fn habits(page: &mut Document, bundle: &Bundle) {
    let (fitted, features) = (&bundle.kinds.embedding.habits, bundle.plan.infos());
    let mut habits: Vec<Habit> =
        fitted.compositions.iter().map(|it| of_composition(it, &features)).collect();
    habits.extend(fitted.order_size.iter().map(|it| Habit {
        what: words("value of an order", "每单金额"),
        features: vec![it.mean.clone()],
        half_known_after: it.prior.strength,
        variance: it.variance,
    }));
    if habits.is_empty() {
        return;
    }
    habits.sort_by(|a, b| b.variance.total_cmp(&a.variance));
    let total: f64 = habits.iter().map(|it| it.variance).sum();
    let columns = [
        column("habit", ("What users differ in", "差异所在"), Format::Text, |it: &&Habit| {
            it.what.clone()
        }),
        column("features", ("Features", "特征"), Format::Text, |it: &&Habit| {
            Value::List(it.features.clone())
        }),
        column("half_known_after", ("Half known", "半知"), Format::Short, |it: &&Habit| {
            it.half_known_after
        }),
        column("share_of_variance", ("Counts", "占比"), Format::Share, |it: &&Habit| {
            it.variance / total
        }),
    ];
    page.heading(words("What kinds are made of", "类型的构成"));
    page.table(Table::new("habits", &habits, &columns));
    page.paragraph(words(
        "Kinds come from shares: of a user's events, channels, categories, hours and answers. The \
         less is known of a user, the more each share is drawn towards that of all users. Half \
         known: number of events, messages or orders after which a user's own share and that of \
         all count alike. Counts: part that the habit has in the differences between users.",
        "类型来自各种占比：用户的事件、渠道、品类、时段和响应。对用户了解越少，其占比越向全体靠拢。\
         半知：有多少次事件、消息或订单之后，用户自身的占比与全体的占比同等重要。占比：该习惯在用户差异中所占的部分。",
    ));
}

fn of_composition(it: &Composition, features: &[FeatureInfo]) -> Habit {
    let counts = it.parts.iter().chain(&it.whole);
    Habit {
        what: what(it, features),
        features: counts.map(|count| count.feature.clone()).collect(),
        half_known_after: it.prior.strength(),
        variance: it.variance,
    }
}

fn what(it: &Composition, features: &[FeatureInfo]) -> Bilingual {
    let info = |name: &str| features.iter().find(|info| info.name == name);
    let part = info(&it.parts[0].feature);
    if let (Some(whole), Some(part)) = (&it.whole, part) {
        let Some(whole) = info(&whole.feature).filter(|_| it.parts[0].of.is_none()) else {
            return part.meaning.clone();
        };
        let event = |info: &FeatureInfo| info.event.clone().unwrap_or_else(|| info.name.clone());
        let (answer, sent) = (event(part), event(whole));
        return words(format!("`{answer}` of `{sent}`"), format!("`{sent}` 中的 `{answer}`"));
    }
    match part.map(|info| info.family) {
        Some(Family::EventsOf(Dimension::Channel)) => words("channels", "渠道"),
        Some(Family::EventsOf(Dimension::Category)) => words("categories", "品类"),
        Some(Family::OrdersAt(_)) => words("hours of orders", "下单时段"),
        Some(Family::OrdersInQuarter(_)) => words("quarters of orders", "下单季度"),
        _ => words("types of event", "事件类型"),
    }
}
