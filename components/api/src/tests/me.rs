//! Erasing oneself.

use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::erasure::STEP;

use super::service::{Call, Service};
use super::tasks::{ID, with_task};

const CONCEPT: &str = "00000000-0000-4000-8000-0000000000c1";

fn erase() -> Call {
    Call::delete("/api/me")
}

#[test]
fn everything_of_the_caller_goes_and_nothing_of_others() {
    let service = with_task();
    let memory = &service.memory;
    memory.put_concept(CONCEPT, "ann");
    memory.put_concept("00000000-0000-4000-8000-0000000000c2", "eve");
    memory.put_image(ImageKind::Upload, "uploads/ann.png", "ann", b"hers");
    memory.put_image(ImageKind::Upload, "uploads/eve.png", "eve", b"another's");
    let (_, events) = service.open(Call::get(format!("/api/tasks/{ID}/events")).by("ann"));
    let mut events = events.unwrap();
    let before = service.send(Call::get("/api/quota").by("ann")).json();

    let erased = service.send(erase().by("ann"));
    assert_eq!(erased.status, 204);
    assert_eq!(
        erased.header("set-cookie"),
        None,
        "it was not asked by cookie"
    );
    assert!(events.so_far().contains("event: deleted"));
    assert!(events.has_ended());
    for what in ["tasks", "concepts"] {
        let listed = service.send(Call::get(format!("/api/{what}")).by("ann"));
        let items = listed.json()[what].as_array().map(Vec::len);
        assert_eq!(items, Some(0), "{what}");
    }
    assert_eq!(memory.concepts().len(), 1, "another's stays");
    let left: Vec<_> = memory.0.borrow().images.keys().cloned().collect();
    assert_eq!(
        left,
        [
            "refined/00000000-0000-4000-8000-0000000000c2.png",
            "uploads/eve.png"
        ]
    );
    let after = service.send(Call::get("/api/quota").by("ann")).json();
    assert_eq!(after, before, "the quota counts on");
    assert_eq!(service.send(erase().by("ann")).status, 204, "a repeat");
}

#[test]
fn it_goes_on_until_nothing_is_left() {
    let service = Service::new();
    for number in 0..STEP + 1 {
        let path = format!("uploads/{number}.png");
        service
            .memory
            .put_image(ImageKind::Upload, &path, "ann", b"hers");
    }
    assert_eq!(service.send(erase().by("ann")).status, 204);
    assert!(service.memory.0.borrow().images.is_empty());
    assert_eq!(service.memory.called("delete uploads"), 2);
}

#[test]
fn a_cookie_that_was_the_credential_is_cleared() {
    let service = with_task();
    let erased = service.send(erase().by_cookie("ann"));
    assert_eq!(erased.status, 204);
    assert_eq!(
        erased.header("set-cookie"),
        Some("session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    );
}

#[test]
fn whoever_may_not_is_told_so_and_erases_nothing() {
    let service = with_task();
    let elsewhere = |call: Call| call.header("sec-fetch-site", "cross-site");
    for (name, call, status) in [
        ("nobody", erase(), 401),
        ("another site", elsewhere(erase().by_cookie("ann")), 403),
        ("another method", Call::get("/api/me").by("ann"), 405),
        ("another path", Call::delete("/api/me/x").by("ann"), 404),
    ] {
        assert_eq!(service.send(call).status, status, "{name}");
    }
    assert_eq!(service.send(erase().by("eve")).status, 204);
    assert_eq!(service.memory.task().user_id, "ann");
}

#[test]
fn what_an_outage_left_is_erased_by_a_repeat() {
    for fault in ["concepts", "erase user", "delete image", "delete uploads"] {
        let service = with_task();
        service.memory.put_concept(CONCEPT, "ann");
        service.memory.fail(fault);
        service
            .send(erase().by("ann"))
            .is_error(503, "SERVICE_UNAVAILABLE");
        service.memory.0.borrow_mut().faults.clear();
        assert_eq!(service.send(erase().by("ann")).status, 204, "{fault}");
        assert_eq!(service.memory.concepts(), [], "{fault}");
        assert!(service.memory.0.borrow().images.is_empty(), "{fault}");
    }
}
