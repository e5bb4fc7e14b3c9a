//! The plan as one query.

use std::fmt::Write;

use chrono::NaiveDateTime;

use super::{Feature, FeaturePlan, Relation};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A text constant.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as an identifier.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A moment as a constant of the type of `events.time`.
pub(super) fn timestamp(moment: NaiveDateTime) -> String {
    let text = moment.format("%Y-%m-%dT%H:%M:%S%.6f");
    format!("arrow_cast('{text}', 'Timestamp(Microsecond, None)')")
}

/// One row for each order among the events between two moments.
fn orders(order_event: &str, events: &str) -> String {
    let is_order = format!("event = {}", literal(order_event));
    format!(
        "SELECT user_id, min(time) AS time, sum(amount) AS amount, sum(quantity) AS quantity, \
         sum(discount) AS discount, count(*) AS n_lines FROM {events} \
         WHERE {is_order} AND order_id IS NOT NULL GROUP BY user_id, order_id \
         UNION ALL SELECT user_id, time, amount, quantity, discount, 1 AS n_lines FROM {events} \
         WHERE {is_order} AND order_id IS NULL"
    )
}

/// Orders placed and amount ordered by each user in `[from, to)`.
pub(super) fn outcome_query(order_event: &str, from: NaiveDateTime, to: NaiveDateTime) -> String {
    let window = format!(
        "SELECT user_id, time, event, amount, quantity, discount, order_id FROM events \
         WHERE time >= {} AND time < {}",
        timestamp(from),
        timestamp(to)
    );
    format!(
        "WITH e AS ({window}), o AS ({}) SELECT user_id, cast(count(*) AS double) AS n_orders, \
         coalesce(cast(sum(amount) AS double), 0) AS gmv FROM o GROUP BY user_id ORDER BY user_id",
        orders(order_event, "e")
    )
}

/// All features of all users seen before `as_of`: `user_id`, then one double a
/// feature in plan order, sorted by user.
pub(super) fn feature_query(plan: &FeaturePlan, as_of: NaiveDateTime) -> String {
    let as_of_micros = as_of.and_utc().timestamp_micros();
    let age = |time: &str| {
        format!("({as_of_micros} - 1 - cast({time} AS bigint)) / {MICROS_PER_DAY} AS age_days")
    };
    let with_age =
        |from: &str| format!("SELECT *, {}, cast(time AS date) AS day FROM {from}", age("time"));
    let day_gap = "day_number - lag(day_number) OVER (PARTITION BY user_id ORDER BY day_number)";
    let mut sql = format!(
        "WITH before AS (SELECT * FROM events WHERE time < {}), \
         e AS ({}), o AS ({}), \
         d1 AS (SELECT user_id, day, cast(cast(day AS int) AS bigint) AS day_number, \
         min(age_days) AS age_days, count(*) AS n_orders, sum(amount) AS amount FROM o \
         GROUP BY user_id, day), \
         d AS (SELECT *, {day_gap} AS gap_days FROM d1)",
        timestamp(as_of),
        with_age("before"),
        with_age(&format!("({})", orders(&plan.order_event, "before"))),
    );
    let groups = [(Relation::Events, "e"), (Relation::Orders, "o"), (Relation::OrderDays, "d")];
    for (relation, table) in groups {
        let selected: String = features_over(plan, relation)
            .map(|feature| format!(", {}", aggregate(feature)))
            .collect();
        let _ = write!(
            sql,
            ", {table}_features AS (SELECT user_id{selected} FROM {table} GROUP BY user_id)"
        );
    }
    let _ = write!(sql, ", filled AS (SELECT e_features.user_id AS user_id");
    for (relation, table) in groups {
        for feature in features_over(plan, relation) {
            let column = format!("{table}_features.{}", identifier(&feature.name));
            let _ = write!(sql, ", {}", filled(feature, &column));
        }
    }
    let _ = write!(
        sql,
        " FROM e_features LEFT JOIN o_features ON e_features.user_id = o_features.user_id \
         LEFT JOIN d_features ON e_features.user_id = d_features.user_id)"
    );
    let columns: String = plan
        .features
        .iter()
        .map(|feature| match feature.over {
            Relation::Features => {
                let expression = format!("cast({} AS double)", feature.sql);
                format!(", {}", filled(feature, &expression))
            }
            _ => format!(", {}", identifier(&feature.name)),
        })
        .collect();
    let _ = write!(sql, " SELECT user_id{columns} FROM filled ORDER BY user_id");
    sql
}

fn features_over(plan: &FeaturePlan, relation: Relation) -> impl Iterator<Item = &Feature> {
    plan.features.iter().filter(move |feature| feature.over == relation)
}

fn aggregate(feature: &Feature) -> String {
    format!("cast({} AS double) AS {}", feature.sql, identifier(&feature.name))
}

fn filled(feature: &Feature, expression: &str) -> String {
    format!(
        "coalesce({expression}, cast({} AS double)) AS {}",
        feature.when_missing,
        identifier(&feature.name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_and_names_are_escaped() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(identifier("n_\"x\""), "\"n_\"\"x\"\"\"");
    }
}
