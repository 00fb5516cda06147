use proptest::prelude::*;
use serde_json::json;

use super::*;

const URL: &str = "https://example.com/a.png";
const TASK_TIMEOUT: Duration = Duration::from_secs(300);

fn check(body: &Value) -> Result<Refinement, FieldErrors> {
    check_within(TASK_TIMEOUT, body)
}

fn check_within(task_timeout: Duration, body: &Value) -> Result<Refinement, FieldErrors> {
    Draft::parse(body.to_string().as_bytes())
        .unwrap()
        .check(
            Source::Elsewhere(&AllowedSources::default()),
            Source::Elsewhere(&AllowedSources::default()),
            &AllowedSources::default(),
            task_timeout,
        )
        .map(|request| request.refinement)
}

fn body(prompt: &str) -> Value {
    json!({"original_image_url": URL, "refinement_prompt": prompt})
}

fn errors(fields: &[(&str, &str)]) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for (field, problem) in fields {
        errors.add(field, *problem);
    }
    errors
}

#[test]
fn values_are_kept_as_sent() {
    let body = json!({
        "original_image_url": "HTTPS://Example.com",
        "refinement_prompt": "  Make it lighter\n",
        "logo_description": " A bean ",
        "theme_description": null,
        "status": "completed",
    });
    let expected = Refinement {
        logo_description: Some(" A bean ".into()),
        ..Refinement::new("HTTPS://Example.com", "  Make it lighter\n")
    };
    assert_eq!(check(&body), Ok(expected));
    let empty =
        json!({"original_image_url": URL, "refinement_prompt": "lighter", "logo_description": ""});
    assert_eq!(check(&empty).unwrap().logo_description, Some(String::new()));
}

#[test]
fn a_prompt_has_1_to_2000_characters() {
    let short = "must be at least 1 character";
    let long = "must be at most 2000 characters";
    let trimmed = "a".repeat(2_000) + &" ".repeat(100);
    for (name, prompt, problem) in [
        ("one", "a".into(), None),
        ("one, trimmed", " \n\u{a0}a\u{3000}".into(), None),
        ("one of four bytes", "🎨".into(), None),
        ("2000 of four bytes each", "🎨".repeat(2_000), None),
        ("2000, trimmed", trimmed, None),
        ("none", String::new(), Some(short)),
        ("blank", " ".repeat(100), Some(short)),
        ("blanks", " \n\t\u{a0}\u{3000}".into(), Some(short)),
        ("2001", "a".repeat(2_001), Some(long)),
    ] {
        let expected = problem.map(|problem| errors(&[("refinement_prompt", problem)]));
        assert_eq!(check(&body(&prompt)).err(), expected, "{name}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let missing = errors(&[
        ("original_image_url", "is required"),
        ("refinement_prompt", "is required"),
    ]);
    let nothing = json!({"original_image_url": null, "refinement_prompt": null, "logo_description": null, "theme_description": null});
    for (name, body, expected) in [
        ("nothing", json!({}), missing.clone()),
        ("null everywhere", nothing, missing),
        (
            "wrong types",
            json!({"original_image_url": 1, "refinement_prompt": ["abcde"], "logo_description": {}, "theme_description": false}),
            errors(&[
                ("original_image_url", "must be a string"),
                ("refinement_prompt", "must be a string"),
                ("logo_description", "must be a string"),
                ("theme_description", "must be a string"),
            ]),
        ),
        (
            "wrong values",
            json!({
                "original_image_url": "http://127.0.0.1/a.png",
                "refinement_prompt": " ",
                "logo_description": "ä".repeat(2_001),
                "theme_description": "ä".repeat(2_000),
            }),
            errors(&[
                ("original_image_url", "must point to a public address"),
                ("refinement_prompt", "must be at least 1 character"),
                ("logo_description", "must be at most 2000 characters"),
            ]),
        ),
        (
            "an empty URL",
            json!({"original_image_url": "", "refinement_prompt": "abcde"}),
            errors(&[("original_image_url", "must be an http or https URL")]),
        ),
    ] {
        assert_eq!(check(&body), Err(expected), "{name}");
    }
}

#[test]
fn an_image_of_our_own_may_be_anywhere() {
    let body =
        json!({"original_image_url": "http://127.0.0.1:8080/a", "refinement_prompt": "abcde"});
    let draft = Draft::parse(body.to_string().as_bytes()).unwrap();
    assert_eq!(draft.original_image_url(), Some("http://127.0.0.1:8080/a"));
    let allowed = AllowedSources::parse("127.0.0.1:8080").unwrap();
    let none = AllowedSources::default();
    let check = |original| draft.clone().check(original, original, &none, TASK_TIMEOUT);
    assert!(check(Source::Own).is_ok());
    assert!(check(Source::Elsewhere(&allowed)).is_ok());
    assert!(check(Source::Elsewhere(&none)).is_err());
    let long = json!({"original_image_url": format!("{URL}{}", "a".repeat(2_048)), "refinement_prompt": "abcde"});
    let draft = Draft::parse(long.to_string().as_bytes()).unwrap();
    let expected = errors(&[("original_image_url", "must be at most 2048 characters")]);
    let checked = draft.check(Source::Own, Source::Own, &none, TASK_TIMEOUT);
    assert_eq!(checked, Err(expected));
}

#[test]
fn an_edit_is_kept_as_sent() {
    let mut body = body("lighter");
    let sent = json!({
        "strength": 0.55, "seed": 4_294_967_295_u32, "mask_url": URL, "mask_feather": 0,
        "region_only": false,
    });
    body.as_object_mut()
        .unwrap()
        .extend(sent.as_object().unwrap().clone());
    let checked = serde_json::to_value(check(&body).unwrap()).unwrap();
    for (field, value) in sent.as_object().unwrap() {
        assert_eq!(checked[field], *value, "{field}");
    }
    let null = |field: &str| (field.to_owned(), Value::Null);
    let nulls = [
        "strength",
        "seed",
        "region",
        "mask_url",
        "mask_feather",
        "region_only",
    ];
    let mut nulled = self::body("lighter");
    nulled.as_object_mut().unwrap().extend(nulls.map(null));
    assert_eq!(check(&nulled), check(&self::body("lighter")));
}

#[test]
fn an_edit_that_cannot_be_is_told() {
    let region = json!({"x": 0, "y": 0, "width": 1, "height": 1});
    let far = json!({"x": 2_147_483_647, "y": 0, "width": 2_147_483_647, "height": 1});
    let whole = "must have x and y of at least 0, width and height of at least 1: whole \
                 numbers up to 2147483647";
    let number = Some(("strength", "must be a number from 0 to 1"));
    let seed = Some(("seed", "must be a whole number from 0 to 4294967295"));
    let feather = Some(("mask_feather", "must be a whole number from 0 to 64"));
    let alone = "needs a region or a mask";
    let private = Some(("mask_url", "must point to a public address"));
    let no_text = Some(("mask_url", "must be a string"));
    let together = Some(("mask_url", "must not be sent together with region"));
    let no_flag = Some(("region_only", "must be true or false"));
    let all_wrong = json!({"region": 7, "mask_feather": 8, "region_only": true});
    let cases = [
        (json!({"strength": 0}), None),
        (json!({"strength": 1}), None),
        (json!({"strength": 1.01}), number),
        (json!({"strength": -0.01}), number),
        (json!({"strength": "0.5"}), number),
        (json!({"seed": 0}), None),
        (json!({"seed": -1}), seed),
        (json!({"seed": 1.5}), seed),
        (json!({"seed": 4_294_967_296_u64}), seed),
        (json!({"region": region}), None),
        (json!({"region": far}), None),
        (json!({"mask_url": "http://127.0.0.1/"}), private),
        (json!({"mask_url": 7}), no_text),
        (json!({"mask_url": URL, "region": region}), together),
        (json!({"region": region, "mask_feather": 64}), None),
        (json!({"region": region, "mask_feather": 65}), feather),
        (json!({"region": region, "mask_feather": 1.5}), feather),
        (json!({"mask_feather": 8}), Some(("mask_feather", alone))),
        (json!({"region_only": false}), None),
        (json!({"region_only": true}), Some(("region_only", alone))),
        (json!({"region_only": "true", "region": region}), no_flag),
        // What is wrong is told once.
        (all_wrong, Some(("region", whole))),
    ];
    let regions = [
        json!([0, 0, 1, 1]),
        json!({"x": 0, "y": 0, "width": 1}),
        json!({"x": -1, "y": 0, "width": 1, "height": 1}),
        json!({"x": 0, "y": 0, "width": 0, "height": 1}),
        json!({"x": 0.5, "y": 0, "width": 1, "height": 1}),
        json!({"x": 2_147_483_648_u64, "y": 0, "width": 1, "height": 1}),
    ];
    let regions = regions.map(|region| (json!({"region": region}), Some(("region", whole))));
    for (edit, expected) in cases.into_iter().chain(regions) {
        let mut body = body("lighter");
        body.as_object_mut()
            .unwrap()
            .extend(edit.as_object().unwrap().clone());
        let expected = expected.map(|expected| errors(&[expected]));
        assert_eq!(check(&body).err(), expected, "{edit}");
    }
}

#[test]
fn a_deadline_is_between_ten_seconds_and_the_limit_of_a_task() {
    let problem = "must be a whole number from 10 to 300";
    for (sent, expected) in [
        (json!(null), Ok(None)),
        (json!(9), Err(problem)),
        (json!(10), Ok(Some(10))),
        (json!(300), Ok(Some(300))),
        (json!(301), Err(problem)),
        (json!(-10), Err(problem)),
        (json!(10.5), Err(problem)),
        (json!("10"), Err(problem)),
        (json!(u64::MAX), Err(problem)),
    ] {
        let mut body = body("lighter");
        body["deadline_seconds"] = sent.clone();
        let checked = check(&body).map(|refinement| refinement.deadline_seconds);
        let expected = expected.map_err(|problem| errors(&[("deadline_seconds", problem)]));
        assert_eq!(checked, expected, "{sent}");
    }
    let mut body = body("lighter");
    body["deadline_seconds"] = 10.into();
    let problem = "cannot be used: a task of this service ends after 4 seconds";
    let problem = errors(&[("deadline_seconds", problem)]);
    assert_eq!(check_within(Duration::from_secs(4), &body), Err(problem));
}

#[test]
fn a_webhook_is_judged_with_the_rest() {
    let allowed = AllowedSources::parse("127.0.0.1:9000").unwrap();
    let check = |webhook_url: Value, prompt: &str| {
        let mut body = body(prompt);
        body["webhook_url"] = webhook_url;
        let draft = Draft::parse(body.to_string().as_bytes()).unwrap();
        let original = Source::Elsewhere(&AllowedSources::default());
        let checked = draft.check(original, original, &allowed, TASK_TIMEOUT);
        checked.map(|request| request.webhook_url)
    };
    for url in ["https://example.com/hook", "http://127.0.0.1:9000/"] {
        assert_eq!(check(json!(url), "lighter"), Ok(Some(url.to_owned())));
    }
    assert_eq!(check(Value::Null, "lighter"), Ok(None));
    let two = errors(&[
        ("refinement_prompt", "must be at least 1 character"),
        ("webhook_url", "must be an https URL"),
    ]);
    assert_eq!(check(json!("http://example.com"), ""), Err(two));
    let one = errors(&[("webhook_url", "must be a string")]);
    assert_eq!(check(json!(7), "lighter"), Err(one));
}

#[test]
fn a_body_is_a_json_object() {
    let deep = "{\"a\":".repeat(10_000);
    for (body, problem) in [
        ("", Malformed::NotJson),
        ("{", Malformed::NotJson),
        ("{} {}", Malformed::NotJson),
        ("{'a':1}", Malformed::NotJson),
        (r#"{"refinement_prompt":"\ud800"}"#, Malformed::NotJson),
        (&deep, Malformed::NotJson),
        ("[]", Malformed::NotAnObject),
        ("null", Malformed::NotAnObject),
        ("\"abc\"", Malformed::NotAnObject),
    ] {
        assert_eq!(Draft::parse(body.as_bytes()), Err(problem), "{body:.40}");
    }
    assert_eq!(Draft::parse(b"{\"a\":\"\xff\"}"), Err(Malformed::NotJson));
}

#[test]
fn field_errors_are_written_as_a_map_of_lists() {
    let mut errors = errors(&[("b", "is required"), ("a", "is odd")]);
    errors.add("b", "is late");
    let json = serde_json::to_value(&errors).unwrap();
    let expected = json!({"a": ["is odd"], "b": ["is required", "is late"]});
    assert_eq!(json, expected);
}

#[test]
fn an_idempotency_key_is_visible_ascii() {
    let (longest, too_long) = ("a".repeat(255), "a".repeat(256));
    for (key, usable) in [
        ("a", true),
        ("!~", true),
        ("0190c0de-0000-7000-8000-000000000001", true),
        (&longest, true),
        ("", false),
        (" ", false),
        ("a b", false),
        ("a\n", false),
        ("\u{7f}", false),
        ("ä", false),
        (&too_long, false),
    ] {
        assert_eq!(is_idempotency_key(key), usable, "{key}");
    }
}

#[test]
fn an_id_is_a_hyphenated_uuid() {
    let id = "0190c0de-abcd-7000-8000-00000000000f";
    let zeros = "00000000-0000-0000-0000-000000000000";
    for (text, expected) in [
        (id, Some(id)),
        ("0190C0DE-ABCD-7000-8000-00000000000F", Some(id)),
        (zeros, Some(zeros)),
        ("0190c0deabcd7000800000000000000f", None),
        ("{0190c0de-abcd-7000-8000-00000000000f}", None),
        ("urn:uuid:0190c0de-abcd-7000-8000-00000000000f", None),
        (" 0190c0de-abcd-7000-8000-00000000000f", None),
        ("0190c0de-abcd-7000-8000-00000000000g", None),
        ("0190c0de-abcd-7000-80000-0000000000f", None),
        ("0190c0de0abcd07000080000000000000000", None),
        ("task-1234-5678-9012-3456", None),
        ("", None),
    ] {
        assert_eq!(uuid(text).as_deref(), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
        let _ = Draft::parse(&bytes);
        let _ = (uuid(&text), is_idempotency_key(&text));
        let body = json!({"original_image_url": text, "refinement_prompt": text, "logo_description": text});
        let _ = check(&body);
    }

    #[test]
    fn a_valid_request_is_kept(prompt in "\\PC{0,9}[a-z]\\PC{0,9}", logo in proptest::option::of("\\PC{0,50}")) {
        let body = json!({"original_image_url": URL, "refinement_prompt": prompt, "logo_description": logo});
        let refinement = check(&body).unwrap();
        prop_assert_eq!(refinement.refinement_prompt, prompt);
        prop_assert_eq!(refinement.logo_description, logo);
    }
}
