//! Addresses that are never connected to, whether named by a user, a redirect,
//! a DNS name or the model's answer.

use std::net::TcpListener;

use concept_refinement_tests::pictures;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Service;
use futures::future::join_all;

use crate::originals::{FAILED, SILENT_PORT, redirects, refined, service};
use crate::shared::{new_user, origin, picture_url, scripted_launch};

const REFINE_FAILED: &str = "Error in refinement task processing: Image refinement failed: ";

/// This machine, in some notations: the domain has all of them.
const HERE: [&str; 14] = [
    "127.0.0.1",
    "0x7f.1..",
    "2130706433",
    "0177.0.0.1",
    "①②⑦.0.0.1",
    "%31%32%37.0.0.1",
    "127.0.0.2",
    "0",
    "localhost.",
    "a.localhost",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
];

/// Elsewhere, but not public.
const ELSEWHERE: [&str; 8] = [
    "10.0.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "2852039166",
    "[fd00:ec2::254]",
    "100.64.0.1",
    "[fe80::1]",
];

/// No addresses at all, or none that may be used.
const UNUSABLE: [(&str, &str); 5] = [
    ("http://example.com@127.0.0.1/", "user information"),
    ("ftp://example.com/a.png", "http or https"),
    ("file:///etc/passwd", "http or https"),
    ("http://example.com:0/", "port 0"),
    ("http://.../", "name a host"),
];

/// What no URL is, so that nothing can be said of where it leads.
const NO_URLS: [&str; 4] = [
    "http://",
    "http://exa mple.com/",
    "http://[::1%25lo]/",
    "http://256.256.256.256/",
];

/// Places on this machine where no original may come from, on one port.
struct Forbidden {
    origins: Vec<Origin>,
    port: u16,
}

impl Forbidden {
    fn start() -> Self {
        let first = Origin::start();
        let port = first.port();
        first.serve_at("/0", Reply::picture(&pictures::png(20, 20)));
        let mut origins = vec![first];
        // Not every machine has the new protocol.
        if TcpListener::bind("[::1]:0").is_ok() {
            origins.push(Origin::start_at(format!("[::1]:{port}").parse().unwrap()));
        }
        Self { origins, port }
    }

    /// URLs of all the places, and why they are refused.
    fn urls(&self) -> Vec<(String, &'static str)> {
        let here = HERE.map(|host| format!("http://{host}:{}/0", self.port));
        let elsewhere = ELSEWHERE.map(|host| format!("http://{host}/latest/meta-data/"));
        let places = here.into_iter().chain(elsewhere);
        let unusable = UNUSABLE.map(|(url, reason)| (url.to_owned(), reason));
        places
            .map(|url| (url, "public address"))
            .chain(unusable)
            .collect()
    }

    fn assert_untouched(&self) {
        for origin in &self.origins {
            assert_eq!(origin.connections(), 0);
        }
    }
}

#[tokio::test]
async fn a_redirect_leads_to_no_forbidden_place() {
    let forbidden = Forbidden::start();
    let port = forbidden.port;
    let no_urls = NO_URLS.map(|url| (url.to_owned(), "redirects to nowhere"));
    let others = [
        (format!("//127.1:{port}/0"), "public address"),
        (format!("\\\\127.0.0.1:{port}\\0"), "public address"),
        (format!("http:127.0.0.1:{port}/0"), ""),
        (format!("HTTP://LOCALHOST:{port}/0"), "public address"),
        (
            format!("http://127.0.0.1:{}/", SILENT_PORT.1),
            "cannot be connected to",
        ),
    ];
    let places = forbidden.urls().into_iter().chain(no_urls).chain(others);
    let tasks = places.map(async |(location, problem)| {
        for hops in [1, 3] {
            let task = refined(&redirects(hops, &location)).await;
            assert_eq!(task["status"], "failed", "{location}: {task}");
            let message = task["error_message"].as_str().unwrap();
            assert!(message.starts_with(FAILED), "{location}: {message}");
            assert!(message.contains(problem), "{location}: {message}");
        }
    });
    join_all(tasks).await;
    forbidden.assert_untouched();
}

#[tokio::test]
async fn a_model_answers_no_forbidden_place() {
    let forbidden = Forbidden::start();
    let no_urls = NO_URLS.map(|url| (url.to_owned(), "http or https"));
    let places: Vec<_> = forbidden.urls().into_iter().chain(no_urls).collect();
    let tasks = places.iter().map(async |(url, problem)| {
        let redirected = origin().serve(Reply::redirect(307, url));
        for (location, problem) in [(url, *problem), (&redirected, "")] {
            let prompt = format!("location: {location}");
            let message = new_user(service()).failure(&picture_url(), &prompt).await;
            assert!(message.starts_with(REFINE_FAILED), "{location}: {message}");
            assert!(message.contains(problem), "{location}: {message}");
        }
    });
    join_all(tasks).await;
    forbidden.assert_untouched();
}

/// By itself a model reaches its provider's origin, in one notation, and no
/// other: not with its provider on the same machine, not without one.
#[tokio::test]
async fn a_model_asks_no_forbidden_place() {
    let forbidden = Forbidden::start();
    let provider = Origin::start();
    let own = provider.picture(&pictures::png(8, 8));
    let with_provider = scripted_launch()
        .set("model-url", &format!("http://{}", provider.authority()))
        .set("allow-sources", "127.0.0.0/8,[::1],localhost,10.0.0.0/8")
        .start();
    let without = scripted_launch().start();
    let fetched = async |service: &Service, url: &str| {
        let user = new_user(service);
        let original = user.uploaded(&pictures::png(8, 8)).await;
        let task = user.refined(&original, &format!("fetch: {url}")).await;
        assert_eq!(task["status"], "failed", "{task}");
        task["error_message"].as_str().unwrap().to_owned()
    };
    let answer = fetched(&with_provider, &own).await;
    assert!(answer.ends_with("fetched with status 200"), "{answer}");
    let hosts = HERE
        .iter()
        .map(|host| format!("http://{host}:{}/0", forbidden.port));
    // The provider's own port, in words that are not the operator's.
    let same_port = [
        "localhost",
        "127.1",
        "[::ffff:127.0.0.1]",
        "user@127.0.0.1",
        "0",
    ];
    let same_port = same_port.map(|host| format!("http://{host}:{}/0", provider.port()));
    let tasks = hosts.chain(same_port).map(async |url| {
        for service in [&with_provider, &without] {
            let answer = fetched(service, &url).await;
            let refused = answer.contains("not fetched: ") || answer.contains("is no address");
            let is_own = url.contains("user@127.0.0.1") && std::ptr::eq(service, &with_provider);
            assert!(refused || is_own, "{url}: {answer}");
        }
    });
    join_all(tasks).await;
    forbidden.assert_untouched();
}

/// A name shows only when it is resolved that it is this machine's.
#[tokio::test]
async fn a_name_of_this_machine_is_found_out_when_it_is_resolved() {
    let forbidden = Forbidden::start();
    let names = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut names: Vec<&str> = names
        .lines()
        .filter_map(|line| line.split('#').next())
        .filter(|line| line.starts_with("127.") || line.starts_with("::1"))
        .flat_map(|line| line.split_whitespace().skip(1))
        .filter(|name| *name != "localhost" && !name.ends_with(".localhost"))
        .collect();
    names.push("nowhere.invalid");
    let tasks = names.into_iter().map(async |name| {
        let url = format!("http://{name}:{}/0", forbidden.port);
        for url in [&url, &redirects(2, &url)] {
            let task = refined(url).await;
            let message = task["error_message"].as_str().unwrap();
            let known = [
                "the address is not public",
                "the name of the address cannot be resolved",
                "the download took longer than 2 seconds",
            ];
            let is_known = known.iter().any(|reason| message.contains(reason));
            assert!(is_known, "{name}: {message}");
        }
    });
    join_all(tasks).await;
    forbidden.assert_untouched();
}
