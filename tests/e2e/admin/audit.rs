//! Who did what, why, and to how many.

use concept_refinement_tests::client::Client;

use super::{act, entries};
use crate::shared::scripted_launch;

#[tokio::test]
async fn an_operator_with_a_token_of_their_own_is_named() {
    const ADA: &str = "a-token-of-ada-for-tests-only";
    const BOB: &str = "a:token:of:bob:for:tests:only";
    let service = scripted_launch()
        .set("admin-listen", "127.0.0.1:0")
        .variable("REFINEMENT_ADMIN_TOKENS", &format!("ada:{ADA}, bob:{BOB}"))
        .start();
    let door = service.admin().await;
    let ada = Client::operator(&door, ADA);
    // Only the socket believes who somebody was before.
    let bob = Client::operator(&door, BOB).with("concept-refinement-sudo-user", "eve");
    assert_eq!(act(&ada, "queue/pause", "a look").await.status, 200);
    assert_eq!(act(&bob, "queue/resume", "enough").await.status, 200);
    for token in [format!("ada:{ADA}").as_str(), "ada", "token"] {
        let nobody = Client::operator(&door, token);
        assert_eq!(nobody.get("/admin/v1/queue").await.status, 401, "{token}");
    }
    let audit = entries(&ada, |_| true).await;
    let actors: Vec<_> = audit.iter().map(|entry| &entry["actor"]).collect();
    assert_eq!(actors, ["bob", "ada"]);
    let log = service.stop().log;
    assert!(!log.contains(ADA) && !log.contains(BOB), "{log}");
    for line in ["an operator paused the queue", "actor=\"ada\""] {
        assert!(log.contains(line), "{log}");
    }
}
