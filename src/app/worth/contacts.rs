//! The list of users to contact.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, StringArray, UInt64Array};

use crate::app::PipelineError;
use crate::dataset::UserIds;
use crate::files::{batch_of, stage_batch, user_id_array};
use crate::models::worth::Contact;

/// A user of the list, with ids of the groups.
pub(super) struct ContactRow<'a> {
    pub contact: Contact,
    pub from: &'a str,
    pub to: &'a str,
}

/// Writes the list in the order in which money is spent; an earlier one stands until the new
/// one is whole.
pub(super) fn write(
    file: &Path,
    users: &UserIds,
    rows: &[ContactRow<'_>],
) -> Result<(), PipelineError> {
    let numbers = |of: &dyn Fn(&ContactRow<'_>) -> f64| -> ArrayRef {
        Arc::new(rows.iter().map(|it| Some(of(it))).collect::<Float64Array>())
    };
    let texts = |of: fn(&ContactRow<'_>) -> String| -> ArrayRef {
        Arc::new(rows.iter().map(|it| Some(of(it))).collect::<StringArray>())
    };
    let ids = match users {
        UserIds::Integer(ids) => {
            UserIds::Integer(rows.iter().map(|it| ids[it.contact.user]).collect())
        }
        UserIds::Text(ids) => {
            UserIds::Text(rows.iter().map(|it| ids[it.contact.user].clone()).collect())
        }
    };
    let mut spent = 0.0;
    let spent: ArrayRef = Arc::new(
        rows.iter()
            .map(|it| {
                spent += it.contact.cost;
                Some(spent)
            })
            .collect::<Float64Array>(),
    );
    let ranks: ArrayRef = Arc::new((1..=rows.len() as u64).collect::<UInt64Array>());
    let by_floor: ArrayRef =
        Arc::new(rows.iter().map(|it| Some(it.contact.is_by_floor)).collect::<BooleanArray>());
    let columns = [
        ("rank", ranks),
        ("user_id", user_id_array(&ids)),
        ("offer", numbers_of_offers(rows)),
        ("from", texts(|it| it.from.to_owned())),
        ("to", texts(|it| it.to.to_owned())),
        ("uplift", numbers(&|it| it.contact.uplift)),
        ("expected_gain", numbers(&|it| it.contact.gain)),
        ("cost", numbers(&|it| it.contact.cost)),
        ("net", numbers(&|it| it.contact.net())),
        ("spent", spent),
        ("by_floor", by_floor),
    ];
    let failed = |cause| PipelineError::Output { path: file.to_owned(), cause };
    let batch = batch_of(columns.map(|(name, array)| (name.to_owned(), array)).to_vec());
    stage_batch(file, &batch, &[]).map_err(failed)?.commit().map_err(failed)
}

/// Places of the offers in their file, from 1.
fn numbers_of_offers(rows: &[ContactRow<'_>]) -> ArrayRef {
    Arc::new(rows.iter().map(|it| it.contact.offer as u64 + 1).collect::<UInt64Array>())
}
