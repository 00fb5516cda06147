//! Tells errors of whoever gives the credentials from those of the bucket: the S3 client
//! returns both from the same call.

use std::sync::Arc;

use futures::future::BoxFuture;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential, AwsCredentialProvider};
use object_store::{CredentialProvider, Error};

/// What identifies an error of the S3 client, and why there are no credentials then. The
/// first that fits counts.
const REASONS: [(&str, &str); 3] = [
    (
        "EKS token file",
        "there are no credentials: the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be \
         read",
    ),
    (
        "token file",
        "there are no credentials: the file of AWS_WEB_IDENTITY_TOKEN_FILE cannot be read",
    ),
    // Asked if no others are set.
    (
        "http://169.254.169.254/latest/",
        "there are no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and \
         the metadata service of this machine gives none",
    ),
];

/// Any other error: it is that of the service of a container or a workload.
const SERVICE: &str = "there are no credentials: the service of AWS_CONTAINER_CREDENTIALS_… or \
                       AWS_ROLE_ARN gives none";

/// Why there are no credentials, as the end of a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoCredentials(pub(super) &'static str);

/// Builds a client whose errors contain [`NoCredentials`] if that is why it failed.
pub(super) fn build(builder: AmazonS3Builder) -> object_store::Result<AmazonS3> {
    let provider = Arc::clone(builder.clone().build()?.credentials());
    builder
        .with_credentials(Arc::new(Provider(provider)))
        .build()
}

#[derive(Debug)]
struct Provider(AwsCredentialProvider);

impl CredentialProvider for Provider {
    type Credential = AwsCredential;

    fn get_credential<'a, 'b>(&'a self) -> BoxFuture<'b, object_store::Result<Arc<AwsCredential>>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let given = self.0.get_credential().await;
            given.map_err(|error| Error::Generic {
                store: "S3",
                source: Box::new(NoCredentials(reason(&error.to_string()))),
            })
        })
    }
}

fn reason(error: &str) -> &'static str {
    let found = REASONS.into_iter().find(|(part, _)| error.contains(part));
    found.map_or(SERVICE, |(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;
    use object_store::client::{
        HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
    };
    use object_store::path::Path;
    use object_store::{ClientOptions, GetOptions, ObjectStore as _};

    use super::*;
    use crate::fault::Fault;

    /// Finds nothing anywhere.
    #[derive(Debug)]
    struct Nowhere;

    impl HttpConnector for Nowhere {
        fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
            Ok(HttpClient::new(Self))
        }
    }

    impl HttpService for Nowhere {
        fn call<'a, 'b>(&'a self, _: HttpRequest) -> BoxFuture<'b, Result<HttpResponse, HttpError>>
        where
            'a: 'b,
            Self: 'b,
        {
            let mut response = HttpResponse::new(Bytes::new().into());
            *response.status_mut() = StatusCode::NOT_FOUND;
            Box::pin(std::future::ready(Ok(response)))
        }
    }

    #[tokio::test]
    async fn who_gives_no_credentials_is_told_from_a_bucket_that_fails() {
        let cases: [(&[(&str, &str)], &str); 5] = [
            (
                &[
                    ("aws_access_key_id", "key"),
                    ("aws_secret_access_key", "secret"),
                ],
                "there is no such object",
            ),
            (&[], "the metadata service of this machine gives none"),
            (
                &[("aws_container_credentials_relative_uri", "/credentials")],
                SERVICE,
            ),
            (
                &[
                    ("aws_container_credentials_full_uri", "http://127.0.0.1/"),
                    ("aws_container_authorization_token_file", "missing"),
                ],
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read",
            ),
            (
                &[
                    ("aws_role_arn", "arn:aws:iam::1:role/a"),
                    ("aws_web_identity_token_file", "missing"),
                ],
                "AWS_WEB_IDENTITY_TOKEN_FILE cannot be read",
            ),
        ];
        for (variables, expected) in cases {
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name("images")
                .with_http_connector(Nowhere);
            for (name, value) in variables {
                builder = builder.with_config(name.parse().unwrap(), *value);
            }
            let s3 = build(builder).unwrap();
            let answer = s3.get_opts(&Path::from("a"), GetOptions::default()).await;
            let sentence = Fault::from(answer.err().unwrap()).sentence();
            assert!(sentence.ends_with(expected), "{variables:?}: {sentence}");
        }
    }
}
