//! Names whose addresses change, or are not what they seem: the host within this
//! process, with a resolver that says what the test wants.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use concept_refinement_host::config::{Values, table};
use concept_refinement_host::{Components, Config, Host, HostBuilder, Resolver};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::{artifacts, pictures, reaper};
use futures::future::{BoxFuture, ready};

use crate::originals::FAILED;

pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Where originals may come from, and nothing else on this machine.
pub const ALLOWED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Answers the n-th question for a name with the n-th of its answers, and from
/// then on with the last.
#[derive(Default)]
pub struct Names {
    answers: HashMap<&'static str, Vec<Vec<IpAddr>>>,
    asked: Mutex<HashMap<String, usize>>,
}

impl Names {
    pub fn name(mut self, name: &'static str, answers: &[&[IpAddr]]) -> Self {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        self.answers.insert(name, answers);
        self
    }

    fn asked(&self, name: &str) -> usize {
        self.asked.lock().unwrap().get(name).copied().unwrap_or(0)
    }
}

impl Resolver for Names {
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let mut asked = self.asked.lock().unwrap();
        let count = asked.entry(host.to_owned()).or_default();
        let answers = self.answers.get(host);
        let answer = answers.and_then(|all| all.get(*count).or(all.last()));
        *count += 1;
        let addresses = answer.map(|answer| {
            let at = |address: &IpAddr| SocketAddr::new(*address, port);
            answer.iter().map(at).collect()
        });
        Box::pin(ready(
            addresses.ok_or_else(|| io::Error::other("no such name")),
        ))
    }
}

/// A host within this process that resolves names so.
pub async fn host(names: Arc<dyn Resolver>, settings: &[(&str, &str)]) -> Host {
    let data = reaper::scratch("host");
    std::os::unix::fs::symlink(artifacts::compiled(), data.join("compiled")).unwrap();
    host_in(&data, settings, |builder| builder.resolver(names)).await
}

/// The same of this data directory, with whatever it is given.
pub async fn host_in(
    data: &Path,
    settings: &[(&str, &str)],
    give: impl FnOnce(HostBuilder) -> HostBuilder,
) -> Host {
    let model = artifacts::scripted_model();
    let mut values = Values::new();
    for (name, value) in [
        ("listen", "127.0.0.1:0"),
        ("data-dir", data.to_str().unwrap()),
        ("model", model.to_str().unwrap()),
        ("rate-limit", "unlimited"),
    ]
    .iter()
    .chain(settings)
    {
        values.set(table::find(name).unwrap(), *value);
    }
    let config = Config::new(values).unwrap();
    let components = Components::load(Some(&artifacts::components()), &config).unwrap();
    let builder = HostBuilder::new(config).components(components);
    give(builder).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_leads_nowhere_but_to_the_address_that_was_judged() {
    let forbidden = Origin::start();
    let port = forbidden.port();
    let allowed = Origin::start_at(SocketAddr::new(ALLOWED, port));
    let picture = pictures::png(20, 20);
    for origin in [&allowed, &forbidden] {
        origin.serve_at("/image", Reply::picture(&picture));
        let again = format!("http://changing.test:{port}/image");
        // The connection is closed, so that there is a next question.
        let headers = format!("location: {again}\r\ncontent-length: 0\r\n");
        origin.serve_at("/again", Reply::new(302, &headers, b""));
        let loopback = format!("http://loopback.test:{port}/image");
        origin.serve_at("/loopback", Reply::redirect(307, &loopback));
    }
    let metadata: IpAddr = "169.254.169.254".parse().unwrap();
    let in_another_form = [
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::1",
        "::",
    ];
    let in_another_form = in_another_form.map(|form| form.parse::<IpAddr>().unwrap());
    let names = Names::default()
        .name("good.test", &[&[ALLOWED]])
        .name("changing.test", &[&[ALLOWED], &[HERE], &[ALLOWED]])
        .name("loopback.test", &[&[HERE]])
        .name("metadata.test", &[&[metadata]])
        .name("forms.test", &[&in_another_form])
        .name("several.test", &[&[HERE, metadata, ALLOWED]])
        .name("nothing.test", &[&[]]);
    let names = Arc::new(names);
    let host = host(
        Arc::clone(&names) as _,
        &[("allow-sources", &format!("127.0.0.2/32,127.0.0.2:{port}"))],
    )
    .await;
    let client = Client::session(&format!("http://{}", host.address())).await;

    let not_public = Some("the address is not public");
    let cases = [
        ("good.test", "/image", None),
        // The first answer is good, and the second is not.
        ("changing.test", "/again", not_public),
        ("changing.test", "/image", None),
        ("good.test", "/loopback", not_public),
        ("loopback.test", "/image", not_public),
        ("metadata.test", "/latest/meta-data/", not_public),
        ("forms.test", "/image", not_public),
        // Of several, one may be connected to.
        ("several.test", "/image", None),
        (
            "nothing.test",
            "/image",
            Some("the name of the address cannot be resolved"),
        ),
        (
            "unknown.test",
            "/image",
            Some("the name of the address cannot be resolved"),
        ),
    ];
    for (name, path, problem) in cases {
        let url = format!("http://{name}:{port}{path}");
        let task = client.refined(&url, "echo it").await;
        match problem {
            None => assert_eq!(task["status"], "completed", "{url}: {task}"),
            Some(problem) => {
                let message = task["error_message"].as_str().unwrap();
                assert_eq!(message, format!("{FAILED}{problem}"), "{url}");
            }
        }
    }
    assert_eq!(names.asked("changing.test"), 3, "one question a connection");

    let good = format!("http://good.test:{port}/image");
    for name in ["loopback.test", "metadata.test", "forms.test"] {
        let prompt = format!("location: http://{name}:{port}/image");
        let message = client.failure(&good, &prompt).await;
        assert!(
            message.ends_with("the address is not public"),
            "{name}: {message}"
        );
    }
    assert_eq!(forbidden.connections(), 0);
    host.stop().await;
}
