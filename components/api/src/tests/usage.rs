//! What a user has spent, and that nobody spends more than a budget.

use std::time::Duration;

use concept_refinement_domain::capability::TaskFailure;
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::payment::{Payment, Usage};
use serde_json::{Value, json};

use super::service::{Call, NOW, Service, refinement, signed};

/// Two calls fit in.
const BUDGET: (&str, &str) = ("budget", "0.12 USD/month");
const RESERVATION: (&str, &str) = ("reservation", "openai 0.06");
const ACTIVE: (&str, &str) = ("active-tasks", "9");

const UNTIL_DECEMBER: u64 = 907_200;

fn usage(service: &Service, user: &str) -> Value {
    let reply = service.send(Call::get("/api/usage").by(user));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.json()
}

/// What is spent and reserved, and how many calls are unknown.
fn sums(service: &Service, user: &str) -> Value {
    let usage = usage(service, user);
    json!([usage["spent"], usage["reserved"], usage["unknown_calls"]])
}

/// A worker does the only task: asks a model for this price, and fails after this usage.
fn work(service: &Service, price: Option<u64>, told: Option<u64>) {
    let id = service.memory.task().id;
    let state = &mut *service.memory.0.borrow_mut();
    let lease = state.store.claim(&id, None, state.now).unwrap().lease;
    let mut payment = Payment::default().call_begun("openai", price.map(MicroDollars));
    if told.is_some() {
        let usage = Usage {
            cost: told,
            ..Usage::default()
        };
        payment = payment.with_usage("openai", &usage);
    }
    let _ = state.store.pay(&lease, &payment);
    let failure = TaskFailure::new("It failed.");
    let _ = state.store.fail(&lease, &failure, state.now);
}

#[test]
fn without_a_budget_it_is_told_all_the_same() {
    let service = Service::with(&[RESERVATION]);
    let usage_of = |reserved: &str| {
        json!({"spent": "0.00", "reserved": reserved, "unknown_calls": 0, "limit": null,
               "window": "month", "reset": 1_796_083_200})
    };
    assert_eq!(usage(&service, "ann"), usage_of("0.00"));
    service.send(Call::refine("ann"));
    assert_eq!(usage(&service, "ann"), usage_of("0.06"));
    assert_eq!(usage(&service, "bob"), usage_of("0.00"));
}

#[test]
fn a_reservation_is_replaced_by_what_is_known() {
    for (name, price, told, expected) in [
        ("perhaps paid", Some(60_000), None, ("0.00", "0.06", 0)),
        ("told", Some(60_000), Some(45_500), ("0.0455", "0.00", 0)),
        ("unknown", None, None, ("0.00", "0.00", 1)),
    ] {
        let expected = json!(expected);
        let service = Service::with(&[RESERVATION]);
        service.send(Call::refine("ann"));
        work(&service, price, told);
        assert_eq!(sums(&service, "ann"), expected, "{name}");
        let id = service.memory.task().id;
        service.send(Call::delete(format!("/api/tasks/{id}")).by("ann"));
        assert_eq!(sums(&service, "ann"), expected, "{name}, deleted");
    }
}

#[test]
fn what_is_deleted_before_it_began_costs_nothing() {
    let service = Service::with(&[RESERVATION]);
    service.send(Call::refine("ann"));
    let id = service.memory.task().id;
    service.send(Call::delete(format!("/api/tasks/{id}")).by("ann"));
    assert_eq!(sums(&service, "ann"), json!(["0.00", "0.00", 0]));
}

#[test]
fn what_cannot_be_published_reserves_nothing() {
    let service = Service::with(&[RESERVATION]);
    service.memory.fail("publish");
    assert_eq!(service.send(Call::refine("ann")).status, 503);
    assert_eq!(sums(&service, "ann"), json!(["0.00", "0.00", 0]));
}

#[test]
fn nobody_spends_more_than_the_budget() {
    let service = Service::with(&[BUDGET, RESERVATION, ACTIVE]);
    for _ in 0..2 {
        assert_eq!(service.send(Call::refine("ann")).status, 202);
    }
    let refused = service.send(Call::refine("ann"));
    let body = refused.is_error(429, "BUDGET_EXCEEDED");
    assert_eq!(
        body["detail"],
        "Budget exceeded for /concepts/refine (0.12 USD/month). It starts again on 2026-12-01 \
         at 00:00 UTC."
    );
    let expected = UNTIL_DECEMBER.to_string();
    assert_eq!(refused.header("retry-after"), Some(expected.as_str()));
    let limits = ["limit", "remaining", "reset"];
    let limits = limits.map(|name| refused.header(&format!("x-ratelimit-{name}")));
    assert_eq!(limits, ["10", "8", "1796083200"].map(Some));
    let quota = service.send(Call::get("/api/quota").by("ann")).json();
    assert_eq!(quota["remaining"], 8, "it counts nothing");
    assert_eq!(service.send(Call::refine("bob")).status, 202);

    service.memory.advance(Duration::from_secs(UNTIL_DECEMBER));
    let later = json!({"sub": "ann", "exp": NOW.as_secs() + UNTIL_DECEMBER + 60});
    let later = Call::post("/api/concepts/refine")
        .header("authorization", format!("Bearer {}", signed(later)))
        .json(&refinement());
    assert_eq!(service.send(later).status, 202);
}

#[test]
fn a_window_that_ends_at_once_is_a_second_away() {
    let service = Service::with(&[("budget", "0 USD/hour"), RESERVATION]);
    let almost = Duration::from_micros(3_599_876_543);
    service.memory.advance(almost);
    let refused = service.send(Call::refine("ann"));
    refused.is_error(429, "BUDGET_EXCEEDED");
    assert_eq!(refused.header("retry-after"), Some("1"));
}

#[test]
fn an_unlimited_user_has_no_rate_limit_headers() {
    let unlimited = ("rate-limit", "unlimited");
    let service = Service::with(&[("budget", "0 USD/day"), RESERVATION, unlimited]);
    let refused = service.send(Call::refine("ann"));
    refused.is_error(429, "BUDGET_EXCEEDED");
    assert_eq!(refused.header("x-ratelimit-limit"), None);
}

#[test]
fn the_rate_limit_is_judged_before_the_budget_and_the_original_before_both() {
    let service = Service::with(&[BUDGET, RESERVATION, ACTIVE, ("rate-limit", "2/month")]);
    for _ in 0..2 {
        assert_eq!(service.send(Call::refine("ann")).status, 202);
    }
    let refused = service.send(Call::refine("ann"));
    refused.is_error(429, "RATE_LIMIT_EXCEEDED");

    let service = Service::with(&[("budget", "0 USD/day"), RESERVATION]);
    let own = json!({
        "original_image_url": "http://localhost:8080/api/images/uploads/none",
        "refinement_prompt": "x",
    });
    let missing = Call::post("/api/concepts/refine").by("ann").json(&own);
    service.send(missing).is_error(404, "NOT_FOUND");
}

/// Nobody knows what it would be compared with.
#[test]
fn an_unknown_price_is_within_every_budget() {
    for reservation in ["", "openai ", "openai"] {
        let settings = [("budget", "0 USD/day"), ("reservation", reservation)];
        let service = Service::with(&settings);
        let status = service.send(Call::refine("ann")).status;
        assert_eq!(status, 202, "{reservation}");
    }
}

#[test]
fn a_repeat_is_no_new_refinement() {
    let service = Service::with(&[("budget", "0.06 USD/day"), RESERVATION]);
    let call = || Call::refine("ann").header("idempotency-key", "k");
    for _ in 0..2 {
        assert_eq!(service.send(call()).status, 202);
    }
    assert_eq!(usage(&service, "ann")["reserved"], "0.06");
}

#[test]
fn it_is_the_callers_alone() {
    let service = Service::new();
    let nobody = service.send(Call::get("/api/usage"));
    nobody.is_error(401, "UNAUTHORIZED");
    let posted = service.send(Call::post("/api/usage").by("ann"));
    assert_eq!(posted.header("allow"), Some("GET, HEAD"));
    service.memory.fail("spending");
    let away = service.send(Call::get("/api/usage").by("ann"));
    away.is_error(503, "SERVICE_UNAVAILABLE");
}
