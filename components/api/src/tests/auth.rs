//! Who gets in, and who changes something.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::service::{Call, NOW, SECRET, Service, signed, signed_by};

fn exp() -> u64 {
    NOW.as_secs() + 3600
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The status of a request that needs nothing but credentials.
fn status(service: &Service, token: &str) -> u16 {
    let call = Call::get("/api/tasks").header("authorization", format!("Bearer {token}"));
    let reply = service.send(call);
    if reply.status == 401 {
        reply.is_error(401, "UNAUTHORIZED");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    reply.status
}

#[test]
fn every_route_but_health_and_sessions_needs_credentials() {
    let id = "00000000-0000-4000-8000-000000000001";
    let service = Service::new();
    let calls = [
        Call::post("/api/concepts/refine"),
        Call::get(format!("/api/concepts/task/{id}")),
        Call::get("/api/tasks"),
        Call::get("/api/tasks?limit=x"),
        Call::get(format!("/api/tasks/{id}")),
        Call::get("/api/tasks/no-uuid"),
        Call::get(format!("/api/tasks/{id}/events")),
        Call::delete(format!("/api/tasks/{id}")),
        Call::get("/api/concepts"),
        Call::get(format!("/api/concepts/{id}")),
        Call::delete(format!("/api/concepts/{id}")),
        Call::post("/api/images").body("x"),
        Call::get("/api/images/uploads/a"),
        Call::delete("/api/images/uploads/a"),
    ];
    for call in calls {
        for call in [call.clone(), call.header("authorization", "Basic YTpi")] {
            let reply = service.send(call);
            reply.is_error(401, "UNAUTHORIZED");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(service.memory.called("submit"), 0);
}

#[test]
fn routing_comes_before_credentials() {
    let service = Service::new();
    for call in [Call::get("/api/x"), Call::get("/api/x").by("ann")] {
        service.send(call).is_error(404, "NOT_FOUND");
    }
    let refine = Call::get("/api/concepts/refine");
    for call in [refine.clone(), refine.by("ann")] {
        let reply = service.send(call);
        reply.is_error(405, "METHOD_NOT_ALLOWED");
        assert_eq!(reply.header("allow"), Some("POST"));
    }
}

/// A client learns what is wrong with its own token, once its signature proves that it is one;
/// a forger learns nothing.
#[test]
fn a_refusal_says_which_without_helping_a_forger() {
    const INVALID: &str = "The access token is not valid.";
    const OTHER: &str = "another secret of at least 32 bytes";
    let with = |claims: &Value| Some(signed(claims.clone()));
    let forged = |claims: &Value| Some(signed_by(Algorithm::HS256, OTHER, claims.clone()));
    let (good, nobody) = (json!({"sub": "a", "exp": exp()}), json!({"exp": exp()}));
    let (expired, endless) = (json!({"sub": "a", "exp": 1}), json!({"sub": "a"}));
    let no_expiry = "The access token has no expiry (exp).";
    let long = json!({"sub": "a".repeat(1_025), "exp": exp()});
    for (name, token, expected) in [
        ("missing", None, "Credentials are required."),
        ("expired", with(&expired), "The credentials have expired."),
        ("without expiry", with(&endless), no_expiry),
        ("without a subject", with(&nobody), INVALID),
        ("of a long subject", with(&long), INVALID),
        ("forged", forged(&good), INVALID),
        ("forged, expired", forged(&expired), INVALID),
        ("forged, without expiry", forged(&endless), INVALID),
        ("nonsense", Some("a.b.c".to_owned()), INVALID),
    ] {
        let call = Call::get("/api/tasks");
        let call = match token {
            Some(token) => call.header("authorization", format!("Bearer {token}")),
            None => call,
        };
        let body = Service::new().send(call).is_error(401, "UNAUTHORIZED");
        assert_eq!(body["detail"], expected, "{name}");
    }
}

#[test]
fn claims() {
    let at = NOW.as_secs();
    let service = Service::new();
    for (name, changed, expected) in [
        ("good", json!({"exp": at + 1}), 200),
        ("a fraction", json!({"exp": at as f64 + 0.5}), 200),
        ("expired", json!({"exp": at}), 401),
        ("long expired", json!({"exp": 0}), 401),
        ("negative expiry", json!({"exp": -5}), 401),
        ("no expiry but null", json!({"exp": null}), 401),
        ("expiry as text", json!({"exp": exp().to_string()}), 401),
        ("null as subject", json!({"sub": null}), 401),
        ("empty subject", json!({"sub": ""}), 401),
        ("blank subject", json!({"sub": "  "}), 401),
        ("wide blanks", json!({"sub": "\u{3000}\u{a0}"}), 401),
        ("blanks around", json!({"sub": " a "}), 200),
        ("number as subject", json!({"sub": 5}), 401),
        ("list as subject", json!({"sub": ["a"]}), 401),
        ("NUL in the subject", json!({"sub": "a\0b"}), 401),
        ("longest subject", json!({"sub": "a".repeat(1_024)}), 200),
        ("longer subject", json!({"sub": "a".repeat(1_025)}), 401),
        ("longer in bytes", json!({"sub": "ü".repeat(513)}), 401),
        ("begun", json!({"nbf": at}), 200),
        ("begins within the leeway", json!({"nbf": at + 60}), 200),
        ("not begun", json!({"nbf": at + 62}), 401),
        ("begins some day", json!({"nbf": "later"}), 401),
        ("any audience", json!({"aud": "x"}), 200),
        ("any issuer", json!({"iss": "x"}), 200),
    ] {
        let mut claims = json!({"sub": "a", "exp": exp()});
        for (claim, value) in changed.as_object().unwrap() {
            claims[claim] = value.clone();
        }
        assert_eq!(status(&service, &signed(claims)), expected, "{name}");
    }
    for claims in [
        json!({"sub": "a"}),
        json!({"exp": exp()}),
        json!(["a"]),
        // The values of the claims, in their order.
        json!(["a", exp(), null, null, null, false]),
        json!([{"sub": "a", "exp": exp()}]),
        json!("a"),
        json!(5),
        json!(null),
    ] {
        assert_eq!(status(&service, &signed(claims.clone())), 401, "{claims}");
    }
}

#[test]
fn audience_and_issuer_where_configured() {
    let service = Service::with(&[("jwt-audience", "us"), ("jwt-issuer", "them")]);
    let cases = [
        ("both", json!("us"), json!("them"), 200),
        ("one of several", json!(["x", "us"]), json!("them"), 200),
        ("another audience", json!("x"), json!("them"), 401),
        ("other audiences", json!(["x", "y"]), json!("them"), 401),
        ("no audiences", json!([]), json!("them"), 401),
        ("no audience", json!(null), json!("them"), 401),
        ("part of the audience", json!("u"), json!("them"), 401),
        ("more than the audience", json!("us2"), json!("them"), 401),
        ("another issuer", json!("us"), json!("x"), 401),
        ("no issuer", json!("us"), json!(null), 401),
        ("several issuers", json!("us"), json!(["them"]), 401),
    ];
    for (name, aud, iss, expected) in cases {
        let claims = json!({"sub": "a", "exp": exp(), "aud": aud, "iss": iss});
        assert_eq!(status(&service, &signed(claims)), expected, "{name}");
    }
}

#[test]
fn forged_tokens() {
    let claims = json!({"sub": "a", "exp": exp()});
    let good = signed(claims.clone());
    let (signed_part, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed_part.split_once('.').unwrap();
    let none = |alg: &str| format!("{}.{payload}.", part(&json!({"alg": alg, "typ": "JWT"})));
    let made = |secret: &[u8], header: Value, payload: &str| {
        let message = format!("{}.{payload}", part(&header));
        let key = jsonwebtoken::EncodingKey::from_secret(secret);
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    };
    let secret = SECRET.as_bytes();
    let with_header = |header: Value| made(secret, header, payload);
    let says = |alg: &str| with_header(json!({"alg": alg}));
    let by = |algorithm, secret: &str| signed_by(algorithm, secret, claims.clone());
    let deep = URL_SAFE_NO_PAD.encode("[".repeat(3000) + &"]".repeat(3000));
    let long = json!({"sub": "a", "exp": exp(), "x": "y".repeat(8000)});
    let other = part(&json!({"sub": "b", "exp": exp()}));
    let half = &signature[..signature.len() / 2];
    let as_encrypted = format!("{good}.{payload}.{signature}");
    let list = json!(["HS256", null, "JWT", null]);
    let critical = json!({"alg": "HS256", "crit": ["x"], "x": 1});
    let hs256 = json!({"alg": "HS256"});
    let own = b"a key that the token brings with it";
    let key = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(own)});
    let with_key = json!({"alg": "HS256", "jwk": key});
    assert_eq!(
        status(&Service::new(), &with_header(hs256.clone())),
        200,
        "what the forger below can do is right but for what is forged"
    );
    let cases = [
        ("nothing", String::new()),
        ("a word", "token".into()),
        ("dots", "..".into()),
        ("a list for a header", with_header(list)),
        ("alg none", none("none")),
        ("alg None", none("None")),
        ("alg NONE", none("NONE")),
        ("alg none, signed", format!("{}{signature}", none("none"))),
        ("alg HS256 without a signature", none("HS256")),
        ("the signature cut off", format!("{signed_part}.")),
        ("half a signature", format!("{signed_part}.{half}")),
        ("two parts", signed_part.into()),
        ("cut alg none", none("none").trim_end_matches('.').into()),
        ("four parts", format!("{good}.x")),
        ("five parts, as if encrypted", as_encrypted),
        ("another's payload", format!("{header}.{other}.{signature}")),
        ("another secret", by(Algorithm::HS256, "another secret")),
        ("an empty secret", by(Algorithm::HS256, "")),
        ("HS384", by(Algorithm::HS384, SECRET)),
        ("HS512", by(Algorithm::HS512, SECRET)),
        ("said to be HS384", says("HS384")),
        ("said to be RS256", says("RS256")),
        ("said to be ES256", says("ES256")),
        ("said to be hs256", says("hs256")),
        ("said to be EdDSA", says("EdDSA")),
        ("of no algorithm", with_header(json!({"typ": "JWT"}))),
        ("of two", with_header(json!({"alg": ["none", "HS256"]}))),
        ("with a critical extension", with_header(critical)),
        ("its key in its header", made(own, with_key, payload)),
        ("a payload of deep lists", made(secret, hs256, &deep)),
        ("with padding", format!("{good}=")),
        ("a line break", format!("{header}.{payload}\n.{signature}")),
        ("too long", signed(long)),
        ("twice", format!("{good} {good}")),
    ];
    let service = Service::new();
    for (name, token) in cases {
        assert_eq!(status(&service, &token), 401, "{name}");
    }
    assert_eq!(status(&service, &good), 200);
}

#[test]
fn a_token_that_is_too_long_is_told_so() {
    let service = Service::new();
    let with = |padding: usize| signed(json!({"sub": "a", "exp": exp(), "x": "y".repeat(padding)}));
    let longest = (5900..6200)
        .map(with)
        .rfind(|token| token.len() <= 8192)
        .unwrap();
    assert_eq!(status(&service, &longest), 200, "{}", longest.len());
    let longer = with(7000);
    assert!(longer.len() > 8192);
    for call in [
        Call::get("/api/tasks").header("authorization", format!("Bearer {longer}")),
        Call::get("/api/tasks").header("cookie", format!("session={longer}")),
    ] {
        let body = service.send(call).is_error(401, "UNAUTHORIZED");
        assert_eq!(body["detail"], "The credentials are larger than 8 KiB.");
    }
}

#[test]
fn the_header_alone_counts() {
    let service = Service::new();
    let call = Call::get("/api/tasks").by_cookie("ann");
    assert_eq!(service.send(call.clone()).status, 200);
    let reply = service.send(call.header("authorization", "Bearer x"));
    reply.is_error(401, "UNAUTHORIZED");
}

#[test]
fn changes_by_cookie_from_elsewhere() {
    let public = "https://refine.example.com";
    let origin = |value| vec![("origin", value)];
    let site = |value| vec![("sec-fetch-site", value)];
    let ours = "http://localhost:8080";
    let cases = [
        ("nothing said", vec![], true),
        ("our origin", origin(ours), true),
        ("in capitals", origin("HTTP://LocalHost:8080"), true),
        ("the public URL", origin(public), true),
        ("another scheme", origin("https://localhost:8080"), false),
        ("another host", origin("http://example.com:8080"), false),
        ("a host below", origin("http://a.localhost:8080"), false),
        ("another port", origin("http://localhost:8081"), false),
        ("the default port", origin("http://localhost"), false),
        ("null", origin("null"), false),
        ("empty", origin(""), false),
        ("two", [origin(ours), origin("null")].concat(), false),
        ("same-origin", site("same-origin"), true),
        ("none", site("none"), true),
        ("same-site", site("same-site"), false),
        ("cross-site", site("cross-site"), false),
        ("something new", site("other"), false),
        (
            "only one of the two is ours",
            [site("same-origin"), origin("http://example.com")].concat(),
            false,
        ),
        (
            "only the other is ours",
            [site("cross-site"), origin(ours)].concat(),
            false,
        ),
    ];
    let id = "00000000-0000-4000-8000-000000000001";
    for (name, fields, is_ours) in cases {
        let service = Service::with(&[("public-url", public)]);
        let with = |call: Call| {
            fields
                .iter()
                .fold(call, |call, (name, value)| call.header(name, value))
        };
        let changes = || {
            [
                Call::post("/api/concepts/refine"),
                Call::post("/api/images").body("x"),
                Call::delete(format!("/api/tasks/{id}")),
                Call::delete(format!("/api/concepts/{id}")),
                Call::delete("/api/images/uploads/a"),
            ]
        };
        for call in changes() {
            let reply = service.send(with(call.by_cookie("ann")));
            assert_eq!(reply.status != 403, is_ours, "{name}");
            if !is_ours {
                reply.is_error(403, "FORBIDDEN");
            }
        }
        for call in changes() {
            let status = service.send(with(call.by("ann"))).status;
            assert_ne!(status, 403, "{name}, by header");
        }
        let reading = with(Call::get("/api/tasks").by_cookie("ann"));
        assert_eq!(service.send(reading).status, 200, "{name}, reading");
    }
}

#[test]
fn a_bad_cookie_is_401_also_from_elsewhere() {
    let call = Call::delete("/api/tasks/x")
        .header("cookie", "session=x")
        .header("origin", "null");
    Service::new().send(call).is_error(401, "UNAUTHORIZED");
}

#[test]
fn users_are_apart() {
    let service = Service::new();
    let id = service.send(Call::refine("ann")).json()["task_id"].clone();
    let path = format!("/api/tasks/{}", id.as_str().unwrap());
    assert_eq!(service.send(Call::get(&path).by("ann")).status, 200);
    service
        .send(Call::get(&path).by("bob"))
        .is_error(404, "NOT_FOUND");
    service
        .send(Call::delete(&path).by("bob"))
        .is_error(404, "NOT_FOUND");
    let list = service.send(Call::get("/api/tasks").by("bob")).json();
    assert_eq!(list, json!({"tasks": [], "next_cursor": null}));
}
