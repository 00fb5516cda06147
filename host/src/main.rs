//! `concept-refinement`: the command line.

use std::process::ExitCode;

/// With glibc's allocator a task takes a tenth more processor time (`cargo xtask bench
/// --beside`), and more memory stays resident after load. SQLite uses it too. A program that
/// embeds the library chooses its own.
#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    concept_refinement_host::cli::main(|host| host)
}
