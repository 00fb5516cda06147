//! Compiled code that was damaged, or that others may have written, is never run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use concept_refinement_tests::service::Launch;

/// What the log says, once, when compiled code cannot be used.
const UNUSABLE: &str = "unusable compiled code";

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
    assert_eq!(files, 5, "one for each component");
    for (start, expected) in [("the next", 1), ("the one after", 0)] {
        let ended = launch.start().stop();
        assert!(ended.status.success(), "{start}: {ended:?}");
        let told = ended.log.matches(UNUSABLE).count();
        assert_eq!(told, expected, "{start}: {}", ended.log);
    }
}

#[test]
fn a_directory_that_others_may_write_to_is_gone_without() {
    let launch = Launch::new();
    let compiled = launch.data().join("compiled");
    fs::remove_file(&compiled).unwrap();
    fs::create_dir(&compiled).unwrap();
    // Whatever the process's mask is.
    fs::set_permissions(&compiled, fs::Permissions::from_mode(0o777)).unwrap();
    let ended = launch.start().stop();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.log.matches(UNUSABLE).count(), 1, "{}", ended.log);
    let reason = "others may write to the directory";
    assert_eq!(ended.log.matches(reason).count(), 1, "{}", ended.log);
}
