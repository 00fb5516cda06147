//! The host names that are accepted by a service which only this machine can connect to.
//!
//! Otherwise a web page whose name is made to resolve to a loopback address (DNS
//! rebinding) could use the service: for the browser, both are the same origin.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;
use url::{Host, Url};

/// The names by which this machine knows itself, and the one in the public URL.
pub struct HostNames {
    public: Option<String>,
}

impl HostNames {
    /// None: the listener can be reached from other machines, by names that are not known
    /// here.
    pub fn of_listener(listener: SocketAddr, public_url: Option<&str>) -> Option<Self> {
        let host = public_url.and_then(|url| Url::parse(url).ok());
        let public = host.and_then(|url| url.host_str().map(str::to_ascii_lowercase));
        listener
            .ip()
            .to_canonical()
            .is_loopback()
            .then_some(Self { public })
    }

    /// Whether it is one of them.
    pub fn include(&self, authority: &Authority) -> bool {
        let name = authority.host().to_ascii_lowercase();
        if self.public.as_ref() == Some(&name) {
            return true;
        }
        match Host::parse(&name) {
            Ok(Host::Domain(name)) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                name == "localhost" || name.ends_with(".localhost")
            }
            Ok(Host::Ipv4(address)) => address.is_loopback(),
            Ok(Host::Ipv6(address)) => IpAddr::from(address).to_canonical().is_loopback(),
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(public: Option<&str>) -> HostNames {
        HostNames::of_listener("127.0.0.1:8080".parse().unwrap(), public).unwrap()
    }

    #[test]
    fn a_local_service_answers_to_local_names() {
        for (host, is_included) in [
            ("localhost", true),
            ("localhost:8080", true),
            ("LOCALHOST:1", true),
            ("localhost.", true),
            ("app.localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("127.1.2.3", true),
            ("[::1]:8080", true),
            ("[::ffff:127.0.0.1]", true),
            ("refine.example.com", true),
            ("Refine.Example.COM:443", true),
            ("evil.example", false),
            ("notlocalhost", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("127.0.0.1.nip.io:8080", false),
            ("refine.example.com.evil.example", false),
            ("0.0.0.0:8080", false),
            ("192.168.1.2", false),
            ("[::]:8080", false),
            ("[2001:db8::1]", false),
            ("a", false),
        ] {
            let names = names(Some("https://refine.example.com"));
            let authority = Authority::try_from(host).unwrap();
            assert_eq!(names.include(&authority), is_included, "{host}");
        }
        let public = Authority::from_static("refine.example.com");
        assert!(!names(None).include(&public));
    }

    #[test]
    fn a_listener_for_others_answers_to_any_name() {
        for (listener, is_local) in [
            ("127.0.0.1:80", true),
            ("127.9.9.9:80", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("0.0.0.0:80", false),
            ("[::]:80", false),
            ("192.0.2.1:80", false),
        ] {
            let names = HostNames::of_listener(listener.parse().unwrap(), None);
            assert_eq!(names.is_some(), is_local, "{listener}");
        }
    }
}
