//! Removes secrets from text that people read.

/// The replacement of a secret.
const REMOVED: &str = "***";

/// A shorter part of a secret would also match ordinary words.
const SHORTEST_PART: usize = 4;

/// Nobody guesses a secret of this length.
const LONG: usize = 16;

/// Words in the name of a setting that mark its value as secret.
const WORDS: [&str; 4] = ["key", "password", "secret", "token"];

/// Secrets that must not be shown. No `Debug`, so that they cannot be printed.
#[derive(Clone, Default)]
pub struct Redaction(Vec<String>);

impl Redaction {
    /// Removes these secrets. If a secret has several parts, such as a user name and a
    /// password, each part is removed.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut removed: Vec<String> = Vec::new();
        for secret in secrets {
            let parts = secret.split(':');
            let parts = parts.filter(|part| part.len() >= SHORTEST_PART);
            let secret = Some(secret).filter(|secret| !secret.is_empty());
            removed.extend(secret.into_iter().chain(parts).map(str::to_owned));
        }
        // Longer ones first, since they may contain shorter ones.
        removed.sort_by(|one, other| (other.len(), other).cmp(&(one.len(), one)));
        removed.dedup();
        Self(removed)
    }

    /// Removes the values of settings whose names mark them as secrets, such as
    /// `model-api-key`.
    pub fn of_settings<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let is_secret = |name: &str| {
            name.split(['-', '_', '.'])
                .any(|word| WORDS.contains(&word))
        };
        let secrets = settings.into_iter().filter(|(name, _)| is_secret(name));
        Self::of(secrets.map(|(_, value)| value))
    }

    /// The length of the longest secret, in bytes.
    pub fn longest(&self) -> usize {
        self.0.first().map_or(0, String::len)
    }

    /// The text without them.
    pub fn apply(&self, text: &str) -> String {
        self.without(text, 0)
    }

    /// The text without those that are long, for users: models repeat words of their prompts,
    /// so whoever guessed a short one would learn that it is one.
    pub fn apply_for_users(&self, text: &str) -> String {
        self.without(text, LONG)
    }

    /// The text without those of at least this length.
    fn without(&self, text: &str, shortest: usize) -> String {
        let secrets = self.0.iter().filter(|secret| secret.len() >= shortest);
        secrets.fold(text.to_owned(), |text, secret| {
            match text.contains(secret) {
                true => text.replace(secret, REMOVED),
                false => text,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_and_its_parts_are_removed() {
        for (secret, text, expected) in [
            ("sk-hush", "the key sk-hush, sk-hush", "the key ***, ***"),
            ("me:hush", "Basic me:hush", "Basic ***"),
            ("me:hush", "hush is wrong", "*** is wrong"),
            ("me:hush", "something else", "something else"),
            ("", "nothing is removed", "nothing is removed"),
        ] {
            assert_eq!(Redaction::of([secret]).apply(text), expected, "{secret}");
        }
        let guessed = Redaction::of(["me:hush", "sk-0123456789abc"]);
        let text = guessed.apply_for_users("hush, me:hush, sk-0123456789abc");
        assert_eq!(text, "hush, me:hush, ***");
        let nested = Redaction::of(["hush", "hush-hush"]);
        assert_eq!(nested.apply("it is hush-hush"), "it is ***");
    }

    #[test]
    fn the_name_of_a_setting_says_whether_it_is_secret() {
        let settings = [
            ("model-api-key", "sk-1234"),
            ("model-token", "tk-1234"),
            ("model-name", "keyboard"),
            ("model-url", "http://host"),
        ];
        let said = Redaction::of_settings(settings).apply("sk-1234 tk-1234 keyboard http://host");
        assert_eq!(said, "*** *** keyboard http://host");
    }
}
