//! The model from settings: what its links are told, and what is refused.

use concept_refinement_domain::money::MicroDollars;
use concept_refinement_runtime::egress::Origin;

use crate::config::{Config, Values, table};

/// Test helper: the base URL for the components and the granted origin, or
/// the error.
fn configured(settings: &[(&str, &str)]) -> Result<(Option<String>, Option<String>), String> {
    let mut values = Values::new();
    for (name, value) in settings {
        values.set(table::find(name).unwrap(), *value);
    }
    let config = Config::new(values).map_err(|error| error.to_string())?;
    let model = config.model;
    let origin = model.origin.as_ref().map(|origin| {
        let Origin { scheme, host, port } = origin;
        format!("{scheme}://{host}:{port}")
    });
    Ok((model.url().map(str::to_owned), origin))
}

#[test]
fn a_provider_is_where_it_is_by_default_or_as_set() {
    let key = ("model-api-key", "k");
    for (settings, url, origin) in [
        (&[][..], None, None),
        (
            &[("model", "jigsawstack"), key],
            Some("https://api.jigsawstack.com/"),
            Some("https://api.jigsawstack.com:443"),
        ),
        (
            &[("model", "openai"), key],
            Some("https://api.openai.com/"),
            Some("https://api.openai.com:443"),
        ),
        (
            &[("model", "openai"), ("model-url", "http://GPU.lan:8000/x")],
            Some("http://gpu.lan:8000/x"),
            Some("http://gpu.lan:8000"),
        ),
        (
            &[("model", "automatic1111")],
            Some("http://127.0.0.1:7860/"),
            Some("http://127.0.0.1:7860"),
        ),
        (
            &[
                ("model", "./mine.wasm"),
                ("model-url", "https://bücher.example"),
            ],
            Some("https://xn--bcher-kva.example/"),
            Some("https://xn--bcher-kva.example:443"),
        ),
    ] {
        let expected = (url.map(str::to_owned), origin.map(str::to_owned));
        assert_eq!(configured(settings), Ok(expected), "{settings:?}");
    }
}

/// A chain, and what is set for its links by the file and by variables.
fn chain(model: &str, file: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let mut values = Values::new();
    values.set(table::find("model").unwrap(), model);
    let read = values.set_from_toml("refinement.toml", file);
    read.map_err(|error| error.to_string())?;
    let variables = variables.iter().map(|(name, value)| {
        let name = format!("REFINEMENT_{name}");
        (name, (*value).to_owned())
    });
    values.set_from_variables(variables);
    Config::new(values).map_err(|error| error.to_string())
}

#[test]
fn each_link_has_settings_of_its_own() {
    let config = chain(
        "cache(fallback(openai, automatic1111, ./my-model.wasm))",
        "model_original = 'url'\n\
         [models.openai]\napi_key = 'k1'\nname = 'm'\noriginal = 'bytes'\n\
         [models.my-model]\nurl = 'http://GPU.lan:8000/x'\nstyle = 'oil'\n\
         [models.jigsawstack]\napi_key = 'unused'",
        &[
            ("MODELS_OPENAI_API_KEY", "k2"),
            ("MODELS_MY_MODEL_MAX_STEPS", "30"),
            ("MODELS_OPENAI_PORT", "tcp://10.0.0.1"),
            ("MODELS_OPENAY_URL", "http://nowhere"),
            ("MODELS_STABILITY", ""),
        ],
    )
    .unwrap();
    let links = config.model.links();
    let told: Vec<_> = links
        .iter()
        .map(|link| {
            let settings = link.settings.0.iter();
            let settings = settings.map(|(name, value)| format!("{name}={value}"));
            (link.name.as_str(), settings.collect::<Vec<_>>().join(" "))
        })
        .collect();
    let expected = [
        ("cache", "model-original=url"),
        ("fallback", "model-original=url"),
        (
            "openai",
            "model-api-key=k2 model-name=m model-original=bytes model-url=https://api.openai.com/",
        ),
        (
            "automatic1111",
            "model-original=url model-url=http://127.0.0.1:7860/",
        ),
        (
            "my-model",
            "model-max-steps=30 model-original=url model-style=oil model-url=http://gpu.lan:8000/x",
        ),
    ];
    let expected = expected.map(|(name, settings)| (name, settings.to_owned()));
    assert_eq!(told, expected);
    let text = "cache(fallback(openai, automatic1111, my-model))";
    assert_eq!(config.model.text, text);
    assert_eq!(config.model.depth(), 3);
    assert_eq!(config.model.origins().len(), 3);
    let unknown = config.unknown_variables();
    for name in ["OPENAI_PORT", "OPENAY_URL"] {
        let name = format!("REFINEMENT_MODELS_{name}");
        assert!(unknown.contains(&name), "{unknown:?}");
    }
    let shown = format!("{config:?}");
    assert!(!shown.contains("k1") && !shown.contains("k2"), "{shown}");
}

#[test]
fn links_go_by_the_names_that_they_are_given() {
    let text = "fallback(cache(fast=openai), cache(good=openai), fallback(local, local))";
    let file = "[models.fast]\napi_key = 'k1'\n[models.good]\napi_key = 'k2'\nname = 'm'";
    let variables = [("MODELS_FAST_URL", "http://gpu.lan/")];
    let config = chain(text, file, &variables).unwrap();
    let links = config.model.links();
    let named = |name: &str| {
        let link = links.iter().find(|link| link.name == name);
        &link.unwrap().settings.0
    };
    assert_eq!(named("fast")["model-api-key"], "k1");
    assert_eq!(named("fast")["model-url"], "http://gpu.lan/");
    assert_eq!(named("good")["model-api-key"], "k2");
    assert_eq!(named("good")["model-url"], "https://api.openai.com/");
    assert_eq!(named("local"), named("local-2"));
    assert!(links.iter().any(|link| link.name == "cache-2"));
    assert_eq!(config.model.text, text);
}

#[test]
fn a_model_that_stands_alone_may_be_set_by_its_name() {
    let file = "[models.openai]\nurl = 'http://a/'\napi_key = 'k'";
    let config = chain("openai", file, &[("MODEL_URL", "http://b/")]).unwrap();
    assert_eq!(config.model.url(), Some("http://b/"));
    assert_eq!(config.model.settings.0["model-api-key"], "k");
}

/// Of servers elsewhere nothing is known.
#[test]
fn the_end_of_a_model_is_known_where_its_provider_has_announced_it() {
    let key = "[models.openai]\napi_key = 'k'";
    let (old, end) = (format!("{key}\nname = 'gpt-image-1.5'"), "2026-12-01");
    for (model, file, expected) in [
        ("openai", key, None),
        ("local", "", None),
        ("openai", &old, Some(("openai", "gpt-image-1.5", end))),
        ("openai", &format!("{old}\nurl = 'http://gpu.lan'"), None),
        (
            "cache(fallback(local, fast=openai))",
            "[models.fast]\napi_key = 'k'\nname = 'chatgpt-image-latest'",
            Some(("fast", "chatgpt-image-latest", end)),
        ),
    ] {
        let config = chain(model, file, &[]).unwrap();
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(config.model.ending_models(), expected, "{model}: {file}");
    }
}

#[test]
fn a_providers_domain_is_granted_where_it_is_asked_itself() {
    let key = "[models.bfl]\napi_key = 'k'";
    for (url, expected) in [
        ("", Some("bfl.ai")),
        ("url = 'https://API.bfl.ai:443/x'", Some("bfl.ai")),
        ("url = 'https://api.eu.bfl.ai'", None),
        ("url = 'http://api.bfl.ai'", None),
    ] {
        let config = chain("bfl", &format!("{key}\n{url}"), &[]).unwrap();
        assert_eq!(config.model.domain(), expected, "{url}");
    }
    assert_eq!(chain("local", "", &[]).unwrap().model.domain(), None);
}

#[test]
fn a_price_is_of_a_link_and_the_component_is_not_told() {
    let chained = "fallback(openai, local, ./mine.wasm)";
    let key = "[models.openai]\napi_key = 'k'\n";
    let both = "model_price = 1\n[models.local]\nprice = 2";
    let differing = format!("{key}price = '0.06'\n[models.mine]\nprice = 0.0455");
    let openai = ("openai", 60_000);
    let alike = format!("{key}price = 1\n[models.local]\nprice = '1.0'\n[models.mine]\nprice = 1");
    let alike_prices = ["local", "mine", "openai"].map(|link| (link, 1_000_000));
    let (local, free) = ([("local", 60_000)], [("local", 0)]);
    let pair = "fallback(cheap=local, dear=local)";
    let named = "[models.cheap]\nprice = '0.01'\n[models.dear]\nprice = '0.02'";
    let named_prices = [("cheap", 10_000), ("dear", 20_000)];
    for (model, file, prices, dearest) in [
        ("local", "", &[][..], ""),
        ("local", "model_price = '0.06'", &local, "local"),
        ("local", "model_price = 0.06", &local, "local"),
        ("local", "model_price = 2", &[("local", 2_000_000)], "local"),
        ("local", both, &[("local", 1_000_000)], "local"),
        ("local", "[models.local]\nprice = 0", &free, "local"),
        (chained, key, &[], ""),
        (chained, &differing, &[("mine", 45_500), openai], "openai"),
        (chained, &alike, &alike_prices, "openai"),
        (pair, named, &named_prices, "dear"),
    ] {
        let config = chain(model, file, &[]).unwrap();
        let expected = prices.iter();
        let expected = expected.map(|(name, price)| ((*name).to_owned(), MicroDollars(*price)));
        assert_eq!(config.model.prices(), expected.collect(), "{model}: {file}");
        let found = config.model.dearest().map(|dearest| dearest.model);
        let dearest = Some(dearest.to_owned()).filter(|dearest| !dearest.is_empty());
        assert_eq!(found, dearest, "{model}: {file}");
        let links = config.model.links();
        let mut told = links.iter().flat_map(|link| link.settings.0.keys());
        assert!(!told.any(|name| name == "model-price"), "{model}: {file}");
    }
    let variables = [("MODELS_OPENAI_PRICE", "0.07")];
    let config = chain(chained, &format!("{key}price = '0.06'"), &variables).unwrap();
    assert_eq!(config.model.prices()["openai"], MicroDollars(70_000));
    assert_eq!(config.unknown_variables(), [""; 0]);
}

#[test]
fn what_may_cost_has_a_price_or_a_provider() {
    let chained = "fallback(openai, local, ./mine.wasm)";
    let key = "[models.openai]\napi_key = 'k'\n";
    for (model, file, paid) in [
        ("local", "", &[][..]),
        ("local", "model_price = 0", &["local"]),
        ("openai", key, &["openai"]),
        (chained, key, &["openai"]),
        (
            chained,
            &format!("{key}[models.mine]\nurl = 'http://gpu.lan'\n[models.local]\nprice = 1"),
            &["openai", "local", "mine"],
        ),
    ] {
        let config = chain(model, file, &[]).unwrap();
        assert_eq!(config.model.paid(), paid, "{model}: {file}");
    }
}

fn unknown_model() -> String {
    let names: Vec<_> = super::shipped_models().collect();
    let names = names.join(", ");
    format!("model: must be {names}, the path of a component or a chain of them, not \"dall-e\"")
}

#[test]
fn what_is_wrong_with_a_link_is_told() {
    let openai = "[models.openai]\napi_key = 'k'\n";
    let differ = |name: &str| {
        format!(
            "for which there are settings: give them names that differ, as in \
             fallback(one={name}, two={name})"
        )
    };
    let dollars = "must be dollars up to a million with at most 6 decimals, as 0.06, not";
    let address = "must be an http or https URL without user information, query and fragment";
    let ascii = "must be one line of visible ASCII characters";
    let text = "must be a string, a whole number or a list of strings";
    let one = "must not be set where model is jigsawstack, which has one";
    let no_model = "is that of a model, which a middleware is not";
    let opnai = "model has no link that is called opnai; did you mean openai?";
    let of_openai = ("fallback(openai)", "openai", "");
    let with_key = ("fallback(openai)", "openai", "api_key = 'k'\n");
    let jigsawstack = ("fallback(jigsawstack)", "jigsawstack", "api_key = 'k'\n");
    let fallback = ("fallback(local)", "fallback", "");
    let mine = ("./mine.wasm(local)", "mine", "");
    let unused = |link| ("local", link, "");
    let unknown = "fallback has no such setting";
    let original = "must be bytes or url, not \"both\"";
    let cheap = format!("{dollars} \"cheap\"");
    let small = format!("{dollars} \"0.0000001\"");
    // What is wrong with the last line of the file.
    for ((model, link, before), setting, value, expected) in [
        (of_openai, "api_key", "\"a\\nb\"", ascii),
        (of_openai, "url", "'nowhere'", address),
        (of_openai, "original", "'both'", original),
        (of_openai, "colour", "'red'", "openai has no such setting"),
        (jigsawstack, "name", "'x'", one),
        (fallback, "url", "'http://a/'", unknown),
        (with_key, "price", "'cheap'", &cheap),
        (with_key, "price", "0.0000001", &small),
        (with_key, "price", "true", text),
        (fallback, "price", "1", unknown),
        (mine, "price", "1", no_model),
        (
            unused("openai"),
            "nonsense",
            "1",
            "openai has no such setting",
        ),
        (unused("gemini"), "url", "'nonsense'", address),
        (unused("jigsawstack"), "name", "'x'", one),
        (unused("fallback"), "price", "1", unknown),
    ] {
        let file = format!("[models.{link}]\n{before}{setting} = {value}");
        let error = chain(model, &file, &[]).expect_err(model);
        let line = file.lines().count();
        let expected = format!("refinement.toml:{line}: models.{link}.{setting}: {expected}");
        assert_eq!(error, expected, "{model}");
    }
    let error = chain("fallback(local)", "[models.opnai]", &[]).expect_err("opnai");
    assert_eq!(error, format!("refinement.toml:1: models.opnai: {opnai}"));
    let error = chain("local", "[models.nope]", &[]).expect_err("nope");
    let nope = "model has no link that is called nope";
    assert_eq!(error, format!("refinement.toml:1: models.nope: {nope}"));
    for (name, value, key) in [
        ("model_price", "1", "price"),
        ("model_url", "'http://a/'", "url"),
        ("model_api_key", "'k'", "api_key"),
    ] {
        let file = format!("{name} = {value}\n{openai}");
        let error = chain("fallback(openai)", &file, &[]).expect_err(name);
        let expected = format!(
            "refinement.toml:1: {name}: is for a model that stands alone: in a chain it is {key} \
             of [models.NAME]"
        );
        assert_eq!(error, expected);
    }
    for (model, file, expected) in [
        ("fallback(openai,)", "", "must name a model before ')'"),
        (
            "fallback(openai, cache(./models/openai.wasm))",
            openai,
            &format!("has two links that are called openai, {}", differ("openai")),
        ),
        (
            "fallback(./x.wasm, other=./x.wasm, cache(./b/x.wasm))",
            "[models.x]\nstyle = 'oil'",
            &format!("has two links that are called x, {}", differ("x")),
        ),
        (
            &format!("fallback(local, ./{}.wasm)", "x".repeat(129)),
            "",
            "has a link whose name is longer than 128 bytes: give xxxxxxxxxxxxxxxxxxxx… a shorter \
             one, as in short=PATH",
        ),
        (
            "fallback(my-model=local, my_model=./x.wasm)",
            "[models.my_model]\nstyle = 'oil'",
            "has links that are called my-model and my_model: variables cannot tell them apart",
        ),
    ] {
        let error = chain(model, file, &[]).expect_err(model);
        assert_eq!(error, format!("model: {expected}"), "{model}");
    }
    for (model, file, provider, setting) in [
        ("fallback(openai)", "", "openai", "openai.api_key"),
        (
            "fallback(fast=openai, good=openai)",
            "[models.fast]\napi_key = 'k'\n[models.openai]\napi_key = 'k'",
            "openai",
            "good.api_key",
        ),
        ("fallback(comfyui)", "", "comfyui", "comfyui.workflow"),
    ] {
        let error = chain(model, file, &[]).expect_err(model);
        let expected = format!("model \"{provider}\" needs models.{setting}");
        assert_eq!(error, expected, "{model}");
    }
    let error = chain("fallback(dall-e)", "", &[]).expect_err("an unknown model");
    assert_eq!(error, unknown_model());
}

/// It counts as soon as the other source is gone.
#[test]
fn a_value_of_a_link_that_another_source_replaces_has_to_be_usable_too() {
    let address = "must be an http or https URL without user information, query and fragment";
    let file = |url: &str| format!("[models.openai]\napi_key = 'k'\nurl = '{url}'");
    let of_model = ("MODEL_URL", "http://b/");
    let of_link = ("MODELS_OPENAI_URL", "http://b/");
    let unusable = ("MODELS_OPENAI_URL", "nowhere");
    let in_file = "refinement.toml:3: models.openai.url";
    let in_variable = "REFINEMENT_MODELS_OPENAI_URL";
    for (model, url, variables, named) in [
        ("openai", "nowhere", &[of_model][..], in_file),
        ("openai", "nowhere", &[of_link], in_file),
        ("openai", "http://a/", &[unusable, of_model], in_variable),
        ("fallback(openai)", "nowhere", &[of_link], in_file),
        ("local", "nowhere", &[of_link], in_file),
    ] {
        let error = chain(model, &file(url), variables).expect_err(model);
        assert_eq!(
            error,
            format!("{named}: {address}"),
            "{model}: {variables:?}"
        );
    }
}

/// What they need is not asked for, but what there is has to be usable.
#[test]
fn settings_of_other_models_may_stay() {
    let address = "must be an http or https URL without user information, query and fragment";
    for model in ["local", "fallback(local)", "./mine.wasm"] {
        let unusable = [("MODELS_GEMINI_URL", "nonsense")];
        let error = chain(model, "", &unusable).expect_err(model);
        let expected = format!("REFINEMENT_MODELS_GEMINI_URL: {address}");
        assert_eq!(error, expected, "{model}");
        let unusable = "[models.comfyui]\nworkflow = ' '";
        let error = chain(model, unusable, &[]).expect_err(model);
        let expected = "refinement.toml:2: models.comfyui.workflow: must not be empty";
        assert_eq!(error, expected, "{model}");
        // Whoever uses another model may not read the workflow, which is elsewhere.
        let file = "[models.openai]\nname = 'm'\n[models.comfyui]\nurl = 'http://gpu.lan'\n\
                    workflow = 'nowhere.json'";
        let variables = [
            ("MODELS_CACHE_URL", "http://gpu.lan"),
            ("MODELS_GEMINI_URL", "http://gpu.lan"),
            ("MODELS_OPENAI_NONSENSE", "1"),
        ];
        let config = chain(model, file, &variables).expect(model);
        let unknown = ["CACHE_URL", "OPENAI_NONSENSE"];
        let unknown = unknown.map(|name| format!("REFINEMENT_MODELS_{name}"));
        assert_eq!(config.unknown_variables(), unknown, "{model}");
    }
}

#[test]
fn a_key_that_is_missing_or_unusable_is_told() {
    let ascii = "model_api_key: must be one line of visible ASCII characters";
    let url =
        "model_url: must be an http or https URL without user information, query and fragment";
    let original = "model_original: must be bytes or url, not \"URL\"";
    for (model, at, needed) in [
        ("jigsawstack", None, "api-key"),
        ("jigsawstack", Some("http://gpu.lan"), "api-key"),
        ("openai", None, "api-key"),
        ("openai", Some("https://API.openai.com:443/x"), "api-key"),
        ("comfyui", None, "workflow"),
        ("stability", None, "api-key"),
        ("replicate", None, "api-key"),
    ] {
        let mut settings = vec![("model", model)];
        settings.extend(at.map(|url| ("model-url", url)));
        let expected = format!("model \"{model}\" needs model-{needed}");
        assert_eq!(configured(&settings), Err(expected), "{settings:?}");
    }
    for (name, value, expected) in [
        ("model-api-key", "", "model_api_key: must not be empty"),
        ("model-api-key", "hush\n", ascii),
        ("model-api-key", "hüsh", ascii),
        ("model-original", "URL", original),
        ("model-url", "http://me:hush@host/", url),
        ("model", "dall-e", &unknown_model()),
    ] {
        assert_eq!(configured(&[(name, value)]), Err(expected.to_owned()));
    }
    let key = ("model-api-key", "k");
    let named = [("model", "jigsawstack"), key, ("model-name", "x")];
    let expected = "model_name: must not be set where model is jigsawstack, which has one";
    assert_eq!(configured(&named), Err(expected.to_owned()));
}
