//! The examples for schedulers type what the program understands.

use crate::support::{Shop, project};

#[test]
fn examples_for_schedulers_use_options_that_exist() {
    let shop = Shop::empty();
    let help = |arguments: &[&str]| shop.score(arguments).done();
    let (of_nights, of_judge) = (help(&["--help"]), help(&["judge", "--help"]));
    let mut n_found = 0;
    let folder = project().join("examples/nightly");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let commands = text.split("layercake-score").skip(1);
        for command in commands.filter(|it| it.starts_with([' ', '"'])) {
            // To the end of the line, or of a list of arguments.
            let is_list = command.starts_with('"');
            let command = command.split(if is_list { ']' } else { '\n' }).next().unwrap();
            let help = if command.contains(" judge ") { &of_judge } else { &of_nights };
            for word in command.split([' ', '"', ',', '\n']).filter(|it| it.starts_with("--")) {
                let is_there = help.split_whitespace().any(|it| it == word);
                assert!(is_there, "{}: no option {word}", path.display());
                n_found += 1;
            }
        }
    }
    assert!(n_found > 20, "{n_found}");
}
