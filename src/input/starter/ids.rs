//! Which column names the user, and which the order.

use super::columns::{Column, Kind, Table, Taken, varies_within};
use super::times::Times;
use super::words::{
    AMOUNT, CATEGORY, CHANNEL, EVENT, ITEM, ORDER_ID, ORDER_ID_NOT, PRICE, QUANTITY, SESSION, USER,
    USER_NOT,
};

/// Share of orders that may have several users by mistake.
const MAX_MIXED: f64 = 0.02;

/// The column of the user, and whether its values alone say so.
pub(super) fn user_of<'a>(
    table: &'a Table,
    times: &[Times],
    taken: &Taken,
    has_times: bool,
) -> Option<(&'a Column, bool)> {
    let usable = |column: &&Column| {
        let is_kind = matches!(column.kind, Kind::Text | Kind::Integer | Kind::Number);
        is_kind && column.n_filled > 0
    };
    let score = |column: &Column| {
        let fit = column.name_fit(USER);
        // A named id beats what its digits look like: 1700000000 may be a user.
        if fit < 90.0 && taken.contains(&column.name)
            || fit < 90.0 && column.kind == Kind::Number && !column.is_id_like()
        {
            return 0.0;
        }
        fit - if fit < 99.9 && column.is_named(USER_NOT) { 60.0 } else { 0.0 }
            - 40.0 * column.absent_share()
            - if column.n_distinct < 3 && table.n_rows > 20 { 80.0 } else { 0.0 }
    };
    let by_name = table
        .columns
        .iter()
        .filter(usable)
        .map(|column| (score(column), column))
        .filter(|(fit, _)| *fit > 5.0)
        .rev()
        .max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, column)) = by_name {
        return Some((column, false));
    }
    let is_something_else = |column: &Column| {
        [ORDER_ID, ITEM, CATEGORY, CHANNEL, EVENT, AMOUNT, PRICE, QUANTITY, SESSION]
            .iter()
            .any(|words| column.name_fit(words) > 40.0)
    };
    let free = || {
        table.columns.iter().filter(usable).filter(|column| {
            !taken.contains(&column.name) && column.is_id_like() && !is_something_else(column)
        })
    };
    let ends_in_id = |column: &&Column| {
        let name = column.name.to_lowercase();
        name.ends_with("id") && !name.ends_with("paid")
    };
    if let Some(column) = free().find(ends_in_id) {
        return Some((column, true));
    }
    if !has_times {
        return None;
    }
    // Users come back on other days; orders do not, and measures have few values.
    let time = times.iter().find(|times| times.is_certain).or(times.first())?;
    let time = table.columns.iter().find(|column| column.name == time.name)?;
    let comes_back = |column: &&Column| {
        column.n_distinct >= 20
            && 10 * column.n_filled >= 12 * column.n_distinct
            && varies_within(&column.cells, &time.cells).is_some_and(|share| share > 0.3)
    };
    free().find(comes_back).map(|column| (column, true))
}

/// The column of the order.
pub(super) fn order_id_of<'a>(
    table: &'a Table,
    user: Option<&Column>,
    times: &[Times],
    taken: &Taken,
    has_events: bool,
) -> Option<&'a Column> {
    let has_one_user = |column: &Column| {
        let mixed = user.and_then(|user| varies_within(&column.cells, &user.cells));
        mixed.is_none_or(|share| share <= MAX_MIXED)
    };
    let free = || {
        table.columns.iter().filter(|column| {
            !taken.contains(&column.name) && column.n_filled > 0 && column.is_id_like()
        })
    };
    let score = |column: &Column| {
        // `#1001` under `Name`.
        let is_numbered = column.kind == Kind::Text
            && column.top.iter().all(|(value, _)| {
                value
                    .strip_prefix('#')
                    .is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()))
            });
        if is_numbered {
            return 90.0;
        }
        if column.is_named(ORDER_ID_NOT) { 0.0 } else { column.name_fit(ORDER_ID) }
    };
    let by_name = free()
        .map(|column| (score(column), column))
        // Shops that number their receipts anew each day are believed by the name.
        .filter(|(fit, column)| *fit > 90.0 || *fit > 20.0 && has_one_user(column))
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    if let Some((_, column)) = by_name {
        return Some(column);
    }
    if has_events {
        return None;
    }
    // Lines of one order share their user and their time; users have several orders.
    let user = user?;
    let time = times.iter().find(|times| times.is_certain)?;
    let time = table.columns.iter().find(|column| column.name == time.name)?;
    let is_order = |column: &&Column| {
        let is_within = |of: &Column| varies_within(&column.cells, &of.cells) == Some(0.0);
        10 * column.n_distinct > 12 * user.n_distinct
            && is_within(user)
            && is_within(time)
            && varies_within(&user.cells, &column.cells).is_some_and(|share| share > 0.3)
    };
    free().find(is_order)
}
