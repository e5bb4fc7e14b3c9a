//! `layercake-score`: for nightly jobs.

fn main() -> std::process::ExitCode {
    layercake::cli::score_main()
}
