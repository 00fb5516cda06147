//! `concept-refinement`: the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    concept_refinement_host::cli::main(|host| host)
}
