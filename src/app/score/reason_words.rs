//! Reasons for a user's risk in sentences: the clearest fact of a theme, with this
//! user's numbers beside those of users who stayed.

use std::collections::HashMap;

use super::reason_facts::fact;
use super::reason_figures::{figure, n_days, short};
use crate::dataset::{Bilingual, Family, FeatureInfo, PurchaseSummary};
use crate::models::churn::{Reason, Theme};

/// The features of a classifier with what is needed to speak of them.
pub(super) struct ReasonWords {
    features: Vec<FeatureInfo>,
    /// Medians of users who stayed, in the order of the features.
    typical: Vec<f64>,
    /// The same as figures.
    usual: Vec<Bilingual>,
}

/// Sentences that were said before: users have their reasons in common.
#[derive(Default)]
pub(super) struct KnownSentences(HashMap<SentenceKey, Bilingual>);

/// What a sentence depends on.
#[derive(PartialEq, Eq, Hash)]
struct SentenceKey {
    theme: Theme,
    feature: u32,
    value: u64,
    is_shown: bool,
    /// Of a silence: days of it, days that are usual, whether there was one day only.
    silence: Option<(u64, Option<u64>, bool)>,
}

impl SentenceKey {
    fn of(reason: &Reason, orders: Option<&PurchaseSummary>) -> Self {
        let of_orders = |orders: &PurchaseSummary| {
            let gap = orders.median_gap_days().map(f64::to_bits);
            (orders.last_days_ago.ceil().to_bits(), gap, orders.n_days == 1)
        };
        Self {
            theme: reason.theme,
            feature: reason.feature,
            value: reason.value.to_bits(),
            is_shown: reason.is_shown,
            silence: orders.filter(|_| reason.theme == Theme::Silence).map(of_orders),
        }
    }
}

/// Sentences that are kept at most.
const MAX_KNOWN: usize = 1 << 15;

impl ReasonWords {
    /// `features` are the classifier's, `typical` their medians among the users who
    /// stayed.
    pub fn new(features: Vec<FeatureInfo>, typical: Vec<f64>) -> Self {
        let usual = typical.iter().zip(&features).map(|(&value, of)| figure(value, of)).collect();
        Self { features, typical, usual }
    }

    pub fn name(&self, reason: &Reason) -> &str {
        &self.features[reason.feature as usize].name
    }

    /// [`ReasonWords::sentence`], looked up if it was said before.
    pub fn known_sentence<'k>(
        &self,
        reason: &Reason,
        orders: Option<&PurchaseSummary>,
        known: &'k mut KnownSentences,
    ) -> &'k Bilingual {
        if known.0.len() >= MAX_KNOWN {
            known.0.clear();
        }
        let key = SentenceKey::of(reason, orders);
        known.0.entry(key).or_insert_with(|| self.sentence(reason, orders))
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
        let usual = &self.usual[reason.feature as usize];
        let speaks_for_risk = reason.is_shown && figure(reason.value, feature) != *usual;
        match fact(feature, reason.value, speaks_for_risk && reason.value < typical) {
            None => title(reason.theme),
            Some(fact) if !speaks_for_risk => beneath(&title(reason.theme), &fact),
            Some(fact) if is_whole(feature, reason.value) => fact,
            Some(fact) => Bilingual::new(
                format!("{}; those who stay: {}", fact.en, usual.en),
                format!("{}；留存用户：{}", fact.zh, usual.zh),
            ),
        }
    }
}

/// A theme, with a fact that by itself does not speak for risk.
fn beneath(title: &Bilingual, fact: &Bilingual) -> Bilingual {
    Bilingual::new(format!("{} ({})", title.en, fact.en), format!("{}（{}）", title.zh, fact.zh))
}

/// Whether a fact says all without the figure of others: it has none that people read,
/// or there is nothing of which it could be a share.
fn is_whole(feature: &FeatureInfo, value: f64) -> bool {
    use Family as F;
    match feature.family {
        F::Entropy(_) | F::FirstOrderWeekend => true,
        F::OrdersTrend | F::GmvTrend | F::ActivityTrend | F::EventsTrend => value < 0.005,
        _ => false,
    }
}

/// No order for longer than is usual for the user; `None` when it is not longer.
fn own_silence(orders: &PurchaseSummary) -> Option<Bilingual> {
    let days = orders.last_days_ago.ceil();
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

/// What a theme is about.
fn title(theme: Theme) -> Bilingual {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dimension, EventRole, Gaps, Missing, Unit};

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

    fn trend_of_orders() -> FeatureInfo {
        let trend = feature(Family::OrdersTrend, Unit::Share, Some(30));
        FeatureInfo { longer_days: Some(90), ..trend }
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
        assert_eq!(own.en, "no order for 44 days; usually every 12");
        assert_eq!(own.zh, "已 44 天未下单；通常每 12 天一单");
        assert_eq!(say(1, None, true).en, "no order for 44 days, after only one day with orders");
        // Not silent for longer than usual: beside others, or not at all.
        assert_eq!(say(5, Some(90.0), true).en, "no order for 44 days; those who stay: 12");
        assert_eq!(
            say(5, Some(90.0), false).en,
            "the time since the last order (no order for 44 days)"
        );
    }

    #[test]
    fn sentences_say_what_a_marketer_can_act_on() {
        let cases = [
            (
                say(feature(Family::Orders, Unit::Count, Some(90)), 1.0, 4.0, true),
                "only 1 order in the last 90 days; those who stay: 4",
                "近 90 天仅 1 单；留存用户：4",
            ),
            (
                say(feature(Family::Orders, Unit::Count, Some(90)), 0.0, 4.0, true),
                "no order in the last 90 days; those who stay: 4",
                "近 90 天未下单；留存用户：4",
            ),
            (
                say(feature(Family::Gmv, Unit::Money, Some(90)), 12.5, 99.0, true),
                "spent 12.50 in the last 90 days; those who stay: 99.00",
                "近 90 天消费 12.50；留存用户：99.00",
            ),
            (
                say(feature(Family::GapCv, Unit::Ratio, None), 1.34, 0.6, true),
                "the days between orders vary by 134 % of their mean; those who stay: 60 %",
                "下单间隔波动为平均的 134 %；留存用户：60 %",
            ),
            (
                say(feature(Family::GapCv, Unit::Ratio, None), 0.0, 0.6, true),
                "how regularly orders come",
                "下单的规律性",
            ),
            (
                say(trend_of_orders(), 0.0, 0.71, true),
                "no orders in the last 30 days",
                "近 30 天没有订单",
            ),
            (
                say(trend_of_orders(), 0.1, 0.71, true),
                "only 10 % of the orders of 90 days fell in the last 30; those who stay: 71 %",
                "近 90 天订单中仅 10 % 在近 30 天；留存用户：71 %",
            ),
            (
                say(feature(Family::DiscountShare, Unit::Share, None), 0.8, 0.25, true),
                "80 % of the orders so far on discount; those who stay: 25 %",
                "累计 80 % 的订单有折扣；留存用户：25 %",
            ),
            (
                say(feature(Family::PurchaseSpan, Unit::Days, None), 0.0, 196.0, true),
                "only one day with orders so far; those who stay: 196",
                "仅有一天下过单；留存用户：196",
            ),
            (
                say(of_event(Family::Events, Vec::new()), 2.0, 12.0, true),
                "only 2 `view` in the last 90 days; those who stay: 12",
                "近 90 天仅 2 次 `view`；留存用户：12",
            ),
            (
                say(of_event(Family::Events, vec![EventRole::Negative]), 2.0, 0.0, true),
                "2 `view` in the last 90 days; those who stay: 0",
                "近 90 天 2 次 `view`；留存用户：0",
            ),
            (
                say(of_event(Family::EventDays, Vec::new()), 0.0, 3.0, true),
                "no day with `view` in the last 90 days; those who stay: 3",
                "近 90 天没有 `view`；留存用户：3",
            ),
            (
                say(feature(Family::ActiveDays, Unit::Count, Some(14)), 0.0, 2.0, true),
                "no active day in the last 14 days; those who stay: 2",
                "近 14 天没有活跃日；留存用户：2",
            ),
            (
                say(of_event(Family::DaysSinceEvent, Vec::new()), 900.0, 3.5, true),
                "never any `view`; those who stay: 3.5",
                "从未有 `view`；留存用户：3.5",
            ),
            (
                say(feature(Family::Entropy(Dimension::Channel), Unit::Bits, None), 0.5, 1.0, true),
                "activity centred on few channels",
                "行为集中于少数渠道",
            ),
        ];
        for (found, en, zh) in cases {
            assert_eq!((found.en.as_str(), found.zh.as_str()), (en, zh));
        }
    }

    #[test]
    fn what_does_not_speak_for_risk_stands_beneath_its_theme() {
        let orders = || feature(Family::Orders, Unit::Count, Some(90));
        assert_eq!(
            say(orders(), 9.0, 4.0, false).en,
            "how often the user orders (9 orders in the last 90 days)"
        );
        // Alike in as many digits as people read.
        assert_eq!(say(orders(), 4.0, 4.001, true).zh, "下单频率（近 90 天 4 单）");
        for theme in Theme::ALL {
            let words = title(theme);
            assert!(words.en.is_ascii() && !words.en.contains(char::is_numeric), "{words:?}");
            assert!(!words.zh.is_ascii(), "{words:?}");
        }
    }
}
