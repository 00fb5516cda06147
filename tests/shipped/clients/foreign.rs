//! Answers that are not the service's own, such as those of gateways, and what the `refine` of
//! each client makes of them. The clients get them from a stub of the service.

use serde_json::{Value, json};

const UPLOAD: &str = "/api/images";
const SUBMISSION: &str = "/api/concepts/refine";
const TASK: &str = "/api/tasks/t";
const EVENTS: &str = "/api/tasks/t/events";
const CONCEPT: &str = "/api/concepts/c";
const IMAGE: &str = "/api/images/refined/o/i.png";

const UPLOADED: &str = r#"{"image_url":"http://service.test/u","path":"u"}"#;
const SUBMITTED: &str = r#"{"task_id":"t","completed_at":null}"#;
const REFINED: &str =
    r#"{"id":"c","image_url":"https://public.test/api/images/refined/o/i.png","notes":[]}"#;

const NOT_OURS: &str = "The answer is not one of the service.";
const NO_EVENTS: &str = "These are not events of the service.";

/// The stub: the service's own answers, and by which others some of them are preceded. It has
/// nothing more to say to who has read this last event.
pub fn stub() -> Value {
    let own = json!({
        UPLOAD: answer(201, "application/json", UPLOADED),
        SUBMISSION: answer(202, "application/json", SUBMITTED),
        TASK: answer(200, "application/json", r#"{"task_id":"t","status":"pending"}"#),
        EVENTS: answer(200, "text/event-stream", &events()),
        CONCEPT: answer(200, "application/json", REFINED),
        IMAGE: answer(200, "image/png", "an image"),
    });
    let cases: Vec<Value> = cases().into_iter().map(|case| case.stubbed).collect();
    json!({"own": own, "last": "2", "cases": cases})
}

/// For each case its name, the error and its message, whether it tells of the upload, as the
/// result does, and whether it tells of the task.
pub fn outcomes() -> Value {
    cases().into_iter().map(|case| case.outcome).collect()
}

struct Case {
    stubbed: Value,
    outcome: Value,
}

fn cases() -> Vec<Case> {
    let page = || answer(200, "text/html", "<!doctype html>");
    let refined = || json!([null, null, true]);
    let refused = |status: u16, has_upload: bool| {
        let message = format!("The service answered with status {status}.");
        json!(["ApiError", message, has_upload])
    };
    let mut cases = Vec::new();
    for path in [UPLOAD, SUBMISSION, EVENTS, CONCEPT, IMAGE] {
        let message = if path == EVENTS { NO_EVENTS } else { NOT_OURS };
        let foreign = json!(["RefinementError", message, path != UPLOAD]);
        let away = [502, 504].map(|status| answer(status, "text/html", "<!doctype html>"));
        cases.push(case("away", path, &away, &refined()));
        cases.push(case("a page", path, &[page(), page()], &foreign));
        let empty = answer(200, "application/json", "{}");
        cases.push(case("no member", path, &[empty], &foreign));
    }
    let foreign = json!(["RefinementError", NOT_OURS, true]);
    for (name, path, body) in [
        ("no address", UPLOAD, r#"{"path":"u"}"#),
        ("no task's id", SUBMISSION, r#"{"status":"pending"}"#),
        ("no image", CONCEPT, r#"{"id":"c"}"#),
    ] {
        let odd = answer(200, "application/json", body);
        let outcome = json!(["RefinementError", NOT_OURS, path != UPLOAD]);
        cases.push(case(name, path, &[odd], &outcome));
    }
    let odd = "event: task\ndata: {\"status\":\"completed\"}\n\n";
    let odd = answer(200, "text/event-stream", odd);
    cases.push(case("no result", EVENTS, &[odd], &foreign));
    let odd = "event: task\ndata: {\"status\":\"failed\"}\n\n";
    let odd = answer(200, "text/event-stream", odd);
    let failed = json!(["TaskFailedError", "The task failed.", true]);
    cases.push(case("no reason", EVENTS, &[odd], &failed));
    let mut encoded = answer(200, "application/json", "no gzip");
    encoded["headers"]["Content-Encoding"] = "gzip".into();
    cases.push(case("not decodable", CONCEPT, &[encoded], &foreign));

    let foreign = json!(["RefinementError", NO_EVENTS, true]);
    for (name, event) in [
        ("no JSON", "event: task\ndata: {\n\n"),
        ("no status", "event: task\ndata: {}\n\n"),
        ("a null status", "event: task\ndata: {\"status\":null}\n\n"),
        ("no stage", "event: progress\ndata: {}\n\n"),
    ] {
        let odd = answer(200, "text/event-stream", event);
        cases.push(case(name, EVENTS, &[odd], &foreign));
    }
    let whole = events();
    let broken_off = answer(200, "text/event-stream", &whole[..whole.len() - 3]);
    let unknown = answer(404, "text/html", "<!doctype html>");
    let lost = [broken_off.clone(), unknown];
    cases.push(case("not routed", EVENTS, &lost, &refused(404, true)));
    let unknown = answer(404, "application/json", r#"{"error_code":"NOT_FOUND"}"#);
    let deleted = json!(["TaskDeletedError", "The task was deleted.", true]);
    let lost = [broken_off.clone(), unknown];
    cases.push(case("deleted", EVENTS, &lost, &deleted));
    cases.push(case("broken off", EVENTS, &[broken_off], &refined()));

    let mut later = answer(503, "text/html", "<!doctype html>");
    later["headers"]["Retry-After"] = "nan".into();
    cases.push(case("no number", SUBMISSION, &[later], &refined()));
    let lost = [502, 429].map(|status| answer(status, "text/html", "<!doctype html>"));
    cases.push(case("lost", SUBMISSION, &lost, &refused(429, true)));
    let odd = answer(
        422,
        "application/json",
        r#"{"detail":[{}],"field_errors":["x"]}"#,
    );
    cases.push(case("odd", SUBMISSION, &[odd], &refused(422, false)));
    let odd = answer(409, "application/json", r#"{"task_id":"t"}"#);
    cases.push(case("no task", SUBMISSION, &[odd], &refused(409, false)));
    cases
}

fn case(name: &str, path: &str, answers: &[Value], outcome: &Value) -> Case {
    let has_task = outcome[0].is_string() && ![UPLOAD, SUBMISSION].contains(&path);
    Case {
        stubbed: json!({"name": name, "path": path, "answers": answers}),
        outcome: json!([name, path, outcome, has_task]),
    }
}

fn answer(status: u16, media_type: &str, body: &str) -> Value {
    json!({"status": status, "headers": {"Content-Type": media_type}, "body": body})
}

/// Who comes back is not to wait long.
fn events() -> String {
    let event = |id: u8, status: &str| {
        format!(
            "retry: 10\nevent: task\nid: {id}\n\
             data: {{\"task_id\":\"t\",\"status\":\"{status}\",\"result_id\":\"c\"}}\n\n"
        )
    };
    event(1, "pending") + &event(2, "completed")
}
