use proptest::prelude::*;

use super::*;

fn file(path: &str) -> Link {
    Link {
        given_name: None,
        component: Component::File(path.to_owned()),
        behind: None,
    }
}

fn shipped(name: &str) -> Link {
    Link {
        given_name: None,
        component: Component::Shipped(name.to_owned()),
        behind: None,
    }
}

fn before(link: Link, behind: impl IntoIterator<Item = Link>) -> Link {
    Link {
        behind: Some(behind.into_iter().collect()),
        ..link
    }
}

fn named(name: &str, link: Link) -> Link {
    Link {
        given_name: Some(name.to_owned()),
        ..link
    }
}

#[test]
fn a_model_or_a_chain_is_read() {
    let openai = || shipped("openai");
    let other = || shipped("automatic1111");
    let local = || shipped("local");
    let fallback = |behind: Vec<Link>| before(shipped("fallback"), behind);
    let cache = |behind: Link| before(shipped("cache"), [behind]);
    let two = fallback(vec![openai(), other()]);
    let spaced = fallback(vec![openai(), local()]);
    let cached = cache(fallback(vec![openai(), file("./mine.wasm")]));
    let middleware = file("../my middleware/words.wasm");
    let both_named = fallback(vec![named("fast", openai()), named("good", openai())]);
    let odd = file("./my model (2).wasm");
    let inner = fallback(vec![openai(), openai()]);
    let mine = named("my_2-b", file("./x=y.wasm"));
    for (text, expected) in [
        ("local", local()),
        (" openai ", openai()),
        ("./mine.wasm", file("./mine.wasm")),
        ("mine.wasm", file("mine.wasm")),
        // Alone it may be called anything.
        ("./my model (2).wasm", file("./my model (2).wasm")),
        ("/srv/a,b/mine", file("/srv/a,b/mine")),
        ("fallback(openai)", fallback(vec![openai()])),
        ("fallback(openai, automatic1111)", two),
        (" fallback ( openai,local )", spaced),
        ("cache(fallback(openai,./mine.wasm))", cached),
        (
            "../my middleware/words.wasm(fallback(openai), local)",
            before(middleware, [fallback(vec![openai()]), local()]),
        ),
        ("fallback(fast=openai, good = openai)", both_named),
        (
            "a=fallback(fallback(openai, openai), my_2-b=./x=y.wasm)",
            before(named("a", shipped("fallback")), [inner, mine]),
        ),
        (
            "fallback(cache(openai), cache(automatic1111))",
            fallback(vec![cache(openai()), cache(other())]),
        ),
        ("fast=openai", named("fast", openai())),
        ("fast=./my model (2).wasm", named("fast", odd)),
        ("./a=b.wasm", file("./a=b.wasm")),
        // Whether there is such a model, others decide.
        ("dall-e", shipped("dall-e")),
    ] {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let deep = |depth: usize| {
        let open: String = (1..depth).map(|at| format!("./{at}.wasm(")).collect();
        format!("{open}local{}", ")".repeat(depth - 1))
    };
    assert!(parse(&deep(MAX_DEPTH)).is_ok());
    let long = |bytes: usize| format!("/{}/{}.wasm", "b".repeat(200), "a".repeat(bytes));
    let too_long = "has a link whose name is longer than 128 bytes: give aaaaaaaaaaaaaaaaaaaa… a \
                    shorter one, as in short=PATH";
    assert!(parse(&long(128)).is_ok());
    assert!(parse(&format!("short={}", long(129))).is_ok());
    let wide = |links: usize| {
        let models: Vec<_> = (1..links).map(|at| format!("./{at}.wasm")).collect();
        format!("fallback({})", models.join(","))
    };
    assert!(parse(&wide(MAX_LINKS)).is_ok());
    let bare_fallback = "must name what is behind fallback, as in fallback(openai)";
    let bare_cache = "must name what is behind cache, as in cache(openai)";
    let no_model = "must name a model before ')'";
    let one_more = "must have one link in cache(…), and local is one more";
    let open = "must have a \")\" for the \"(\" of fallback";
    for (text, expected) in [
        ("", "must name a model"),
        (" ", "must name a model"),
        ("fallback", bare_fallback),
        ("cache", bare_cache),
        ("fallback()", no_model),
        ("fallback(openai,)", no_model),
        ("fallback(openai, )", no_model),
        ("fallback(,openai)", "must name a model before ','"),
        ("(openai)", "must name a model before '('"),
        (")", no_model),
        ("fallback(openai", open),
        ("fallback(openai,", "must name a model where it ends"),
        ("fallback(openai, ./mine.wasm", open),
        (
            "fallback(openai))",
            "must end after fallback(openai), not go on with \")\"",
        ),
        (
            "fallback(openai) local",
            "must end after fallback(openai), not go on with \"local\"",
        ),
        (
            "openai, local",
            "must be one model: several are written fallback(…, …), not \"openai, local\"",
        ),
        (
            "local(openai)",
            "must have fallback, cache or a path before a \"(\", not \"local\"",
        ),
        ("cache(openai, local)", one_more),
        ("fallback(cache)", bare_cache),
        (
            "fallback(=openai)",
            "must have a name of letters, digits, - and _ before a \"=\", not \"\"",
        ),
        (
            "fallback(my model=openai)",
            "must have a name of letters, digits, - and _ before a \"=\", not \"my model\"",
        ),
        ("fallback(fast=)", "must name a model after fast="),
        ("fast=", "must name a model after fast="),
        ("fallback(c=cache)", bare_cache),
        ("fallback(c=cache(openai, local))", one_more),
        ("fallback(./)", "has a path that names no file: ./"),
        (&long(129), too_long),
        (&format!("fallback(local, {})", long(129)), too_long),
        (&format!("{}=local", "a".repeat(129)), too_long),
        // Its number does not fit.
        (&format!("fallback({0}, {0})", long(128)), too_long),
        (&deep(MAX_DEPTH + 1), "must be at most 8 links deep"),
        (&wide(MAX_LINKS + 1), "must have at most 32 links"),
        (&"fallback(".repeat(100_000), "must be at most 8 links deep"),
    ] {
        assert_eq!(parse(text), Err(expected.to_owned()), "{text:.80}");
    }
}

#[test]
fn a_file_is_called_as_its_stem() {
    for (path, expected) in [
        ("./mine.wasm", "mine"),
        ("/a.b/my.model.wasm", "my.model"),
        ("models/plain", "plain"),
        ("./.wasm", ".wasm"),
        ("C:\\models\\mine.wasm", "mine"),
    ] {
        assert_eq!(file(path).name(), expected);
    }
    assert_eq!(variable_part("my-model.v2"), "MY_MODEL_V2");
}

#[test]
fn each_link_has_a_name_of_its_own() {
    let thrice = "fallback(x=local, x=local, x=local)";
    for (text, expected) in [
        ("local", &["local"][..]),
        (
            "fallback(./a/x.wasm, fast=./b/x.wasm, ./c/x.wasm)",
            &["fallback", "x", "fast", "x-2"],
        ),
        (
            "fallback(cache(local), cache(cache-2=local), local)",
            &[
                "fallback", "cache", "local", "cache-3", "cache-2", "local-2",
            ],
        ),
        (thrice, &["fallback", "x", "x-2", "x-3"]),
    ] {
        assert_eq!(parse(text).unwrap().names(), expected, "{text}");
    }
}

/// Chains of any form.
fn links() -> impl Strategy<Value = Link> {
    let model = prop_oneof![
        "[a-z][a-z0-9]{0,8}".prop_map(|name| shipped(&name)),
        "\\./[a-z0-9 .=-]{0,6}[a-z0-9]\\.wasm".prop_map(|path| file(&path)),
    ];
    let model = (model, proptest::option::of("[a-z0-9_-]{1,6}"))
        .prop_map(|(link, given_name)| Link { given_name, ..link });
    model.prop_recursive(4, 16, 3, |inner| {
        let word = prop_oneof![
            Just(shipped("fallback")),
            "\\./[a-z]{1,8}\\.wasm".prop_map(|path| file(&path)),
        ];
        (word, proptest::collection::vec(inner, 1..4))
            .prop_map(|(word, behind)| before(word, behind))
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(link in links()) {
        let written = link.to_string();
        let is_bare = |link: &&Link| MIDDLEWARE.contains(&link.own_name()) && link.behind.is_none();
        match parse(&written) {
            Ok(read) => prop_assert_eq!(read, link),
            Err(problem) => {
                prop_assert!(link.links().iter().any(is_bare), "{}: {}", written, problem);
            }
        }
    }

    #[test]
    fn no_text_is_too_much(text in "[a-z./,()= ]{0,200}", any in any::<String>()) {
        for text in [text, any] {
            if let Ok(link) = parse(&text) {
                prop_assert!(link.depth() <= MAX_DEPTH && link.links().len() <= MAX_LINKS);
                if text.contains(['(', ',']) && !text.trim().ends_with(')') {
                    prop_assert!(link.behind.is_none());
                }
                prop_assert_eq!(parse(&link.to_string()), Ok(link));
            }
        }
    }
}
