//! One number governs all threads of a run.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::Shop;

/// Names of the threads of a process.
fn names_of_threads(process: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    tasks.filter_map(name).map(|name| name.trim().to_owned()).collect()
}

#[test]
fn a_run_computes_on_as_many_threads_as_were_asked_for_and_on_no_others() {
    let shop = Shop::ordinary();
    let mut child = Command::new(env!("CARGO_BIN_EXE_layercake-train"))
        .args(["--config", "shop.toml", "--threads", "3"])
        .current_dir(shop.path(""))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (mut workers, mut n_looks_with_strangers) = (BTreeSet::new(), 0);
    while child.try_wait().unwrap().is_none() {
        let names = names_of_threads(child.id());
        workers.extend(names.iter().filter(|name| name.starts_with("worker")).cloned());
        // The first thread has the name of the program. A new thread bears that of the
        // thread that started it for a moment.
        let mut strangers = names;
        for known in ["layercake-train", "worker-0", "worker-1", "worker-2", "progress"] {
            if let Some(place) = strangers.iter().position(|name| name == known) {
                strangers.swap_remove(place);
            }
        }
        // Those that read files wait for most of the time.
        strangers.retain(|name| name != "reader");
        n_looks_with_strangers = if strangers.is_empty() { 0 } else { n_looks_with_strangers + 1 };
        assert!(n_looks_with_strangers < 20, "{strangers:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(workers.into_iter().collect::<Vec<_>>(), ["worker-0", "worker-1", "worker-2"]);
}
