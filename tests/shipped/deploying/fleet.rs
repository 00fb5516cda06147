//! `deploy/`: hosts behind a proxy, as processes.

use std::process::{Command, Stdio};
use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::pictures;
use concept_refinement_tests::port::free_port;
use concept_refinement_tests::postgres::new_schema;
use concept_refinement_tests::reaper::{Reaped, scratch};
use concept_refinement_tests::s3::{Kind, shared};
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::tokens::token;
use reqwest::Method;

use crate::read;

/// How late an event may be on a busy machine.
const QUICK: Duration = Duration::from_secs(1);

/// How long the model holds a task, and the last event after the one before.
const HELD_BACK: Duration = Duration::from_millis(300);

/// Where hosts are reached by way of a proxy.
struct Site {
    port: u16,
}

impl Site {
    fn new() -> Self {
        Self { port: free_port() }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// A host behind the proxy.
    fn start(&self, launch: Launch) -> Service {
        let launch = launch
            .set("trusted-proxies", "127.0.0.1")
            .set("public-url", &self.url());
        tokio::task::block_in_place(|| launch.with_tokens().start())
    }

    fn user(&self, name: &str) -> Client {
        Client::over_tls(&self.url()).bearer(&token(name))
    }

    /// Caddy with the configuration of the containers, before these hosts.
    async fn serve(&self, hosts: [&Service; 2]) -> Reaped {
        let hosts = hosts.map(|host| host.url().trim_start_matches("http://"));
        let home = scratch("caddy");
        let configuration = home.join("Caddyfile");
        // It would listen for certificates' challenges and commands on fixed ports.
        let globals = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n";
        std::fs::write(
            &configuration,
            globals.to_owned() + &read("deploy/Caddyfile"),
        )
        .unwrap();
        let caddy = Reaped::spawn(
            Command::new("caddy")
                .args(["run", "--adapter", "caddyfile", "--config"])
                .arg(&configuration)
                .env("HOME", &home)
                .env("XDG_DATA_HOME", &home)
                .env("XDG_CONFIG_HOME", &home)
                .env("SITE", self.url())
                .env("HOSTS", hosts.join(" "))
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        let user = self.user("ada");
        eventually("the proxy serves", SOON, async || {
            let ready = user.try_send(Method::GET, "/api/health/ready", "");
            (ready.await.ok()?.status == 200).then_some(())
        })
        .await;
        caddy
    }
}

/// A host that goes is passed by, and who asks is known by the address that the proxy
/// tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_spreads_requests_and_passes_by_who_is_gone() {
    let site = Site::new();
    let (first, second) = (site.start(Launch::new()), site.start(Launch::new()));
    let _proxy = site.serve([&first, &second]).await;
    let user = site.user("ada");
    let listed = user.get("/api/tasks").await;
    assert_eq!(listed.status, 200, "{listed:?}");

    drop(first);
    for _ in 0..20 {
        let listed = user.get("/api/tasks").await;
        assert_eq!(listed.status, 200, "{listed:?}");
    }
}

/// Each request goes to whichever host, and each has what the others were given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refinement_goes_through_the_proxy_to_hosts_that_share_engines() {
    const USERS: usize = 6;
    let site = Site::new();
    let launch = Launch::new()
        .scripted()
        .set("tasks", &postgres().url(&new_schema()))
        .set("queue", "store")
        .images_in(&shared(Kind::S3sFs).place());
    let hosts = [(); 2].map(|()| site.start(launch.elsewhere()));
    let _proxy = site.serve([&hosts[0], &hosts[1]]).await;
    let picture = pictures::png(64, 64);
    let refinements = (0..USERS).map(async |number| {
        let user = site.user(&format!("user {number}"));
        let upload = user.uploaded(&picture).await;
        assert!(upload.starts_with(&site.url()), "{upload}");
        let id = user.accepted(&upload, "wait 500ms").await;
        let told = user.events(&id, None).await.rest().await;
        let last = told.last().unwrap();
        assert_eq!(last.tells(), "completed", "{told:?}");
        // They are passed on as they come.
        assert!(last.delay() < QUICK, "{:?}", last.delay());
        let refining = told.iter().find(|event| event.tells() == "refining");
        let refining = refining.expect("a stage").arrived;
        assert!(last.arrived.duration_since(refining).unwrap() > HELD_BACK);

        let image = last.data["image_url"].as_str().unwrap();
        assert!(image.starts_with(&site.url()), "{image}");
        let anyone = Client::over_tls(&site.url());
        assert_eq!(anyone.get(image).await.status, 200, "its URL is signed");
        for host in &hosts {
            let seen = user.at(host.url()).task(&id).await;
            assert_eq!(seen["status"], "completed", "{seen}");
        }
    });
    futures::future::join_all(refinements).await;
}
