//! What event types mean to the business: said once, read by features, names
//! and reasons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::FeatureError;
use crate::dataset::EventRole;
use crate::settings::{Conflict, nearest_names};

/// `[events]` of the config: the roles of event types. Defaults name events
/// that the data need not have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventParams {
    /// The event that counts as an order.
    pub order: String,
    /// Events that the business brings about and not the user, such as a
    /// message sent: they are counted, but are no sign of activity.
    pub outbound: Vec<String>,
    /// Events on the way to an order and beyond, in order: the rates from each
    /// to the next become features.
    pub funnel: Vec<String>,
    /// Events by which users recommend the shop.
    pub share: Vec<String>,
    /// Events in which users take or redeem a coupon.
    pub coupon: Vec<String>,
    /// What users do in answer to which outbound event, for response rates; by
    /// default events whose first word is that of an outbound event.
    pub response: BTreeMap<String, String>,
    /// Events by which users turn away, such as unsubscribing.
    pub negative: Vec<String>,
}

impl Default for EventParams {
    fn default() -> Self {
        let list = |events: &[&str]| events.iter().map(|event| (*event).to_owned()).collect();
        Self {
            order: "order".into(),
            outbound: Vec::new(),
            funnel: list(&["view", "cart", "order", "share"]),
            share: list(&["share"]),
            coupon: list(&["coupon"]),
            response: BTreeMap::new(),
            negative: list(&["unsubscribed", "complained", "blocked"]),
        }
    }
}

impl EventParams {
    /// Key, events and default of each list.
    fn lists(&self) -> [(&'static str, &[String], Vec<String>); 5] {
        let default = Self::default();
        [
            ("outbound", &self.outbound, default.outbound),
            ("funnel", &self.funnel, default.funnel),
            ("share", &self.share, default.share),
            ("coupon", &self.coupon, default.coupon),
            ("negative", &self.negative, default.negative),
        ]
    }

    /// The roles of an event type.
    pub fn roles(&self, event: &str) -> Vec<EventRole> {
        let holds = |events: &[String]| events.iter().any(|other| other == event);
        let is_outbound = holds(&self.outbound);
        let mut roles = Vec::new();
        roles.extend((event == self.order).then_some(EventRole::Order));
        roles.extend(is_outbound.then_some(EventRole::Outbound));
        let place = |event: &str| self.funnel.iter().position(|other| other == event);
        if let (Some(place), Some(of_order)) = (place(event), place(&self.order)) {
            roles.push(EventRole::Funnel { position: place as i32 - of_order as i32 });
        }
        // What the business does is no doing of the user.
        let of_user = [
            (EventRole::Share, holds(&self.share)),
            (EventRole::Coupon, holds(&self.coupon)),
            (EventRole::Response, self.response.contains_key(event)),
            (EventRole::Negative, holds(&self.negative)),
        ];
        roles.extend(of_user.into_iter().filter(|of| of.1 && !is_outbound).map(|of| of.0));
        roles
    }

    /// Answers and what they answer to, among the event types given.
    pub(super) fn responses(&self, events: &[String]) -> BTreeMap<String, String> {
        if !self.response.is_empty() {
            let mut responses = self.response.clone();
            responses.retain(|answer, sent| events.contains(answer) && events.contains(sent));
            return responses;
        }
        let mut responses = BTreeMap::new();
        for sent in events.iter().filter(|event| self.outbound.contains(event)) {
            let Some(word) = first_word(sent) else { continue };
            let answers = events.iter().filter(|event| !self.outbound.contains(event));
            for answer in answers.filter(|event| first_word(event) == Some(word)) {
                responses.insert(answer.clone(), sent.clone());
            }
        }
        responses
    }

    /// Checks that the events that the config names occur in the data.
    ///
    /// # Errors
    /// [`FeatureError::NoSuchEvent`] for the first that does not.
    pub fn check_known(&self, known: &[String]) -> Result<(), FeatureError> {
        for (key, events, default) in self.lists() {
            // Nobody asked for the events of a default.
            if events != default {
                events
                    .iter()
                    .try_for_each(|event| check_event(&format!("[events] {key}"), event, known))?;
            }
        }
        let mut responses = self.response.iter().flat_map(|(answer, sent)| [answer, sent]);
        responses.try_for_each(|event| check_event("[events] response", event, known))
    }

    /// Checks that the roles do not contradict each other.
    ///
    /// # Errors
    /// The key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), Conflict> {
        if self.order.is_empty() {
            return Err(Conflict::new("order", "must name an event, got \"\""));
        }
        for (key, events, default) in self.lists() {
            let mut events_by_place = events.iter().enumerate();
            if let Some((_, twice)) = events_by_place.find(|(n, it)| events[..*n].contains(it)) {
                let message = format!("must list each event once, got {twice:?} twice");
                return Err(Conflict::new(key, message));
            }
            let is_of_user = !["outbound", "funnel"].contains(&key);
            let outbound = events.iter().find(|event| self.outbound.contains(event));
            if let (true, Some(event)) = (is_of_user && events != default, outbound) {
                let message = format!(
                    "lists what users do, but {event:?} is outbound, the doing of the business"
                );
                return Err(Conflict::new(key, message));
            }
        }
        if self.outbound.contains(&self.order) {
            let message =
                format!("lists what the business does, but {:?} is the order", self.order);
            return Err(Conflict::new("outbound", message));
        }
        match self.response.iter().find(|(answer, sent)| answer == sent) {
            Some((answer, _)) => {
                let message = format!("has {answer:?} as the answer to itself");
                Err(Conflict::new("response", message))
            }
            None => Ok(()),
        }
    }
}

/// `message_sent` → `message`; `None` for an event of one word.
fn first_word(event: &str) -> Option<&str> {
    event.split_once(['_', ' ', '.', '-']).map(|(word, _)| word)
}

/// Checks that an event that the config names at `key` occurs in the data.
///
/// # Errors
/// [`FeatureError::NoSuchEvent`] when it does not.
pub fn check_event(key: &str, event: &str, known: &[String]) -> Result<(), FeatureError> {
    if known.iter().any(|other| other == event) {
        return Ok(());
    }
    let nearest = nearest_names(event, known).first().copied().unwrap_or_default().to_owned();
    Err(FeatureError::NoSuchEvent { key: key.to_owned(), event: event.to_owned(), nearest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(events: &[&str]) -> Vec<String> {
        events.iter().map(|event| (*event).to_owned()).collect()
    }

    #[test]
    fn roles_say_where_an_event_stands() {
        let events = EventParams { outbound: strings(&["sms_sent"]), ..EventParams::default() };
        assert_eq!(events.roles("cart"), [EventRole::Funnel { position: -1 }]);
        let both = [EventRole::Funnel { position: 1 }, EventRole::Share];
        assert_eq!(events.roles("share"), both);
        assert_eq!(events.roles("order")[0], EventRole::Order);
        assert_eq!(events.roles("sms_sent"), [EventRole::Outbound]);
        assert_eq!(events.roles("blocked"), [EventRole::Negative]);
        assert_eq!(events.roles("anything"), []);
    }

    #[test]
    fn answers_share_the_first_word_of_what_was_sent() {
        let events = EventParams { outbound: strings(&["sms_sent"]), ..EventParams::default() };
        let found = events.responses(&strings(&["sms_sent", "sms_read", "smsx_read", "view"]));
        assert_eq!(found, [("sms_read".to_owned(), "sms_sent".to_owned())].into());
    }

    #[test]
    fn what_the_business_does_is_no_doing_of_the_user() {
        let outbound = strings(&["sms", "share"]);
        let events = EventParams { outbound: outbound.clone(), ..EventParams::default() };
        // Nobody asked for the default share.
        assert_eq!(events.check(), Ok(()));
        let events = EventParams { coupon: strings(&["sms"]), outbound, ..EventParams::default() };
        let error = events.check().unwrap_err().to_string();
        assert!(
            error.starts_with("coupon lists what users do, but \"sms\" is outbound"),
            "{error}"
        );
    }
}
