//! Requests with bad answers.

use futures::{StreamExt as _, stream};

use super::*;

fn broken_off(body: ByteStream) -> ByteStream {
    body.chain(stream::iter([Err(BrokeOff)])).boxed_local()
}

#[test]
fn a_status_says_whether_a_repeat_helps() {
    let unavailable = |rest: &str, seconds: Option<u64>| Error::Unavailable {
        reason: format!("the provider answered {rest}"),
        retry_after: seconds.map(Duration::from_secs),
        is_rate_limit: rest.contains("429"),
    };
    let unauthorized = || Error::Unauthorized("the provider refused the key".to_owned());
    let said = r#"{"error":{"message":"No logos, sk-hush"}}"#;
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let flagged =
        r#"{"id":"a3dc","name":"content_moderation","errors":["Your request was flagged."]}"#;
    let moderated = r#"{"name":"content_moderation"}"#;
    let answered = |rest: &str| format!("the provider answered {rest}");
    let refused = |rest: &str| Error::refused(answered(rest));
    let unknown = |status: u16| Error::Unknown(answered(&status.to_string()));
    let redirected = "the provider answered with a redirect, which is not followed";
    let no_credit = Error::Unauthorized(answered("402: No logos, ***"));
    let of_rules = Error::refused("the provider refused the image or the prompt");
    for (status, retry_after, body, expected) in [
        (401, None, said, unauthorized()),
        (403, None, "", unauthorized()),
        (403, None, r#"{"error":"Invalid token."}"#, unauthorized()),
        (403, None, said, refused("403: No logos, ***")),
        (400, None, said, refused("400: No logos, ***")),
        (400, None, "", refused("400")),
        (404, None, "<html>", refused("404")),
        (404, None, "no such path\n", refused("404: no such path")),
        (422, Some("3"), said, refused("422: No logos, ***")),
        (302, None, "", Error::broken(redirected)),
        (101, None, "", refused("101")),
        (402, None, said, no_credit),
        (403, None, flagged, refused("403: Your request was flagged")),
        (403, None, moderated, of_rules),
        (429, None, said, unavailable("429: No logos, ***", None)),
        (
            429,
            Some("2"),
            said,
            unavailable("429: No logos, ***", Some(2)),
        ),
        (429, Some(date), "", unavailable("429", Some(60))),
        (503, Some("7"), said, unavailable("503", Some(7))),
        (503, Some("soon"), said, unavailable("503", None)),
        (500, None, said, unknown(500)),
        (502, None, said, unknown(502)),
        (504, Some("7"), "", unknown(504)),
        (599, None, "", unknown(599)),
    ] {
        let response = Response {
            retry_after: retry_after.map(str::to_owned),
            ..response(status, body.as_bytes())
        };
        assert_eq!(asked(Ok(response)), Err(expected), "{status}");
    }
}

/// The error waits only for a while.
#[test]
fn a_message_that_does_not_come_is_not_waited_for() {
    for status in [400, 429] {
        let answer = asked(Ok(Response {
            status,
            content_length: None,
            content_encoding: None,
            retry_after: None,
            body: stream::pending().boxed_local(),
        }));
        let told = format!("{:?}", answer.unwrap_err());
        assert!(
            told.contains(&format!("the provider answered {status}\"")),
            "{told}"
        );
    }
}

/// The error does not wait for a late or endless body.
#[test]
fn a_body_that_tells_nothing_is_not_read() {
    for status in [302, 401, 500] {
        let answer = asked(Ok(Response {
            status,
            content_length: None,
            content_encoding: None,
            retry_after: None,
            body: stream::poll_fn(|_| panic!("it is read")).boxed_local(),
        }));
        assert!(answer.is_err(), "{status}");
    }
}

#[test]
fn a_connection_that_fails_may_be_tried_again() {
    let unknown = |reason: &str| Error::Unknown(reason.to_owned());
    for (failure, expected) in [
        (
            Failure::Forbidden,
            Error::refused("this model may not reach the address of its provider"),
        ),
        (
            Failure::Unresolvable,
            Error::unavailable("the name of the provider cannot be resolved"),
        ),
        (
            Failure::Unreachable,
            Error::unavailable("the provider cannot be connected to"),
        ),
        (
            Failure::ConnectTimedOut,
            Error::unavailable("the provider cannot be connected to in time"),
        ),
        (
            Failure::Tls,
            Error::unavailable("no secure connection to the provider can be made"),
        ),
        (
            Failure::TimedOut,
            unknown("the provider did not answer in time"),
        ),
        (
            Failure::Broken,
            unknown("the provider did not answer properly"),
        ),
    ] {
        assert_eq!(asked(Err(failure)), Err(expected));
    }

    // In the middle of the answer, seen by an error or by the length.
    let broke_off = Error::Unknown("the provider's answer broke off".to_owned());
    let file = picture(0);
    let mut failing = response(200, &file[..20]);
    failing.content_length = None;
    failing.body = broken_off(failing.body);
    assert_eq!(asked(Ok(failing)), Err(broke_off.clone()));
    let mut short = response(200, &file);
    short.content_length = Some(file.len() as u64 + 1);
    short.body = chunks(&file[..20], 10);
    assert_eq!(asked(Ok(short)), Err(broke_off.clone()));
    let json = br#"{"url":"https://provider.example/1.png""#;
    let mut failing = response(200, json);
    failing.content_length = None;
    failing.body = broken_off(failing.body);
    assert_eq!(asked(Ok(failing)), Err(broke_off));
}

/// It was paid for, and its end was only not said.
#[test]
fn an_answer_that_is_whole_but_for_its_trailers_is_one() {
    let json = br#"{"url":"https://provider.example/1.png"}"#;
    for whole in [&picture(0)[..], json] {
        let mut answer = response(200, whole);
        answer.content_length = None;
        answer.body = broken_off(answer.body);
        assert!(asked(Ok(answer)).is_ok());
    }
}

#[test]
fn a_key_that_is_missing_is_told_apart() {
    for status in [401, 403] {
        let error = Error::of_status(status, false, None, None, Timestamp(0));
        let expected = "the provider wants a key, and none is set";
        assert_eq!(error, Error::Unauthorized(expected.to_owned()));
    }
}

#[test]
fn an_original_that_is_not_whole_is_not_sent() {
    let file = picture(0);
    let world = World {
        reply: RefCell::default(),
        asked: RefCell::default(),
    };
    for (name, bytes, length, expected) in [
        (
            "ends early",
            &file[..20],
            file.len(),
            "the image ended before its length",
        ),
        (
            "cut short",
            &file[..20],
            20,
            "the file is cut short: it ends before its format says",
        ),
        (
            "too large",
            &file[..],
            100 << 20,
            "the image is too large for this model",
        ),
        ("empty", &[], 0, "the file is empty"),
    ] {
        let answer = now(async {
            let original = Contents::open(chunks(bytes, 10), length as u64).await?;
            Plain::refine(&world, &settings(), question(), original).await
        });
        assert_eq!(answer, Err(Error::refused(expected)), "{name}");
    }
    assert_eq!(world.asked.take(), []);
}
