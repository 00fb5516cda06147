//! A network of a test's own: addresses that are public elsewhere are this
//! machine's in it, and its name servers say what the test wants, or nothing.
//!
//! It is a network namespace, in which the test runs once more, in a process of
//! its own: an ordinary user may make one.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::process::Command;
use std::thread;

/// Tells the process that it is inside.
const INSIDE: &str = "CONCEPT_REFINEMENT_TEST_NETWORK";

/// By these a namespace can be made: by anyone, or by root alone.
const WAYS: [&[&str]; 2] = [&["--user", "--map-root-user"], &[]];

/// Where the name servers are.
const NAME_SERVERS: [Ipv4Addr; 3] = [
    Ipv4Addr::new(127, 0, 0, 11),
    Ipv4Addr::new(127, 0, 0, 12),
    Ipv4Addr::new(127, 0, 0, 13),
];

/// Two addresses of one network, one of another, and a network that is routed to
/// the machine.
const SET_UP: &str = r#"
set -e
ip link set lo up
ip address add 93.184.215.20/24 dev lo
ip address add 93.184.215.21/24 dev lo
ip route add local 34.1.2.0/24 dev lo
if [ -e /proc/net/if_inet6 ]; then ip address add 2600:1::20/64 dev lo nodad; fi
mount --bind "$1" /etc/resolv.conf
shift
exec "$@"
"#;

/// The public addresses of the machine in the network.
pub const OWN_ADDRESSES: [&str; 4] = [
    "93.184.215.20",
    // Which the kernel reaches from the first.
    "93.184.215.21",
    // Which no interface has.
    "34.1.2.3",
    "2600:1::20",
];

/// Runs this test in a network of its own, by its path in this program; true
/// where it is inside, and has to do its work.
pub fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let Some(way) = WAYS.iter().find(|way| may(way)) else {
        panic!("this machine permits no network namespace, which this test needs");
    };
    let settings = crate::reaper::scratch("network").join("resolv.conf");
    let servers = NAME_SERVERS.map(|server| format!("nameserver {server}\n"));
    std::fs::write(&settings, servers.concat()).unwrap();
    let status = Command::new("unshare")
        .args(*way)
        .args(["--net", "--mount", "sh", "-c", SET_UP, "sh"])
        .args([settings, std::env::current_exe().unwrap()])
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "yes")
        .status()
        .unwrap();
    assert!(status.success(), "{test} in a network of its own: {status}");
    false
}

fn may(way: &[&str]) -> bool {
    let made = Command::new("unshare")
        .args(way)
        .args(["--net", "--mount", "true"])
        .status();
    made.is_ok_and(|status| status.success())
}

/// Answers for names of the network: `addresses` has those of a name, or None
/// where the name servers are silent.
pub fn serve_names(addresses: fn(&str) -> Option<Vec<IpAddr>>) {
    for server in NAME_SERVERS {
        let socket = UdpSocket::bind((server, 53)).unwrap();
        thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                if let Some(answer) = answer(&question[..length], addresses) {
                    socket.send_to(&answer, from).unwrap();
                }
            }
        });
    }
}

/// To one question (RFC 1035, section 4).
fn answer(question: &[u8], addresses: fn(&str) -> Option<Vec<IpAddr>>) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    let mut labels = Vec::new();
    let mut at = HEADER;
    while question[at] != 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]));
        at = end;
    }
    let (kind, end) = (question[at + 2], at + 5);
    let records: Vec<Vec<u8>> = addresses(&labels.join("."))?
        .into_iter()
        .filter_map(|address| match (kind, address) {
            (1, IpAddr::V4(address)) => Some(address.octets().to_vec()),
            (28, IpAddr::V6(address)) => Some(address.octets().to_vec()),
            _ => None,
        })
        .collect();
    let mut answer = question[..2].to_vec();
    // An answer without an error, to one question.
    answer.extend([0x81, 0x80, 0, 1, 0, u8::try_from(records.len()).unwrap()]);
    answer.extend([0; 4]);
    answer.extend(&question[HEADER..end]);
    for record in records {
        // The name of the question, its type, its class, no time to live.
        answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0]);
        answer.push(u8::try_from(record.len()).unwrap());
        answer.extend(record);
    }
    Some(answer)
}
