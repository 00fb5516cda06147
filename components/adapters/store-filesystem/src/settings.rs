//! Settings from environment variables: `public-url` is
//! `REFINEMENT_PUBLIC_URL`.

use std::env;

use concept_refinement_adapter_store::ports::Settings;

use crate::Filesystem;

/// The default address of `wasmtime serve`. It does not tell components the origin of a
/// request, so URLs have to start with this.
const ADDRESS: &str = "http://localhost:8080";

impl Settings for Filesystem {
    async fn setting(&self, name: &str) -> Option<String> {
        let value = env::var(variable(name)?).ok();
        let value = value.filter(|value| !value.is_empty());
        value.or_else(|| (name == "public-url").then(|| ADDRESS.to_owned()))
    }
}

/// None: there is no such setting.
fn variable(name: &str) -> Option<String> {
    let is_name = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let name = Some(name).filter(|name| !name.is_empty() && name.bytes().all(is_name))?;
    Some(format!(
        "REFINEMENT_{}",
        name.replace('-', "_").to_ascii_uppercase()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::run;

    #[test]
    fn the_public_url_is_known_at_any_rate() {
        let platform = Filesystem::default();
        assert_eq!(
            run(platform.setting("public-url")).as_deref(),
            Some(ADDRESS)
        );
        assert_eq!(run(platform.setting("jwt-audience")), None);
    }

    #[test]
    fn a_setting_has_a_variable() {
        for (name, expected) in [
            ("auth", Some("REFINEMENT_AUTH")),
            ("public-url", Some("REFINEMENT_PUBLIC_URL")),
            ("image-url-ttl", Some("REFINEMENT_IMAGE_URL_TTL")),
            ("", None),
            ("a=b", None),
            ("a\0b", None),
            ("Auth", None),
        ] {
            assert_eq!(variable(name).as_deref(), expected, "{name}");
        }
    }
}
