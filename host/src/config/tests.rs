use super::*;

fn with(name: &'static str, value: &str) -> Result<Config, ConfigError> {
    let mut values = Values::new();
    values.set(table::find(name).unwrap(), value);
    Config::new(values)
}

#[test]
fn the_defaults_are_usable() {
    let config = Config::new(Values::new()).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.lease, Duration::from_secs(30));
    assert_eq!(config.model.component, ModelChoice::Local);
    assert_eq!(config.retention, None);
    assert_eq!(config.metrics_listen, None);
}

#[test]
fn a_retention_is_a_duration_or_off() {
    for (value, expected) in [
        ("off", None),
        (" off ", None),
        ("1s", Some(Duration::from_secs(1))),
        ("30d", Some(Duration::from_secs(30 * 24 * 60 * 60))),
        ("36500d", Some(Duration::from_secs(36_500 * 24 * 60 * 60))),
    ] {
        let retention = with("retention", value).unwrap().retention;
        assert_eq!(retention, expected, "{value}");
    }
    for value in ["30", "999ms"] {
        let error = with("retention", value).unwrap_err().to_string();
        assert!(error.ends_with("or off"), "{error}");
    }
}

/// It counts as soon as the other source is gone.
#[test]
fn a_value_that_another_source_replaces_has_to_be_usable_too() {
    let read = |file: &str, variable: &str, flag: &str| {
        let mut values = Values::new();
        values.set_from_toml("f.toml", file).unwrap();
        let variable = variable.split_once('=');
        let variable = variable.map(|(name, value)| (name.to_owned(), value.to_owned()));
        values.set_from_variables(variable);
        if let Some((name, value)) = flag.split_once('=') {
            values.set_named(table::find(name).unwrap(), value, Some(format!("--{name}")));
        }
        Config::new(values).err().map(|error| error.to_string())
    };
    let lease = "must be a whole number with a unit, such as 500ms, 30s, 5m, 1h or 7d";
    let (in_file, in_variable) = (Some("f.toml:1: lease"), Some("REFINEMENT_LEASE"));
    let small = "model_memory_total = '512MiB'";
    for (file, variable, flag, expected) in [
        ("lease = 'abc'", "", "lease=10s", in_file),
        ("lease = 'abc'", "REFINEMENT_LEASE=10s", "", in_file),
        ("", "REFINEMENT_LEASE=abc", "lease=10s", in_variable),
        ("lease = '20s'", "REFINEMENT_LEASE=15s", "lease=10s", None),
        // What only does not fit the others is no fault of its own.
        ("role = 'worker'", "", "role=all", None),
        ("auth = 'jwks'", "", "auth=anonymous", None),
        (small, "", "model-memory-total=2GiB", None),
    ] {
        let error = read(file, variable, flag);
        let expected = expected.map(|place| format!("{place}: {lease}"));
        assert_eq!(error, expected, "{file} {variable} {flag}");
    }
}

#[test]
fn an_unusable_value_is_named() {
    for (name, value) in [
        ("listen", "8080"),
        ("listen", "localhost"),
        ("data-dir", ""),
        ("data-dir", "postgres://host/db"),
        ("public-url", "images.example.com"),
        ("public-url", "https://example.com/images"),
        ("public-url", "ftp://example.com"),
        ("role", "boss"),
        ("tasks", "mysql://x"),
        ("tasks-listen-url", "mysql://x"),
        ("queue", "carrier-pigeon"),
        ("role", "api"),
        ("role", "worker"),
        ("pubsub-endpoint", "localhost:8085"),
        ("pubsub-endpoint", "https://user:password@host"),
        ("pubsub-subscription", ""),
        ("pubsub-audience", " "),
        ("pubsub-service-account", ""),
        ("pubsub-jwks-url", "http://keys.example/certs"),
        ("images", "tape"),
        ("model", "dall-e"),
        ("model-url", "nowhere"),
        ("model-url", "http://host:99999/"),
        ("model-url", "ftp://host/"),
        ("model-url", "ftp://host:1/"),
        ("model-url", "http://host/?a=b"),
        ("model-url", "http://host/#b"),
        ("jwt-audience", ""),
        ("jwt-issuer", " "),
        ("concurrency", "10000"),
        ("model-memory", "1"),
        ("model-memory", "5GiB"),
        ("model-memory-total", "1023MiB"),
        ("image-memory", "127MiB"),
        ("rate-limit", "ten/month"),
        ("rate-limit", "10/fortnight"),
        ("auth", "none"),
        ("auth", "secret"),
        ("auth", "jwks"),
        ("jwt-secret", "short"),
        ("jwks-url", ""),
        ("jwks-url", "issuer.example/jwks.json"),
        ("jwks-url", "ftp://issuer.example/jwks.json"),
        ("jwks-url", "http://issuer.example/jwks.json"),
        ("jwks-url", "http://10.0.0.1/jwks.json"),
        ("jwks-url", "http://localhost.example/jwks.json"),
        ("jwks-url", "https://a:b@issuer.example/jwks.json"),
        ("trusted-proxies", "proxy.example"),
        ("trusted-proxies", "10.0.0.0/33"),
        ("trusted-proxies", "10.0.0.1:80"),
        ("cors-origins", "*"),
        ("cors-origins", "null"),
        ("cors-origins", "app.example"),
        ("cors-origins", "https://app.example/path"),
        ("allow-sources", "10.0.0.0/99"),
        ("contact", ""),
        ("contact", "the operator"),
        ("allow-webhooks", "*.example.com"),
        ("webhook-secret", ""),
        ("webhook-secret", "new,"),
        ("webhook-secret", "new,old,older"),
        ("ca-file", ""),
        ("ca-file", "no/such/file.pem"),
        ("ca-file", "Cargo.toml"),
        ("concurrency", "0"),
        ("concurrency", "-1"),
        ("lease", "30"),
        ("lease", "0s"),
        ("max-backlog", "many"),
        ("max-image-bytes", "20 MB"),
        ("max-image-bytes", "1GiB"),
        ("max-image-pixels", "0"),
        ("download-timeout", "0s"),
        ("model-timeout", "soon"),
        ("task-timeout", "5 minutes"),
        ("image-url-ttl", "1s"),
        ("active-tasks", "0"),
        ("active-tasks", "1001"),
        ("budget", ""),
        ("budget", "5"),
        ("budget", "5 EUR/month"),
        ("plan", "gold"),
        ("plan-claim", ""),
        ("plan-claim", "sub"),
        ("model-price", "6 cents"),
        ("model-price", "-1"),
        ("model-price", "0.0000001"),
        ("uploads", "few"),
        ("retention", ""),
        ("retention", "30"),
        ("retention", "0s"),
        ("retention", "999ms"),
        ("retention", "36501d"),
        ("retention", "never"),
        ("metrics-listen", ""),
        ("metrics-listen", "on"),
        ("metrics-listen", "9464"),
        ("admin-listen", "9465"),
        ("admin-listen", "127.0.0.1:9465"),
        ("admin-token", "guessable"),
        ("admin-tokens", "ada:guessable"),
        ("admin-read-token", ""),
        ("log-format", "xml"),
    ] {
        let error = with(name, value).expect_err(value).to_string();
        let named = match (name, value) {
            ("auth", "secret") => "jwt-secret is required with auth \"secret\"".to_owned(),
            ("auth", "jwks") => "jwks-url is required with auth \"jwks\"".to_owned(),
            ("admin-listen", "127.0.0.1:9465") => {
                "admin-token is required with admin-listen".to_owned()
            }
            _ => name.replace('-', "_"),
        };
        assert!(error.starts_with(&named), "{name}={value}: {error}");
    }
}

#[test]
fn a_database_has_either_scheme() {
    for scheme in ["postgres", "postgresql"] {
        for name in ["tasks", "tasks-listen-url"] {
            let url = format!("{scheme}://u:p@host/db");
            assert!(with(name, &url).is_ok(), "{name}: {url}");
        }
    }
}

#[test]
fn keys_may_come_by_https_or_from_this_machine() {
    for url in [
        "https://issuer.example/.well-known/jwks.json",
        "https://10.0.0.1:8443/keys?v=1",
        "http://127.0.0.1:8000/keys",
        "http://[::1]/keys",
        "http://localhost:8000/keys",
    ] {
        let config = with("jwks-url", url).unwrap();
        assert_eq!(config.jwks_url.unwrap().as_str(), url);
    }
}

#[test]
fn a_budget_without_a_price_is_warned_of() {
    let config = with("budget", "5 USD/day").unwrap();
    let warnings = config.warnings();
    assert!(matches!(warnings.as_slice(), [one] if one.starts_with("there is a budget")));
}

#[test]
fn what_needs_another_auth_has_no_effect() {
    let secret = format!("jwt_secret = '{}'", "s".repeat(32));
    let keys = "jwks_url = 'https://issuer.example/keys'";
    let kept = "anonymous_retention = '1d'";
    for (auth, expected) in [
        ("anonymous", ["f.toml:2: jwt_secret", "f.toml:3: jwks_url"]),
        (
            "secret",
            ["f.toml:3: jwks_url", "f.toml:4: anonymous_retention"],
        ),
        (
            "jwks",
            ["f.toml:2: jwt_secret", "f.toml:4: anonymous_retention"],
        ),
    ] {
        let mut values = Values::new();
        let file = format!("auth = '{auth}'\n{secret}\n{keys}\n{kept}");
        values.set_from_toml("f.toml", &file).unwrap();
        let expected = expected.map(|name| format!("{name} has no effect: auth is {auth}"));
        assert_eq!(Config::new(values).unwrap().warnings(), expected);
    }
    for (name, value) in [("auth", "anonymous"), ("jwt-audience", "a")] {
        let config = with(name, value).unwrap();
        assert_eq!(config.warnings(), [""; 0], "{name}");
    }
}

#[test]
fn lists_of_who_may_do_what() {
    let config = with("trusted-proxies", " 10.0.0.0/8,192.0.2.1, 2001:db8::/32 ").unwrap();
    for (address, is_trusted) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("11.1.2.3", false),
        ("192.0.2.1", true),
        ("192.0.2.2", false),
        ("2001:db8::1", true),
        ("127.0.0.1", false),
    ] {
        let trusted = config.trusted_proxies.contains(address.parse().unwrap());
        assert_eq!(trusted, is_trusted, "{address}");
    }
    let origins = "https://App.example:443, http://localhost:3000/";
    let config = with("cors-origins", origins).unwrap();
    let expected = ["https://app.example", "http://localhost:3000"];
    assert_eq!(config.cors_origins, expected);
}

#[test]
fn every_setting_is_read_by_its_three_names() {
    let setting = table::find("max-image-bytes").unwrap();
    assert_eq!(setting.variable(), "REFINEMENT_MAX_IMAGE_BYTES");
    assert_eq!(setting.file_key(), "max_image_bytes");
}

#[test]
fn pushes_are_for_workers_of_pubsub() {
    let queue = ("queue", "pubsub://project/topic");
    let [tasks, images] = [
        ("tasks", "postgres://host/db"),
        ("images", "s3://bucket/prefix"),
    ];
    let of_role = |role| vec![tasks, images, queue, ("role", role)];
    for (name, settings, is_pushed) in [
        ("another queue", vec![], false),
        ("all", vec![queue], true),
        ("api", of_role("api"), false),
        ("worker", of_role("worker"), true),
    ] {
        let mut values = Values::new();
        for (name, value) in settings {
            values.set(table::find(name).unwrap(), value);
        }
        let reader = Reader(&values);
        let role = role::read(&reader).unwrap();
        let push = push::read(&reader, role).unwrap();
        assert_eq!(push.is_some(), is_pushed, "{name}");
        assert_eq!(role.works(), name != "api", "{name}");
        assert_eq!(role.serves_api(), name != "worker", "{name}");
    }
}
