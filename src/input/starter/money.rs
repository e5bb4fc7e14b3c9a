//! Which columns are money and quantities, and which rows have none.

use super::columns::{Column, Table, Taken, best, varies_within};
use super::findings::Guess;
use super::numbers::Numbers;
use super::words::{AMOUNT, AMOUNT_NOT, DISCOUNT, DISCOUNT_NOT, PRICE, PRICE_NOT, QUANTITY};

/// True for a table whose rows are orders, or lines of them.
pub(super) fn is_order_table(
    table: &Table,
    numbers: &[Numbers],
    order_id: Option<&Column>,
) -> bool {
    let has = |words, not| named(table, numbers, words, not, &Taken::new()).is_some();
    order_id.is_some() || has(AMOUNT, AMOUNT_NOT) || has(PRICE, PRICE_NOT)
}

fn named<'a>(
    table: &Table,
    numbers: &'a [Numbers],
    words: &[&str],
    not: &[&str],
    taken: &Taken,
) -> Option<&'a Numbers> {
    let is_number = |column: &Column| numbers.iter().any(|it| it.name == column.name);
    let column = best(table, words, not, taken, is_number)?;
    numbers.iter().find(|it| it.name == column.name)
}

/// Maps amount, quantity and discount, and leaves out rows that are no sale.
pub(super) fn guess_money(
    table: &Table,
    numbers: &[Numbers],
    order_id: Option<&Column>,
    taken: &mut Taken,
    guess: &mut Guess,
) {
    let quantity = named(table, numbers, QUANTITY, &[], taken)
        .filter(|it| it.are_whole() || it.count(|v| v > 1_000.0) == 0);
    taken.extend(quantity.map(|it| it.name.clone()));
    let discount = named(table, numbers, DISCOUNT, DISCOUNT_NOT, taken);
    taken.extend(discount.map(|it| it.name.clone()));
    let price = named(table, numbers, PRICE, PRICE_NOT, taken);
    taken.extend(price.map(|it| it.name.clone()));
    let amount = named(table, numbers, AMOUNT, AMOUNT_NOT, taken);
    let is_of_order = amount.is_some_and(|amount| {
        let repeats = is_repeated(table, amount, order_id);
        if repeats && price.is_none() {
            guess.to_check.push(format!(
                "{} is the same in all lines of an order, so it may be the order's total, which \
                 would count once for each line: map the amount of the line instead",
                amount.expression
            ));
        }
        repeats
    });
    match (amount, price, quantity) {
        (Some(amount), ..) if !(is_of_order && price.is_some()) => {
            map_amount(table, amount, None, guess);
            taken.insert(amount.name.clone());
        }
        (_, Some(price), quantity) => {
            map_amount(table, price, quantity, guess);
            if let (Some(discount), Some(mapping)) = (discount, guess.mappings.last_mut()) {
                take_off(discount, mapping);
            }
        }
        _ => guess_amount_by_value(table, numbers, taken, guess),
    }
    if let Some(quantity) = quantity {
        guess.mappings.push(("quantity", quantity.expression.clone(), quantity.remark.clone()));
        let reason = "have no or a negative quantity (returns, cancellations)";
        keep_if(table, quantity, |value| value > 0.0, "> 0", reason, guess);
    }
    if let Some(discount) = discount {
        map_discount(discount, price.zip(quantity), guess);
    }
}

fn map_amount(table: &Table, of: &Numbers, times: Option<&Numbers>, guess: &mut Guess) {
    match times {
        Some(quantity) => {
            let expression = format!("{} * {}", quantity.as_number(), of.as_number());
            guess.mappings.push(("amount", expression, of.remark.clone()));
            keep_if(table, of, |value| value > 0.0, "> 0", "have no price", guess);
        }
        None => {
            guess.mappings.push(("amount", of.expression.clone(), of.remark.clone()));
            keep_if(table, of, |value| value >= 0.0, ">= 0", "have a negative amount", guess);
        }
    }
}

/// True for discounts that are shares of the price: all from 0 to 1, some broken.
fn is_share(discount: &Numbers) -> bool {
    discount.count(|value| !(0.0..=1.0).contains(&value)) == 0 && !discount.are_whole()
}

/// Money off, zero or more.
fn money_off(discount: &Numbers) -> String {
    let number = discount.as_number();
    // Some shops write what they take off as a negative number.
    if discount.count(|value| value < 0.0) > discount.count(|value| value > 0.0) {
        format!("(0 - {number})")
    } else {
        number
    }
}

fn take_off(discount: &Numbers, (_, amount, _): &mut (&'static str, String, String)) {
    *amount = match is_share(discount) {
        true => format!("{amount} * (1 - coalesce({}, 0))", discount.as_number()),
        false if discount.filled_share() < 1.0 => {
            format!("{amount} - coalesce({}, 0)", money_off(discount))
        }
        false => format!("{amount} - {}", money_off(discount)),
    };
}

fn map_discount(discount: &Numbers, full: Option<(&Numbers, &Numbers)>, guess: &mut Guess) {
    match (is_share(discount), full) {
        (true, Some((price, quantity))) => {
            let parts = [quantity.as_number(), price.as_number(), discount.as_number()];
            let remark = "a share of the price".to_owned();
            guess.mappings.push(("discount", parts.join(" * "), remark));
        }
        (true, None) => guess.to_check.push(format!(
            "{} is a share of the price and no money: not mapped",
            discount.expression
        )),
        (false, _) => {
            let remark = "money off the whole row?".to_owned();
            guess.mappings.push(("discount", money_off(discount), remark));
        }
    }
}

/// Where no name says so: the only column of broken positive numbers; in a log, of
/// those that hardly any row has but orders.
fn guess_amount_by_value(table: &Table, numbers: &[Numbers], taken: &Taken, guess: &mut Guess) {
    let rows_of_orders = guess.event.rows_of_orders(table);
    let is_of_orders = |it: &Numbers| {
        rows_of_orders.as_ref().is_none_or(|is_order| {
            let filled = it.values.iter().zip(is_order).filter(|(value, _)| value.is_some());
            let (n, n_elsewhere) = filled.fold((0, 0), |(n, elsewhere), (_, is_order)| {
                (n + 1, elsewhere + usize::from(!is_order))
            });
            10 * n_elsewhere < n
        })
    };
    let is_money = |it: &&Numbers| {
        let n = it.values.iter().flatten().count();
        let cents = it.count(|value| ((value * 100.0).round() - value * 100.0).abs() < 1e-6);
        let is_free = !taken.contains(&it.name);
        let excluded = table.columns.iter().any(|column| {
            column.name == it.name
                && (column.is_named(AMOUNT_NOT) || column.is_named(&["lat", "lon", "lng", "km"]))
        });
        is_free
            && !excluded
            && is_of_orders(it)
            && n > 0
            && !it.are_whole()
            && cents == n
            && it.count(|v| v < 0.0) * 10 < n
    };
    let mut found = numbers.iter().filter(is_money);
    if let (Some(amount), None) = (found.next(), found.next()) {
        map_amount(table, amount, None, guess);
        if let Some((_, _, remark)) =
            guess.mappings.iter_mut().rev().find(|(key, ..)| *key == "amount")
        {
            *remark = "by its values only: check".into();
        }
        if guess.event.column.is_none() && guess.span.is_some() && !guess.users.is_empty() {
            guess.event.become_orders();
        }
    }
}

/// True for an amount that is the same in all lines of an order, though orders
/// differ: the order's total.
fn is_repeated(table: &Table, amount: &Numbers, order_id: Option<&Column>) -> bool {
    let Some(order_id) = order_id else { return false };
    let Some(column) = table.columns.iter().find(|column| column.name == amount.name) else {
        return false;
    };
    // An amount on the first line only is null on the others, and sums up rightly.
    column.n_absent() == 0
        && column.n_distinct > 1
        && varies_within(&order_id.cells, &column.cells).is_some_and(|share| share < 0.1)
}

/// Suggests a condition where some rows break it.
fn keep_if(
    table: &Table,
    numbers: &Numbers,
    fits: impl Fn(f64) -> bool,
    condition: &str,
    reason: &str,
    guess: &mut Guess,
) {
    let rows_of_orders: Option<Vec<bool>> = guess.event.rows_of_orders(table);
    let is_sale = |row: usize| rows_of_orders.as_ref().is_none_or(|rows| rows[row]);
    let breaks = |(row, value): (usize, &Option<f64>)| {
        is_sale(row) && value.is_some_and(|value| !fits(value))
    };
    let n_rows = numbers.values.iter().enumerate().filter(|it| breaks(*it)).count();
    if n_rows == 0 {
        return;
    }
    let name = numbers.as_number();
    // Rows without the value are something else, a view among orders, and stay.
    let mut parts = vec![format!("{name} {condition}")];
    if numbers.filled_share() < 1.0 {
        parts.push(format!("{name} IS NULL"));
    }
    parts.extend(guess.event.no_order());
    let condition =
        if parts.len() > 1 { format!("({})", parts.join(" OR ")) } else { parts.remove(0) };
    guess.filters.push((condition, format!("{} {reason}", table.rows(n_rows))));
}
