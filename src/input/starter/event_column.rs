//! Which column says what happened, and what its values mean.

use std::collections::{HashMap, HashSet};
use std::mem::discriminant;

use super::columns::{Column, Kind, Table, Taken};
use super::events::{Role, order_rank, role_of};
use super::words::{CATEGORY, CHANNEL, EVENT, ITEM, STATUS, STATUS_GOOD, STATUS_VOID};

/// Values that an event column has at most.
const MAX_EVENTS: usize = 500;

/// The name that orders get.
const ORDER: &str = "order";

/// What happened in the rows of a table.
#[derive(Debug, Default)]
pub(super) struct EventGuess {
    /// The column that says so; `None` where all rows are alike.
    pub column: Option<String>,
    /// Its expression, or a constant, before orders are renamed.
    expression: String,
    /// Events with their rows in the sample and the part they play, most frequent
    /// first.
    pub events: Vec<(String, usize, Option<Role>)>,
    /// The event that is an order.
    pub order: Option<String>,
    /// What was assumed.
    remark: String,
    is_case_blind: bool,
    /// True where orders keep their own name beside those of another table.
    pub keeps_name: bool,
}

impl EventGuess {
    /// All rows are the same event, by the file's name where it says something and
    /// the rows are events at all.
    pub fn constant(table: &Table, is_order_table: bool, are_events: bool) -> Self {
        let role = role_of(&table.file_words).filter(|_| are_events);
        let (event, remark, role) = match role {
            Some(Role::Negative) => ("refund", "by the file's name", role),
            _ if is_order_table => {
                (ORDER, "every row is taken for an order line", Some(Role::Order))
            }
            Some(Role::Order) => (ORDER, "by the file's name", role),
            Some(Role::View | Role::Click) => ("view", "by the file's name", Some(Role::View)),
            Some(Role::Cart) => ("cart", "by the file's name", role),
            Some(Role::Share) => ("share", "by the file's name", role),
            Some(Role::Coupon) => ("coupon", "by the file's name", role),
            Some(Role::Outbound(medium)) => {
                return Self::all_rows(
                    table,
                    &format!("{medium}_sent"),
                    "by the file's name",
                    role,
                );
            }
            _ => ("event", "name what the rows of this file are", None),
        };
        Self::all_rows(table, event, remark, role)
    }

    fn all_rows(table: &Table, event: &str, remark: &str, role: Option<Role>) -> Self {
        Self {
            expression: format!("'{event}'"),
            events: vec![(event.to_owned(), table.n_rows, role)],
            order: (role == Some(Role::Order)).then(|| event.to_owned()),
            remark: remark.to_owned(),
            ..Self::default()
        }
    }

    /// All rows are orders after all.
    pub fn become_orders(&mut self) {
        self.expression = format!("'{ORDER}'");
        self.remark = "every row is taken for an order: check".into();
        self.order = Some(ORDER.into());
        for (event, _, role) in &mut self.events {
            (*event, *role) = (ORDER.into(), Some(Role::Order));
        }
    }

    /// True where some rows are orders.
    pub fn has_orders(&self) -> bool {
        self.order.is_some()
    }

    /// True where every row is an order.
    pub fn is_all_orders(&self) -> bool {
        self.column.is_none() && self.has_orders()
    }

    /// Rows that are orders; `None` where all rows are alike.
    pub fn rows_of_orders(&self, table: &Table) -> Option<Vec<bool>> {
        let name = self.column.as_ref()?;
        let column = table.columns.iter().find(|column| column.name == *name)?;
        let is_order = |cell: Option<&str>| {
            let cell =
                cell.map(|cell| if self.is_case_blind { cell.to_lowercase() } else { cell.into() });
            cell.is_some() && cell == self.order
        };
        Some(column.cells.iter().map(is_order).collect())
    }

    /// A condition that holds for rows that are no order.
    pub fn no_order(&self) -> Option<String> {
        let order = self.order.as_ref().filter(|_| self.column.is_some())?;
        Some(format!("{} <> '{}'", self.expression, order.replace('\'', "''")))
    }

    /// The expression to be written, and a remark.
    pub fn mapping(&self) -> (String, String) {
        let name = &self.expression;
        match &self.order {
            Some(order) if self.column.is_some() && order != ORDER && !self.keeps_name => {
                let order = order.replace('\'', "''");
                (
                    format!("CASE WHEN {name} = '{order}' THEN '{ORDER}' ELSE {name} END"),
                    self.remark.clone(),
                )
            }
            _ => (name.clone(), self.remark.clone()),
        }
    }

    /// Events under the names that they have after the mapping.
    pub fn named_events(&self) -> impl Iterator<Item = (&str, usize, Option<Role>)> {
        self.events.iter().map(|(event, n, role)| {
            let is_order = self.order.as_ref() == Some(event);
            match role {
                // An order beside those of another table is no order.
                _ if is_order && self.keeps_name => (event.as_str(), *n, Some(Role::Other)),
                _ if is_order => (ORDER, *n, Some(Role::Order)),
                role => (event.as_str(), *n, *role),
            }
        })
    }
}

/// The column whose name or values say that it holds event types; without one,
/// `column` is `None`.
pub(super) fn event_of(table: &Table, taken: &Taken) -> EventGuess {
    let found = table
        .columns
        .iter()
        .filter(|column| !taken.contains(&column.name))
        .filter_map(|column| Some((fit(column)?, column)))
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    found.map_or_else(EventGuess::default, |(_, column)| describe(column))
}

/// How surely a column holds events; `None` where it does not.
fn fit(column: &Column) -> Option<f64> {
    let name = column.name_fit(EVENT);
    let is_code = column.kind == Kind::Integer && name > 90.0 && column.n_distinct <= 30;
    let is_text = column.kind == Kind::Text && column.n_distinct <= MAX_EVENTS;
    if column.n_filled == 0 || !(is_code || is_text) {
        return None;
    }
    let roles: Vec<(Option<Role>, usize)> =
        column.top.iter().map(|(value, n)| (role_of(value), *n)).collect();
    let known = || roles.iter().filter(|(role, _)| role.is_some());
    let n_rows: usize = roles.iter().map(|(_, n)| n).sum();
    let of_rows = known().map(|(_, n)| *n).sum::<usize>() as f64 / n_rows.max(1) as f64;
    let of_values = known().count() as f64 / roles.len().max(1) as f64;
    if name > 65.0 && (of_rows > 0.0 || is_code || name > 90.0) {
        return Some(name + 100.0 * of_rows);
    }
    let is_named_otherwise =
        [CHANNEL, CATEGORY, STATUS, ITEM].iter().any(|words| column.name_fit(words) > 60.0);
    let kinds: HashSet<_> =
        known().filter_map(|(role, _)| role.as_ref().map(discriminant)).collect();
    let is_event = of_rows >= 0.5 && of_values >= 0.4 && kinds.len() >= 2;
    (is_event && !is_named_otherwise && !is_status(column)).then_some(100.0 * of_rows)
}

/// True for what became of orders: paid, refunded, cancelled.
fn is_status(column: &Column) -> bool {
    column.top.iter().all(|(value, _)| {
        let value = value.to_lowercase();
        STATUS_VOID.iter().chain(STATUS_GOOD).any(|word| value.contains(word))
    })
}

fn describe(column: &Column) -> EventGuess {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (value, n) in &column.top {
        *counts.entry(value.to_lowercase()).or_default() += n;
    }
    // "View" and "view" are one event.
    let is_case_blind = counts.len() < column.top.len();
    let mut events: Vec<(String, usize, Option<Role>)> = if is_case_blind {
        counts
            .into_iter()
            .map(|(value, n)| (role_of(&value), value, n))
            .map(|(r, v, n)| (v, n, r))
            .collect()
    } else {
        column.top.iter().map(|(value, n)| (value.clone(), *n, role_of(value))).collect()
    };
    events.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let plainest = |wanted: Role| {
        let of_role = events.iter().filter(|(_, _, role)| *role == Some(wanted));
        of_role.min_by_key(|(value, ..)| order_rank(value)).map(|(value, ..)| value.clone())
    };
    let order = plainest(Role::Order).or_else(|| {
        let is_checkout = |value: &String| value.to_lowercase() == "checkout";
        plainest(Role::Checkout).filter(is_checkout)
    });
    let listed =
        events.iter().take(8).map(|(value, ..)| value.as_str()).collect::<Vec<_>>().join(", ");
    let others: Vec<&str> = events
        .iter()
        .filter(|(value, _, role)| *role == Some(Role::Order) && Some(value) != order.as_ref())
        .map(|(value, ..)| value.as_str())
        .collect();
    let mut remark = format!("values: {listed}");
    if order.is_none() {
        remark += "; none looks like an order";
    } else if !others.is_empty() {
        remark += &format!("; {} may be orders too", others.join(", "));
    }
    let expression = match (column.kind, is_case_blind) {
        (Kind::Integer, _) => format!("cast({} as varchar)", column.expression),
        (_, true) => format!("lower({})", column.expression),
        _ => column.expression.clone(),
    };
    EventGuess {
        column: Some(column.name.clone()),
        expression,
        events,
        order,
        remark,
        is_case_blind,
        keeps_name: false,
    }
}
