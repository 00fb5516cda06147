//! How large the components are, the executable that has them in it, and the web
//! page that a browser loads.

use std::fs;
use std::path::Path;

use concept_refinement_tests::artifacts;

use crate::Form;
use crate::figures::{Figure, Target};

pub fn measure(_: Form) -> Vec<Figure> {
    let directory = artifacts::components();
    let components = fs::read_dir(directory).unwrap();
    let mut paths: Vec<_> = components.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "wasm")
    });
    paths.sort();
    paths.push(artifacts::binary());
    let sizes = paths.iter().map(|path| figure(path));
    sizes.chain([page()]).collect()
}

/// The bytes of all its files that a browser loads at once: an image to begin with is loaded
/// when it is chosen.
fn page() -> Figure {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../components/api/page");
    let files = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let loaded = files.filter(|file| !file.file_name().to_string_lossy().starts_with("sample-"));
    let bytes: u64 = loaded.map(|file| file.metadata().unwrap().len()).sum();
    Figure::new("size", "web page", "kB", bytes as f64 / 1e3).target(Target::Most(150.0))
}

fn figure(path: &Path) -> Figure {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let size = fs::metadata(path).unwrap().len();
    Figure::new("size", name, "kB", size as f64 / 1e3)
}
