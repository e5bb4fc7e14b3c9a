//! Reasons for a user's risk in sentences: the clearest fact of a theme, with this
//! user's numbers beside those of users who stayed.

use crate::dataset::{Bilingual, EventRole, Family, FeatureInfo, Missing, PurchaseSummary, Unit};
use crate::models::churn::{Reason, Theme};

/// The features of a classifier with what is needed to speak of them.
pub(super) struct ReasonWords {
    features: Vec<FeatureInfo>,
    /// Medians of users who stayed, in the order of the features.
    typical: Vec<f64>,
}

impl ReasonWords {
    /// `features` are the classifier's, `typical` their medians among the users who
    /// stayed.
    pub fn new(features: Vec<FeatureInfo>, typical: Vec<f64>) -> Self {
        Self { features, typical }
    }

    pub fn name(&self, reason: &Reason) -> &str {
        &self.features[reason.feature as usize].name
    }

    /// What is so about the user. `orders` is the rhythm of the user's orders, if
    /// it is known.
    pub fn sentence(&self, reason: &Reason, orders: Option<&PurchaseSummary>) -> Bilingual {
        let feature = &self.features[reason.feature as usize];
        if reason.theme == Theme::Silence
            && let Some(sentence) = orders.and_then(own_silence)
        {
            return sentence;
        }
        let typical = self.typical[reason.feature as usize];
        let (own, usual) = (figure(reason.value, feature), figure(typical, feature));
        let fact = fact(feature, reason.value, &own);
        match fact.filter(|_| reason.is_shown && own != usual) {
            Some(fact) => Bilingual::new(
                format!("{}; those who stay: {}", fact.en, usual.en),
                format!("{}；留存用户：{}", fact.zh, usual.zh),
            ),
            None => neutral(reason.theme),
        }
    }
}

/// No order for longer than is usual for the user; `None` when it is not longer.
fn own_silence(orders: &PurchaseSummary) -> Option<Bilingual> {
    let days = orders.last_days_ago.floor();
    match orders.median_gap_days() {
        Some(gap) if days > gap => Some(Bilingual::new(
            format!("no order for {}; usually every {}", n_days(days), every(gap)),
            format!("已{}天未下单；通常每{}天一单", short(days), short(gap)),
        )),
        None if orders.n_days == 1 && days >= 1.0 => Some(Bilingual::new(
            format!("no order for {}, after only one day with orders", n_days(days)),
            format!("仅有一天下过单，已{}天未再下单", short(days)),
        )),
        _ => None,
    }
}

fn every(gap: f64) -> String {
    if gap == 1.0 { "day".into() } else { short(gap) }
}

fn n_days(days: f64) -> String {
    if days == 1.0 { "1 day".into() } else { format!("{} days", short(days)) }
}

/// What a feature says of a user, with the value in words; `None` where numbers say
/// nothing to people.
fn fact(feature: &FeatureInfo, value: f64, own: &Bilingual) -> Option<Bilingual> {
    let is_never = matches!(feature.when_missing, Missing::Never(days) if value >= days);
    let words = |en: String, zh: String| Some(Bilingual::new(en, zh));
    let (en, zh) = (&own.en, &own.zh);
    match feature.family {
        Family::Silence if is_never => words("no order so far".into(), "从未下单".into()),
        Family::Silence => {
            words(format!("no order for {}", n_days(value)), format!("已{zh}天未下单"))
        }
        // In gaps of the user, which the rhythm says better.
        Family::SilenceRatio | Family::SilenceOfLongestGap => None,
        Family::Orders if value == 0.0 => words(
            format!("no order{}", period(feature).en),
            format!("{}未下单", period(feature).zh),
        ),
        Family::Orders => counted(feature, value, "order", "orders", "单"),
        Family::OrderDays => {
            counted(feature, value, "day with orders", "days with orders", "天下过单")
        }
        Family::Frequency => words(format!("{en} orders a month"), format!("每月{zh}单")),
        Family::GapMean => {
            words(format!("{en} days between orders on average"), format!("平均{zh}天一单"))
        }
        Family::LongestGap => {
            words(format!("longest pause between orders {en} days"), format!("最长{zh}天未下单"))
        }
        Family::LastGap => {
            words(format!("{en} days between the last two orders"), format!("最近两单相隔{zh}天"))
        }
        Family::LastGapRatio => words(
            format!("the last pause between orders was {en} times the mean one"),
            format!("最近一次下单间隔为平均的{zh}倍"),
        ),
        Family::GapCv => words(
            format!(
                "orders at irregular intervals, which vary by {} of their mean",
                percent(value)
            ),
            format!("下单间隔不规律，波动为平均的{}", percent(value)),
        ),
        Family::GapSd => words(
            format!("orders at irregular intervals, which vary by {en} days"),
            format!("下单间隔不规律，波动{zh}天"),
        ),
        Family::Gmv if value == 0.0 => nothing_ordered(feature),
        Family::Gmv => words(
            format!("spent {en}{}", period(feature).en),
            format!("{}消费{zh}", period(feature).zh),
        ),
        Family::OrderValue if value == 0.0 => nothing_ordered(feature),
        Family::OrderValue => words(
            format!("{en} an order{}", period(feature).en),
            format!("{}客单价{zh}", period(feature).zh),
        ),
        Family::DiscountShare => words(
            format!("{en} of the orders{} on discount", period(feature).en),
            format!("{}{zh}的订单有折扣", period(feature).zh),
        ),
        Family::CustomerAge => {
            words(format!("first order only {} ago", n_days(value)), format!("首单仅在{zh}天前"))
        }
        Family::PurchaseSpan if value == 0.0 => {
            words("only one day with orders so far".into(), "仅有一天下过单".into())
        }
        Family::PurchaseSpan => words(
            format!("only {} from the first order to the last", n_days(value)),
            format!("首单至末单仅{zh}天"),
        ),
        Family::DaysSinceFirstEvent => {
            words(format!("first seen only {} ago", n_days(value)), format!("{zh}天前才首次到来"))
        }
        Family::DaysSinceActivity if is_never => words("never active".into(), "从未活跃".into()),
        Family::DaysSinceActivity => {
            words(format!("not active for {}", n_days(value)), format!("已{zh}天未活跃"))
        }
        Family::ActiveDays => counted(feature, value, "active day", "active days", "个活跃日"),
        Family::Events | Family::EventDays | Family::DaysSinceEvent => {
            of_event(feature, value, is_never)
        }
        _ => {
            words(format!("{}: {en}", feature.meaning.en), format!("{}：{zh}", feature.meaning.zh))
        }
    }
}

fn of_event(feature: &FeatureInfo, value: f64, is_never: bool) -> Option<Bilingual> {
    let event = feature.event.as_deref()?;
    if feature.family != Family::DaysSinceEvent {
        let days = if feature.family == Family::EventDays { "days with " } else { "" };
        let zh = if feature.family == Family::EventDays { "天有" } else { "次" };
        let what = format!("{days}`{event}`");
        return counted(feature, value, &what, &what, &format!("{zh}`{event}`"));
    }
    Some(match is_never {
        true => Bilingual::new(format!("never any `{event}`"), format!("从未有`{event}`")),
        false => Bilingual::new(
            format!("no `{event}` for {}", n_days(value)),
            format!("已{}天没有`{event}`", short(value)),
        ),
    })
}

/// "only 2 orders in the last 90 days"; without "only" where more is worse.
fn counted(feature: &FeatureInfo, n: f64, one: &str, many: &str, zh: &str) -> Option<Bilingual> {
    let Bilingual { en: period, zh: period_zh } = period(feature);
    let is_bad = feature.has_role(EventRole::Negative) || feature.has_role(EventRole::Outbound);
    let (only, only_zh) = if is_bad { ("", "") } else { ("only ", "仅") };
    let what = if n == 1.0 { one } else { many };
    Some(match n == 0.0 {
        true => Bilingual::new(format!("no {one}{period}"), format!("{period_zh}没有{zh}")),
        false => Bilingual::new(
            format!("{only}{} {what}{period}", short(n)),
            format!("{period_zh}{only_zh}{}{zh}", short(n)),
        ),
    })
}

fn nothing_ordered(feature: &FeatureInfo) -> Option<Bilingual> {
    let Bilingual { en, zh } = period(feature);
    Some(Bilingual::new(format!("nothing ordered{en}"), format!("{zh}未下单")))
}

fn period(feature: &FeatureInfo) -> Bilingual {
    match feature.window_days {
        Some(days) => Bilingual::new(format!(" in the last {days} days"), format!("近{days}天")),
        None => Bilingual::new(" so far", "累计"),
    }
}

/// A theme of which nothing that would speak for risk can be shown.
fn neutral(theme: Theme) -> Bilingual {
    let (en, zh) = match theme {
        Theme::Silence => ("the time since the last order", "距上次下单的时间"),
        Theme::Frequency => ("how often the user orders", "下单频率"),
        Theme::Regularity => ("how regularly orders come", "下单的规律性"),
        Theme::Spending => ("how much the user spends", "消费金额"),
        Theme::OrderSize => ("the size of orders", "客单大小"),
        Theme::Range => ("the range of what is bought", "购买范围"),
        Theme::Discounts => ("buying on discount", "折扣购买情况"),
        Theme::Messages => ("messages sent and answered", "消息触达与响应"),
        Theme::TurnedAway => ("signs of turning away", "负面信号"),
        Theme::History => ("how long the user has been a customer", "成为顾客的时长"),
        Theme::Activity => ("activity beside ordering", "下单之外的活跃情况"),
        Theme::Conversion => ("how often activity ends in an order", "转化情况"),
        Theme::Season => ("the season of the orders", "下单季节"),
        Theme::Clock => ("the days and hours of activity", "活跃的日期与时段"),
        Theme::FirstOrder => ("what the first order was like", "首单情况"),
        Theme::Channels => ("the channels used", "使用的渠道"),
        Theme::Categories => ("the categories chosen", "选择的品类"),
        Theme::Sharing => ("sharing with others", "分享情况"),
        Theme::Coupons => ("use of coupons", "优惠券使用情况"),
        Theme::Custom => ("custom features", "自定义特征"),
    };
    Bilingual::new(en, zh)
}

/// A value in the unit of its feature.
fn figure(value: f64, feature: &FeatureInfo) -> Bilingual {
    if matches!(feature.when_missing, Missing::Never(days) if value >= days) {
        return Bilingual::new("never", "从未");
    }
    Bilingual::same(match (feature.family, feature.unit) {
        (Family::GapCv, _) | (_, Unit::Share) => percent(value),
        (_, Unit::Money) => format!("{value:.2}"),
        _ => short(value),
    })
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 100.0).round())
}

/// At most two digits behind the point, and none that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dimension, Gaps};

    fn feature(family: Family, unit: Unit, window_days: Option<u32>) -> FeatureInfo {
        let meaning = Bilingual::new("a measure", "某指标");
        FeatureInfo { family, unit, window_days, meaning, ..FeatureInfo::plain("f") }
    }

    /// The sentence of a value beside a usual one.
    fn say(feature: FeatureInfo, value: f64, typical: f64, is_shown: bool) -> Bilingual {
        let theme = Theme::of(&feature);
        let words = ReasonWords::new(vec![feature], vec![typical]);
        words.sentence(&Reason { theme, contribution: 0.5, feature: 0, value, is_shown }, None)
    }

    fn of_event(family: Family, roles: Vec<EventRole>) -> FeatureInfo {
        let when_missing = match family {
            Family::DaysSinceEvent => Missing::Never(900.0),
            _ => Missing::Zero,
        };
        let event = Some("view".to_owned());
        FeatureInfo { event, roles, when_missing, ..feature(family, Unit::Count, Some(90)) }
    }

    #[test]
    fn silence_is_told_by_the_users_own_rhythm() {
        let silence = feature(Family::Silence, Unit::Days, None);
        let words = ReasonWords::new(vec![silence], vec![12.0]);
        let reason = |is_shown| Reason {
            theme: Theme::Silence,
            contribution: 0.5,
            feature: 0,
            value: 44.0,
            is_shown,
        };
        let say = |n_days, gap: Option<f64>, is_shown| {
            let gaps =
                gap.map(|days| Gaps { median_days: days, mean_days: days, longest_days: days });
            let orders =
                PurchaseSummary { n_days, last_days_ago: 43.4, gaps, ..Default::default() };
            words.sentence(&reason(is_shown), Some(&orders))
        };
        let own = say(5, Some(12.0), true);
        assert_eq!(own.en, "no order for 43 days; usually every 12");
        assert_eq!(own.zh, "已43天未下单；通常每12天一单");
        assert_eq!(say(1, None, true).en, "no order for 43 days, after only one day with orders");
        // Not silent for longer than usual: beside others, or not at all.
        assert_eq!(say(5, Some(90.0), true).en, "no order for 44 days; those who stay: 12");
        assert_eq!(say(5, Some(90.0), false).en, "the time since the last order");
    }

    #[test]
    fn sentences_say_what_a_marketer_can_act_on() {
        let cases = [
            (
                say(feature(Family::Orders, Unit::Count, Some(90)), 1.0, 4.0, true),
                "only 1 order in the last 90 days; those who stay: 4",
                "近90天仅1单；留存用户：4",
            ),
            (
                say(feature(Family::Orders, Unit::Count, Some(90)), 0.0, 4.0, true),
                "no order in the last 90 days; those who stay: 4",
                "近90天未下单；留存用户：4",
            ),
            (
                say(feature(Family::Gmv, Unit::Money, Some(90)), 12.5, 99.0, true),
                "spent 12.50 in the last 90 days; those who stay: 99.00",
                "近90天消费12.50；留存用户：99.00",
            ),
            (
                say(feature(Family::GapCv, Unit::Ratio, None), 1.34, 0.6, true),
                "orders at irregular intervals, which vary by 134 % of their mean; those who stay: 60 %",
                "下单间隔不规律，波动为平均的134 %；留存用户：60 %",
            ),
            (
                say(feature(Family::DiscountShare, Unit::Share, None), 0.8, 0.25, true),
                "80 % of the orders so far on discount; those who stay: 25 %",
                "累计80 %的订单有折扣；留存用户：25 %",
            ),
            (
                say(feature(Family::PurchaseSpan, Unit::Days, None), 0.0, 196.0, true),
                "only one day with orders so far; those who stay: 196",
                "仅有一天下过单；留存用户：196",
            ),
            (
                say(of_event(Family::Events, Vec::new()), 2.0, 12.0, true),
                "only 2 `view` in the last 90 days; those who stay: 12",
                "近90天仅2次`view`；留存用户：12",
            ),
            (
                say(of_event(Family::Events, vec![EventRole::Negative]), 2.0, 0.0, true),
                "2 `view` in the last 90 days; those who stay: 0",
                "近90天2次`view`；留存用户：0",
            ),
            (
                say(of_event(Family::DaysSinceEvent, Vec::new()), 900.0, 3.5, true),
                "never any `view`; those who stay: 3.5",
                "从未有`view`；留存用户：3.5",
            ),
            (
                say(feature(Family::Entropy(Dimension::Channel), Unit::Bits, None), 0.5, 1.0, true),
                "a measure: 0.5; those who stay: 1",
                "某指标：0.5；留存用户：1",
            ),
        ];
        for (found, en, zh) in cases {
            assert_eq!((found.en.as_str(), found.zh.as_str()), (en, zh));
        }
    }

    #[test]
    fn what_does_not_speak_for_risk_is_named_but_not_shown() {
        let orders = || feature(Family::Orders, Unit::Count, Some(90));
        assert_eq!(say(orders(), 9.0, 4.0, false).en, "how often the user orders");
        // Alike in as many digits as people read.
        assert_eq!(say(orders(), 4.0, 4.001, true).zh, "下单频率");
        for theme in Theme::ALL {
            let words = neutral(theme);
            assert!(words.en.is_ascii() && !words.en.contains(char::is_numeric), "{words:?}");
            assert!(!words.zh.is_ascii(), "{words:?}");
        }
    }
}
