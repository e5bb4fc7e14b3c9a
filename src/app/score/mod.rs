//! Bundle and new data to scores.
//!
//! Users are scored bucket by bucket (`part`), each by what is known of that user and of the
//! model. What needs all users (ranks, budgets) is added at the end, when the parts are put
//! together (`finish`). A night on one machine is one part; on several, each writes its part
//! and any of them finishes.

mod backfill;
mod batch;
mod churn_scores;
mod column;
mod columns;
mod compare_nights;
mod drift;
mod finish;
mod key;
mod moved;
mod night;
mod part;
mod part_rows;
mod parts;
mod publish;
mod published;
mod ranks;
mod reason_facts;
mod reason_figures;
mod reason_words;
mod receipt;
mod reference;
mod run_record;
mod summary;
mod tally;
mod user_scores;
mod value_columns;
mod value_scores;

use std::path::{Path, PathBuf};

use self::finish::stage_scores;
use self::key::run_key;
use self::night::{check_night, facts, feeds};
use self::part_rows::write_part;
use self::parts::Parts;
use self::receipt::{Receipt, read_receipts};
use self::summary::{Watched, summarise, tally_of_all};
use super::open_data::check_plan;
use super::{Model, PipelineError, Session};
use crate::config::Config;
use crate::dataset::Bilingual;
use crate::features::SeenInput;
use crate::files::{FolderLock, PARTIAL, lock_folder};
use crate::input::engine::MemoryUse;
use crate::watch::Feed;

pub use self::backfill::{BackfilledNight, NightOutcome, backfill, refused_nights};
pub(in crate::app) use self::batch::user_ids;
pub use self::column::{ScoreColumn, ScoreType};
pub use self::columns::{score_columns, score_contract};
pub use self::moved::{Moved, MovedFlow, MovedUsers};
pub use self::part::Part;
pub use self::publish::{ScoreFormat, ScoreRequest};
pub(in crate::app) use self::publish::{day_folders, read_summary};
pub(in crate::app) use self::published::open_published;
pub use self::receipt::RunKey;
pub(in crate::app) use self::reference::reference;
pub use self::run_record::note_run;
pub use self::summary::{GroupCount, ScoreSummary};
pub use self::tally::ExpectedChurn;

/// What a scoring run did, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// What is published now.
    pub summary: ScoreSummary,
    /// The folder of the day.
    pub folder: PathBuf,
    /// The review used, if any.
    pub review: Option<PathBuf>,
    /// What counts as churn, as settings.
    pub churn_label: crate::dataset::ChurnLabel,
    /// Whether the same scores were published before, and nothing was done.
    pub was_there: bool,
    /// What the run took; `None` where nothing was done.
    pub memory: Option<MemoryUse>,
}

/// What scoring a part did.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredPart {
    /// The part.
    pub part: Part,
    /// Scored as of.
    pub as_of: chrono::NaiveDateTime,
    /// Users of the part.
    pub n_users: u64,
    /// The file of their rows.
    pub rows: PathBuf,
    /// What the run took.
    pub memory: MemoryUse,
}

/// Locked while scores are made or published.
const LOCK: &str = ".layercake-lock";

/// Scores every user seen before the session's as-of date and publishes the result as
/// `out/as_of=YYYY-MM-DD/scores.parquet` (or `.csv`) with `_summary.json`
/// beside it; an earlier run's file stands until the new one is whole. Where the same
/// scores are published already, nothing is done.
///
/// # Errors
/// When the data cannot be read, the plan does not fit it, the output
/// cannot be written, or another run is at work in the same folder.
pub fn score(
    session: &Session,
    model: &Model,
    request: &ScoreRequest<'_>,
) -> Result<Scored, PipelineError> {
    let lock = lock(request.out, LOCK)?;
    session.run("score", 4, |stages| {
        stages.begin("looking for scores of the same input");
        let key = run_key(session, model)?;
        if let Some(done) = request.published(&key, session.config().as_of)
            && !depends_on_the_clock(session.config(), &done.1)
        {
            return Ok(was_there(model, done));
        }
        let data = session.read(Some(&model.bundle.plan), stages)?;
        let as_of = data.as_of()?;
        let seen = data.seen(as_of)?;
        check_plan(&model.bundle.plan, data.config, data.input, &seen, as_of)?;
        let tonight = facts(as_of, feeds(data.input, as_of), data.input.n_users, &seen);
        // Of a day long past, the users known by then are counted first.
        if !request.is_backfill {
            check_night(&data.config.input.gates, request, &tonight, &model.bundle.record.input)?;
        }
        let scratch = scratch(&lock, request, as_of)?;
        stages.begin(&format!("scoring as of {}", as_of.date()));
        let receipt = write_part(&data, model, as_of, (key, seen), Part::WHOLE, scratch.path())?;
        stages.begin("ranking and publishing");
        let list = data.rejected_rows_list();
        let receipts = vec![receipt];
        let scored = publish(data.config, model, request, (scratch.path(), receipts), list)?;
        Ok(Scored { memory: Some(data.memory()), ..scored })
    })
}

/// Scores the users of one part, which the session [looks at](Session::of_part), and leaves
/// their rows, with a receipt, in a folder.
///
/// # Errors
/// As [`score`]; that events or columns are missing is found by [`finish_parts`].
pub fn score_part(
    session: &Session,
    model: &Model,
    part: Part,
    folder: &Path,
) -> Result<ScoredPart, PipelineError> {
    let _lock = lock(folder, &format!("{LOCK}-{}", part.file_name("lock")))?;
    session.run("score", 3, |stages| {
        stages.begin("hashing the input");
        let key = run_key(session, model)?;
        let data = session.read(Some(&model.bundle.plan), stages)?;
        let as_of = data.as_of()?;
        stages.begin(&format!("scoring part {part} as of {}", as_of.date()));
        let seen = data.seen(as_of)?;
        let receipt = write_part(&data, model, as_of, (key, seen), part, folder)?;
        receipt.write(folder)?;
        let (n_users, rows) = (receipt.tally.n_users, folder.join(&receipt.rows.name));
        Ok(ScoredPart { part, as_of, n_users, rows, memory: data.memory() })
    })
}

/// Puts the parts of a folder together and publishes them, as [`score`] would have.
///
/// # Errors
/// When a part is missing, damaged or of another run, users are where they do not belong,
/// the plan does not fit the data, or the output cannot be written.
pub fn finish_parts(
    session: &Session,
    model: &Model,
    folder: &Path,
    request: &ScoreRequest<'_>,
) -> Result<Scored, PipelineError> {
    let _lock = lock(request.out, LOCK)?;
    session.run("score", 1, |stages| {
        stages.begin("ranking and publishing");
        let receipts = read_receipts(folder)?;
        let of_parts = &receipts[0].key;
        let own = key::of_model(model)?;
        if (&of_parts.bundle, &of_parts.review) != (&own.0, &own.1) {
            return Err(PipelineError::Parts {
                folder: folder.to_owned(),
                problem: format!(
                    "its parts were scored by bundle {} with review {}, and this is bundle {} with \
                     review {}; give the same --bundle and review",
                    of_parts.bundle,
                    of_parts.review.as_deref().unwrap_or("none"),
                    own.0,
                    own.1.as_deref().unwrap_or("none"),
                ),
            });
        }
        if let Some(done) = request.published(of_parts, Some(receipts[0].as_of.date())) {
            return Ok(was_there(model, done));
        }
        let list = folder.join(receipts[0].part.first().file_name(REJECTED));
        let list = Some(list).filter(|list| list.is_file());
        let n_bytes_spilled = receipts.iter().map(|receipt| receipt.n_bytes_spilled).sum();
        let scored =
            publish(session.config(), model, request, (folder, receipts), list.as_deref())?;
        Ok(Scored { memory: Some(session.engine().memory_use(n_bytes_spilled)), ..scored })
    })
}

/// What the list of a part's rejected rows ends in.
pub const REJECTED: &str = "rejected.csv";

/// Ranks the users of parts and puts the scores in their place.
fn publish(
    config: &Config,
    model: &Model,
    request: &ScoreRequest<'_>,
    (folder, receipts): (&Path, Vec<Receipt>),
    rejected: Option<&Path>,
) -> Result<Scored, PipelineError> {
    let (as_of, user_ids) = (receipts[0].as_of, receipts[0].user_ids);
    let mut seen = SeenInput::default();
    receipts.iter().for_each(|receipt| seen.merge(&receipt.seen));
    let input = receipt::input_of_all(&receipts);
    let mut warnings = check_plan(&model.bundle.plan, config, &input, &seen, as_of)?;
    warnings.extend(knows_later(model, as_of));
    let tally = tally_of_all(model, &receipts);
    let (mut feeds, mut n_users) = (receipts[0].feeds.clone(), input.n_users);
    if request.is_backfill {
        feeds.iter_mut().for_each(Feed::forget_later_rows);
        n_users = tally.n_users;
    }
    let tonight = facts(as_of, feeds, n_users, &seen);
    let trained_on = &model.bundle.record.input;
    let checks = check_night(&config.input.gates, request, &tonight, trained_on)?;
    let parts = Parts::open(folder, receipts.clone())?;
    let place = request.scores(as_of);
    let metadata = [
        ("layercake.as_of", as_of.format("%Y-%m-%d").to_string()),
        ("layercake.bundle", receipts[0].key.bundle.clone()),
    ];
    let (staged, ranked) =
        stage_scores(&parts, model, user_ids, (&place, request.format), &metadata)?;
    let drift = drift::drift(
        &model.bundle.reference,
        request,
        (as_of, &receipts[0].key),
        tally.reference,
        (ranked.n_at_risk, tally.n_users),
    );
    let moved = compare_nights::moved(&parts, request, (as_of, &receipts[0].key), user_ids)?;
    let watched = Watched { facts: tonight, checks, drift, moved };
    let failed = |cause| PipelineError::Output { path: place.clone(), cause };
    let scores = staged.record().map_err(failed)?;
    let quarantine = rejected.map(ScoreRequest::quarantine).transpose().map_err(failed)?;
    let summary = summarise(model, &receipts, &ranked, (scores, quarantine), watched, warnings);
    let folder = request.publish(staged, rejected, &summary)?;
    Ok(scored(model, folder, summary))
}

/// Warns of a model that saw what came after as-of.
fn knows_later(model: &Model, as_of: chrono::NaiveDateTime) -> Option<Bilingual> {
    let (trained_to, day) = (model.bundle.record.dates.as_of.date(), as_of.date());
    (trained_to > day).then(|| {
        Bilingual::new(
            format!(
                "the model was trained on data up to {trained_to}, so that these scores of {day} \
                 know what came later: do not judge the model by them"
            ),
            format!(
                "模型训练数据截至 {trained_to}，因此 {day} 的评分含有之后的信息：请勿据此评价模型"
            ),
        )
    })
}

fn scored(model: &Model, folder: PathBuf, summary: ScoreSummary) -> Scored {
    let review = model.review_file().map(Path::to_owned);
    let churn_label = model.bundle.churn.settings.label.clone();
    Scored { summary, folder, review, churn_label, was_there: false, memory: None }
}

fn was_there(model: &Model, (folder, summary): (PathBuf, ScoreSummary)) -> Scored {
    Scored { was_there: true, ..scored(model, folder, summary) }
}

/// Whether rows were rejected for being in the future as of that run: by today's clock they
/// might be accepted.
fn depends_on_the_clock(config: &Config, summary: &ScoreSummary) -> bool {
    config.input.latest.is_none() && summary.input.has_rows_in_the_future()
}

fn lock(folder: &Path, name: &str) -> Result<FolderLock, PipelineError> {
    lock_folder(folder, name)
        .map_err(|cause| PipelineError::Output { path: folder.to_owned(), cause })
}

/// A folder for the rows of a run, beside where they go, which goes with the run.
fn scratch(
    lock: &FolderLock,
    request: &ScoreRequest<'_>,
    as_of: chrono::NaiveDateTime,
) -> Result<tempfile::TempDir, PipelineError> {
    let failed = |cause| PipelineError::Output { path: request.out.to_owned(), cause };
    lock.clean(request.out);
    lock.clean(&request.folder(as_of));
    tempfile::Builder::new().prefix(PARTIAL).tempdir_in(request.out).map_err(failed)
}
