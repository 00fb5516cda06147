//! Sends spans by OTLP, the protocol of OpenTelemetry, if its variables name a collector.
//!
//! Spans are made elsewhere ([`concept_refinement_capability::traces`]); here they become
//! those of the OpenTelemetry crates, wait in a bounded queue, and are sent from a thread
//! of their own. Spans that do not fit into the queue are dropped. A collector that
//! hangs, fails or is unavailable must never slow or stop the service, nor may an
//! unusable variable.

#[cfg(feature = "otlp")]
mod client;
#[cfg(feature = "otlp")]
mod export;
#[cfg(not(feature = "otlp"))]
#[path = "traces/no_export.rs"]
mod export;
mod settings;
#[cfg(feature = "otlp")]
mod tracer;

use std::env;

use concept_refinement_capability::tls::Trust;
use concept_refinement_capability::traces::Traces;

use export::Export;
use settings::Settings;

/// Sends spans. The default sends none.
#[derive(Default)]
pub struct Sending(Option<Export>);

impl Sending {
    /// Starts to send spans, if the environment variables say so. It has to be called
    /// within the runtime that is to send them.
    pub fn of_environment(trust: &Trust) -> Self {
        let started = match Settings::read(|name| env::var(name).ok()) {
            Ok(None) => return Self::default(),
            Ok(Some(settings)) => Export::start(&settings, trust),
            Err(unusable) => Err(unusable),
        };
        match started {
            Ok(export) => {
                tracing::info!("traces are sent by OTLP");
                Self(Some(export))
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "no traces are sent");
                Self::default()
            }
        }
    }

    /// The tracer whose spans are sent.
    pub fn traces(&self) -> Traces {
        self.0.as_ref().map(Export::traces).unwrap_or_default()
    }

    /// Sends the remaining spans, within a second.
    pub async fn stop(self) {
        if let Some(export) = self.0 {
            export.stop().await;
        }
    }
}
