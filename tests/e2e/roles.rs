//! Roles: which parts a process runs, and with which stores it may.

use concept_refinement_tests::service::Launch;

/// Another machine could not reach it.
#[test]
fn an_embedded_store_with_a_role_of_its_own_is_refused() {
    for role in ["api", "worker"] {
        for (name, launch) in [
            ("by flag", Launch::new().set("role", role)),
            (
                "by variable",
                Launch::new().variable("REFINEMENT_ROLE", role),
            ),
            (
                "with a queue elsewhere",
                Launch::new()
                    .set("role", role)
                    .set("queue", "nats://127.0.0.1:4222"),
            ),
        ] {
            let ended = launch.run();
            assert!(!ended.status.success(), "{role} {name}");
            let expected = "role: must be all where tasks is sqlite: an embedded store belongs to \
                            one process at a time";
            assert!(ended.log.contains(expected), "{role} {name}: {}", ended.log);
        }
    }
}
