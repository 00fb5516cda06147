//! Plans: which one a token names, and what its user may do by it.

use std::time::Duration;

use serde_json::{Value, json};

use super::service::{Call, NOW, Service, refinement, signed};

/// `free` says less than the plain settings, `pro` more, and `plain` nothing.
const PLANS: (&str, &str) = (
    "plans",
    r#"{
        "free": {"rate_limit": "2/day", "budget": "0.50 USD/day"},
        "pro": {"rate_limit": "unlimited", "budget": "20 USD/month", "active_tasks": 3},
        "plain": {}
    }"#,
);

/// A call by a token with these claims besides those of each.
fn by(call: Call, user: &str, claims: &Value) -> Call {
    let mut all = json!({"sub": user, "exp": NOW.as_secs() + 3600});
    let known = all.as_object_mut().unwrap();
    known.extend(claims.as_object().unwrap().clone());
    call.header("authorization", format!("Bearer {}", signed(all)))
}

/// The limits of quota and budget.
fn limits(service: &Service, claims: &Value) -> [Value; 2] {
    ["/api/quota", "/api/usage"].map(|path| {
        let reply = service.send(by(Call::get(path), "ann", claims));
        assert_eq!(reply.status, 200);
        reply.json()["limit"].clone()
    })
}

#[test]
fn a_users_limits_are_those_of_the_plan_that_the_token_names() {
    let plain = [json!(10), json!(null)];
    let free = [json!(2), json!("0.50")];
    let pro = [json!(null), json!("20.00")];
    let metadata = json!({"app_metadata": {"plan": "pro"}, "user_metadata": {"plan": "pro"}});
    for (settings, claims, expected) in [
        (&[][..], json!({}), &plain),
        (&[], json!({"plan": "free"}), &free),
        (&[], json!({"plan": "pro"}), &pro),
        (&[], json!({"plan": "plain"}), &plain),
        // Who names none, or none that is defined.
        (&[], json!({"plan": "gold"}), &plain),
        (&[], json!({"plan": "Pro"}), &plain),
        (&[], json!({"plan": "pro "}), &plain),
        (&[], json!({"plan": ["pro"]}), &plain),
        (&[], json!({"plan": null}), &plain),
        (&[("plan", "free")], json!({}), &free),
        (&[("plan", "free")], json!({"plan": "gold"}), &free),
        (&[("plan", "free")], json!({"plan": "pro"}), &pro),
        (&[("plan", "free")], json!({"plan": "plain"}), &plain),
        // What users can set is read only where it is named.
        (&[], metadata.clone(), &plain),
        (&[("plan-claim", "metadata.plan")], metadata.clone(), &plain),
        (&[("plan-claim", "app_metadata.plan")], metadata, &pro),
        (
            &[("plan-claim", "https://example.com/plan")],
            json!({"https://example.com/plan": "pro", "plan": "free"}),
            &pro,
        ),
    ] {
        let service = Service::with(&[&[PLANS], settings].concat());
        assert_eq!(
            limits(&service, &claims),
            *expected,
            "{settings:?}, {claims}"
        );
    }
}

#[test]
fn a_plan_decides_how_many_tasks_are_active() {
    let service = Service::with(&[PLANS]);
    let refine = |user: &str, plan: &str| {
        let call = Call::post("/api/concepts/refine").json(&refinement());
        let reply = service.send(by(call, user, &json!({"plan": plan})));
        assert_eq!(reply.header("x-ratelimit-limit").is_some(), plan == "free");
        reply.status
    };
    for (user, plan, statuses) in [
        ("ann", "free", &[202, 409][..]),
        ("bob", "pro", &[202, 202, 202, 409]),
    ] {
        for (number, status) in statuses.iter().enumerate() {
            assert_eq!(refine(user, plan), *status, "{plan}, {number}");
        }
    }
}

#[test]
fn an_anonymous_user_has_the_default_plan() {
    for (settings, expected) in [(&[][..], json!(10)), (&[("plan", "free")], json!(2))] {
        let settings = [&[PLANS, ("auth", "anonymous")], settings].concat();
        let service = Service::with(&settings);
        let session = service.send(Call::post("/api/auth/session")).json();
        let token = session["access_token"].as_str().unwrap();
        let call = Call::get("/api/quota").header("cookie", format!("session={token}"));
        assert_eq!(service.send(call).json()["limit"], expected);
        // What the page tells whom nobody knows yet.
        let told = service.send(Call::get("/page/service.json")).json();
        assert_eq!(told["quota"]["limit"], expected);
    }
}

/// A name is told again a day later, since a log is kept for a while only.
#[test]
fn a_plan_that_is_not_defined_is_remembered_and_few_are() {
    let service = Service::with(&[PLANS]);
    let told = |name: &str| {
        let state = &service.api.state;
        let now = service.memory.0.borrow().now;
        state.undefined_plans.get(name, now).is_some()
    };
    limits(&service, &json!({"plan": "pro"}));
    assert!(!told("pro"));
    limits(&service, &json!({"plan": "gold"}));
    assert!(told("gold"));
    service
        .memory
        .advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert!(told("gold"));
    service.memory.advance(Duration::from_secs(1));
    assert!(!told("gold"));
}

#[test]
fn a_window_of_usage_is_that_of_the_budget() {
    let service = Service::with(&[PLANS]);
    for (plan, window) in [("free", "day"), ("pro", "month"), ("plain", "month")] {
        let call = by(Call::get("/api/usage"), "ann", &json!({"plan": plan}));
        assert_eq!(service.send(call).json()["window"], window, "{plan}");
    }
}
