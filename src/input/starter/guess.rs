use chrono::NaiveDate;

use super::columns::{Column, Table};
use super::words::{
    AMOUNT, CART_EVENTS, CATEGORY, CHANNEL, DISCOUNT, DWELL, EVENT, ITEM, ORDER_EVENTS, ORDER_ID,
    PRICE, QUANTITY, SESSION, SHARE_EVENTS, TIME, USER, VIEW_EVENTS,
};
use crate::input::engine::Engine;
use crate::input::source::SourceError;

/// What was guessed of a table: expressions, and what to say about them.
#[derive(Debug, Default)]
pub(super) struct Guess {
    /// Config key, expression and a remark, in the order to be written.
    pub mappings: Vec<(&'static str, String, String)>,
    /// Conditions on rows to keep, each with the reason.
    pub filters: Vec<(String, String)>,
    /// Keys that must be there and could not be guessed.
    pub missing: Vec<&'static str>,
    /// The columns, for whoever fills the gaps.
    pub columns: Vec<String>,
    /// First and last day of the rows, without strays.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// Rows outside of these days.
    pub n_strays: u64,
    /// True when some rows are orders.
    pub has_orders: bool,
    /// What views, carts, orders and shares are called, where there are any.
    pub funnel: [Option<String>; 4],
}

const TIME_FORMATS: &[&str] = &[
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y%m%d",
    "%Y年%m月%d日",
    "%d-%b-%Y",
];

/// Share of the rows at either end of time that may be strays.
const STRAY_SHARE: f64 = 0.0005;

/// Guesses what the columns of a table mean, from names, types and values.
pub(super) fn guess(engine: &Engine, table: &Table) -> Result<Guess, SourceError> {
    let mut guess =
        Guess { columns: table.columns.iter().map(Column::quoted).collect(), ..Default::default() };
    guess_user(engine, table, &mut guess)?;
    guess_time(engine, table, &mut guess)?;
    guess_event(engine, table, &mut guess)?;
    guess_money(engine, table, &mut guess)?;
    for (key, words) in [
        ("item", ITEM),
        ("category", CATEGORY),
        ("channel", CHANNEL),
        ("order_id", ORDER_ID),
        ("session", SESSION),
    ] {
        let fits = |column: &Column| {
            let is_category = CATEGORY.iter().any(|word| column.key().contains(word));
            (column.is_text() || column.is_number()) && (key != "item" || !is_category)
        };
        if let Some(column) = find(table, words, fits) {
            guess.mappings.push((key, column.quoted(), String::new()));
        }
    }
    if let Some(column) = find(table, DWELL, Column::is_number) {
        guess.mappings.push(("dwell_s", column.quoted(), "seconds?".into()));
    }
    Ok(guess)
}

/// The column that fits a word best: earlier words first, whole names before parts.
fn find<'a>(
    table: &'a Table,
    words: &[&str],
    accept: impl Fn(&Column) -> bool,
) -> Option<&'a Column> {
    let by = |fits: fn(&str, &str) -> bool| {
        words.iter().find_map(|word| {
            table.columns.iter().find(|column| accept(column) && fits(&column.key(), word))
        })
    };
    // Short words inside a longer name mean nothing: "uid" in "fluid".
    by(|key, word| key == word).or_else(|| by(|key, word| (word.len() > 3) && key.contains(word)))
}

fn guess_user(engine: &Engine, table: &Table, guess: &mut Guess) -> Result<(), SourceError> {
    let usable = |column: &Column| column.is_text() || column.is_number();
    let ends_in_id =
        || table.columns.iter().find(|column| usable(column) && column.key().ends_with("id"));
    let Some(column) = find(table, USER, usable).or_else(ends_in_id) else {
        guess.missing.push("user");
        return Ok(());
    };
    let name = column.quoted();
    if column.data_type.is_floating() {
        let remark = "ids came as decimals, since some are absent".to_owned();
        guess.mappings.push(("user", format!("cast({name} as bigint)"), remark));
    } else {
        guess.mappings.push(("user", name.clone(), String::new()));
    }
    let condition = if column.is_text() {
        format!("{name} IS NULL OR {name} = ''")
    } else {
        format!("{name} IS NULL")
    };
    let n_absent = table.count(engine, &condition)?;
    if n_absent > 0 {
        guess
            .filters
            .push((format!("{name} IS NOT NULL"), format!("{n_absent} rows have no user")));
    }
    Ok(())
}

fn guess_time(engine: &Engine, table: &Table, guess: &mut Guess) -> Result<(), SourceError> {
    let any_time = || table.columns.iter().find(|column| column.is_time());
    let found = match find(table, TIME, Column::is_time).or_else(any_time) {
        Some(column) => Some((column.quoted(), String::new())),
        None => match find(table, TIME, |column| column.data_type.is_integer()) {
            Some(column) => Some(epoch(engine, table, column)?),
            None => text_time(engine, table)?,
        },
    };
    let Some((expression, remark)) = found else {
        guess.missing.push("time");
        return Ok(());
    };
    guess_days(engine, table, &expression, guess)?;
    guess.mappings.push(("time", expression, remark));
    Ok(())
}

/// The days that hold all rows but strays: clocks set wrong put a few rows far
/// from all others, and a span with them says nothing.
fn guess_days(
    engine: &Engine,
    table: &Table,
    time: &str,
    guess: &mut Guess,
) -> Result<(), SourceError> {
    let select = format!("cast(cast({time} AS date) AS varchar) AS day, count(*) AS n");
    let rest = format!("WHERE {time} IS NOT NULL GROUP BY 1 ORDER BY 1");
    // A time that can't be converted is told by training, with the row.
    let Ok(rows) = table.text_rows(engine, &select, &rest) else {
        return Ok(());
    };
    let days: Vec<(NaiveDate, u64)> =
        rows.iter().filter_map(|row| Some((row[0].parse().ok()?, row[1].parse().ok()?))).collect();
    let total: u64 = days.iter().map(|(_, n)| n).sum();
    let allowed = total as f64 * STRAY_SHARE;
    let (Some(first), Some(last)) =
        (first_beyond(days.iter(), allowed), first_beyond(days.iter().rev(), allowed))
    else {
        return Ok(());
    };
    let (first, last) = (
        while_near(first, days.iter().rev().filter(|(day, _)| *day < first)),
        while_near(last, days.iter().filter(|(day, _)| *day > last)),
    );
    let (all_first, all_last) = (days[0].0, days[days.len() - 1].0);
    let has_strays = (all_last - all_first) > (last - first) * 2;
    guess.days = Some(if has_strays { (first, last) } else { (all_first, all_last) });
    if has_strays {
        let inside = |day: &NaiveDate| (first..=last).contains(day);
        guess.n_strays = days.iter().filter(|(day, _)| !inside(day)).map(|(_, n)| n).sum();
    }
    Ok(())
}

/// Moves the end of a span over days that follow it closely: thin, but no strays.
fn while_near<'a>(end: NaiveDate, days: impl Iterator<Item = &'a (NaiveDate, u64)>) -> NaiveDate {
    let mut end = end;
    for (day, _) in days {
        if (*day - end).num_days().abs() > 7 {
            break;
        }
        end = *day;
    }
    end
}

/// The first day up to which more rows than `allowed` have been seen.
fn first_beyond<'a>(
    mut days: impl Iterator<Item = &'a (NaiveDate, u64)>,
    allowed: f64,
) -> Option<NaiveDate> {
    let mut seen = 0;
    let found = days.find(|(_, n)| {
        seen += n;
        seen as f64 > allowed
    });
    found.map(|(day, _)| *day)
}

/// Integers since 1970, in seconds or milliseconds by their size.
fn epoch(engine: &Engine, table: &Table, column: &Column) -> Result<(String, String), SourceError> {
    let name = column.quoted();
    let largest = table.text_row(engine, &format!("cast(max({name}) as double)"))?;
    let largest: f64 = largest.first().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    let of_days = format!("parse_time(cast({name} as varchar), '%Y%m%d')");
    // As seconds, these would all lie in 1970.
    if (1.9e7..2.2e7).contains(&largest)
        && table.count(engine, &format!("{name} IS NOT NULL AND {of_days} IS NULL"))? == 0
    {
        return Ok((of_days, "days as 20240131".into()));
    }
    let (function, unit) = if largest > 1e11 {
        ("to_timestamp_millis", "milliseconds")
    } else {
        ("to_timestamp_seconds", "seconds")
    };
    Ok((format!("{function}({name})"), format!("{unit} since 1970")))
}

fn text_time(engine: &Engine, table: &Table) -> Result<Option<(String, String)>, SourceError> {
    let Some(column) = find(table, TIME, Column::is_text) else {
        return Ok(None);
    };
    let name = column.quoted();
    let mut fitting = Vec::new();
    for format in TIME_FORMATS {
        let expression = format!("parse_time({name}, '{format}')");
        if table.count(engine, &format!("{name} IS NOT NULL AND {expression} IS NULL"))? == 0 {
            fitting.push((expression, *format));
        }
    }
    let also = match fitting.get(1) {
        Some((_, other)) => format!("'{other}' fits as well: check which is right"),
        None => String::new(),
    };
    Ok(Some(fitting.into_iter().next().map_or((name, String::new()), |(first, _)| (first, also))))
}

fn guess_event(engine: &Engine, table: &Table, guess: &mut Guess) -> Result<(), SourceError> {
    let Some(column) = find(table, EVENT, Column::is_text) else {
        guess.has_orders = is_order_table(table);
        let (event, remark) = if guess.has_orders {
            ("'order'", "every row is taken for an order line")
        } else {
            ("'event'", "name what the rows of this file are")
        };
        guess.mappings.push(("event", event.into(), remark.into()));
        return Ok(());
    };
    let name = column.quoted();
    let rest =
        format!("WHERE {name} IS NOT NULL GROUP BY {name} ORDER BY count(*) DESC, {name} LIMIT 40");
    let values: Vec<String> = table
        .text_rows(engine, &format!("cast({name} as varchar) AS value"), &rest)?
        .into_iter()
        .filter_map(|row| row.into_iter().next())
        .collect();
    let order = ORDER_EVENTS
        .iter()
        .find_map(|word| values.iter().find(|value| value.to_lowercase() == *word))
        .or_else(|| values.iter().find(|value| is_order_like(value)));
    let listed = values.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
    guess.has_orders = order.is_some();
    let step = |words: &[&str]| {
        let named = |word: &&str| values.iter().find(|value| value.to_lowercase() == **word);
        words.iter().find_map(named).cloned()
    };
    let order_step = guess.has_orders.then(|| "order".to_owned());
    guess.funnel = [step(VIEW_EVENTS), step(CART_EVENTS), order_step, step(SHARE_EVENTS)];
    let (expression, remark) = match order {
        Some(order) if order == "order" => (name, format!("values: {listed}")),
        Some(order) => (
            format!(
                "CASE WHEN {name} = '{}' THEN 'order' ELSE {name} END",
                order.replace('\'', "''")
            ),
            format!("values: {listed}"),
        ),
        None => (name, format!("values: {listed}; set [events] order to what an order is")),
    };
    guess.mappings.push(("event", expression, remark));
    Ok(())
}

fn is_order_like(value: &str) -> bool {
    let value = value.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| value.contains(word));
    has(&["order", "purchase", "payment"])
        && !has(&["view", "cancel", "refund", "return", "detail", "start", "begin"])
}

fn is_order_table(table: &Table) -> bool {
    [AMOUNT, PRICE, ORDER_ID].iter().any(|words| find(table, words, |_| true).is_some())
}

fn guess_money(engine: &Engine, table: &Table, guess: &mut Guess) -> Result<(), SourceError> {
    let quantity = find(table, QUANTITY, Column::is_number);
    let discount = find(table, DISCOUNT, Column::is_number);
    let price = find(table, PRICE, Column::is_number);
    let amount = find(table, AMOUNT, Column::is_number)
        .filter(|column| price.is_none_or(|price| price.name != column.name))
        .filter(|column| quantity.is_none_or(|quantity| quantity.name != column.name));
    match (amount, price, quantity) {
        (Some(amount), ..) => {
            guess.mappings.push(("amount", amount.quoted(), String::new()));
            keep_if(engine, table, guess, amount, ">= 0", "have a negative amount")?;
        }
        (None, Some(price), Some(quantity)) => {
            let off = discount.map_or(String::new(), |column| format!(" - {}", column.quoted()));
            let expression = format!("{} * {}{off}", quantity.quoted(), price.quoted());
            guess.mappings.push(("amount", expression, String::new()));
            keep_if(engine, table, guess, price, "> 0", "have no price")?;
        }
        (None, Some(price), None) => {
            guess.mappings.push(("amount", price.quoted(), String::new()));
            keep_if(engine, table, guess, price, ">= 0", "have a negative price")?;
        }
        (None, None, _) => {}
    }
    if let Some(quantity) = quantity {
        guess.mappings.push(("quantity", quantity.quoted(), String::new()));
        let reason = "have no or a negative quantity (returns, cancellations)";
        keep_if(engine, table, guess, quantity, "> 0", reason)?;
    }
    if let Some(discount) = discount {
        guess.mappings.push(("discount", discount.quoted(), "money off the whole row?".into()));
    }
    Ok(())
}

/// Suggests a condition where some rows break it.
fn keep_if(
    engine: &Engine,
    table: &Table,
    guess: &mut Guess,
    column: &Column,
    condition: &str,
    reason: &str,
) -> Result<(), SourceError> {
    let name = column.quoted();
    let condition = format!("{name} {condition}");
    let n_rows = table.count(engine, &format!("NOT ({condition})"))?;
    if n_rows > 0 {
        // Rows without the value are something else, a view among orders, and stay.
        let has_others = table.count(engine, &format!("{name} IS NULL"))? > 0;
        let condition =
            if has_others { format!("({condition} OR {name} IS NULL)") } else { condition };
        guess.filters.push((condition, format!("{n_rows} rows {reason}")));
    }
    Ok(())
}
