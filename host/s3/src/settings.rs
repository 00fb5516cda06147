//! Settings of a bucket, from the URL and the usual environment variables.

use concept_refinement_capability::service_url;
use object_store::RetryConfig;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, ClientOptions};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

use super::client::Client;
use super::credentials;

/// Environment variables that are used, as the S3 client names its options. Options not listed
/// here keep their defaults.
const VARIABLES: [&str; 12] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/// Retries for requests that failed quickly, as the documentation of S3 recommends: it
/// responds with 503 to clients that are merely too fast. A request that took longer is
/// not repeated, since callers have their own deadlines.
const RETRIES: usize = 2;
const RETRY_TIMEOUT: Duration = Duration::from_millis(500);
const BACKOFF: Duration = Duration::from_millis(50);

/// A bucket, and the location of the images in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) bucket: String,
    /// Empty, or with a trailing slash.
    pub(super) prefix: String,
    /// None: AWS.
    endpoint: Option<Url>,
    /// Certificates to trust in addition to the system's.
    pub(super) ca_bundle: Option<PathBuf>,
}

type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Send + Sync);

impl Settings {
    /// Errors are ends of sentences, and do not quote the value, since it may contain a secret.
    pub(super) fn read(url: &str, environment: Environment<'_>) -> Result<Self, &'static str> {
        let place = url.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let is_plain = |text: &str, more: &[u8]| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
        };
        if !(3..=63).contains(&bucket.len()) || !is_plain(bucket, b".-_") {
            return Err(
                "must be s3://BUCKET/PREFIX, where a bucket has 3 to 63 letters, digits and .-_",
            );
        }
        let prefix = prefix.trim_matches('/');
        let is_prefix = is_plain(prefix, b"-_./")
            && prefix
                .split('/')
                .all(|part| !matches!(part, "." | "..") && (!part.is_empty() || prefix.is_empty()));
        if !is_prefix {
            return Err("must have a prefix of letters, digits and -_./");
        }
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        let endpoint = variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: match prefix {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            },
            endpoint: endpoint.as_deref().map(self::endpoint).transpose()?,
            ca_bundle: variable("AWS_CA_BUNDLE").map(PathBuf::from),
        })
    }

    /// The name for messages.
    pub(super) fn shown(&self) -> String {
        let Self { bucket, prefix, .. } = self;
        let shown = format!("s3://{bucket}/{prefix}");
        shown.trim_end_matches('/').to_owned()
    }

    /// Whether the connection is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        let endpoint = self.endpoint.as_ref();
        endpoint.is_none_or(|endpoint| endpoint.scheme() == "https")
    }

    /// The S3 client. A body is covered by the signature only if nothing else protects
    /// it. It uses neither checksum headers nor conditional puts, since not every server
    /// supports them.
    pub(super) fn client(
        &self,
        environment: Environment<'_>,
        http: Client,
    ) -> object_store::Result<AmazonS3> {
        let mut builder = AmazonS3Builder::new();
        for name in VARIABLES {
            if let Some(value) = environment(name).filter(|value| !value.is_empty()) {
                builder = builder.with_config(name.to_ascii_lowercase().parse()?, value);
            }
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        let builder = builder
            .with_bucket_name(&self.bucket)
            .with_client_options(ClientOptions::new().with_allow_http(!self.is_encrypted()))
            .with_http_connector(http)
            .with_unsigned_payload(self.is_encrypted())
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: BACKOFF,
                    max_backoff: 4 * BACKOFF,
                    base: 2.0,
                },
                max_retries: RETRIES,
                retry_timeout: RETRY_TIMEOUT,
            });
        credentials::build(builder)
    }
}

fn endpoint(value: &str) -> Result<Url, &'static str> {
    service_url::parse(value)
        .ok_or("AWS_ENDPOINT_URL must be an http or https URL without user information and query")
}

#[cfg(test)]
mod tests {
    use object_store::aws::AmazonS3ConfigKey;

    use super::*;

    #[test]
    fn each_variable_is_an_option_of_the_client() {
        for name in VARIABLES {
            let key = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>();
            assert!(
                key.is_ok_and(|key| !matches!(key, AmazonS3ConfigKey::Client(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn a_bucket_is_read_with_its_prefix() {
        for (url, expected) in [
            ("s3://images", Some(("images", ""))),
            ("s3://images/", Some(("images", ""))),
            ("s3://images/a", Some(("images", "a/"))),
            ("s3://images/a/b-1/", Some(("images", "a/b-1/"))),
            ("s3://my.images-1/a_b.c", Some(("my.images-1", "a_b.c/"))),
            ("s3://", None),
            ("s3://ab", None),
            ("s3:///prefix", None),
            ("s3://key:secret@images", None),
            ("s3://images?region=x", None),
            ("s3://images/a?b", None),
            ("s3://images/a//b", None),
            ("s3://images/../b", None),
            ("s3://images/a b", None),
            ("s3://images/%2e%2e", None),
        ] {
            let read = Settings::read(url, &|_| None);
            let read = read.as_ref().ok();
            let read = read.map(|read| (read.bucket.as_str(), read.prefix.as_str()));
            assert_eq!(read, expected, "{url}");
        }
    }

    #[test]
    fn an_endpoint_needs_no_other_variable_to_be_allowed() {
        for (name, value, expected) in [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000", Some(false)),
            ("AWS_ENDPOINT_URL", "http://minio:9000/", Some(false)),
            (
                "AWS_ENDPOINT_URL_S3",
                "https://example.com/storage/v1/s3",
                Some(true),
            ),
            ("AWS_ENDPOINT_URL", "", Some(true)),
            ("OTHER", "http://127.0.0.1:9000", Some(true)),
            ("AWS_ENDPOINT_URL", "127.0.0.1:9000", None),
            ("AWS_ENDPOINT_URL", "ftp://127.0.0.1", None),
            ("AWS_ENDPOINT_URL", "https://key:secret@example.com", None),
            ("AWS_ENDPOINT_URL", "https://example.com?key=secret", None),
        ] {
            let environment = |asked: &str| (asked == name).then(|| value.to_owned());
            let read = Settings::read("s3://images", &environment);
            if let Err(problem) = &read {
                assert!(!problem.contains("secret"), "{problem}");
            }
            let is_encrypted = read.ok().map(|read| read.is_encrypted());
            assert_eq!(is_encrypted, expected, "{name}={value}");
        }
    }
}
