//! `deploy/`: three hosts behind a proxy, and a host under systemd. Containers need
//! a runtime that is not everywhere, so their parts are tried as processes.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use concept_refinement_host::config::table::SETTINGS;
use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::reaper::{Reaped, scratch};
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens::token;
use reqwest::Method;

use crate::read;

/// What the libraries of engines read.
const OF_ENGINES: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
];

#[test]
fn each_variable_of_the_containers_hosts_is_a_setting() {
    let compose = read("deploy/compose.yaml");
    let (_, hosts) = compose.split_once("x-host:").unwrap();
    let (hosts, _) = hosts.split_once("\nservices:").unwrap();
    let known: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.variable()).collect();
    let named = hosts.lines().filter_map(|line| {
        let (name, _) = line.trim().split_once(": ")?;
        (name.starts_with("REFINEMENT_") || name.starts_with("AWS_")).then_some(name)
    });
    let named: BTreeSet<_> = named.collect();
    assert!(named.len() > 8, "{named:?}");
    for name in named {
        let is_known = known.contains(name) || OF_ENGINES.contains(&name);
        assert!(is_known, "{name}");
    }
}

#[test]
fn systemd_takes_the_unit() {
    let unit = read("deploy/systemd/concept-refinement@.service");
    let program = artifacts::binary();
    let installed = "/usr/local/bin/concept-refinement";
    assert!(unit.contains(installed));
    let place = scratch("unit");
    let unit = unit.replace(installed, program.to_str().unwrap());
    std::fs::write(place.join("concept-refinement@.service"), unit).unwrap();
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(place.join("concept-refinement@all.service"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    let of_ours = said
        .lines()
        .find(|line| line.contains("concept-refinement"));
    assert_eq!(of_ours, None, "{said}");
    assert!(verified.status.success(), "{said}");
}

/// Caddy with the configuration of the containers. A host that goes is passed by,
/// and who asks is known by the address that the proxy tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_spreads_requests_and_passes_by_who_is_gone() {
    let port = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let site = format!("https://localhost:{port}");
    let start = || {
        let launch = Launch::new()
            .set("trusted-proxies", "127.0.0.1")
            .set("public-url", &site);
        tokio::task::block_in_place(|| launch.with_tokens().start())
    };
    let (first, second) = (start(), start());
    let authority = |url: &str| url.trim_start_matches("http://").to_owned();
    let hosts = [authority(first.url()), authority(second.url())].join(" ");
    let home = scratch("caddy");
    let configuration = home.join("Caddyfile");
    // It would listen for certificates' challenges and commands on fixed ports.
    let globals = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n";
    std::fs::write(
        &configuration,
        globals.to_owned() + &read("deploy/Caddyfile"),
    )
    .unwrap();
    let _caddy = Reaped::spawn(
        Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&configuration)
            .env("HOME", &home)
            .env("XDG_DATA_HOME", &home)
            .env("XDG_CONFIG_HOME", &home)
            .env("SITE", &site)
            .env("HOSTS", hosts)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let user = Client::over_tls(&site).bearer(&token("ada"));
    eventually("the proxy serves", SOON, async || {
        let answer = user
            .try_send(Method::GET, "/api/health/ready", "")
            .await
            .ok()?;
        (answer.status == 200).then_some(())
    })
    .await;
    let listed = user.get("/api/tasks").await;
    assert_eq!(listed.status, 200, "{listed:?}");

    drop(first);
    for _ in 0..20 {
        let listed = user.get("/api/tasks").await;
        assert_eq!(listed.status, 200, "{listed:?}");
    }
}
