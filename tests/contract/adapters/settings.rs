//! The promises of `settings`, which only adapters export: a host answers it
//! from its own configuration.

use std::sync::Arc;

use super::{Adapted, Platform, clock};

pub async fn what_is_configured_is_answered_by_its_name<P: Platform>() {
    let settings = vec![
        ("rate-limit", "10/month".to_owned()),
        ("public-url", "https://example.org".to_owned()),
        ("jwt-audience", String::new()),
    ];
    let adapted = Adapted::on(Arc::new(P::empty()), settings, clock());
    let setting = async |name: &str| adapted.instances.setting(name).await;
    assert_eq!(setting("rate-limit").await.as_deref(), Some("10/month"));
    let public_url = setting("public-url").await;
    assert_eq!(public_url.as_deref(), Some("https://example.org"));
    assert_eq!(setting("jwt-audience").await, None, "empty is not set");
    for name in [
        "auth",
        "no-such-setting",
        "RATE-LIMIT",
        "",
        "a b",
        "=",
        "\0",
    ] {
        assert_eq!(setting(name).await, None, "{name:?}");
    }
}

/// Whoever signs a token and whoever verifies it are two instances, perhaps of
/// two processes.
pub async fn all_instances_have_the_same_secret<P: Platform>() {
    let platform = Arc::new(P::empty());
    let mut secrets = Vec::new();
    for _ in 0..2 {
        let adapted = Adapted::on(Arc::clone(&platform), Vec::new(), clock());
        let drawn = crate::tasks::at_once(30, |_| {
            let instances = Arc::clone(&adapted.instances);
            async move { instances.setting("jwt-secret").await }
        });
        secrets.extend(drawn.await);
    }
    let secret = secrets[0].clone().expect("sessions are anonymous");
    assert!(secret.len() >= 32, "{} characters", secret.len());
    assert!(secrets.iter().all(|other| other.as_ref() == Some(&secret)));
    let other = Adapted::on(Arc::new(P::empty()), Vec::new(), clock());
    let other = other.instances.setting("jwt-secret").await;
    assert_ne!(other, Some(secret), "each store draws its own");
}

pub async fn a_secret_that_is_configured_counts<P: Platform>() {
    let configured = |name, value: &str| vec![("auth", "secret".to_owned()), (name, value.into())];
    let with = |settings| Adapted::on(Arc::new(P::empty()), settings, clock());
    let adapted = with(configured("jwt-secret", "of the operator"));
    let secret = adapted.instances.setting("jwt-secret").await;
    assert_eq!(secret.as_deref(), Some("of the operator"));
    let adapted = with(configured("jwt-issuer", "of the operator"));
    let secret = adapted.instances.setting("jwt-secret").await;
    assert_eq!(secret, None, "nothing is drawn for tokens of others");
}
