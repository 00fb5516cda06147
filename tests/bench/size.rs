//! How large the components are, and the executable that has them in it.

use std::fs;
use std::path::Path;

use concept_refinement_tests::artifacts;

use crate::Form;
use crate::figures::Figure;

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
    paths.iter().map(|path| figure(path)).collect()
}

fn figure(path: &Path) -> Figure {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let size = fs::metadata(path).unwrap().len();
    Figure::new("size", name, "kB", size as f64 / 1e3)
}
