//! The parts that the events of all tables play together.

use super::events::{Medium, Role, view_rank};
use super::findings::Guess;

/// Events by their part, most frequent first: what `[events]` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Roles {
    /// Done by the business and not by the user.
    pub outbound: Vec<String>,
    /// Steps of the way to an order, and to sharing it.
    pub funnel: Vec<String>,
    /// Answers with what they answer.
    pub response: Vec<(String, String)>,
    pub share: Vec<String>,
    pub coupon: Vec<String>,
    pub negative: Vec<String>,
}

/// The parts of the events of all tables.
pub(super) fn roles_of(guesses: &[Guess]) -> Roles {
    let mut events: Vec<(&str, usize, Role)> = Vec::new();
    for (event, n, role) in guesses.iter().flat_map(|guess| guess.event.named_events()) {
        match (role, events.iter_mut().find(|(other, ..)| *other == event)) {
            (_, Some(known)) => known.1 += n,
            (Some(role), None) => events.push((event, n, role)),
            (None, None) => {}
        }
    }
    events.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let all = |fits: &dyn Fn(Role) -> bool| -> Vec<String> {
        events
            .iter()
            .filter(|(.., role)| fits(*role))
            .map(|(event, ..)| (*event).to_owned())
            .collect()
    };
    let outbound: Vec<(&str, Medium)> = events
        .iter()
        .filter_map(|(event, _, role)| match role {
            Role::Outbound(medium) => Some((*event, *medium)),
            _ => None,
        })
        .collect();
    let response = events
        .iter()
        .filter_map(|(event, _, role)| {
            let medium = match role {
                Role::Response(medium) => *medium,
                Role::Coupon => "coupon",
                _ => return None,
            };
            Some(((*event).to_owned(), answered(medium, &outbound)?.to_owned()))
        })
        .collect();
    Roles {
        outbound: all(&|role| matches!(role, Role::Outbound(_))),
        funnel: funnel(&events),
        response,
        share: all(&|role| role == Role::Share),
        coupon: all(&|role| role == Role::Coupon),
        negative: all(&|role| role == Role::Negative),
    }
}

/// The message that an answer belongs to: one of the same medium, or the only one.
fn answered<'a>(medium: Medium, outbound: &[(&'a str, Medium)]) -> Option<&'a str> {
    let same = outbound.iter().find(|(_, other)| *other == medium);
    let only = match outbound {
        [one] if medium != "coupon" && one.1 != "coupon" => Some(one),
        _ => None,
    };
    same.or(only).map(|(event, _)| *event)
}

/// View, cart, order, share, as far as there are such events.
fn funnel(events: &[(&str, usize, Role)]) -> Vec<String> {
    let of = |wanted: &[Role]| {
        let fitting = events.iter().filter(|(.., role)| wanted.contains(role));
        fitting.min_by_key(|(event, _, role)| {
            (view_rank(event) + if *role == Role::Click { 2 } else { 0 }, is_mere_look(event))
        })
    };
    let steps =
        [&[Role::View, Role::Click][..], &[Role::Cart], &[Role::Order], &[Role::Share]].map(of);
    steps.into_iter().flatten().map(|(event, ..)| (*event).to_owned()).collect()
}

/// "view_cart" puts nothing in it.
fn is_mere_look(event: &str) -> bool {
    let event = event.to_lowercase();
    event.contains("cart") && !event.contains("add") && event != "cart"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_belong_to_messages_of_their_kind() {
        let outbound = [("push_sent", "push"), ("email_sent", "email")];
        assert_eq!(answered("email", &outbound), Some("email_sent"));
        assert_eq!(answered("sms", &outbound), None);
        assert_eq!(answered("notification", &outbound[..1]), Some("push_sent"));
    }

    #[test]
    fn the_way_to_an_order_takes_the_plainest_of_each_step() {
        let events = [
            ("page_view", 90, Role::View),
            ("product_view", 50, Role::View),
            ("click", 40, Role::Click),
            ("view_cart", 30, Role::Cart),
            ("add_to_cart", 20, Role::Cart),
            ("order", 10, Role::Order),
        ];
        assert_eq!(funnel(&events), ["product_view", "add_to_cart", "order"]);
    }
}
