//! When a watcher looks for the next change.

use concept_refinement_domain::task::Change;

use super::*;

#[test]
fn a_watcher_looks_often_after_a_change_and_less_often_in_silence() {
    fresh();
    let id = accepted(1);
    let mut watch = alone(store().watch("ada", &id)).unwrap().unwrap();
    let mut pauses = |number| {
        let changed = alone(store().poll(&mut watch)).unwrap();
        assert!(matches!(changed, Some(Change::Task(_))), "{changed:?}");
        let mut pauses = Vec::new();
        for _ in 0..number {
            assert_eq!(alone(store().poll(&mut watch)).unwrap(), None);
            pauses.push(watch.pause().as_millis());
        }
        pauses
    };
    assert_eq!(pauses(8), [25, 37, 56, 84, 126, 189, 250, 250]);
    alone(store().claim(&id, None)).unwrap().unwrap();
    assert_eq!(pauses(2), [25, 37]);
}
