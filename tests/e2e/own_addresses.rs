//! The machine's own public addresses: what listens there, behind a firewall or
//! not, is nobody's original.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use concept_refinement_tests::network::{self, OWN_ADDRESSES};
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::{Origin, Reply};

use crate::originals::FAILED;
use crate::shared::{new_user, scripted_launch};

const NOT_PUBLIC: &str = "the address is not public";

/// `own-0.test` and so on, and a name of a private address.
fn names(name: &str) -> Option<Vec<IpAddr>> {
    let own = OWN_ADDRESSES.iter().enumerate();
    let own = own.map(|(index, address)| (format!("own-{index}.test"), *address));
    let all = own.chain([("private.test".to_owned(), "10.1.2.3")]);
    let of_name = all.filter(|(other, _)| other == name);
    Some(
        of_name
            .map(|(_, address)| address.parse().unwrap())
            .collect(),
    )
}

#[tokio::test]
async fn an_address_of_this_machine_is_as_good_as_a_private_one() {
    if !network::is_inside("own_addresses::an_address_of_this_machine_is_as_good_as_a_private_one")
    {
        return;
    }
    network::serve_names(names);
    let allowed = Origin::start();
    let launch = scripted_launch().set("allow-sources", &allowed.authority());
    let service = launch.start();
    for (index, address) in OWN_ADDRESSES.into_iter().enumerate() {
        let address: IpAddr = address.parse().unwrap();
        if address.is_ipv6() && !std::path::Path::new("/proc/net/if_inet6").exists() {
            continue;
        }
        let open = Origin::start_at(SocketAddr::new(address, 0));
        let own = open.picture(&pictures::png(8, 8));
        let path = own.rsplit('/').next().unwrap();
        // Nobody listens on the port below, as far as this network is concerned.
        for port in [open.port(), open.port() - 1] {
            let literal = format!("http://{}/{path}", SocketAddr::new(address, port));
            let name = format!("http://own-{index}.test:{port}/{path}");
            let redirect = allowed.serve(Reply::redirect(302, &literal));
            for url in [literal, name, redirect] {
                let begin = Instant::now();
                let task = new_user(&service).refined(&url, "echo it").await;
                let reason = format!("{FAILED}{NOT_PUBLIC}");
                assert_eq!(task["error_message"], reason, "{url}");
                assert!(begin.elapsed() < Duration::from_secs(2), "{url}");
            }
            let picture = allowed.picture(&pictures::png(8, 8));
            let prompt = format!("location: http://{}/", SocketAddr::new(address, port));
            let message = new_user(&service).failure(&picture, &prompt).await;
            assert!(message.ends_with(NOT_PUBLIC), "{prompt}: {message}");
        }
        assert_eq!(open.connections(), 0);

        // The operator may allow it.
        let sources = format!("{},{}", allowed.authority(), open.authority());
        let allowing = scripted_launch().set("allow-sources", &sources).start();
        new_user(&allowing).completed(&own, "echo it").await;
    }
    let private = "http://private.test/a.png";
    let task = new_user(&service).refined(private, "echo it").await;
    let reason = format!("{FAILED}{NOT_PUBLIC}");
    assert_eq!(task["error_message"], reason, "as it is of the others");
}
