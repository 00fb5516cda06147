use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use futures::future::join_all;
use parking_lot::Mutex;

use super::*;

/// Ends once the name servers of `silent.example` answer after all.
static SILENCE: Mutex<Option<Receiver<()>>> = Mutex::new(None);

fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.ends_with(".silent.example") {
        // The first to have it waits for the end, and all others for the first.
        let silence = SILENCE.lock();
        let _ = silence.as_ref().map(Receiver::recv);
    }
    Ok(vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)])
}

/// More names than there are places, all of one domain, without an answer.
#[tokio::test]
async fn a_name_is_resolved_while_others_are_not_answered() {
    let (end, silence) = channel();
    *SILENCE.lock() = Some(silence);
    let resolver = Blocking {
        lookups: Lookups::new(LOOKUPS),
        look_up,
    };
    let silent =
        (0..2 * LOOKUPS).map(|name| resolver.resolve(&format!("{name}.silent.example"), 80));
    let silent = tokio::spawn(join_all(silent));
    tokio::task::yield_now().await;

    let begin = Instant::now();
    for host in ["a.example", "b.example", "127.0.0.1", "::1"] {
        let addresses = resolver.resolve(host, 80).await.unwrap();
        let address: IpAddr = host.parse().unwrap_or(Ipv4Addr::LOCALHOST.into());
        assert_eq!(addresses, [SocketAddr::new(address, 80)]);
    }
    assert!(begin.elapsed() < TIMEOUT / 2, "{:?}", begin.elapsed());

    let begin = Instant::now();
    let answers = silent.await.unwrap();
    assert!(begin.elapsed() < TIMEOUT * 2, "they are not waited for");
    for answer in answers {
        assert_eq!(answer.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
    drop(end);
}
