//! The answers other than success: each example in the document is what the code
//! answers, with the header fields that the document describes.

use std::collections::{BTreeMap, BTreeSet};

use concept_refinement_domain::budget::Budget;
use concept_refinement_domain::image;
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::openai;
use concept_refinement_domain::quota::{Quota, QuotaState, Window};
use concept_refinement_domain::sentence;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::validation::{FieldErrors, Malformed};
use serde_json::Value;

use super::document;
use crate::problem::{Exceeded, Problem};
use crate::response::Content;
use crate::routes::{concepts, images, mcp, tasks, webhooks};

type Kind = fn(&'static str) -> Problem;

/// The names of a response and of its example, and the sentence.
const SENTENCES: [(Kind, &str); 4] = [
    (
        Problem::Unauthorized,
        "Unauthorized missing: Credentials are required.
        Unauthorized unverified: The access token is not valid.
        Unauthorized without_expiry: The access token has no expiry (exp).
        Unauthorized too_long: The credentials are larger than 8 KiB.
        Unauthorized expired: The credentials have expired.",
    ),
    (
        Problem::Forbidden,
        "FromElsewhere from_elsewhere: A request from another origin cannot change anything by \
         cookie.",
    ),
    (
        Problem::NotFound,
        "NoSuchOriginal no_such_original: There is no such original image.
        NoSuchOriginal no_such_mask: There is no such mask.
        NoSuchOriginal no_such_concept: There is no such concept.
        NoSuchOriginal no_image_of_concept: The image of this concept is missing.
        NoVerification no_verification: Images are not verified here.
        NoSessions no_sessions: There are no anonymous sessions here.
        NothingHere nothing_here: There is nothing at this path.",
    ),
    (
        Problem::Conflict,
        "GoesWithConcept goes_with_concept: A refined image goes with its concept. Delete that.",
    ),
];

/// By the name of the response and of its example.
fn of_the_component() -> Vec<(&'static str, &'static str, Problem)> {
    use Problem::{Invalid, TooLarge, TooManyUploads, UploadsUnderWay};
    use image::Problem::{CutShort, Empty, NotAnImage, Packed, TooManyPixels, Unsupported};
    let unavailable = |detail: &'static str, retry_after| Problem::Unavailable {
        detail: detail.into(),
        retry_after,
    };
    let max_bytes = 20 << 20;
    let large = image::Problem::TooLarge { max_bytes };
    let max_pixels = 50_000_000;
    let many_pixels = TooManyPixels { max_pixels };
    let store = || unavailable("The task store cannot be reached.", None);
    let sentences = SENTENCES.into_iter().flat_map(|(problem, lines)| {
        lines.lines().map(move |line| {
            let (names, sentence) = line.trim().split_once(": ").unwrap();
            let (name, example) = names.split_once(' ').unwrap();
            (name, example, problem(sentence))
        })
    });
    let mut all = vec![
        ("BadlySigned", "badly_signed", images::BADLY_SIGNED),
        ("NoSuchTask", "no_such_task", tasks::NO_SUCH_TASK),
        ("NoSuchWebhook", "no_such_webhook", webhooks::NO_WEBHOOK),
        ("WebhookPending", "webhook_pending", webhooks::PENDING),
        (
            "TooManyRedeliveries",
            "too_many_redeliveries",
            webhooks::TOO_OFTEN,
        ),
        (
            "NoSuchConcept",
            "no_such_concept",
            concepts::NO_SUCH_CONCEPT,
        ),
        ("NoSuchImage", "no_such_image", images::NO_SUCH_IMAGE),
        (
            "MethodNotAllowed",
            "method_not_allowed",
            Problem::MethodNotAllowed { allow: "GET, HEAD" },
        ),
        (
            "BodyTooLarge",
            "too_large",
            TooLarge("The body is longer than 64 KiB.".into()),
        ),
        ("ImageTooLarge", "too_many_bytes", large.into()),
        ("ImageTooLarge", "too_many_pixels", many_pixels.into()),
        ("ImageTooLarge", "packed", Packed.into()),
        (
            "NotJson",
            "not_declared",
            Problem::UnsupportedMediaType("The body must be declared as application/json.".into()),
        ),
        ("NotAnImage", "not_an_image", NotAnImage.into()),
        ("NotAnImage", "unsupported", Unsupported("AVIF").into()),
        (
            "RangeNotSatisfiable",
            "outside",
            Problem::RangeNotSatisfiable { size: 48_213 },
        ),
        (
            "InvalidRefinement",
            "fields",
            fields(&[
                ("original_image_url", "must point to a public address"),
                ("refinement_prompt", "must be at least 1 character"),
            ]),
        ),
        (
            "InvalidRefinement",
            "malformed",
            Invalid(Malformed::NotJson.to_string().into()),
        ),
        (
            "InvalidRefinement",
            "key_reused",
            fields(&[("Idempotency-Key", "was used with another request before")]),
        ),
        (
            "InvalidQuery",
            "fields",
            fields(&[
                ("cursor", "must be a next_cursor of this list"),
                ("limit", "must be from 1 to 100"),
            ]),
        ),
        (
            "InvalidDownload",
            "slash",
            fields(&[(
                "download",
                "must have no slashes, backslashes or control characters",
            )]),
        ),
        ("InvalidImage", "empty", Empty.into()),
        ("InvalidImage", "cut_short", CutShort.into()),
        ("QuotaExceeded", "quota_exceeded", quota_exceeded()),
        ("QuotaExceeded", "budget_exceeded", budget_exceeded()),
        (
            "TooManyUploads",
            "too_many_kept",
            TooManyUploads("You keep 100 uploads already. Delete one first.".into()),
        ),
        (
            "TooManyUploads",
            "too_many_together",
            TooManyUploads("Your uploads may take 500 MiB together. Delete one first.".into()),
        ),
        (
            "TooManyUploads",
            "too_many_under_way",
            UploadsUnderWay("4 of your uploads are under way. Wait until one is done.".into()),
        ),
        ("InternalError", "internal", Problem::Internal),
        ("Unavailable", "unavailable", store()),
        (
            "Unavailable",
            "no_keys",
            unavailable(
                "Credentials cannot be verified at the moment. Try again later.",
                Some(10),
            ),
        ),
        ("UnavailableOrBusy", "unavailable", store()),
        (
            "UnavailableOrBusy",
            "busy",
            unavailable("Too many tasks are waiting. Try again later.", Some(30)),
        ),
    ];
    all.extend(sentences);
    all
}

/// What the host answers before a request gets to the component: the response,
/// its status and code, and its header field.
const OF_THE_HOST: [(&str, u16, &str, Option<&str>); 5] = [
    ("BadRequest", 400, "BAD_REQUEST", None),
    ("Misdirected", 421, "MISDIRECTED_REQUEST", None),
    ("TooManySessions", 429, "RATE_LIMIT_EXCEEDED", LATER),
    ("TooManyImages", 429, "RATE_LIMIT_EXCEEDED", LATER),
    ("Overloaded", 503, "SERVICE_UNAVAILABLE", LATER),
];

const LATER: Option<&str> = Some("retry-after");

/// Every error of OpenAI's API.
const OPENAI: &str = "OpenAIError";

/// Every error of Model Context Protocol.
const MCP: &str = "McpError";

/// Header fields that say nothing of the problem.
const ALWAYS: [&str; 3] = ["content-type", "content-length", "cache-control"];

/// The codes of all problems.
pub fn codes() -> BTreeSet<String> {
    of_the_component()
        .into_iter()
        .map(|(_, _, problem)| {
            let (_, _, body) = answered(problem);
            body["error_code"].as_str().unwrap().to_owned()
        })
        .chain(OF_THE_HOST.map(|(_, _, code, _)| code.to_owned()))
        .collect()
}

fn answered(problem: Problem) -> (u16, Vec<&'static str>, Value) {
    let response = problem.into_response::<()>();
    let Content::Bytes(bytes) = &response.content else {
        panic!("an error without a body");
    };
    let body = serde_json::from_slice(bytes).unwrap();
    let fields = response.headers.into_iter().map(|(field, _)| field);
    let fields = fields.filter(|field| !ALWAYS.contains(field)).collect();
    (response.status, fields, body)
}

/// One answer that several operations have, as the code gives it.
#[derive(Default, Debug, PartialEq)]
struct Shared {
    status: u16,
    /// Header fields, in lower case.
    fields: BTreeSet<String>,
    /// The bodies of its examples, by their names.
    examples: BTreeMap<String, Value>,
}

#[test]
fn errors_are_described_as_they_are_answered() {
    let mut expected: BTreeMap<&str, Shared> = BTreeMap::new();
    for (name, example, problem) in of_the_component() {
        let (status, fields, body) = answered(problem);
        let shared = expected.entry(name).or_default();
        assert!(shared.status == 0 || shared.status == status, "{name}");
        shared.status = status;
        shared.fields.extend(fields.into_iter().map(str::to_owned));
        shared.examples.insert(example.to_owned(), body);
    }
    let document = document();
    let responses = document["components"]["responses"].as_object().unwrap();
    for (name, response) in responses {
        if name == OPENAI || name == MCP {
            continue; // of a form of its own, which its doors' tests see
        }
        let fields = response["headers"].as_object().into_iter().flatten();
        let fields = fields.map(|(field, _)| field.to_lowercase());
        // The host adds it to every answer.
        let fields = fields.filter(|field| field != "x-request-id").collect();
        let json = &response["content"]["application/json"];
        assert_eq!(
            json["schema"]["$ref"], "#/components/schemas/ErrorResponse",
            "{name}"
        );
        let examples = json["examples"].as_object().unwrap().iter();
        let examples: BTreeMap<String, Value> = examples
            .map(|(example, told)| (example.clone(), told["value"].clone()))
            .collect();
        if let Some((_, status, code, field)) = OF_THE_HOST.iter().find(|host| host.0 == name) {
            let bodies: Vec<&Value> = examples.values().collect();
            assert_eq!(bodies.len(), 1, "{name}");
            assert_eq!(bodies[0]["status_code"], *status, "{name}");
            assert_eq!(bodies[0]["error_code"], *code, "{name}");
            assert_eq!(fields, field.iter().map(|f| (*f).to_owned()).collect());
            continue;
        }
        let described = Shared {
            status: expected.get(name.as_str()).map_or(0, |it| it.status),
            fields,
            examples,
        };
        assert_eq!(Some(described), expected.remove(name.as_str()), "{name}");
    }
    assert!(expected.is_empty(), "{:?}", expected.keys());
}

#[test]
fn operations_refer_to_errors_by_their_status() {
    let document = document();
    let everyone = [
        ("400", "BadRequest"),
        ("405", "MethodNotAllowed"),
        ("500", "InternalError"),
    ];
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = &operation["responses"];
            for (status, response) in responses.as_object().unwrap() {
                let Some(reference) = response["$ref"].as_str() else {
                    continue;
                };
                let response = document.pointer(reference.trim_start_matches('#')).unwrap();
                if reference.ends_with(OPENAI) || reference.ends_with(MCP) {
                    continue;
                }
                let examples = &response["content"]["application/json"]["examples"];
                for (name, example) in examples.as_object().unwrap() {
                    let code = &example["value"]["status_code"];
                    assert_eq!(code.to_string(), *status, "{method} {path}, {name}");
                }
            }
            for (status, name) in everyone {
                let name = match path.as_str() {
                    mcp::PATH => MCP,
                    path if openai::has(path) => OPENAI,
                    _ => name,
                };
                let reference = format!("#/components/responses/{name}");
                assert_eq!(responses[status]["$ref"], reference, "{method} {path}");
            }
            assert!(!responses["503"].is_null(), "{method} {path}");
            let needs_credentials = operation["security"] != serde_json::json!([]);
            assert_eq!(!responses["401"].is_null(), needs_credentials, "{path}");
        }
    }
}

fn fields(problems: &[(&str, &str)]) -> Problem {
    let mut errors = FieldErrors::default();
    for (field, problem) in problems {
        errors.add(field, *problem);
    }
    Problem::InvalidFields(errors)
}

fn quota_exceeded() -> Problem {
    let quota = Quota {
        limit: 10,
        window: Window::Month,
    };
    Problem::QuotaExceeded(Exceeded {
        detail: sentence::rate_limited(quota),
        quota: Some(QuotaState {
            limit: 10,
            remaining: 0,
            reset: Timestamp::from_secs(1_796_083_200),
        }),
        retry_after: 907_199,
    })
}

fn budget_exceeded() -> Problem {
    let budget = Budget {
        limit: MicroDollars(5_000_000),
        window: Window::Month,
    };
    let reset = Timestamp::from_secs(1_796_083_200);
    Problem::BudgetExceeded(Exceeded {
        detail: sentence::over_budget(budget, reset),
        quota: Some(QuotaState {
            limit: 10,
            remaining: 3,
            reset,
        }),
        retry_after: 907_199,
    })
}
