//! Measures the real executable from outside, and the same code compiled
//! natively. Run by `cargo xtask bench` in the release profile; nothing here
//! passes or fails.
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

mod api;
mod events;
mod figures;
mod load;
mod machine;
mod memory;
mod native;
mod pipeline;
mod plot;
mod sides;
mod size;
mod start;
mod tasks;

use std::path::{Path, PathBuf};
use std::{env, fs};

use figures::{Figure, table};

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

type Part = fn(Form) -> Vec<Figure>;

const PARTS: [(&str, Part); 7] = [
    ("api", api::measure),
    ("pipeline", pipeline::measure),
    ("tasks", tasks::measure),
    ("events", events::measure),
    ("memory", memory::measure),
    ("start", start::measure),
    ("size", size::measure),
];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [twin, data] = arguments.as_slice()
        && twin == native::TWIN
    {
        return native::serve(Path::new(data));
    }
    let (flags, names): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|argument| argument.starts_with('-'));
    let form = match flags.as_slice() {
        [] => Form::Whole,
        ["--quick"] => Form::Quick,
        other => panic!("unknown: {other:?}"),
    };
    if let Some(name) = names.iter().find(|name| !is_part(name)) {
        let known = PARTS.map(|(part, _)| part);
        panic!("{name} is none of {known:?}");
    }

    let mut figures = Vec::new();
    for (name, measure) in PARTS {
        if names.is_empty() || names.contains(&name) {
            eprintln!("measuring: {name}");
            figures.extend(measure(form));
        }
    }
    println!("{}", table(&figures));
    let directory = directory();
    write(
        &directory.join("bench.json"),
        &machine::json(form, &figures),
    );
    let plot = plot::draw(&figures);
    write(&directory.join("bench.svg"), &plot);
    if names.is_empty() && form == Form::Whole {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        write(&docs.join("bench.svg"), &plot);
    }
}

fn is_part(name: &str) -> bool {
    PARTS.iter().any(|(part, _)| part == &name)
}

/// `target/bench`.
fn directory() -> PathBuf {
    let target = match env::var_os("CARGO_TARGET_DIR") {
        Some(target) => target.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
    };
    let directory = target.join("bench");
    fs::create_dir_all(&directory).unwrap();
    directory.canonicalize().unwrap()
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    println!("{}", path.display());
}
