//! The main job on real orders, against the figures that its users may expect.

use std::path::Path;

use layercake::app::{
    Backtest, Model, Previous, RejectedRows, Session, Silent, backtest, stability, train,
};
use layercake::bundle::Bundle;
use layercake::config::Config;
use layercake::models::segmentation::Partition;
use layercake::models::value::RankedBy;

use crate::names::{OrderColumns, names_hold};
use crate::support::{Shop, project, shared_data};

/// A session over a file by the config that `init` writes for it, unedited, and the
/// model trained in it.
fn train_unedited(data: &Path) -> (Session, Model) {
    let shop = Shop::empty();
    let data = data.canonicalize().unwrap();
    shop.train(&["init", data.to_str().unwrap(), "--out", "shop.toml"]).done();
    let mut config = Config::load(&shop.path("shop.toml")).unwrap();
    config.models = shop.path("models");
    let list = RejectedRows::temporary_in(&shop.path(""));
    let session = Session::open(config, list, Silent).unwrap().keeping_snapshots();
    let trained = train(&session, &Previous::Latest).unwrap();
    (session, Model::unreviewed(trained.bundle, trained.folder))
}

fn auc(bundle: &Bundle, name: &str) -> f64 {
    let scores = bundle.record.churn.scores.iter().find(|scores| scores.name.en == name).unwrap();
    scores.roc_auc.unwrap().value
}

/// The back-test of a model, in which layers have to beat both groupings of RFM: in what users
/// spend both, in churn the ten names.
fn layers_beat_rfm(session: &Session, model: &Model) -> Backtest {
    let result = backtest(session, model).unwrap();
    for gain in result.differences.iter().filter(|gain| gain.id.starts_with("rfm")) {
        for interval in [gain.r2_log_gmv, gain.r2_gmv] {
            assert!(interval.unwrap().low > 0.0, "{gain:?}");
        }
        assert!(gain.id == "rfm_cells" || gain.churn_log_loss.unwrap().low > 0.0, "{gain:?}");
    }
    result
}

/// Customers in order of their predicted value are nearer to that of what they pay than in
/// order of what they paid, and as many as said pay what lies in their interval.
fn value_ranks_better_than_the_past(bundle: &Bundle) {
    let amounts = bundle.record.value.as_ref().unwrap().amounts.as_ref().unwrap();
    let past = amounts.rankings.iter().find(|it| it.by == RankedBy::PastAmount).unwrap();
    assert!(past.behind.unwrap().interval.unwrap().low > 0.0, "{past:?}");
    assert!((0.85..=0.95).contains(&amounts.coverage), "{}", amounts.coverage);
}

#[test]
fn cdnow_last_90_days() {
    let file = project().join("data/cdnow/cdnow_master.parquet");
    let (session, model) = train_unedited(&file);
    let columns = OrderColumns {
        user: "customer_id",
        time: "date",
        money: "dollar_value",
        quantity: None,
        order: None,
    };
    names_hold(&model, &file, &columns);
    let bundle = &model.bundle;
    assert_eq!(bundle.config.snapshots.horizon_days.get(), 90);
    assert_eq!(bundle.record.dates.training.len(), 6);
    assert_eq!(bundle.record.churn.n_users, 23_570);
    assert_eq!(bundle.record.input.n_events, 69_659);
    // Days since the last order alone: .8280, as measured with other tools.
    assert!((auc(bundle, "days since last order") - 0.8280).abs() < 5e-4);
    assert!(auc(bundle, "churn model") >= 0.838, "{}", auc(bundle, "churn model"));
    let calibration = &bundle.record.churn.calibration.after;
    assert!(calibration.ece.unwrap() <= 0.025, "{calibration:?}");
    assert!(
        bundle.record.churn.failed_checks.is_empty(),
        "{:?}",
        bundle.record.churn.failed_checks
    );
    value_ranks_better_than_the_past(bundle);
    let layers = layers_beat_rfm(&session, &model).groupings.remove(0);
    assert!(layers.r2_log_gmv.unwrap() >= 0.28, "{layers:?}");
    assert!(layers.r2_gmv.unwrap() >= 0.268, "{layers:?}");
    let refits = stability(&session, bundle, Partition::Layers, 3).unwrap();
    assert!(refits.adjusted_rand_index >= 0.85, "{refits:?}");
}

#[test]
fn online_retail_last_60_days() {
    let Some(data) = shared_data("online_retail.parquet") else { return };
    let (session, model) = train_unedited(&data);
    let columns = OrderColumns {
        user: "CustomerID",
        time: "InvoiceDate",
        money: "UnitPrice",
        quantity: Some("Quantity"),
        order: Some("InvoiceNo"),
    };
    names_hold(&model, &data, &columns);
    let bundle = &model.bundle;
    assert_eq!(bundle.config.snapshots.horizon_days.get(), 60);
    assert_eq!(bundle.record.dates.training.len(), 6);
    assert_eq!(bundle.record.churn.n_users, 3_741);
    assert!(auc(bundle, "churn model") >= 0.74, "{}", auc(bundle, "churn model"));
    let log_loss = bundle.record.churn.calibration.after.log_loss.unwrap();
    assert!(log_loss <= 0.605, "{log_loss}");
    let layers = layers_beat_rfm(&session, &model).groupings.remove(0);
    assert!(layers.r2_log_gmv.unwrap() >= 0.235, "{layers:?}");
}
