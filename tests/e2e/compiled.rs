//! Compiled code that was damaged is never run.

use std::fs;

use concept_refinement_tests::service::Launch;

/// What the log says, once, when compiled code was damaged.
const DAMAGED: &str = "unusable compiled code";

#[test]
fn a_flipped_byte_costs_a_compilation() {
    let launch = Launch::new();
    let compiled = launch.data().join("compiled");
    // Tests share what is there; this is to damage its own.
    fs::remove_file(&compiled).unwrap();
    assert!(launch.start().stop().status.success());
    let mut files = 0;
    for file in fs::read_dir(&compiled).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        files += 1;
    }
    assert_eq!(files, 4, "one for each component");
    for (start, expected) in [("the next", 1), ("the one after", 0)] {
        let ended = launch.start().stop();
        assert!(ended.status.success(), "{start}: {ended:?}");
        let told = ended.log.matches(DAMAGED).count();
        assert_eq!(told, expected, "{start}: {}", ended.log);
    }
}
