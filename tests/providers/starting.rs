//! With which settings a provider's model starts, and with which not.

use concept_refinement_domain::provider::Provider;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::stand_in::{ALL, KeyRule};

use crate::pairs::{image, refined};

#[test]
fn a_missing_or_unusable_key_stops_the_start() {
    for stand_in in ALL {
        let label = stand_in.label();
        let stops = |launch: &Launch, expected: &str| {
            let ended = launch.run();
            assert!(!ended.status.success(), "{label}");
            assert!(ended.log.contains(expected), "{label}: {}", ended.log);
            assert!(!ended.log.contains("hush"), "{label}: {}", ended.log);
        };
        let missing = format!("model {:?} needs model-api-key", stand_in.model());
        let without_key = stand_in.launch_without_key();
        let elsewhere = without_key.clone().set("model-url", "http://127.0.0.1:9");
        if stand_in.key_rule() != KeyRule::Nowhere {
            stops(&without_key, &missing);
        }
        if stand_in.key_rule() == KeyRule::Everywhere {
            stops(&elsewhere, &missing);
        }
        let two_lines = without_key.variable("REFINEMENT_MODEL_API_KEY", "hush\nhush");
        stops(
            &two_lines,
            "REFINEMENT_MODEL_API_KEY: must be one line of visible ASCII characters",
        );
    }
}

#[test]
fn the_providers_own_urls_are_the_default() {
    for stand_in in ALL {
        let launch = stand_in.launch_without_key();
        if stand_in.key_rule() == KeyRule::Nowhere {
            drop(launch.start());
        }
        // For a server of Cog's this is Replicate.
        let service = launch.variable("REFINEMENT_MODEL_API_KEY", stand_in.key());
        drop(service.start());
    }
}

/// Servers elsewhere have models of their own.
#[test]
fn a_model_whose_end_was_announced_is_told_of_at_the_start() {
    for provider in Provider::ALL {
        for (model, day) in provider.profile().ends {
            let launch = Launch::new()
                .set("model", provider.profile().name)
                .set("model-name", model)
                .variable("REFINEMENT_MODEL_API_KEY", "hush");
            let told = [format!("model=\"{model}\""), format!("day=\"{day}\"")];
            let tells = |launch: &Launch| {
                let log = launch.start().stop().log;
                let mut lines = log
                    .lines()
                    .filter(|line| line.contains("shuts this model down"));
                lines.any(|line| {
                    line.contains("WARN") && told.iter().all(|part| line.contains(part))
                })
            };
            assert!(tells(&launch), "{model}");
            let elsewhere = launch.elsewhere().set("model-url", "http://127.0.0.1:9");
            assert!(!tells(&elsewhere), "{model}");
        }
    }
}

/// A server at home that speaks a provider's language.
#[tokio::test]
async fn a_compatible_server_needs_no_key() {
    let picture = pictures::png(20, 20);
    let at_home = ALL.iter().filter(|stand_in| {
        stand_in.answers_at_once() && stand_in.key_rule() != KeyRule::Everywhere
    });
    for stand_in in at_home {
        let provider = provider::Provider::start();
        let prompt = provider.prompt([stand_in.success(&provider, &picture)]);
        let service = stand_in
            .launch_without_key()
            .set("model-url", &format!("{}/gpu/1/", provider.url()))
            .start();
        let (client, task) = refined(&service, &prompt).await;
        assert!(image(&client, &task).await == marked(&picture));
        let asked = &provider.asked(&prompt)[0];
        let (_, path) = stand_in.request_line(task["task_id"].as_str().unwrap());
        assert_eq!(asked.path, format!("/gpu/1{path}"));
        assert_eq!(asked.header(stand_in.credentials().0), None);
    }
}
