//! Orders from order rows.

use crate::input::history::{Column, EventRow};

/// One order; numbers are fixed-point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order {
    /// Time of its first row.
    pub time: i64,
    pub amount: i64,
    pub quantity: i64,
    pub discount: i64,
}

impl Order {
    /// Discount by full price; `None` where that is zero.
    pub fn discount_depth(&self) -> Option<f64> {
        let (amount, discount) = (self.amount as f64, self.discount as f64);
        Some(discount / (amount + discount)).filter(|depth| depth.is_finite())
    }
}

/// A sum left the range of fixed-point numbers.
pub(super) struct Overflow;

/// Replaces `orders` by those of the order rows among `events`, in order of
/// time: rows that share an order id are one order, others one order each.
pub(super) fn collect_orders(
    events: &[EventRow],
    order_event: u32,
    orders: &mut Vec<Order>,
    by_id: &mut Vec<(u64, Order)>,
) -> Result<(), Overflow> {
    orders.clear();
    by_id.clear();
    for event in events.iter().filter(|event| event.event == order_event) {
        let order = Order {
            time: event.time,
            amount: event.number(Column::Amount),
            quantity: event.number(Column::Quantity),
            discount: event.number(Column::Discount),
        };
        match event.hash(Column::OrderId) {
            0 => orders.push(order),
            id => by_id.push((id, order)),
        }
    }
    by_id.sort_unstable();
    for lines in by_id.chunk_by(|a, b| a.0 == b.0) {
        let mut order = lines[0].1;
        for (_, line) in &lines[1..] {
            order.amount = order.amount.checked_add(line.amount).ok_or(Overflow)?;
            order.quantity = order.quantity.checked_add(line.quantity).ok_or(Overflow)?;
            order.discount = order.discount.checked_add(line.discount).ok_or(Overflow)?;
        }
        orders.push(order);
    }
    // Orders of one time stand in an order that depends on themselves alone.
    orders.sort_unstable();
    Ok(())
}
