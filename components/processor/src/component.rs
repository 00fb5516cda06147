//! Implements [`crate::ports`] by the component's imports.

#![allow(
    unsafe_code,
    reason = "what wit-bindgen generates talks to the canonical ABI"
)]

mod convert;
mod http;
mod stores;

use std::time::Duration;

use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_outbound::Incoming;
use wasip3::clocks::{monotonic_clock, system_clock};
use wasip3::random::random;

use crate::config::{Config, ConfigError};
use crate::ports::{ByteStream, Clock, Progress};
use crate::process;

wit_bindgen::generate!({
    path: "../../wit",
    world: "processor-component",
    generate_all,
});

use concept::refinement::{progress, settings};
use exports::concept::refinement::processor::{Guest, Outcome};

const SETTINGS: [&str; 8] = [
    "allow-sources",
    "download-timeout",
    "max-image-bytes",
    "max-image-pixels",
    "model-timeout",
    "model-url",
    "public-url",
    "task-timeout",
];

struct Component;

export!(Component);

impl Guest for Component {
    async fn process(message: Vec<u8>) -> Outcome {
        match config().await {
            Ok(config) => process::process(&Imports, &config, &message).await.into(),
            Err(error) => Outcome::RetryLater(error.to_string()),
        }
    }
}

async fn config() -> Result<Config, ConfigError> {
    let mut values = Vec::with_capacity(SETTINGS.len());
    for name in SETTINGS {
        if let Some(value) = settings::get(name.to_owned()).await {
            values.push((name, value));
        }
    }
    Config::from_settings(|name| {
        let (_, value) = values.iter().find(|(set, _)| *set == name)?;
        Some(value.clone())
    })
}

/// Implements the ports by the imports.
struct Imports;

impl Progress for Imports {
    async fn began(&self, lease: &Lease, stage: Stage) {
        progress::began(lease.into(), stage.into()).await;
    }
}

impl Clock for Imports {
    fn now(&self) -> Timestamp {
        let now = system_clock::now();
        let seconds = u64::try_from(now.seconds).unwrap_or_default();
        Timestamp::from_secs(seconds).plus(Duration::from_nanos(now.nanoseconds.into()))
    }

    async fn sleep(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        monotonic_clock::wait_for(nanos).await;
    }

    fn jitter(&self) -> f64 {
        // An f64 holds 53 bits exactly.
        (random::get_random_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl ByteStream for Incoming {
    async fn next(&mut self) -> Option<Vec<u8>> {
        self.chunk().await
    }
}
