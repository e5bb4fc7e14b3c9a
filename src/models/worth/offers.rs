//! Offers that move users from group to group, as people write them.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::WorthError;
use crate::settings::{Conflict, Finite, NonNegative};

/// A file of offers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offers {
    /// The offers.
    #[serde(rename = "offer", default)]
    pub offers: Vec<Offer>,
    /// What may be spent.
    #[serde(default)]
    pub budget: Budget,
}

/// `[[offer]]`: what is offered to users of a group so that they move to another. Amounts are
/// in the currency of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The group they are in: an id, or its name.
    pub from: String,
    /// The group they are to move to.
    pub to: String,
    /// What it costs to make the offer to one user.
    pub cost_per_contact: NonNegative,
    /// What it costs where a user moves: the gift, the discount.
    #[serde(default = "nothing")]
    pub cost_per_move: NonNegative,
    /// Share of the users who move because of the offer, beyond those who move without it:
    /// the difference between the arms of an experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uplift: Option<Finite>,
    /// The 95 % interval of the uplift.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "low_and_high")]
    pub uplift_interval: Option<[Finite; 2]>,
}

/// An array of TOML is read into a shorter one without a word.
fn low_and_high<'de, D: Deserializer<'de>>(source: D) -> Result<Option<[Finite; 2]>, D::Error> {
    let numbers = Vec::<Finite>::deserialize(source)?;
    let n = numbers.len();
    let pair = numbers.try_into();
    pair.map(Some).map_err(|_| D::Error::custom(format!("must be [low, high]: got {n} numbers")))
}

fn nothing() -> NonNegative {
    NonNegative::of(0.0)
}

/// `[budget]`: what contacts may cost together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// All of it; as much as pays where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<NonNegative>,
    /// What is kept for users of a group, whoever else would bring more.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub floors: BTreeMap<String, NonNegative>,
}

/// An uplift with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uplift {
    /// Share of the users who move because of the offer.
    pub share: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Offer {
    /// What an experiment gave, if one did.
    pub fn measured_uplift(&self) -> Option<Uplift> {
        let (uplift, [low, high]) = (self.uplift?, self.uplift_interval?);
        Some(Uplift { share: uplift.get(), low: low.get(), high: high.get() })
    }
}

impl Offers {
    /// Checks what no type of a key shows.
    ///
    /// # Errors
    /// The key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), Conflict> {
        if self.offers.is_empty() {
            return Err(Conflict::new("[[offer]]", "is missing: the file must have one at least"));
        }
        for (place, offer) in self.offers.iter().enumerate() {
            let refuse = |key: &str, message: String| {
                Err(Conflict::new(format!("[[offer]] {} {key}", place + 1), message))
            };
            if offer.from == offer.to {
                return refuse("to", format!("must be another group than from, got {}", offer.to));
            }
            match (offer.uplift, offer.uplift_interval) {
                (Some(_), None) => {
                    return refuse(
                        "uplift",
                        "needs uplift_interval = [low, high] beside it: the 95 % interval that \
                         the experiment gave"
                            .into(),
                    );
                }
                (None, Some(_)) => {
                    return refuse("uplift_interval", "needs uplift beside it".into());
                }
                (Some(uplift), Some([low, high])) => {
                    let (uplift, low, high) = (uplift.get(), low.get(), high.get());
                    if !(-1.0..=1.0).contains(&uplift) {
                        let message = format!("must be a share between -1 and 1, got {uplift}");
                        return refuse("uplift", message);
                    }
                    if !(-1.0 <= low && low <= uplift && uplift <= high && high <= 1.0) {
                        return refuse(
                            "uplift_interval",
                            format!(
                                "must hold uplift, between -1 and 1: got [{low}, {high}] around \
                                 {uplift}"
                            ),
                        );
                    }
                }
                (None, None) => {}
            }
        }
        let kept: f64 = self.budget.floors.values().map(|it| it.get()).sum();
        match self.budget.total {
            Some(total) if kept > total.get() => Err(Conflict::new(
                "[budget.floors]",
                format!("must add up to total at most, {}; got {kept}", total.get()),
            )),
            _ => Ok(()),
        }
    }

    /// The places of the groups of each offer, from and to. `known` are ids and names, in
    /// English and Chinese, of the groups.
    ///
    /// # Errors
    /// The first group that does not exist.
    pub(super) fn places(&self, known: &[[String; 3]]) -> Result<Vec<(usize, usize)>, WorthError> {
        let place = |number: usize, key: &'static str, name: &String| {
            group_called(known, name).ok_or_else(|| WorthError::NoSuchGroup {
                number,
                key,
                name: name.clone(),
                known: known
                    .iter()
                    .map(|it| format!("{} ({})", it[0], it[1]))
                    .collect::<Vec<_>>()
                    .join(", "),
            })
        };
        let of_offer = |(place_of_offer, offer): (usize, &Offer)| {
            let number = place_of_offer + 1;
            let (from, to) = (place(number, "from", &offer.from)?, place(number, "to", &offer.to)?);
            match from == to {
                true => Err(WorthError::SameGroup { number, name: known[from][0].clone() }),
                false => Ok((from, to)),
            }
        };
        self.offers.iter().enumerate().map(of_offer).collect()
    }
}

/// The place of the group with this id, or else with this name in either language, in letters
/// of whatever case. `known` are ids and names, in English and Chinese.
pub(super) fn group_called(known: &[[String; 3]], name: &str) -> Option<usize> {
    let name = name.trim().to_lowercase();
    let find = |part: usize| known.iter().position(|group| group[part].to_lowercase() == name);
    (0..3).find_map(find)
}
