//! The drill of a backup, run by a shell.

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::png;
use concept_refinement_tests::port::free_port;
use concept_refinement_tests::service::Launch;
use reqwest::Method;

use crate::docs::shell::{lines, shell};

#[tokio::test(flavor = "multi_thread")]
async fn the_drill_is_passed_as_printed() {
    let launch = Launch::new();
    let service = launch.start();
    let anybody = Client::new(service.url());
    let session = anybody.send(Method::POST, "/api/auth/session", "").await;
    let session = session.json();
    let token = session["access_token"].as_str().unwrap();
    let client = anybody.bearer(token);
    let upload = client.uploaded(&png(64, 48)).await;
    client.completed(&upload, "make it lighter").await;
    let place = tempfile::tempdir().unwrap();
    // As curl keeps them.
    let session = format!("127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t{token}\n");
    std::fs::write(place.path().join("session.txt"), session).unwrap();
    let port = free_port().to_string();
    let note = "<!-- the tests run these lines, with another API";
    let lines = lines("docs/durability.md", note).replace("8099", &port);
    // Nothing is compiled once more.
    let restored = "concept-refinement restore --data-dir drill/data drill/backup\n";
    let linked = format!("{restored}ln -s \"$COMPILED\" drill/data/compiled\n");
    assert!(lines.contains(restored), "{lines}");
    let lines = lines.replace(restored, &linked);
    // Its service does not outlive it, whatever fails.
    let lines = format!("trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n{lines}");
    let ended = tokio::task::spawn_blocking({
        let mut shell = shell(&lines, place.path());
        shell
            .env("API", service.url())
            .env("DATA", launch.data())
            .env("COMPILED", artifacts::compiled());
        move || shell.output().unwrap()
    });
    let ended = ended.await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{ended:?}");
    for expected in [
        "backed up 1 tasks, 1 concepts, 2 images (",
        "restored 1 tasks, 1 concepts, 2 images (",
        "The drill is passed.",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    assert!(!place.path().join("drill").exists());
    assert!(service.stop().status.success());
}
