//! `layercake-compare`: for people who run experiments against RFM.

fn main() -> std::process::ExitCode {
    layercake::cli::compare_main()
}
