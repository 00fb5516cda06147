//! The contact of this service's operator for operators of origins, named by the user
//! agent of downloads. Some origins refuse clients without one.

use url::Url;

/// Longest contact, in characters.
const MAX_LENGTH: usize = 200;

/// A URL or an e-mail address, fit for a comment in a header (RFC 9110, 5.6.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact(String);

impl Contact {
    /// Parses the value of the setting.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let is_fit =
            text.chars().all(|it| it.is_ascii_graphic()) && !text.contains(['(', ')', '\\']);
        if !is_fit || text.len() > MAX_LENGTH || !(is_url(text) || is_email(text)) {
            return Err(format!(
                "must be a URL or an e-mail address in ASCII without parentheses, \
                 at most {MAX_LENGTH} characters"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_plain = url.username().is_empty() && url.password().is_none();
        is_plain && (is_web || url.scheme() == "mailto" && is_email(url.path()))
    })
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !text.contains([':', '/']) && !host.contains('@')
    })
}

/// The user agent of downloads.
pub fn user_agent(version: &str, contact: Option<&Contact>) -> String {
    match contact {
        Some(Contact(contact)) => format!("concept-refinement/{version} (+{contact})"),
        None => format!("concept-refinement/{version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_a_url_or_an_email_address() {
        let long = format!("https://refine.example/{}", "x".repeat(MAX_LENGTH));
        for (text, is_one) in [
            ("https://refine.example", true),
            ("http://refine.example/contact?of=us", true),
            (" https://refine.example/contact ", true),
            ("images@refine.example", true),
            ("mailto:images@refine.example", true),
            ("", false),
            (" ", false),
            ("us", false),
            ("refine.example", false),
            ("ftp://refine.example", false),
            ("mailto:us", false),
            ("https://", false),
            ("https://user:secret@refine.example", false),
            ("https://user@refine.example", false),
            ("@refine.example", false),
            ("images@", false),
            ("a@b@refine.example", false),
            ("images@refine example", false),
            ("https://refine.example/(us)", false),
            ("https://refine.example/\\", false),
            ("https://refine.example/\r\nx: y", false),
            ("https://b\u{fc}cher.example", false),
            (&long, false),
        ] {
            assert_eq!(Contact::parse(text).is_ok(), is_one, "{text:?}");
        }
    }

    #[test]
    fn a_user_agent_has_a_version_and_names_the_contact() {
        let contact = Contact::parse(" images@refine.example ").unwrap();
        let of = |contact| user_agent("1.2.3", contact);
        assert_eq!(of(None), "concept-refinement/1.2.3");
        let with = "concept-refinement/1.2.3 (+images@refine.example)";
        assert_eq!(of(Some(&contact)), with);
    }
}
