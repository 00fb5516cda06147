//! The settings of one link of a chain: the setting that the link reads as `model-url` is
//! `models-NAME-url` in the composition. The name comes from another component, generated
//! for the link.
//!
//! It must never pass on any other setting, above all not the secret that signs sessions:
//! a link may be third-party code.

#[cfg(target_arch = "wasm32")]
mod component;

/// Prefix of the names that a link may read.
const OWN: &str = "model-";

/// The name under which a link reads the prefix of its settings in the composition, for
/// use in its messages.
pub const PREFIX: &str = "settings-prefix";

/// The composition's setting for a link's setting. None: the link may not read it.
pub fn of_link(link: &str, name: &str) -> Option<String> {
    let key = name.strip_prefix(OWN).filter(|key| !key.is_empty())?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_granted = key.bytes().all(is_plain);
    is_granted.then(|| format!("{}{key}", prefix(link)))
}

/// The prefix of a link's settings.
pub fn prefix(link: &str) -> String {
    let link = link.chars().map(|character| match character {
        'a'..='z' | '0'..='9' => character,
        'A'..='Z' => character.to_ascii_lowercase(),
        _ => '-',
    });
    format!("models-{}-", link.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{of_link, prefix};

    #[test]
    fn a_link_knows_its_own_settings_and_nothing_else() {
        for (link, name, expected) in [
            ("openai", "model-url", Some("models-openai-url")),
            ("openai", "model-api-key", Some("models-openai-api-key")),
            (
                "My_Model.v2",
                "model-style",
                Some("models-my-model-v2-style"),
            ),
            ("openai", "model-", None),
            ("openai", "model", None),
            ("openai", "models-local-url", None),
            ("openai", "model-url\0", None),
            ("openai", "model-URL", None),
            ("openai", "jwt-secret", None),
            ("openai", "settings-prefix", None),
            ("openai", "", None),
        ] {
            assert_eq!(of_link(link, name).as_deref(), expected, "{name}");
        }
        assert_eq!(prefix("My_Model.v2"), "models-my-model-v2-");
    }
}
