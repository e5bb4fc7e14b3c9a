//! What groups are worth, and what it pays to move their users.

mod contacts;
mod history;
mod offers;
mod values;

pub use offers::{OffersFile, OffersRequest, PlannedContacts, WeighedOffers, offers};
pub use values::{GroupValues, group_values};
