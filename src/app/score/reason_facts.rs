//! What one feature says of a user: a sentence for every family of the catalogue.

use super::reason_figures::{figure, is_never, n_days, short};
use crate::dataset::{Bilingual, DayPart, Dimension, EventRole, Family, FeatureInfo, WEEKDAYS};

/// What a feature says of a user, one row a family; `None` where numbers say nothing
/// to people. "Only" is said where the value is lower than it should be
/// (`is_too_low`). Only a custom feature is shown by its meaning and value: what it
/// is nobody else knows.
pub(super) fn fact(feature: &FeatureInfo, value: f64, is_too_low: bool) -> Option<Bilingual> {
    let own = figure(value, feature);
    let (n, zh) = (&own.en, &own.zh);
    let (only, only_zh) = if is_too_low { ("only ", "仅") } else { ("", "") };
    let counted = |words, zh| Some(counted(feature, value, is_too_low, words, zh));
    let trend = |words, zh| trend(feature, &own, (only, words), (only_zh, zh));
    let Bilingual { en: period, zh: period_zh } = period(feature);
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    let (event, channel) = (name(&feature.event), name(&feature.channel));
    use Family as F;
    let (en, zh) = match feature.family {
        F::Silence if is_never(feature, value) => ("no order so far".into(), "从未下单".into()),
        F::Silence => (format!("no order for {}", n_days(value)), format!("已{zh}天未下单")),
        // In gaps of the user, which the rhythm says better.
        F::SilenceRatio | F::SilenceOfLongestGap => return None,
        F::Orders | F::OrderDays if value == 0.0 => {
            (format!("no order{period}"), format!("{period_zh}未下单"))
        }
        F::Orders => return counted(("order", "orders"), ("单", "")),
        F::OrderDays => {
            return counted(("day with orders", "days with orders"), ("天", "下过单"));
        }
        F::Frequency => (format!("{n} orders a month"), format!("每月{zh}单")),
        F::SameSeason if value == 0.0 => {
            ("no order in these weeks of last year".into(), "去年同期未下单".into())
        }
        F::SameSeason => {
            (format!("orders in these weeks of last year: {n}"), format!("去年同期下过{zh}单"))
        }
        F::GapMean => (format!("an order every {n} days on average"), format!("平均{zh}天一单")),
        F::LongestGap => {
            (format!("longest pause between orders {n} days"), format!("最长{zh}天未下单"))
        }
        F::LastGap => {
            (format!("{n} days between the last two orders"), format!("最近两单相隔{zh}天"))
        }
        F::LastGapRatio => (
            format!("the last pause between orders was {n} times the mean one"),
            format!("最近一次下单间隔为平均的{zh}倍"),
        ),
        // 0 stands for too few orders to vary.
        F::GapCv | F::GapSd | F::OrderValueSd | F::OrderValueCv if value == 0.0 => return None,
        F::GapCv => (
            format!("the days between orders vary by {n} of their mean"),
            format!("下单间隔波动为平均的{zh}"),
        ),
        F::GapSd => (format!("the days between orders vary by {n}"), format!("下单间隔波动{zh}天")),
        F::Gmv | F::OrderValue if value == 0.0 => {
            (format!("nothing ordered{period}"), format!("{period_zh}未下单"))
        }
        F::Gmv => (format!("spent {n}{period}"), format!("{period_zh}消费{zh}")),
        F::OrderValue => (format!("{n} an order{period}"), format!("{period_zh}客单价{zh}")),
        F::LargestOrder => {
            (format!("largest order worth {only}{n}"), format!("最大一单{only_zh}{zh}"))
        }
        F::OrderValueSd => (format!("order values vary by {n}"), format!("订单金额波动{zh}")),
        F::OrderValueCv => {
            (format!("order values vary by {n} of their mean"), format!("订单金额波动为平均的{zh}"))
        }
        F::OrderValueTrend => (
            format!("order values change by {n} of their mean from order to order"),
            format!("客单价逐单变化为平均的{zh}"),
        ),
        F::LastOrderValueRatio => (
            format!("the last order was worth {n} of the user's mean one"),
            format!("最近一单金额为平均的{zh}"),
        ),
        F::Units => return counted(("unit bought", "units bought"), ("件", "商品")),
        F::UnitsPerOrder => {
            (format!("{n} units in an order{period}"), format!("{period_zh}每单{zh}件"))
        }
        F::LinesPerOrder => {
            (format!("{n} lines in an order{period}"), format!("{period_zh}每单{zh}行"))
        }
        F::Discount if value == 0.0 => {
            (format!("no discount taken{period}"), format!("{period_zh}没有享受优惠"))
        }
        F::Discount => {
            (format!("discounts of {n} taken{period}"), format!("{period_zh}享受优惠{zh}"))
        }
        F::DiscountShare => (
            format!("{n} of the orders{period} on discount"),
            format!("{period_zh}{zh}的订单有折扣"),
        ),
        F::DiscountDepth => {
            (format!("{n} below full price{period}"), format!("{period_zh}优惠占原价{zh}"))
        }
        F::ItemVariety => {
            return counted(("item bought", "different items bought"), ("款", "商品"));
        }
        F::ItemNovelty => (
            format!("{n} different items for each line of an order"),
            format!("每行订单{zh}款不同商品"),
        ),
        F::CategoryVariety => {
            return counted(("category bought", "categories bought"), ("个", "品类"));
        }
        F::FirstOrderValue => (format!("first order worth {n}"), format!("首单金额{zh}")),
        F::FirstOrderUnits => (format!("{n} units in the first order"), format!("首单{zh}件")),
        F::FirstOrderDiscountDepth => {
            (format!("first order {n} below full price"), format!("首单优惠占原价{zh}"))
        }
        F::DaysToFirstOrder => (
            format!("{} from the first visit to the first order", n_days(value)),
            format!("首次到访{zh}天后下首单"),
        ),
        F::FirstOrderWeekend if value > 0.0 => {
            ("first order at a weekend".into(), "首单在周末".into())
        }
        F::FirstOrderWeekend => {
            ("first order on a day from Monday to Friday".into(), "首单在工作日".into())
        }
        F::CustomerAge => {
            (format!("first order {only}{} ago", n_days(value)), format!("首单{only_zh}在{zh}天前"))
        }
        F::PurchaseSpan if value == 0.0 => {
            ("only one day with orders so far".into(), "仅有一天下过单".into())
        }
        F::PurchaseSpan => (
            format!("{only}{} from the first order to the last", n_days(value)),
            format!("首单至末单{only_zh}{zh}天"),
        ),
        F::DaysSinceFirstEvent => (
            format!("first seen {only}{} ago", n_days(value)),
            format!("首次到来{only_zh}在{zh}天前"),
        ),
        F::OrdersTrend => return trend("orders", "订单"),
        F::GmvTrend => return trend("spending", "消费"),
        F::ActivityTrend => return trend("active days", "活跃日"),
        F::EventsTrend => {
            let event = format!("`{event}`");
            return trend(&event, &event);
        }
        F::Events => {
            let event = format!("`{event}`");
            return counted((&event, &event), ("次", &event));
        }
        F::EventDays => {
            let days = (format!("day with `{event}`"), format!("days with `{event}`"));
            return counted((&days.0, &days.1), ("天有", &format!("`{event}`")));
        }
        F::DaysSinceEvent if is_never(feature, value) => {
            (format!("never any `{event}`"), format!("从未有`{event}`"))
        }
        F::DaysSinceEvent => {
            (format!("no `{event}` for {}", n_days(value)), format!("已{zh}天没有`{event}`"))
        }
        F::EventItems => {
            let items = (format!("item with `{event}`"), format!("items with `{event}`"));
            return counted((&items.0, &items.1), ("款", &format!("`{event}`的商品")));
        }
        F::EventCategories => {
            let them = (format!("category with `{event}`"), format!("categories with `{event}`"));
            return counted((&them.0, &them.1), ("个", &format!("`{event}`的品类")));
        }
        F::EventAmount => {
            (format!("`{event}` worth {n}{period}"), format!("{period_zh}`{event}`金额{zh}"))
        }
        F::EventDwell => (
            format!("{n} seconds in `{event}`{period}"),
            format!("{period_zh}在`{event}`停留{zh}秒"),
        ),
        F::ActiveDays => {
            return counted(("active day", "active days"), ("个", "活跃日"));
        }
        F::DaysSinceActivity if is_never(feature, value) => {
            ("never active".into(), "从未活跃".into())
        }
        F::DaysSinceActivity => {
            (format!("not active for {}", n_days(value)), format!("已{zh}天未活跃"))
        }
        F::ActiveGapMean => {
            (format!("active every {n} days on average"), format!("平均{zh}天活跃一次"))
        }
        F::LongestActiveGap => {
            (format!("longest pause between visits {n} days"), format!("最长{zh}天未活跃"))
        }
        F::LastStreak => (
            format!("active on {only}{} in a row, most recently", n_days(value)),
            format!("最近一次{only_zh}连续活跃{zh}天"),
        ),
        F::LongestStreak => (
            format!("never active on more than {} in a row", n_days(value)),
            format!("连续活跃最多{zh}天"),
        ),
        F::Dwell => (format!("{n} seconds spent{period}"), format!("{period_zh}停留{zh}秒")),
        F::DwellPerActiveDay => (
            format!("{n} seconds spent on an active day{period}"),
            format!("{period_zh}每个活跃日停留{zh}秒"),
        ),
        F::Sessions => return counted(("session", "sessions"), ("次", "会话")),
        F::EventsPerSession => (format!("{n} actions in a session"), format!("每次会话{zh}个行为")),
        F::Rate | F::Response => return rate(feature, &own, (only, only_zh)),
        F::OrdersInQuarter(quarter) => (
            format!("{n} of the orders in quarter {quarter} of the year"),
            format!("{zh}的订单在第{quarter}季度"),
        ),
        F::OrdersAtWeekend => {
            (format!("{n} of the orders at weekends"), format!("{zh}的订单在周末"))
        }
        F::OrdersAt(part) => {
            let (when, when_zh) = day_part(part);
            (format!("{n} of the orders {when}"), format!("{zh}的订单在{when_zh}"))
        }
        F::EventsAtWeekend => {
            (format!("{n} of the activity at weekends"), format!("{zh}的行为在周末"))
        }
        F::EventsAt(part) => {
            let (when, when_zh) = day_part(part);
            (format!("{n} of the activity {when}"), format!("{zh}的行为在{when_zh}"))
        }
        F::EventsOnWeekday(day) => {
            let (day, day_zh) = WEEKDAYS[usize::from(day.min(6))];
            (format!("{n} of the activity on {day}s"), format!("{zh}的行为在{day_zh}"))
        }
        F::EventsOf(of) => {
            let value_of = column_value(feature, of);
            let what = format!("{} `{value_of}`", of.as_str());
            let actions = (format!("action with {what}"), format!("actions with {what}"));
            let actions_zh = format!("{}`{value_of}`的行为", chinese(of));
            return counted((&actions.0, &actions.1), ("次", &actions_zh));
        }
        F::ShareOf(of) => {
            let value_of = column_value(feature, of);
            (
                format!("{n} of the activity with {} `{value_of}`{period}", of.as_str()),
                format!("{period_zh}{zh}的行为属于{}`{value_of}`", chinese(of)),
            )
        }
        F::GmvOnChannel if value == 0.0 => {
            (format!("nothing spent on channel `{channel}`"), format!("在渠道`{channel}`没有消费"))
        }
        F::GmvOnChannel => {
            (format!("spent {n} on channel `{channel}`"), format!("在渠道`{channel}`消费{zh}"))
        }
        F::Distinct(of) => {
            return counted(plural(of), ("个", chinese(of)));
        }
        // Bits of information: the sentence says what they stand for.
        F::Entropy(of) => (
            format!("activity centred on few {}", plural(of).1),
            format!("行为集中于少数{}", chinese(of)),
        ),
        F::FavouriteShare(of) => (
            format!("{n} of the activity with one {}", plural(of).0),
            format!("{zh}的行为集中于一个{}", chinese(of)),
        ),
        F::DaysSinceNew(of) if is_never(feature, value) => {
            (format!("never tried a {}", plural(of).0), format!("从未接触{}", chinese(of)))
        }
        F::DaysSinceNew(of) => (
            format!("nothing new tried ({}) for {}", plural(of).0, n_days(value)),
            format!("已{zh}天没有接触新{}", chinese(of)),
        ),
        F::Custom => {
            (format!("{}: {n}", feature.meaning.en), format!("{}：{zh}", feature.meaning.zh))
        }
    };
    Some(Bilingual::new(en, zh))
}

/// "only 2 orders in the last 90 days"; without "only" where more is worse.
/// Chinese is a measure word and what is counted.
fn counted(
    feature: &FeatureInfo,
    n: f64,
    is_too_low: bool,
    (one, many): (&str, &str),
    (measure, zh): (&str, &str),
) -> Bilingual {
    let Bilingual { en: period, zh: period_zh } = period(feature);
    let is_bad = feature.has_role(EventRole::Negative) || feature.has_role(EventRole::Outbound);
    let (only, only_zh) = if is_too_low && !is_bad { ("only ", "仅") } else { ("", "") };
    let what = if n == 1.0 { one } else { many };
    match n == 0.0 {
        true => Bilingual::new(format!("no {one}{period}"), format!("{period_zh}没有{zh}")),
        false => Bilingual::new(
            format!("{only}{} {what}{period}", short(n)),
            format!("{period_zh}{only_zh}{}{measure}{zh}", short(n)),
        ),
    }
}

/// "only 10 % of the orders of 90 days fell in the last 30".
fn trend(
    feature: &FeatureInfo,
    own: &Bilingual,
    (only, en): (&str, &str),
    (only_zh, zh): (&str, &str),
) -> Option<Bilingual> {
    let (recent, longer) = (feature.window_days?, feature.longer_days?);
    // Perhaps there was nothing in the longer window either.
    if own.en == "0 %" {
        return Some(Bilingual::new(
            format!("no {en} in the last {recent} days"),
            format!("近{recent}天没有{zh}"),
        ));
    }
    Some(Bilingual::new(
        format!("{only}{} of the {en} of {longer} days fell in the last {recent}", own.en),
        format!("近{longer}天{zh}中{only_zh}{}在近{recent}天", own.zh),
    ))
}

/// "only 0.1 `order` for each `cart` so far".
fn rate(
    feature: &FeatureInfo,
    own: &Bilingual,
    (only, only_zh): (&str, &str),
) -> Option<Bilingual> {
    let (event, per) = (feature.event.as_deref()?, feature.per_event.as_deref()?);
    let only_zh = if only_zh.is_empty() { "有" } else { only_zh };
    let Bilingual { en: period, zh: period_zh } = period(feature);
    let (on, on_zh) = feature.channel.as_deref().map_or_else(Default::default, |channel| {
        (format!(" on channel `{channel}`"), format!("渠道`{channel}`上"))
    });
    Some(Bilingual::new(
        format!("{only}{} `{event}` for each `{per}`{on}{period}", own.en),
        format!("{period_zh}{on_zh}每次`{per}`{only_zh}{}次`{event}`", own.zh),
    ))
}

fn period(feature: &FeatureInfo) -> Bilingual {
    match feature.window_days {
        Some(days) => Bilingual::new(format!(" in the last {days} days"), format!("近{days}天")),
        None => Bilingual::new(" so far", "累计"),
    }
}

fn day_part(part: DayPart) -> (&'static str, &'static str) {
    match part {
        DayPart::Night => ("between midnight and 6", "凌晨"),
        DayPart::Morning => ("in the morning", "上午"),
        DayPart::Afternoon => ("in the afternoon", "下午"),
        DayPart::Evening => ("in the evening", "晚上"),
    }
}

fn plural(dimension: Dimension) -> (&'static str, &'static str) {
    match dimension {
        Dimension::Event => ("kind of action", "kinds of action"),
        Dimension::Channel => ("channel", "channels"),
        Dimension::Category => ("category", "categories"),
    }
}

fn chinese(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Event => "行为类型",
        Dimension::Channel => "渠道",
        Dimension::Category => "品类",
    }
}

/// The event, channel or category that is looked at alone.
fn column_value(feature: &FeatureInfo, dimension: Dimension) -> String {
    let value = match dimension {
        Dimension::Event => &feature.event,
        Dimension::Channel => &feature.channel,
        Dimension::Category => &feature.category,
    };
    value.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::features::{EventParams, FeatureParams, InputTraits, build_plan};

    /// The features of a shop that fills every column.
    fn everything() -> Vec<FeatureInfo> {
        let strings = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let columns: BTreeSet<&'static str> = [
            "user_id", "time", "event", "amount", "quantity", "discount", "item", "category",
            "channel", "dwell_s", "session", "order_id",
        ]
        .into();
        let events = strings(&["view", "order", "sms_sent", "sms_opened"]);
        let input = InputTraits {
            channels: strings(&["app", "store"]),
            categories: strings(&["tea", "gifts"]),
            alike: BTreeSet::new(),
            columns: columns.clone(),
            columns_of: events.iter().map(|it| (it.clone(), columns.clone())).collect(),
            n_last_day: vec![0; events.len()],
            events,
        };
        let events = EventParams { outbound: vec!["sms_sent".into()], ..Default::default() };
        let plan = build_plan(&FeatureParams::default(), &events, &input, 1_000).unwrap();
        plan.features.into_iter().map(|it| it.info).collect()
    }

    #[test]
    fn every_feature_of_the_catalogue_has_a_sentence_of_its_own() {
        let features = everything();
        assert!(features.len() > 150, "{}", features.len());
        for feature in &features {
            for value in [0.0, 1.0, 0.25, 7.5] {
                let Some(Bilingual { en, zh }) = fact(feature, value, true) else {
                    use Family as F;
                    let says_nothing = match feature.family {
                        F::SilenceRatio | F::SilenceOfLongestGap => true,
                        F::GapCv | F::GapSd | F::OrderValueSd | F::OrderValueCv => value == 0.0,
                        _ => false,
                    };
                    assert!(says_nothing, "{}", feature.name);
                    continue;
                };
                assert!(
                    !en.starts_with(&format!("{}:", feature.meaning.en)),
                    "{}: {en}",
                    feature.name
                );
                assert!(!en.contains("``") && !en.contains("  "), "{}: {en}", feature.name);
                assert!(en.chars().count() <= 90, "{}: {en}", feature.name);
                assert!(zh.chars().any(|it| it > '\u{4e00}'), "{}: {zh}", feature.name);
            }
        }
    }
}
