use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config::{MicroDollars, Window, table};

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

/// Every method, over these values.
fn all(values: Values) -> ConfigBuilder {
    let minute = Duration::from_secs(60);
    let networks: [IpNet; 2] = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
    ConfigBuilder::from(values)
        .listen(([127, 0, 0, 1], 0).into())
        .data_dir("/var/lib/pictures")
        .public_url(&url("https://images.example.com"))
        .role(Role::All)
        .tasks(&url("postgres://u:p@db.example.com:5432/refine"))
        .tasks_listen_url(&url("postgres://u:p@db.example.com:5433/refine"))
        .queue(&url("pubsub://project/topic"))
        .pubsub_endpoint(&url("http://127.0.0.1:8085"))
        .pubsub_subscription("workers")
        .pubsub_audience("audience")
        .pubsub_service_account("push@example.com")
        .pubsub_jwks_url(&url("https://issuer.example/certs"))
        .images(&url("s3://bucket/prefix"))
        .model(Model::local())
        .model_original(Original::Url)
        .model_memory(64 << 20)
        .model_memory_total(128 << 20)
        .image_memory(256 << 20)
        .rate_limit(Some(Quota {
            limit: 20,
            window: Window::Day,
        }))
        .budget(Some(Budget {
            limit: MicroDollars(5_000_000),
            window: Window::Month,
        }))
        .plans([("pro", Plan::new().rate_limit(None).active_tasks(5))])
        .plan("pro")
        .plan_claim("app_metadata.plan")
        .auth(&Authentication::Secret("s".repeat(32)))
        .auth(&Authentication::Jwks(url("https://issuer.example/keys")))
        .jwt_audience("audience")
        .jwt_issuer("issuer")
        .trusted_proxies(networks)
        .cors_origins([url("https://app.example.com")])
        .allow_sources([Allowed::Network(networks[0])])
        .contact("https://refine.example/contact")
        .strip_originals(false)
        .mark_images(false)
        .verify(false)
        .allow_webhooks([
            Allowed::Host(url::Host::Domain("hooks.internal".to_owned()), Some(8080)),
            Allowed::Host(url::Host::Ipv6("fd00::1".parse().unwrap()), Some(80)),
        ])
        .webhook_secret(["new", "old"])
        .ca_file(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/certificates/authority.pem"
        ))
        .concurrency(8)
        .lease(minute)
        .max_backlog(100)
        .max_image_bytes(1 << 20)
        .max_image_pixels(1_000_000)
        .download_timeout(minute)
        .model_timeout(minute)
        .model_repeat(Repeat::Never)
        .task_timeout(5 * minute)
        .image_url_ttl(minute)
        .active_tasks(2)
        .uploads(10)
        .upload_bytes(10 << 20)
        .max_store(1 << 30)
        .retention(Some(60 * minute))
        .anonymous_retention(None)
        .collect_interval(minute)
        .confirm_clock(UNIX_EPOCH + Duration::from_secs(1_795_176_000))
        .metrics_listen(([127, 0, 0, 1], 0).into())
        .admin_listen(([127, 0, 0, 1], 0).into(), "a-token-of-an-operator")
        .admin_tokens([("ada", "a-token-of-ada-for-tests")])
        .admin_read_token("a-token-of-a-reader-...")
}

#[test]
fn every_setting_has_a_method() {
    // What is set for a model is set with it. The log is the program's own.
    let elsewhere = [
        "model-url",
        "model-api-key",
        "model-name",
        "model-input",
        "model-mask",
        "model-seed",
        "model-workflow",
        "model-price",
        "log-format",
    ];
    let builder = all(Values::default());
    let missing: BTreeSet<_> = table::SETTINGS
        .iter()
        .filter(|setting| builder.values.get(setting.name).is_none())
        .map(|setting| setting.name)
        .collect();
    assert_eq!(missing, BTreeSet::from(elsewhere));
}

#[test]
fn what_it_writes_can_be_read() {
    let config = all(Values::new()).build().unwrap();
    assert_eq!(config.lease, Duration::from_secs(60));
    assert_eq!(config.confirmed_day.as_deref(), Some("2026-11-20"));
    assert_eq!(config.retention, Some(Duration::from_secs(3600)));
    assert_eq!(config.values.get("budget"), Some("5.00 USD/month"));
    let plans = r#"{"pro":{"active_tasks":"5","rate_limit":"unlimited"}}"#;
    assert_eq!(config.values.plans.json().as_deref(), Some(plans));
    assert_eq!(config.anonymous_retention, None);
    assert!(config.allowed_webhooks.allows_host("hooks.internal", 8080));
    assert!(config.allowed_webhooks.allows_host("[fd00::1]", 80));
    assert!(!config.allowed_webhooks.allows_host("hooks.internal", 80));
}

#[test]
fn a_model_has_what_is_set_for_it() {
    let openai = |key: &str| Model::provider(ModelProvider::OpenAi).api_key(key);
    let own = Model::component("own.wasm").setting("strength", "3");
    let model = Model::fallback([
        openai("one").named("first"),
        Model::cache(
            openai("two")
                .price(MicroDollars(60_000))
                .url(&url("https://proxy.example")),
        ),
        own,
    ]);
    assert_eq!(
        format!("{model:?}"),
        "Model(fallback(first=openai, cache(openai), ./own.wasm))"
    );
    let config = Config::builder().model(model).build().unwrap();
    let settings: Vec<_> = config
        .model
        .links()
        .into_iter()
        .map(|link| {
            let get = |name: &str| link.settings.0.get(name).cloned().unwrap_or_default();
            (
                link.name.clone(),
                [get("model-api-key"), get("model-strength")],
            )
        })
        .collect();
    let of = |name: &str, key: &str, strength: &str| {
        (name.to_owned(), [key.to_owned(), strength.to_owned()])
    };
    assert_eq!(
        config.model.prices(),
        BTreeMap::from([("openai".to_owned(), MicroDollars(60_000))])
    );
    assert_eq!(
        settings,
        [
            of("fallback", "", ""),
            of("first", "one", ""),
            of("cache", "", ""),
            of("openai", "two", ""),
            of("own", "", "3"),
        ]
    );
}

#[test]
fn every_provider_that_ships_can_be_chosen() {
    for provider in ModelProvider::ALL {
        let name = provider.profile().name;
        let model = Model::provider(*provider)
            .api_key("k")
            .workflow("/dev/null");
        let error = Config::builder().model(model).build().err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(!error.starts_with("model: "), "{name}: {error}");
    }
}

#[test]
fn a_secret_is_not_read_as_two() {
    let error = Config::builder().webhook_secret(["a,b"]).build();
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("webhook_secret: "), "{error}");
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text_is_told() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let path = Path::new(OsStr::from_bytes(b"pictures-\xff"));
    for (name, builder) in [
        ("data_dir", Config::builder().data_dir(path)),
        ("model", Config::builder().model(Model::component(path))),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{name}: must be UTF-8")),
            "{error}"
        );
    }
}
