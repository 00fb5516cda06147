//! The topic, the subscription, and the endpoint of the API.

use std::fmt;

use concept_refinement_capability::service_url;
use concept_refinement_capability::tls::Trust;
use url::Url;

/// A topic, and optionally a subscription to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As `projects/PROJECT/topics/TOPIC`.
    pub(super) topic: String,
    /// As `projects/PROJECT/subscriptions/NAME`. None: messages are not pulled.
    pub(super) subscription: Option<String>,
    pub(super) endpoint: Url,
    pub(super) trust: Trust,
}

impl Target {
    /// Parses a URL `pubsub://PROJECT/TOPIC`. A subscription is given by its name within
    /// the topic's project, or by its full name.
    ///
    /// # Errors
    ///
    /// What is not usable, as a sentence.
    pub fn parse(url: &str, endpoint: &str, subscription: Option<&str>) -> Result<Self, String> {
        let names = Self::topic(url).map_err(|problem| format!("its URL {problem}"));
        let (project, topic) = names?;
        let subscription = subscription.map(|name| {
            whole_name(project, name)
                .ok_or("its subscription must be a name, or as projects/PROJECT/subscriptions/NAME")
        });
        let endpoint = service_url::parse(endpoint)
            .ok_or("its endpoint must be an http or https URL, as https://pubsub.googleapis.com")?;
        Ok(Self {
            topic: format!("projects/{project}/topics/{topic}"),
            subscription: subscription.transpose()?,
            endpoint,
            trust: Trust::default(),
        })
    }

    /// The project and the topic of a URL. An error is the end of a sentence.
    pub(super) fn topic(url: &str) -> Result<(&str, &str), &'static str> {
        const FORM: &str = "must be as pubsub://PROJECT/TOPIC";
        let path = url.strip_prefix("pubsub://").ok_or(FORM)?;
        let names = path.split_once('/').ok_or(FORM)?;
        match is_name(names.0) && is_name(names.1) {
            true => Ok(names),
            false => Err(FORM),
        }
    }

    /// Whether credentials may be sent to this target.
    pub(super) fn is_private(&self) -> bool {
        self.endpoint.scheme() == "https"
    }
}

/// The full name of a subscription, which may be given by its name within the project.
fn whole_name(project: &str, name: &str) -> Option<String> {
    let parts: Vec<_> = name.split('/').collect();
    let (project, name) = match *parts {
        [name] => (project, name),
        ["projects", project, "subscriptions", name] => (project, name),
        _ => return None,
    };
    let is_named = is_name(project) && is_name(name);
    is_named.then(|| format!("projects/{project}/subscriptions/{name}"))
}

/// Whether it has only characters of names in Google Cloud, all of which are safe in a
/// URL.
fn is_name(name: &str) -> bool {
    let is_usual =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | ':');
    let is_path = name.chars().all(|c| c == '.');
    !is_path && name.len() <= 255 && name.chars().all(is_usual)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.endpoint.host_str().unwrap_or_default();
        write!(f, "Pub/Sub at {host}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOGLE: &str = "https://pubsub.googleapis.com";

    #[test]
    fn a_topic_and_its_subscription_are_read() {
        for (subscription, expected) in [
            (None, None),
            (Some("s"), Some("projects/my-project/subscriptions/s")),
            (
                Some("projects/other/subscriptions/s.t"),
                Some("projects/other/subscriptions/s.t"),
            ),
        ] {
            let target = Target::parse("pubsub://my-project/my.topic", GOOGLE, subscription);
            let target = target.unwrap();
            assert_eq!(target.topic, "projects/my-project/topics/my.topic");
            assert_eq!(target.subscription.as_deref(), expected);
            assert!(target.is_private());
        }
        let local = Target::parse("pubsub://example.com:p/t", "http://localhost:8085", None);
        let local = local.unwrap();
        assert_eq!(local.topic, "projects/example.com:p/topics/t");
        assert!(!local.is_private());
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        for (url, endpoint, subscription, what) in [
            ("pubsub://p", GOOGLE, None, "URL"),
            ("pubsub://p/", GOOGLE, None, "URL"),
            ("pubsub:///t", GOOGLE, None, "URL"),
            ("pubsub://p/t/u", GOOGLE, None, "URL"),
            ("pubsub://p/..", GOOGLE, None, "URL"),
            ("pubsub://p/t?a", GOOGLE, None, "URL"),
            ("pubsub://p/t", "localhost:8085", None, "endpoint"),
            ("pubsub://p/t", "ftp://host", None, "endpoint"),
            ("pubsub://p/t", "http://a:b@host", None, "endpoint"),
            ("pubsub://p/t", GOOGLE, Some(""), "subscription"),
            ("pubsub://p/t", GOOGLE, Some("a/b"), "subscription"),
            (
                "pubsub://p/t",
                GOOGLE,
                Some("projects/p/topics/s"),
                "subscription",
            ),
            (
                "pubsub://p/t",
                GOOGLE,
                Some("projects/../subscriptions/s"),
                "subscription",
            ),
        ] {
            let problem = Target::parse(url, endpoint, subscription).unwrap_err();
            assert!(problem.contains(what), "{url} {subscription:?}: {problem}");
        }
    }
}
