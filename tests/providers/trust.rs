//! A provider whose certificate a private authority has signed.

use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::stand_in::StandIn as _;
use concept_refinement_tests::stand_in::openai::{self, OpenAi};
use concept_refinement_tests::tls::{self, TlsPort};

use crate::pairs::refined;

#[tokio::test]
async fn the_authority_of_the_operator_is_trusted_for_providers() {
    let provider = Provider::start();
    let encrypted = TlsPort::before(provider.authority().parse().unwrap());
    let url = format!("https://localhost:{}", encrypted.port());
    let launch = || OpenAi.launch(&url);
    let authority = tls::file("authority.pem").display().to_string();
    for (name, launch, expected) in [
        (
            "the setting",
            launch().set("ca-file", &authority),
            "completed",
        ),
        (
            "the system's",
            launch().variable("SSL_CERT_FILE", &authority),
            "completed",
        ),
        ("neither", launch(), "failed"),
    ] {
        let service = tokio::task::spawn_blocking(move || launch.start());
        let prompt = provider.prompt([openai::answer(&pictures::png(8, 8))]);
        let (_, task) = refined(&service.await.unwrap(), &prompt).await;
        assert_eq!(task["status"], expected, "{name}: {task}");
        let asked = usize::from(expected == "completed");
        assert_eq!(provider.times(&prompt), asked, "{name}");
    }
}
