//! S3 as an engine for the configuration.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::engine::{Engine, EngineConfig, ImageEngine, OpenImages};
use concept_refinement_capability::images::Options;
use concept_refinement_capability::room::Room;
use concept_refinement_capability::tls::Trust;
use concept_refinement_capability::{Clock, OpenError};

use super::S3Images;
use super::bucket::Bucket;
use super::client::Client;
use super::probe;
use super::settings::Settings;

/// How often a bucket is tried at startup before it counts as unavailable, and the delay
/// in between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

/// `s3://BUCKET/PREFIX`: a bucket of S3, or of any compatible service.
pub const ENGINE: ImageEngine = Engine {
    name: "s3://",
    check: |url| {
        let read = Settings::read(url, &|_| None);
        read.map(drop).map_err(str::to_owned)
    },
    open: |config, options| Box::pin(open(config, options)),
    files: None,
    inspect: Some(|config| Box::pin(inspect(config))),
};

async fn open(config: EngineConfig, options: Options) -> Result<OpenImages, OpenError> {
    let (url, variables) = (&config.url, &*config.variables);
    let (trust, room, clock) = (config.trust, &config.room, config.clock);
    let images = S3Images::open(url, variables, trust, options, room, clock).await?;
    Ok(OpenImages {
        store: Arc::new(images.clone()),
        restore: Some(Arc::new(images)),
        embedded: None,
    })
}

/// Whether the bucket can be used.
async fn inspect(config: EngineConfig) -> Result<String, OpenError> {
    let (shown, bucket) = bucket(&config.url, &*config.variables, config.trust).await?;
    let outcome = probe::probe(&bucket).await;
    match outcome.access.and(outcome.deletion) {
        Ok(()) => Ok(String::new()),
        Err(fault) => Err(OpenError::server(shown, fault.sentence())),
    }
}

/// A bucket, and its name for messages. No request is made yet.
async fn bucket(
    url: &str,
    environment: &(dyn Fn(&str) -> Option<String> + Send + Sync),
    trust: Trust,
) -> Result<(String, Bucket), OpenError> {
    let settings =
        Settings::read(url, environment).map_err(|problem| OpenError::server("s3://", problem))?;
    let shown = settings.shown();
    let unusable = |reason: &str| OpenError::server(&shown, reason);
    let trust = match &settings.ca_bundle {
        Some(bundle) => trust.and(bundle),
        None => Ok(trust),
    };
    let trust = trust.map_err(|reason| unusable(&format!("AWS_CA_BUNDLE: {reason}")))?;
    let made = tokio::task::spawn_blocking(move || Client::new(&trust));
    let http = made.await.map_err(anyhow::Error::from).flatten();
    let http = http.map_err(|error| unusable(&format!("{error:#}")))?;
    let s3 = settings.client(environment, http);
    // The error may quote a value, so it is not passed on.
    let s3 = s3.map_err(|_| unusable("the variables AWS_… do not fit together"))?;
    let bucket = Bucket::new(s3, settings.prefix);
    Ok((shown, bucket))
}

impl S3Images {
    /// Opens a bucket, which has to exist. One that cannot be reached is not an error:
    /// each call fails until it can. `environment` has the variables `AWS_…`; `trust` is
    /// for https; the room no longer counts the disk.
    ///
    /// # Errors
    ///
    /// The settings cannot be used, or the bucket refuses them.
    pub async fn open(
        url: &str,
        environment: &(dyn Fn(&str) -> Option<String> + Send + Sync),
        trust: Trust,
        options: Options,
        room: &Arc<Room>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let (shown, bucket) = bucket(url, environment, trust).await?;
        for attempt in 1..=TRIES {
            match bucket.page("", 1, None).await {
                Ok(_) => break,
                Err(fault) if fault.is_definitive() => {
                    return Err(OpenError::server(shown, fault.sentence()));
                }
                Err(fault) if attempt == TRIES => {
                    tracing::warn!("{shown} cannot be used yet: {}", fault.sentence());
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        room.leave_disk();
        Ok(Self::of(bucket, options, room.max_store(), clock))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_server_that_speaks_another_protocol_is_told_from_one_that_is_away() {
        const ALERT: &[u8] = b"\x15\x03\x03\x00\x02\x02\x46";
        const REFUSAL: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        for (scheme, answer, expected) in [
            ("http", ALERT, "must begin with https://"),
            ("https", REFUSAL, "must begin with http://"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("{scheme}://{}", listener.local_addr().unwrap());
            tokio::spawn(async move {
                loop {
                    let (mut client, _) = listener.accept().await.unwrap();
                    // What is left unread would reset the connection.
                    let _ = client.read(&mut [0; 16 << 10]).await;
                    let _ = client.write_all(answer).await;
                }
            });
            let environment = move |name: &str| match name {
                "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
                "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("x".to_owned()),
                _ => None,
            };
            let opened = bucket("s3://images", &environment, Trust::default()).await;
            let (_, bucket) = opened.unwrap();
            let fault = probe::probe(&bucket).await.access.unwrap_err();
            assert!(fault.sentence().ends_with(expected), "{scheme}: {fault:?}");
        }
    }
}
