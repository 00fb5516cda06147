//! Whether the store says that it can be used.

use super::*;

/// The capabilities with a problem.
async fn troubled() -> Vec<String> {
    let states = store().check().await.into_iter();
    let troubled = states.filter(|state| state.problem.is_some());
    troubled.map(|state| state.name).collect()
}

#[test]
fn a_store_is_ready_if_it_swaps() {
    for (swaps, expected) in [
        (Swaps::Work, &[][..]),
        (Swaps::AreLost, &["tasks", "images"]),
        (Swaps::AreLostButWritten, &["tasks", "images"]),
    ] {
        stored(BTreeMap::clear);
        SWAPS.set(swaps);
        assert_eq!(alone(troubled()), expected);
        SWAPS.set(Swaps::Work);
    }
}

#[test]
fn a_setting_that_the_processor_cannot_use_is_told_by_its_name_alone() {
    for (setting, value, problem) in [
        ("model-timeout", "90s", None),
        ("model-timeout", "secret", Some("model-timeout")),
        ("task-timeout", "0s", Some("task-timeout")),
        ("provenance", "maybe", Some("provenance")),
        ("rate-limit", "of the API", None),
    ] {
        stored(BTreeMap::clear);
        SETTING.set((setting, value));
        let states = alone(store().check());
        let queue = states.into_iter().find(|state| state.name == "queue");
        let expected = problem.map(|name| format!("The processor cannot use the setting {name}."));
        assert_eq!(queue.unwrap().problem, expected, "{setting}={value}");
        assert_eq!(alone(troubled()).len(), usize::from(problem.is_some()));
        SETTING.set(("", ""));
    }
}

#[test]
fn a_proof_lasts_for_a_while() {
    stored(BTreeMap::clear);
    for (wait, writes) in [(0, 1), (4_999_999, 0), (1, 1), (1, 0)] {
        NOW.set(NOW.get() + wait);
        COMMITS.set(0);
        assert_eq!(alone(troubled()), [""; 0]);
        assert_eq!(COMMITS.get(), writes, "after {wait}");
    }
}

/// Wherever it is when the other begins.
#[test]
fn whoever_loses_to_another_check_is_ready_too() {
    for steps in 0..8 {
        stored(BTreeMap::clear);
        let mut slower = Box::pin(troubled());
        let mut context = Context::from_waker(Waker::noop());
        if (0..steps).any(|_| slower.as_mut().poll(&mut context).is_ready()) {
            return;
        }
        NOW.set(NOW.get() + 1);
        assert_eq!(alone(troubled()), [""; 0], "the faster, after {steps}");
        assert_eq!(alone(slower), [""; 0], "the slower, after {steps}");
    }
    panic!("it takes more steps");
}
