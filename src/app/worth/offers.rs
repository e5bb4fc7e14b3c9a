//! The verb `offers`: what it pays to move users, and whom to contact.

use std::path::{Path, PathBuf};

use super::contacts::{ContactRow, write};
use super::history::known;
use super::values::ahead;
use crate::app::table_place::check_ending;
use crate::app::{Grouping, Model, PipelineError, Session};
use crate::config::parse_toml;
use crate::models::rules::GroupName;
use crate::models::segmentation::Partition;
use crate::models::worth::{
    Contact, GroupsWorth, NextMoney, OfferWorth, Offers, measure_offers, measure_worth,
    plan_contacts,
};

/// Offers that were read and checked.
#[derive(Debug, Clone)]
pub struct OffersFile {
    /// Where they stand.
    pub file: PathBuf,
    /// What stands there.
    pub offers: Offers,
}

impl OffersFile {
    /// Reads them.
    ///
    /// # Errors
    /// When they cannot be read, have an unknown key, or do not hold together.
    pub fn read(file: &Path) -> Result<Self, PipelineError> {
        let refuse = |problem: String| PipelineError::Plan { file: file.to_owned(), problem };
        let text = std::fs::read_to_string(file)
            .map_err(|error| refuse(format!("can't be read ({error})")))?;
        let offers: Offers = parse_toml(&text, file)?;
        offers.check().map_err(|conflict| refuse(conflict.to_string()))?;
        Ok(Self { file: file.to_owned(), offers })
    }
}

/// Which offers, and where to put whom they are for.
#[derive(Debug, Clone)]
pub struct OffersRequest<'a> {
    /// The offers.
    pub file: &'a OffersFile,
    /// The layers or the kinds of the model.
    pub partition: Partition,
    /// The list of users to contact, Parquet or CSV by its ending.
    pub out: Option<&'a Path>,
}

/// Offers in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct WeighedOffers {
    /// The offers as they were read.
    pub offers: Offers,
    /// What the groups are called.
    pub names: Vec<GroupName>,
    /// What they are worth.
    pub worth: GroupsWorth,
    /// One entry an offer.
    pub found: Vec<OfferWorth>,
    /// Whom to contact; `None` where no offer can be ranked.
    pub contacts: Option<PlannedContacts>,
    /// The list, where one was wanted; it is empty where nobody is ranked.
    pub list: Option<PathBuf>,
    /// Whether amounts are numbers of orders, since the data has no others.
    pub in_orders: bool,
}

/// Whom to contact, counted.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedContacts {
    /// Users on the list, by offer.
    pub n_users: Vec<usize>,
    /// Users whose contact would pay, whatever the budget.
    pub n_worth_it: usize,
    /// What the contacts are expected to cost.
    pub cost: f64,
    /// What they are expected to bring.
    pub gain: f64,
    /// What each next part of the money brings.
    pub next_money: Vec<NextMoney>,
    /// Ids of groups whose floor could not be spent, and what is left of it.
    pub unspent_floors: Vec<(String, f64)>,
}

/// Weighs offers, ranks users for them and writes the list.
///
/// # Errors
/// When an offer names a group that does not exist, the data cannot be read or is too short
/// for a step, or the list cannot be written.
pub fn offers(
    session: &Session,
    model: &Model,
    request: &OffersRequest<'_>,
) -> Result<WeighedOffers, PipelineError> {
    let problem = "the list is written as Parquet or CSV: let the name end in .parquet or .csv";
    request.out.map_or(Ok(()), |out| check_ending(out, problem))?;
    let partition = request.partition;
    let groups = model.groups(partition);
    let ids: Vec<[String; 3]> =
        groups.iter().map(|it| [it.id.clone(), it.name.clone(), it.name_zh.clone()]).collect();
    let (offers, seed) = (&request.file.offers, model.bundle.config.seed);
    session.run("offers", 4, |stages| {
        let known = known(session, model, Grouping::Groups(partition), true, stages)?;
        stages.begin("valuing groups");
        let ahead = ahead(model, known.in_orders);
        let measured = measure_worth(&known.history, &ahead, seed)?;
        stages.begin("weighing offers");
        let in_file = |cause| PipelineError::Offers { file: request.file.file.clone(), cause };
        let found =
            measure_offers(&known.history, &measured, offers, &ids, seed).map_err(in_file)?;
        let targeted = plan_contacts(
            &known.history,
            &measured.worth,
            (offers, &found),
            &known.own_values,
            &ids,
        );
        let targeted = targeted.map_err(in_file)?;
        let row = |contact: Contact| {
            let of_offer = &found[contact.offer];
            let of = |group: usize| ids[group][0].as_str();
            ContactRow { contact, from: of(of_offer.from), to: of(of_offer.to) }
        };
        let chosen = targeted.iter().flat_map(|it| &it.contacts);
        let rows: Vec<ContactRow<'_>> = chosen.copied().map(row).collect();
        // An earlier list must not be taken for this one: where nobody is ranked it is empty.
        if let Some(out) = request.out {
            write(out, &known.users, &rows)?;
        }
        let contacts = targeted.map(|targeted| {
            let sum = |of: fn(&ContactRow<'_>) -> f64| rows.iter().map(of).sum();
            let n_users = |offer: usize| rows.iter().filter(|it| it.contact.offer == offer).count();
            PlannedContacts {
                n_users: (0..found.len()).map(n_users).collect(),
                n_worth_it: targeted.n_worth_it,
                cost: sum(|it| it.contact.cost),
                gain: sum(|it| it.contact.gain),
                next_money: targeted.next_money,
                unspent_floors: targeted.unspent_floors,
            }
        });
        Ok(WeighedOffers {
            offers: offers.clone(),
            worth: measured.worth,
            names: known.names,
            found,
            contacts,
            list: request.out.map(Path::to_owned),
            in_orders: known.in_orders,
        })
    })
}
