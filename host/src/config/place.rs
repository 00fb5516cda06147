//! The location of a store, in a form that may be logged.

use url::Url;

/// Scheme, host and path of a URL: other parts may be secret. Other text is unchanged.
pub fn of(text: &str) -> String {
    let Some((scheme, _)) = text.split_once("://") else {
        return text.to_owned();
    };
    let Ok(mut url) = Url::parse(text) else {
        return scheme.to_owned();
    };
    let has_login = !url.username().is_empty() || url.password().is_some();
    if text.contains('@') && !has_login {
        // A password with a special character: its beginning was taken for a port.
        return scheme.to_owned();
    }
    url.set_query(None);
    url.set_fragment(None);
    // Fails only for URLs that cannot have credentials.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_left_out() {
        for (text, shown) in [
            ("sqlite", "sqlite"),
            (
                "postgres://user:secret@db.example.com:5433/refine?password=secret",
                "postgres://db.example.com:5433/refine",
            ),
            ("postgres://u:secret@one:1,two:2/refine", "postgres"),
            ("postgres://u:12/secret@one/refine", "postgres"),
            ("postgres://u:12#secret@one/refine", "postgres"),
            ("nats://secret@nats.example.com", "nats://nats.example.com"),
            ("pubsub://project/topic", "pubsub://project/topic"),
            ("s3://bucket/prefix", "s3://bucket/prefix"),
        ] {
            assert_eq!(of(text), shown, "{text}");
        }
    }
}
