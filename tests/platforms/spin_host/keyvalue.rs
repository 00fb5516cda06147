//! Key-value as a component finds it.

use crate::spin_host::probe::{Host, answer, answers_to, check};

pub async fn values_are_kept_over_a_restart(host: Host) {
    let application = host.application();
    let service = application.start();
    check(
        &service,
        &[
            ("get key", "none"),
            ("set key value", "set"),
            ("get key", "is value"),
            ("exists key", "true"),
            ("exists other", "false"),
            ("delete other", "deleted"),
        ],
    )
    .await;
    service.kill();
    let service = application.start();
    check(
        &service,
        &[
            ("get key", "is value"),
            ("delete key", "deleted"),
            ("get key", "none"),
        ],
    )
    .await;
}

pub async fn a_swap_compares_by_value(host: Host) {
    host.does(&[
        ("set key one", "set"),
        ("new first key", "new"),
        ("new second key", "new"),
        ("current first", "is one"),
        ("current second", "is one"),
        ("swap first two", "swapped"),
        ("swap second three", "lost"),
        // What is handed out for a lost one has read already.
        ("set key four", "set"),
        ("swap second five", "lost"),
        ("swap second five", "swapped"),
        ("get key", "is five"),
        // There and back again is not seen.
        ("new third key", "new"),
        ("current third", "is five"),
        ("set key six", "set"),
        ("set key five", "set"),
        ("swap third seven", "swapped"),
    ])
    .await;
}

pub async fn a_swap_that_has_not_read_overwrites(host: Host) {
    host.does(&[
        ("set key one", "set"),
        ("new first key", "new"),
        ("swap first two", "swapped"),
        ("get key", "is two"),
    ])
    .await;
}

pub async fn two_swaps_of_an_absent_key_both_succeed(host: Host) {
    host.does(&[
        ("new first key", "new"),
        ("new second key", "new"),
        ("current first", "none"),
        ("current second", "none"),
        ("swap first one", "swapped"),
        ("swap second two", "swapped"),
        ("get key", "is two"),
    ])
    .await;
}

pub async fn numbers_begin_at_zero_and_are_little_endian(host: Host) {
    host.does(&[
        ("increment n 3", "3"),
        ("increment n 256", "259"),
        ("get n", "is [3, 1, 0, 0, 0, 0, 0, 0]"),
        ("increment n -260", "-1"),
    ])
    .await;
}

pub async fn a_number_that_is_none_breaks_the_store_until_the_next_start(host: Host) {
    let application = host.application();
    let service = application.start();
    assert_eq!(answer(&service, "set n seven").await, "set");
    assert_eq!(answers_to(&service, &["increment n 1"]).await, Err(500));
    assert_eq!(answers_to(&service, &["get n"]).await, Err(500));
    assert_eq!(answers_to(&service, &["set other value"]).await, Err(500));
    // What does not ask the store goes on.
    assert_eq!(answer(&service, "variable given").await, "is default");
    service.kill();
    let service = application.start();
    assert_eq!(answer(&service, "get n").await, "is seven");
}

pub async fn keys_that_are_not_there_are_left_out_of_many(host: Host) {
    host.does(&[
        ("set-many b 2 a 1 c 3", "set"),
        ("many c missing a a", "a:1 c:3"),
        ("delete-many a missing c", "deleted"),
        ("many a b c", "b:2"),
    ])
    .await;
}

pub async fn keys_are_listed_at_once_or_not_at_all(host: Host) {
    let service = host.application().start();
    check(&service, &[("set-many b 2 a 1", "set"), ("list", "a b")]).await;
    let refused = answer(&service, "list a").await;
    assert!(refused.contains("cursor not supported"), "{refused}");
}

pub async fn only_what_is_granted_is_opened(host: Host) {
    host.does(&[
        ("open other", "error Error::AccessDenied"),
        ("open default", "open"),
        (
            "fetch http://back.spin.internal/ open default",
            "200 error Error::AccessDenied",
        ),
    ])
    .await;
}
