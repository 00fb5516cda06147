//! Components that were not built for the host.

use std::fs;

use concept_refinement_tests::artifacts;

use crate::place::Place;

/// Those of another release have the same names, and other types.
#[test]
fn a_component_with_other_types_stops_the_start() {
    let place = Place::new();
    for entry in fs::read_dir(artifacts::components()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_str().unwrap();
            place.write(&format!("components/{name}"), fs::read(&path).unwrap());
        }
    }
    // What only their exports have: another import is refused by its name.
    for (component, name, other) in [
        ("api", "lengths", "lengthy"),
        ("processor", "retry-later", "retry-never"),
        ("notifier", "retry-after", "retry-never"),
    ] {
        let file = format!("components/{component}.wasm");
        let fitting = place.read(&file);
        let misfit = replaced(&fitting, name.as_bytes(), other.as_bytes());
        place.write(&file, misfit);

        let arguments = ["serve", "--listen=127.0.0.1:0", "--components=components"];
        let done = place.run(&arguments);
        assert_eq!(done.code, 1, "{done:?}");
        assert_eq!(done.stdout, b"", "{done:?}");
        let sentence = format!("the {component} component does not fit this host");
        assert_eq!(done.stderr.matches(&sentence).count(), 1, "{done:?}");
        place.write(&file, fitting);
    }
}

/// The bytes with each occurrence of a name replaced by one of the same length.
fn replaced(bytes: &[u8], name: &[u8], by: &[u8]) -> Vec<u8> {
    assert_eq!(name.len(), by.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..bytes.len())
        .filter(|&at| bytes[at..].starts_with(name))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + by.len()].copy_from_slice(by);
    }
    bytes
}
