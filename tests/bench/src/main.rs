//! Measures the real executable from outside, and the same code compiled
//! natively. Run by `cargo xtask bench` in the release profile; nothing here
//! passes or fails but what is guarded.
//!
//! Server and clients share one machine's cores, so each rate comes with the
//! server's processor time, and compared variants run in alternating rounds.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this measures, and stops at the first surprise"
)]

mod administration;
mod against;
mod api;
mod beside;
mod cores;
mod events;
mod figures;
mod hosts;
mod languages;
mod load;
mod machine;
mod memory;
mod native;
mod operators;
mod pipeline;
mod platforms;
mod plot;
mod postgres;
mod sides;
mod size;
mod start;
mod stored;
mod tasks;
mod traces;
mod upgrades;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use figures::{Figure, table};

/// The executable's: the native twins are measured in this process, and so is the pipeline.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The length of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Quick,
    Whole,
}

impl Form {
    /// Of what is repeated.
    pub fn choose<T>(self, quick: T, whole: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Whole => whole,
        }
    }
}

const FLAGS: [&str; 2] = ["--quick", "--guard"];

/// The URL of another server to compare with, and a file with a bearer token of
/// a user of it in each line.
const OTHER_URL: &str = "REFINEMENT_BENCH_AGAINST";
const OTHER_USERS: &str = "REFINEMENT_BENCH_USERS";

/// The target directory of another checkout to compare with.
const BESIDE: &str = "REFINEMENT_BENCH_BESIDE";

type Part = fn(Form) -> Vec<Figure>;

const PARTS: [(&str, Part); 17] = [
    // First, since files are created more slowly after many were deleted.
    ("tasks", tasks::measure),
    ("api", api::measure),
    ("pipeline", pipeline::measure),
    ("events", events::measure),
    ("memory", memory::measure),
    ("start", start::measure),
    ("languages", languages::measure),
    ("stored", stored::measure),
    ("administration", administration::measure),
    ("operators", operators::measure),
    ("traces", traces::measure),
    ("postgres", postgres::measure),
    ("upgrades", upgrades::measure),
    ("hosts", hosts::measure),
    ("cores", cores::measure),
    ("platforms", platforms::measure),
    ("size", size::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [twin, data] = arguments.as_slice()
        && twin == native::TWIN
    {
        native::serve(Path::new(data));
        return ExitCode::SUCCESS;
    }
    let (flags, names): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|argument| argument.starts_with('-'));
    let is_set = |flag: &str| flags.contains(&flag);
    if let Some(flag) = flags.iter().find(|flag| !FLAGS.contains(flag)) {
        panic!("{flag} is none of {FLAGS:?}");
    }
    let form = match is_set("--quick") {
        true => Form::Quick,
        false => Form::Whole,
    };
    if let Some(name) = names.iter().find(|name| !is_part(name)) {
        let known = PARTS.map(|(part, _)| part);
        panic!("{name} is none of {known:?}");
    }

    if let Some(url) = env::var_os(OTHER_URL) {
        let url = url.into_string().unwrap();
        let users = env::var_os(OTHER_USERS).map(PathBuf::from);
        let figures = against::measure(form, url.trim_end_matches('/'), users.as_deref());
        println!("{}", table(&figures, "theirs"));
        return ExitCode::SUCCESS;
    }

    if let Some(target) = env::var_os(BESIDE) {
        let figures = beside::measure(form, Path::new(&target));
        println!("{}", table(&figures, "other"));
        let is_met = figures.iter().all(|figure| figure.is_met() != Some(false));
        return match is_met || !is_set("--guard") {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        };
    }

    let mut figures = Vec::new();
    for (name, measure) in PARTS {
        if names.is_empty() || names.contains(&name) {
            eprintln!("measuring: {name}");
            let measured = measure(form);
            println!("{}", table(&measured, "native"));
            figures.extend(measured);
        }
    }
    let directory = directory();
    write(
        &directory.join("bench.json"),
        &machine::json(form, &figures),
    );
    let plot = plot::draw(&figures);
    write(&directory.join("bench.svg"), &plot);
    if names.is_empty() && form == Form::Whole {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        write(&docs.join("bench.svg"), &plot);
    }
    ExitCode::SUCCESS
}

fn is_part(name: &str) -> bool {
    PARTS.iter().any(|(part, _)| part == &name)
}

/// `target/bench`.
fn directory() -> PathBuf {
    let target = match env::var_os("CARGO_TARGET_DIR") {
        Some(target) => target.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
    };
    let directory = target.join("bench");
    fs::create_dir_all(&directory).unwrap();
    directory.canonicalize().unwrap()
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    println!("{}", path.display());
}
