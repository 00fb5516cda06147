//! Where work may be polled, and an image downloaded by this model.

use concept_refinement_model_provider::{Address, Base};

use crate::PROFILE;

/// The address of a URL, if something may be sent there: at the provider's own base URL
/// all of its domain, since its addresses are on several hosts, and elsewhere the origin of
/// the base URL alone.
pub fn allowed(url: &str, base: &Base) -> Option<Address> {
    let address = Address::parse(url)?;
    let own = Address::parse(&format!("{}/", PROFILE.url));
    let is_own = own.is_some_and(|own| own.has_origin_of(base));
    let is_allowed = match PROFILE.domain.filter(|_| is_own) {
        Some(domain) => address.is_below(domain),
        None => address.has_origin_of(base),
    };
    is_allowed.then_some(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_allowed(url: &str, base: &str) -> bool {
        allowed(url, &Base::parse(base).unwrap()).is_some()
    }

    #[test]
    fn the_providers_addresses_are_below_its_domain() {
        for (url, expected) in [
            ("https://api.us2.bfl.ai/v1/get_result?id=1f8c", true),
            ("https://delivery-eu1.bfl.ai/results/a.png?sig=b%3D", true),
            ("https://API.BFL.AI:443/v1/get_result?id=1f8c", true),
            ("https://bfl.ai/x", true),
            ("http://api.bfl.ai/v1/get_result", false),
            ("https://api.bfl.ai:8443/x", false),
            ("https://api.bfl.ai:/x", false),
            ("https://key@api.bfl.ai/x", false),
            ("https://api.bfl.ai@evil.example/x", false),
            ("https://api.bfl.ai:443@evil.example/x", false),
            ("https://evilbfl.ai/x", false),
            ("https://bfl.ai.evil.example/x", false),
            ("https://evil.example/bfl.ai", false),
            ("https://evil.example?.bfl.ai", false),
            ("https://evil.example#.bfl.ai", false),
            ("https://evil.example\\.bfl.ai/x", false),
            ("https:\\\\api.bfl.ai/x", false),
            ("https:api.bfl.ai/x", false),
            ("//api.bfl.ai/x", false),
            ("/v1/get_result?id=1f8c", false),
            ("api.bfl.ai/x", false),
            ("ftp://api.bfl.ai/x", false),
            ("https://api.bfl.ai./x", false),
            ("https://api.bfl.ai/x\r\nhost: evil.example", false),
            ("https://127.0.0.1/x", false),
            ("", false),
        ] {
            for base in [PROFILE.url, "https://API.bfl.ai:443/x/"] {
                assert_eq!(is_allowed(url, base), expected, "{url:?} of {base}");
            }
        }
    }

    #[test]
    fn those_of_another_server_are_its_own() {
        let proxy = "http://127.0.0.1:8000/bfl";
        for (url, base, expected) in [
            ("http://127.0.0.1:8000/v1/get_result?id=1f8c", proxy, true),
            ("http://127.0.0.1:8001/v1/get_result", proxy, false),
            ("https://127.0.0.1:8000/v1/get_result", proxy, false),
            ("https://api.bfl.ai/v1/get_result", proxy, false),
            ("https://api.bfl.ai/x", "http://api.bfl.ai", false),
            ("https://api.us.bfl.ai/x", "https://api.eu.bfl.ai", false),
            ("https://api.bfl.ai/x", "https://bfl.ai.evil.example", false),
        ] {
            assert_eq!(is_allowed(url, base), expected, "{url} of {base}");
        }
    }

    proptest! {
        #[test]
        fn what_is_allowed_is_at_the_domain(url in "https://[a-z.@:\\\\/?#%bfl.ai]{0,20}bfl\\.ai[:/?#a-z.]{0,9}") {
            if let Some(address) = allowed(&url, &Base::parse(PROFILE.url).unwrap()) {
                let origin = address.origin.join("");
                let host = origin.strip_prefix("https://").unwrap();
                prop_assert!(host == "bfl.ai" || host.ends_with(".bfl.ai"), "{}", url);
            }
        }
    }
}
