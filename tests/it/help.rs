//! What `--help` says is part of the product: a change shows in review.

use crate::support::Shop;

#[test]
fn help_of_every_command() {
    let shop = Shop::empty();
    let pages = [
        ("train", shop.train(&["--help"])),
        ("train_init", shop.train(&["init", "--help"])),
        ("train_show", shop.train(&["show", "--help"])),
        ("train_show_layers", shop.train(&["show", "layers", "--help"])),
        ("train_show_kinds", shop.train(&["show", "kinds", "--help"])),
        ("train_show_churn", shop.train(&["show", "churn", "--help"])),
        ("train_show_lineage", shop.train(&["show", "lineage", "--help"])),
        ("train_show_features", shop.train(&["show", "features", "--help"])),
        ("train_review", shop.train(&["review", "--help"])),
        ("train_features", shop.train(&["features", "--help"])),
        ("train_sample", shop.train(&["sample", "--help"])),
        ("score", shop.score(&["--help"])),
        ("compare", shop.compare(&["--help"])),
        ("compare_backtest", shop.compare(&["backtest", "--help"])),
        ("compare_plan", shop.compare(&["plan", "--help"])),
        ("compare_assign", shop.compare(&["assign", "--help"])),
        ("compare_readout", shop.compare(&["readout", "--help"])),
        ("compare_targeting", shop.compare(&["targeting", "--help"])),
        ("compare_stability", shop.compare(&["stability", "--help"])),
        ("compare_groups", shop.compare(&["groups", "--help"])),
        ("compare_migration", shop.compare(&["migration", "--help"])),
        ("compare_moves", shop.compare(&["moves", "--help"])),
    ];
    for (name, ran) in pages {
        let text = ran.done();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(format!("help_{name}"), text);
    }
}
