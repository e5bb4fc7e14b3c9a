//! What shops call users who share some habits.

use super::habit_words::Fact;

/// One kind of users that shops know.
pub(super) struct Archetype {
    /// English and Chinese; `{}` stands for the channel.
    pub(super) words: (&'static str, &'static str),
    /// Habits that set a kind apart, and the share from which they do.
    pub(super) habits: &'static [(Fact, f64)],
    /// What has to be true of so many besides, even where it is of others as well.
    pub(super) besides: &'static [(Fact, f64)],
}

const fn row(
    words: (&'static str, &'static str),
    habits: &'static [(Fact, f64)],
    besides: &'static [(Fact, f64)],
) -> Archetype {
    Archetype { words, habits, besides }
}

/// All of them.
pub(super) const ARCHETYPES: [Archetype; 13] = [
    row(("Key sharers", "核心分享者"), &[(Fact::Shares, 0.08)], &[]),
    row(
        ("Silent but promising", "沉默但有潜力"),
        &[(Fact::Looks, 0.8), (Fact::Answers, 0.3)],
        &[(Fact::Active, 0.5)],
    ),
    row(("Window shoppers", "只逛不买"), &[(Fact::Looks, 0.8)], &[]),
    row(("Price-sensitive", "价格敏感"), &[(Fact::OnDiscount, 0.5)], &[]),
    row(("Coupon users", "爱用优惠券"), &[(Fact::Redeems, 0.1)], &[]),
    // Who buys at the end of the year, and not for the sales.
    row(("Gift-season buyers", "送礼季购买客"), &[(Fact::YearEnd, 0.5)], &[(Fact::FullPrice, 0.7)]),
    row(("Year-end buyers", "年末购买客"), &[(Fact::YearEnd, 0.5)], &[]),
    // Who looks around in one place, or bought there once, is not loyal to it.
    row(
        ("Loyal to {}", "{}忠诚"),
        &[(Fact::OnChannel, 0.7)],
        &[(Fact::Buys, 0.1), (Fact::CameBack, 0.5)],
    ),
    row(("One-off buyers", "一次性顾客"), &[(Fact::OneOff, 0.5)], &[]),
    row(("Fading", "渐行渐远"), &[(Fact::Fading, 0.5)], &[]),
    row(
        ("Everyday shoppers", "日常复购"),
        &[(Fact::KeepsRhythm, 0.5), (Fact::SmallOrders, 0.5)],
        &[],
    ),
    row(("High-value buyers", "高价值"), &[(Fact::BigOrders, 0.5), (Fact::KeepsRhythm, 0.5)], &[]),
    row(("Big-basket buyers", "大额订单"), &[(Fact::BigOrders, 0.5)], &[]),
];
