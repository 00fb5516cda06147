//! Originals that never come: names that are not answered, and addresses that
//! are silent.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use concept_refinement_host::Resolver;
use concept_refinement_tests::black_hole::BlackHole;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::{network, pictures};
use futures::future::{BoxFuture, join_all, ready};

use crate::originals::FAILED;
use crate::rebinding::host;
use crate::shared::{new_user, scripted_launch};

const GOOD: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SILENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
const SILENT_TOO: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 4));
const SILENT_V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

const SETTINGS: [(&str, &str); 1] = [("allow-sources", "127.0.0.0/8,[::1]")];

/// Each name's addresses in the order of preference.
struct Names;

impl Resolver for Names {
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        if let Ok(address) = host.parse() {
            return Box::pin(ready(Ok(vec![SocketAddr::new(address, port)])));
        }
        let addresses: &[IpAddr] = match host {
            "good.test" => &[GOOD],
            "v6-first.test" => &[SILENT_V6, GOOD],
            "v6-twice.test" => &[SILENT_V6, SILENT_V6, GOOD],
            "v4-first.test" => &[SILENT, SILENT_TOO, GOOD],
            "silent.test" => &[SILENT, SILENT_V6],
            _ => return Box::pin(std::future::pending()),
        };
        let at = |address: &IpAddr| SocketAddr::new(*address, port);
        Box::pin(ready(Ok(addresses.iter().map(at).collect())))
    }
}

/// On the port of a good origin. Not every machine has the new protocol.
async fn black_holes(port: u16) -> Vec<BlackHole> {
    let places = [SILENT, SILENT_TOO, SILENT_V6];
    let holes = places.map(|address| BlackHole::new(SocketAddr::new(address, port)));
    join_all(holes).await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_silent_hides_no_other() {
    let origin = Origin::start();
    let url = origin.picture(&pictures::png(8, 8));
    let path = url.rsplit('/').next().unwrap();
    let holes = black_holes(origin.port()).await;
    assert!(holes.len() >= 2);
    let host = host(Arc::new(Names), &SETTINGS).await;
    let client = Client::session(&format!("http://{}", host.address())).await;
    for name in [
        "good.test",
        "v6-first.test",
        "v6-twice.test",
        "v4-first.test",
    ] {
        let url = format!("http://{name}:{}/{path}", origin.port());
        let begin = Instant::now();
        let task = client.refined(&url, "echo it").await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
        // Two attempts that are silent take half a second.
        assert!(begin.elapsed() < 2 * USUAL, "{name}: {:?}", begin.elapsed());
    }
    let url = format!("http://silent.test:{}/{path}", origin.port());
    let task = client.refined(&url, "echo it").await;
    let reason = format!("{FAILED}the address did not answer in time");
    assert_eq!(task["error_message"], reason);
    host.stop().await;
}

/// Tasks that hang, more than may be in flight, one half of them for each reason.
const HANGING: usize = 120;

/// What an honest user waits for at most while others hang.
const USUAL: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn originals_that_hang_hold_up_no_others() {
    let origin = Origin::start();
    let url = origin.picture(&pictures::png(8, 8));
    let _holes = black_holes(origin.port()).await;
    let host = host(Arc::new(Names), &SETTINGS).await;
    let base = format!("http://{}", host.address());
    let alone = honest(&base, &url).await;
    let hanging = (0..HANGING).map(async |index| {
        let client = Client::session(&base).await;
        let url = match index % 2 {
            0 => format!("http://{index}.unanswered.test/a.png"),
            _ => format!("http://silent.test:{}/a.png", origin.port()),
        };
        client.accepted(&url, "echo it").await;
    });
    join_all(hanging).await;
    let beside = honest(&base, &url).await;
    println!("p99 and most: alone {alone:?}, beside {HANGING} that hang {beside:?}");
    assert!(beside.0 < USUAL, "{beside:?}, alone {alone:?}");
    host.stop().await;
}

/// The p99 and the most of refinements, one after the other, until the first of
/// the others end (10 s).
async fn honest(base: &str, url: &str) -> (Duration, Duration) {
    let client = Client::session(base).await;
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < 100 && begin.elapsed() < Duration::from_secs(6) {
        let begin = Instant::now();
        client.completed(url, "echo it").await;
        times.push(begin.elapsed());
    }
    times.sort();
    (percentile(&times, 99), percentile(&times, 100))
}

/// With the system's own resolver, which waits for as long as it likes.
#[tokio::test]
async fn literals_and_other_names_wait_for_no_silent_name_server() {
    if !network::is_inside("hanging::literals_and_other_names_wait_for_no_silent_name_server") {
        return;
    }
    network::serve_names(|name| match name.ends_with(".silent.test") {
        true => None,
        false => Some(vec![GOOD]),
    });
    let origin = Origin::start();
    let literal = origin.picture(&pictures::png(8, 8));
    let path = literal.rsplit('/').next().unwrap();
    let service = scripted_launch()
        .set("allow-sources", "127.0.0.1,good.test")
        .start();
    let hanging = (0..HANGING).map(async |index| {
        let url = format!("http://{index}.silent.test/a.png");
        new_user(&service).accepted(&url, "echo it").await;
    });
    join_all(hanging).await;
    let name = format!("http://good.test:{}/{path}", origin.port());
    let mut times = Vec::new();
    for url in [&literal, &name].into_iter().cycle().take(20) {
        let begin = Instant::now();
        new_user(&service).completed(url, "echo it").await;
        times.push(begin.elapsed());
    }
    times.sort();
    println!("beside {HANGING} that are not answered: {times:?}");
    assert!(percentile(&times, 100) < USUAL, "{times:?}");
    let url = "http://last.silent.test/a.png";
    let task = new_user(&service).refined(url, "echo it").await;
    let reason = format!("{FAILED}the name of the address cannot be resolved");
    assert_eq!(task["error_message"], reason);
}
