//! What it pays to move users, and whom to contact.

use super::group_amounts::{estimate, unit, with_interval};
use super::group_label::{GroupLabel, label_of};
use super::group_values::group_warnings;
use super::phrases::users;
use crate::app::{Grouping, PlannedContacts, WeighedOffers};
use crate::dataset::Bilingual;
use crate::models::segmentation::Partition;
use crate::models::worth::{NextMoney, Offer, OfferWorth, Uplift};
use crate::report::{Document, Format, Table, Value, column, digits, words};

/// Offers in numbers, one section each, and what the budget brings.
pub fn offers(found: &WeighedOffers, partition: Partition) -> Document {
    let mut page = Document::default();
    let worth = &found.worth;
    let labels: Vec<GroupLabel> = found
        .names
        .iter()
        .enumerate()
        .map(|(place, name)| label_of(Grouping::Groups(partition), Some(name), place))
        .collect();
    let (day, days, step) = (worth.now.date(), worth.ahead.horizon_days, worth.step_days);
    page.fact("now", day);
    page.fact("horizon_days", days);
    page.fact("step_days", step);
    page.fact("in_orders", Value::Flag(found.in_orders));
    let (unit, unit_zh) = unit(found.in_orders, worth.ahead.margin);
    page.heading(words(
        format!("What it pays to move users, as of {day}"),
        format!("移动用户是否划算：{day}"),
    ));
    page.paragraph(words(
        format!("Worth is {unit} in {days} days; a step is {step} days."),
        format!("价值为 {days} 天内的金额{unit_zh}；一步为 {step} 天。"),
    ));
    for_programs(&mut page, found, &labels);
    for (place, (offer, of_offer)) in found.offers.offers.iter().zip(&found.found).enumerate() {
        one(&mut page, place + 1, offer, of_offer, &labels, found);
    }
    page.paragraph(words(
        "Ceiling and movers are no effects: users who move differ from those who stay, in what \
         is not seen as well. Only an experiment says what an offer moves.",
        "上限与移动者之差都不是因果效应：移动的用户与留下的用户在看不见的方面也不同。只有实验能说明优惠带来了什么。",
    ));
    warnings(&mut page, found, &labels);
    if let Some(file) = &found.list {
        page.fact("list", file.as_path());
    }
    match &found.contacts {
        Some(contacts) => budget(&mut page, contacts, found, &labels),
        None => {
            page.warning(words(
                "no offer can be ranked, and nobody is to be contacted: an offer needs the uplift of \
                 an experiment (`layercake-compare plan`) and 30 users who moved before",
                "没有任何优惠可以排序，无人可触达：优惠需要实验给出的 uplift（`layercake-compare plan`），且此前至少有 30 位用户移动过",
            ));
            if let Some(file) = &found.list {
                let file = file.display();
                page.paragraph(words(
                    format!("list: {file}, which is empty"),
                    format!("名单：{file}，为空"),
                ));
            }
        }
    }
    page
}

type Row<'a> = (usize, &'a Offer, &'a OfferWorth);

/// What speaks against the numbers.
fn warnings(page: &mut Document, found: &WeighedOffers, labels: &[GroupLabel]) {
    group_warnings(page, &found.worth, labels, found.in_orders);
    for (place, (offer, of_offer)) in found.offers.offers.iter().zip(&found.found).enumerate() {
        let number = place + 1;
        if of_offer.ceiling.0 <= 0.0 {
            let to = &labels[of_offer.to].short;
            page.warning(words(
                format!(
                    "offer {number} leads down: members of {} are worth no more, and no contact pays",
                    to.en
                ),
                format!("优惠 {number} 是向下移动：{} 的成员价值并不更高，任何触达都不划算", to.zh),
            ));
        }
        if of_offer.gain_of_move.is_none() && offer.uplift.is_some() {
            let n = digits::count(of_offer.movers.n_moved as u64);
            page.warning(words(
                format!(
                    "offer {number} is not ranked: {n} users moved before who can be compared, and \
                     with fewer than 30 it is not known what a move brings"
                ),
                format!("优惠 {number} 未参与排序：此前可比较的移动用户 {n} 位，少于 30 位则无从得知移动带来什么"),
            ));
        }
    }
    for (group, left) in found.contacts.iter().flat_map(|it| &it.unspent_floors) {
        let left = digits::whole(*left);
        page.warning(words(
            format!("{left} of the floor of {group} are not spent: no more of its contacts pay"),
            format!("{group} 的保底预算剩余 {left} 未花：该组没有更多值得的触达"),
        ));
    }
}

fn for_programs(page: &mut Document, found: &WeighedOffers, labels: &[GroupLabel]) {
    let rows = found.offers.offers.iter().zip(&found.found).enumerate();
    let rows: Vec<Row<'_>> = rows.map(|(place, (offer, it))| (place + 1, offer, it)).collect();
    let number = Format::Decimal(6);
    let contacts = |number: usize| found.contacts.as_ref().map(|it| it.n_users[number - 1]);
    let columns = [
        column("offer", ("", ""), Format::Count, |it: &&Row<'_>| it.0),
        column("from", ("", ""), Format::Text, |it: &&Row<'_>| labels[it.2.from].short.clone()),
        column("to", ("", ""), Format::Text, |it: &&Row<'_>| labels[it.2.to].short.clone()),
        column("n_users", ("", ""), Format::Count, |it: &&Row<'_>| it.2.n_users),
        column("moves_anyway", ("", ""), number, |it: &&Row<'_>| it.2.moves_anyway),
        column("ceiling", ("", ""), number, |it: &&Row<'_>| estimate(it.2.ceiling)),
        column("step_difference", ("", ""), number, |it: &&Row<'_>| it.2.step_difference),
        column("n_moved", ("", ""), Format::Count, |it: &&Row<'_>| it.2.movers.n_moved),
        column("n_stayed", ("", ""), Format::Count, |it: &&Row<'_>| it.2.movers.n_stayed),
        column("movers_difference", ("", ""), number, |it: &&Row<'_>| movers(it.2)),
        column("gain_of_move", ("", ""), number, |it: &&Row<'_>| it.2.gain_of_move),
        column("break_even_uplift", ("", ""), number, |it: &&Row<'_>| it.2.break_even),
        column("careful_break_even_uplift", ("", ""), number, |it: &&Row<'_>| {
            it.2.careful_break_even
        }),
        column("most_a_move_may_cost", ("", ""), number, |it: &&Row<'_>| it.2.most_a_move_may_cost),
        column("uplift", ("", ""), number, |it: &&Row<'_>| {
            it.1.measured_uplift().map(|it| it.share)
        }),
        column("net_of_contact", ("", ""), number, |it: &&Row<'_>| {
            it.2.net_of_contact.map_or(Value::Missing, estimate)
        }),
        column("n_contacts", ("", ""), Format::Count, move |it: &&Row<'_>| contacts(it.0)),
    ];
    page.table(Table::new("offers", &rows, &columns).for_programs());
}

fn movers(of: &OfferWorth) -> Value {
    of.movers.difference.map_or(Value::Missing, |it| estimate((it, of.movers.interval)))
}

fn one(
    page: &mut Document,
    number: usize,
    offer: &Offer,
    of_offer: &OfferWorth,
    labels: &[GroupLabel],
    found: &WeighedOffers,
) {
    let (from, to) = (&labels[of_offer.from].name, &labels[of_offer.to].name);
    let all = users(of_offer.n_users);
    let step = found.worth.step_days;
    let anyway = digits::percent(of_offer.moves_anyway);
    page.paragraph(words(
        format!(
            "Offer {number}: {} → {} ({}, of whom {anyway} move in {step} days as things are)",
            from.en, to.en, all.en
        ),
        format!(
            "优惠 {number}：{} → {}（{}，其中 {anyway} 在 {step} 天内自行移动）",
            from.zh, to.zh, all.zh
        ),
    ));
    let (moved, stayed) = (
        digits::count(of_offer.movers.n_moved as u64),
        digits::count(of_offer.movers.n_stayed as u64),
    );
    let share = |it: Option<f64>| {
        it.map_or(words("never", "永不"), |it| Bilingual::same(digits::small_share(it)))
    };
    let text = |it: String| words(it.clone(), it);
    let known = |it: Option<f64>| match it {
        Some(it) => text(with_interval((it, None))),
        None => words("unknown: too few moved", "未知：移动者太少"),
    };
    let (gmv, gmv_zh) = if found.in_orders { ("orders", "订单") } else { ("GMV", "GMV") };
    let rows = [
        (
            words("ceiling: difference of worth", "上限：价值之差"),
            text(with_interval(of_offer.ceiling)),
        ),
        (
            words(
                format!("difference of {gmv} in {step} days"),
                format!("{step} 天内 {gmv_zh} 之差"),
            ),
            text(with_interval((of_offer.step_difference, None))),
        ),
        (
            words(
                format!("the same of {moved} who moved beside {stayed} alike who stayed"),
                format!("同上，{moved} 位移动者与 {stayed} 位相似留下者之差"),
            ),
            match of_offer.movers.difference {
                Some(it) => text(with_interval((it, of_offer.movers.interval))),
                None => words("nobody to compare", "无可比较"),
            },
        ),
        (words("a move is taken to bring", "取一次移动带来"), known(of_offer.gain_of_move)),
        (
            words(
                "a contact pays from this uplift on, by the ceiling",
                "按上限，触达回本所需 uplift",
            ),
            share(of_offer.break_even),
        ),
        (
            words("the same by what a move is taken to bring", "按所取收益，触达回本所需 uplift"),
            match of_offer.gain_of_move {
                Some(_) => share(of_offer.careful_break_even),
                None => words("unknown: too few moved", "未知：移动者太少"),
            },
        ),
        (
            match offer.uplift {
                Some(_) => words("the most that a move may cost", "一次移动至多可花费"),
                None => words(
                    "the most that a move may cost, if all who are contacted move",
                    "一次移动至多可花费（假设被触达者全部移动）",
                ),
            },
            known(of_offer.most_a_move_may_cost),
        ),
        (
            words("uplift of the experiment", "实验给出的 uplift"),
            match offer.measured_uplift() {
                Some(Uplift { share, low, high }) => {
                    let [share, low, high] = [share, low, high].map(digits::percent);
                    text(format!("{share} ({low}…{high})"))
                }
                None => words("not measured", "未测"),
            },
        ),
        (
            words("a contact brings after costs, on average", "每次触达平均净收益"),
            match of_offer.net_of_contact {
                Some(net) => text(with_interval(net)),
                None if offer.uplift.is_some() => {
                    words("unknown: too few moved", "未知：移动者太少")
                }
                None => words("unknown without an experiment", "没有实验则未知"),
            },
        ),
    ];
    type Line = (Bilingual, Bilingual);
    let columns = [
        column(
            "what",
            ("Amounts in the currency of the data", "金额以数据币种计"),
            Format::Text,
            |it: &Line| it.0.clone(),
        ),
        column("value", ("", ""), Format::Text, |it: &Line| it.1.clone()),
    ];
    page.table(Table::new("offer", rows, &columns).for_people());
}

/// Whom to contact, and what more money would bring.
fn budget(
    page: &mut Document,
    contacts: &PlannedContacts,
    found: &WeighedOffers,
    labels: &[GroupLabel],
) {
    let mut section = Document::default();
    let n_contacts: usize = contacts.n_users.iter().sum();
    section.fact("n_contacts", n_contacts);
    section.fact("n_worth_it", contacts.n_worth_it);
    section.fact("cost", contacts.cost);
    section.fact("expected_gain", contacts.gain);
    section.fact("net", contacts.gain - contacts.cost);
    let whole = digits::whole;
    let (all, cost, gain) = (users(n_contacts), whole(contacts.cost), whole(contacts.gain));
    let net = whole(contacts.gain - contacts.cost);
    let worth_it = digits::count(contacts.n_worth_it as u64);
    section.paragraph(words(
        format!(
            "{} to contact for {cost}, who are expected to bring {gain}: {net} after costs. \
             {worth_it} would pay, whatever the budget.",
            all.en
        ),
        format!("触达{}，花费 {cost}，预计带来 {gain}，净得 {net}。不计预算，值得触达的有 {worth_it} 人。", all.zh),
    ));
    if n_contacts == 0 {
        section.warning(match contacts.n_worth_it {
            0 => words(
                "nobody is contacted: no contact brings more than it costs",
                "无人可触达：没有任何触达的收益高于成本",
            ),
            _ => words(
                "nobody is contacted: [budget] total is less than the first contact costs",
                "无人可触达：[budget] total 不足以支付第一次触达",
            ),
        });
    }
    if let Some(file) = &found.list {
        let file = file.display();
        section.paragraph(words(format!("list: {file}"), format!("名单：{file}")));
    }
    let rows: Vec<(usize, &OfferWorth)> = found.found.iter().enumerate().collect();
    let columns = [
        column("offer", ("Offer", "优惠"), Format::Count, |it: &&(usize, &OfferWorth)| it.0 + 1),
        column("from", ("From", "从"), Format::Text, |it: &&(usize, &OfferWorth)| {
            labels[it.1.from].short.clone()
        }),
        column("to", ("To", "到"), Format::Text, |it: &&(usize, &OfferWorth)| {
            labels[it.1.to].short.clone()
        }),
        column(
            "n_contacts",
            ("Users to contact", "触达用户"),
            Format::Count,
            |it: &&(usize, &OfferWorth)| contacts.n_users[it.0],
        ),
    ];
    section.table(Table::new("contacts", &rows, &columns).for_people());
    let columns = [
        column(
            "spent_before",
            ("Spent\nbefore", "此前\n花费"),
            Format::Money,
            |it: &&NextMoney| it.from,
        ),
        column(
            "spent_after",
            ("Spent\nafter", "其后\n花费"),
            Format::Money,
            |it: &&NextMoney| it.to,
        ),
        column("n_contacts", ("Users", "用户数"), Format::Count, |it: &&NextMoney| {
            it.n_contacts
        }),
        column("expected_gain", ("Brings", "带来"), Format::Money, |it: &&NextMoney| it.gain),
        column("net", ("After\ncosts", "净得"), Format::Money, |it: &&NextMoney| it.net),
    ];
    section.table(Table::new("next_money", &contacts.next_money, &columns));
    section.paragraph(words(
        "Users in order of what they bring after costs for what they cost, those of floors \
         first. An uplift is taken to be in proportion to the chance to move anyway, at most 1, \
         and who is worth more than others of the group has less to gain: so users differ, around \
         the averages above. A user gets the dearer of two offers where what it brings more pays \
         more for its money than others would.",
        "按单位花费的净收益排序，保底组优先。假定 uplift 与自行移动的概率成正比（至多为 1），同组中价值较高者可增的空间较小，故个人围绕上面的平均值而不同。\
         有两个优惠可选时，若较贵者多带来的收益按单位花费仍优于他人，则取较贵者。",
    ));
    page.section("budget", Some(words("Whom to contact", "触达谁")), section);
}
