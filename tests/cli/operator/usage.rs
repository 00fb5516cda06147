//! `usage`

use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::stand_in::StandIn as _;
use concept_refinement_tests::stand_in::bfl::Bfl;
use serde_json::json;

use super::Desk;
use crate::place::origin;

/// With a provider that says that each call costs 4.5 cents, and two users who spent that.
async fn desk() -> (Desk, Provider) {
    let (provider, picture) = (Bfl.start(), pictures::png(30, 20));
    Bfl.serve(&provider, &picture);
    let desk = Desk::of(Bfl.launch(&provider.url()).embedded());
    for user in ["ada", "=1+1"] {
        let client = desk.user(user);
        let original = origin().picture(&picture);
        client.completed(&original, "make it lighter").await;
    }
    (desk, provider)
}

#[tokio::test]
async fn what_users_spent_is_shown() {
    let (desk, _provider) = desk().await;
    let by_user = &["=1+1 0.045 0.00 0", "ada 0.045 0.00 0"][..];
    for (arguments, head, rows) in [
        (&[][..], "USER ", by_user),
        (&["--group", "user"], "USER ", by_user),
        (&["--since", "1d"], "USER ", by_user),
        (&["--until", "1d"], "USER ", &[]),
        (&["--group", "model"], "MODEL ", &["bfl 0.09 0.00 0"]),
    ] {
        let table = desk.run(&[&["usage"], arguments].concat());
        table.silent();
        let table = table.text();
        let mut lines = table.lines();
        assert!(lines.next().unwrap().starts_with(head), "{table}");
        let shown: Vec<_> = lines
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(shown, rows, "{arguments:?}");
    }
    let by_day = desk.json(&["usage", "--group", "day"]);
    let days = by_day["usage"].as_array().unwrap();
    // Midnight may have been meanwhile.
    assert!((1..=2).contains(&days.len()), "{by_day}");
    assert!(days.iter().all(|day| day["day"].is_string()), "{by_day}");
    let by_model = desk.json(&["usage", "--group", "model"]);
    let sum = json!({"model": "bfl", "spent": "0.09", "reserved": "0.00", "unknown_calls": 0});
    assert_eq!(by_model, json!({ "usage": [sum] }));
    let csv = desk.run(&["usage", "--csv"]);
    csv.silent();
    let csv = csv.text();
    assert!(
        csv.ends_with("\r\n'=1+1,0.045,0.00,0\r\nada,0.045,0.00,0\r\n"),
        "{csv}"
    );
}
