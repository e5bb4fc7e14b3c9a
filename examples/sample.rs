//! Layers and churn from within a program: trains on the sample that ships and prints
//! what each layer is worth.
//!
//! ```sh
//! cargo run --example sample
//! ```

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;

use layercake::app::{Model, Previous, RejectedRows, Session, Silent, Trained, backtest, train};
use layercake::config::Config;
use layercake::dataset::Language;
use layercake::report::{self, Rendering};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    let folder = std::env::temp_dir().join("layercake-example");
    let mut config = Config::load(Path::new("data/sample.toml"))?;
    config.models = folder.join("models");
    let rejected_rows = RejectedRows::kept_in(folder.join("rejected_rows.csv"));

    // The data is read by the first verb and serves all.
    let session = Session::open(config, rejected_rows, Silent)?;
    let Trained { bundle, folder, .. } = train(&session, &Previous::Latest)?;
    for layer in &bundle.layers.groups {
        writeln!(out, "{} {}", layer.id, layer.name)?;
    }
    let model = Model::unreviewed(bundle, folder);
    let found = backtest(&session, &model)?;
    let page = report::backtest(&found).render(Rendering::Text, Language::English);
    Ok(write!(out, "{page}")?)
}
