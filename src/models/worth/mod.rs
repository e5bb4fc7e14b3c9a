//! What members of each group are worth, by who goes where from step to step, and what it
//! pays to move them.

mod budget;
mod chain;
mod error;
mod evaluation;
mod foretold;
mod history;
mod movers;
mod offers;
mod offers_worth;
mod tally;
#[cfg(test)]
mod tests;

pub use budget::{Contact, NextMoney, Targeted, plan_contacts};
pub use chain::{FittedChain, WorthAhead};
pub use error::WorthError;
pub use evaluation::{
    FollowedGroup, GroupInNumbers, GroupsWorth, MeasuredWorth, Projected, TRUSTED_ERROR,
    measure_worth,
};
pub use foretold::{HeldOutGroup, HeldOutStep, StepsAhead};
pub use history::{GroupHistory, GroupsAt, N_STRATA, NOT_YET_SEEN};
pub use movers::Movers;
pub use offers::{Budget, Offer, Offers, Uplift};
pub use offers_worth::{OfferWorth, measure_offers};
