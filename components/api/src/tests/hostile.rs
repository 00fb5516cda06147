//! Any request gets an answer in the right form, without a panic or an internal
//! error.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::cursor::List;
use jsonwebtoken::Algorithm;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::service::{Call, NOW, SECRET, Service, png, refinement, signed_by, token};
use crate::Method;
use crate::auth::{Credentials, credentials};
use crate::conditional::is_unchanged;
use crate::origin::Origin;
use crate::paging::{ByStatus, Paging};
use crate::range::{Selection, selection};
use crate::request::Headers;

const IMAGE: &str = "uploads/0123456789abcdef0123456789abcdef/a.png";

/// A sequence of some of these strings, between which a bar stands.
fn pieces(of: &'static str, most: usize) -> impl Strategy<Value = String> + use<> {
    let of: Vec<_> = of.split('|').collect();
    vec(select(of), 0..most).prop_map(|pieces| pieces.concat())
}

fn target() -> impl Strategy<Value = String> {
    let likely = select(vec![
        "/api/concepts/refine",
        "/api/tasks",
        "/api/tasks/00000000-0000-4000-8000-000000000001",
        "/api/concepts/task/00000000-0000-4000-8000-000000000001",
        "/api/concepts",
        "/api/concepts/00000000-0000-4000-8000-000000000001",
        "/api/images",
        "/api/images/uploads/0123456789abcdef0123456789abcdef/a.png",
        "/api/auth/session",
        "/api/health",
        "/api/health/ready",
    ]);
    let made_up = pieces(
        "/|api|tasks|concepts|task|images|refine|..|%2e%2e|%00|é|uploads|?|a.png|health",
        9,
    );
    let query = prop_oneof![
        Just(String::new()),
        "\\PC{0,40}".prop_map(|query| format!("?{query}")),
        pieces(
            "?|&|=|limit|cursor|status|expires|signature|10|-1|\
             99999999999999999999|pending|%|%ff|AAAA|+",
            12,
        )
        .prop_map(|query| format!("?{query}")),
    ];
    (
        prop_oneof![3 => likely.prop_map(str::to_owned), 1 => made_up],
        query,
    )
        .prop_map(|(path, query)| path + &query)
}

fn header() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let name = select(vec![
        "authorization",
        "content-length",
        "content-type",
        "cookie",
        "idempotency-key",
        "if-none-match",
        "if-range",
        "origin",
        "range",
        "sec-fetch-site",
        "x-forwarded-for",
    ]);
    let value = prop_oneof![
        vec(any::<u8>(), 0..40),
        pieces(
            "Bearer |session=|;|,|bytes=|-|0|1|99999999999999999999|\
             application/json|image/png|\"|W/|*|http://|localhost:8080|null|\
             same-origin|cross-site|a.b.c| ",
            7,
        )
        .prop_map(String::into_bytes),
    ];
    (name, value)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let json = pieces(
        "{|}|[|]|:|,|\"|original_image_url|refinement_prompt|logo_description|\
         http://example.com/a.png|http://127.1/|null|1e999|\
         \\ud800|\\u0000|make it lighter|-|true",
        20,
    );
    let field = select(vec![
        "original_image_url",
        "refinement_prompt",
        "logo_description",
        "theme_description",
    ]);
    let changed = (field, any::<String>(), any::<bool>()).prop_map(|(field, text, is_null)| {
        let mut request = refinement();
        request[field] = if is_null {
            Value::Null
        } else {
            Value::String(text)
        };
        request.to_string().into_bytes()
    });
    let picture =
        (vec((any::<Index>(), any::<u8>()), 0..4), any::<Index>()).prop_map(|(changes, end)| {
            let mut bytes = png(8, 8, 100);
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(end.index(bytes.len() + 1));
            bytes
        });
    prop_oneof![
        vec(any::<u8>(), 0..200),
        json.prop_map(String::into_bytes),
        changed,
        picture,
    ]
}

/// With a task, an image and a concept to ask for.
fn service() -> Service {
    let service = Service::new();
    let image = png(8, 8, 100);
    service
        .memory
        .put_image(ImageKind::Upload, IMAGE, "ann", &image);
    service
        .memory
        .put_concept("00000000-0000-4000-8000-000000000001", "ann");
    service
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_request_is_answered(
        method in select(vec![Method::Get, Method::Head, Method::Post, Method::Delete, Method::Other]),
        target in target(),
        headers in vec(header(), 0..4),
        body in body(),
        matches_etag in any::<bool>(),
        is_json in any::<bool>(),
    ) {
        let service = service();
        let mut call = Call::new(method, target.clone());
        if matches_etag {
            call = call.by("ann");
        }
        if is_json {
            call = call.header("content-type", "application/json");
        }
        for (name, value) in &headers {
            call = call.header(name, value);
        }
        let reply = service.send(call.pieces([Ok(body)]));
        match reply.status {
            200 | 201 | 202 | 204 | 206 | 304 | 409 => {}
            status @ (401 | 403 | 404 | 405 | 413 | 415 | 416 | 422 | 429) if method != Method::Head => {
                let code = reply.json()["error_code"].as_str().unwrap_or_default().to_owned();
                reply.is_error(status, &code);
            }
            401..=416 if method == Method::Head => prop_assert!(reply.body.is_empty()),
            status => prop_assert!(status == 422, "{:?} {} answered {}", method, target, status),
        }
        service.do_background_work();
    }

    #[test]
    fn no_changed_token_is_good(changes in vec((any::<Index>(), any::<u8>()), 1..4), end in any::<Index>()) {
        let service = service();
        let good = token("ann");
        let mut changed = good.clone().into_bytes();
        for (at, value) in changes {
            let at = at.index(changed.len());
            changed[at] = value;
        }
        for token in [&changed[..], &good.as_bytes()[..end.index(good.len())]] {
            let header = [b"Bearer ", token].concat();
            let reply = service.send(Call::get("/api/tasks").header("authorization", header));
            prop_assert_eq!(reply.status, if token == good.as_bytes() { 200 } else { 401 });
        }
    }

    /// Correctly signed, so that its claims are read.
    #[test]
    fn a_token_counts_for_what_it_says(
        sub in claim(), exp in claim(), nbf in claim(), aud in claim(), others in claim(),
    ) {
        let claims = json!({
            "sub": sub, "exp": exp, "nbf": nbf, "aud": aud, "iss": others, "is_anonymous": others,
        });
        let token = signed_by(Algorithm::HS256, SECRET, claims.clone());
        let call = Call::get("/api/tasks").header("authorization", format!("Bearer {token}"));
        let status = service().send(call).status;
        let named = sub.as_str().is_some_and(|sub| !sub.trim().is_empty());
        let valid = exp.as_f64().is_some_and(|exp| exp + 60.0 > NOW.as_secs() as f64);
        prop_assert!(status == 401 || (status == 200 && named && valid), "{}: {}", claims, status);
    }

    #[test]
    fn a_token_of_any_parts_is_no_more_than_refused(
        parts in vec(prop_oneof![
            vec(any::<u8>(), 0..60).prop_map(|bytes| URL_SAFE_NO_PAD.encode(bytes)),
            pieces("{|}|\"alg\":|\"none\"|\"HS256\"|\"crit\":|[]|,", 8)
                .prop_map(|json| URL_SAFE_NO_PAD.encode(json)),
            "\\PC{0,20}",
        ], 0..5),
    ) {
        let header = format!("Bearer {}", parts.join("."));
        let reply = service().send(Call::get("/api/tasks").header("authorization", header));
        prop_assert_eq!(reply.status, 401);
    }

    #[test]
    fn credentials_are_a_part_of_what_was_sent(fields in vec(header(), 0..5)) {
        let fields: Vec<_> = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let sent = fields.clone();
        let headers = Headers::from_iter(fields);
        if let Credentials::Bearer(token) | Credentials::Cookie(token) = credentials(&headers) {
            let is_part = |value: &[u8]| String::from_utf8_lossy(value).contains(token);
            prop_assert!(sent.iter().any(|(_, value)| is_part(value)));
        }
    }

    #[test]
    fn a_part_lies_within_the_image(
        field in prop_oneof![
            any::<String>(),
            pieces("bytes=|-|0|7|99|18446744073709551615|,| |+", 6),
        ],
        size in prop_oneof![0u64..200, any::<u64>()],
    ) {
        if let Selection::Part(part) = selection(&field, size) {
            prop_assert!(part.length > 0);
            prop_assert!(part.offset.checked_add(part.length).is_some_and(|end| end <= size));
        }
        let headers = Headers::from_iter([("if-none-match", &field)]);
        prop_assert!(!is_unchanged(&headers, "\"etag\"") || field.contains(['*', '"']));
    }

    #[test]
    fn a_page_has_1_to_100_entries(query in any::<String>()) {
        for query in [query.clone(), format!("limit={query}"), format!("cursor={query}&limit=7")] {
            for by_status in [ByStatus::Yes, ByStatus::No] {
                if let Ok(paging) = Paging::parse(Some(&query), List::Tasks, "ann", by_status) {
                    prop_assert!((1..=100).contains(&paging.limit));
                }
            }
        }
    }

    #[test]
    fn origins_of_anything(text in any::<String>(), scheme in any::<String>()) {
        let _ = Origin::new(&scheme, &text);
        for url in [text.clone(), format!("http://{text}"), format!("HTTPS://{text}:443/x")] {
            if let Some(origin) = Origin::of_url(&url) {
                let (scheme, authority) = origin.as_str().split_once("://").unwrap();
                prop_assert!(matches!(scheme, "http" | "https"));
                prop_assert!(!authority.contains(['/', '@']));
            }
        }
    }
}

/// Any value for a claim, valid or not.
fn claim() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (NOW.as_secs() - 100..NOW.as_secs() + 100).prop_map(Value::from),
        "\\PC{0,10}".prop_map(Value::from),
        Just(json!(["a", "b"])),
        Just(json!({"a": []})),
    ]
}
