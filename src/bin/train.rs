//! `layercake-train`: for data scientists.

fn main() -> std::process::ExitCode {
    layercake::cli::train_main()
}
