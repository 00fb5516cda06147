//! Implements [`crate::ports`] with the component's imports.

#![allow(
    unsafe_code,
    reason = "what wit-bindgen generates talks to the canonical ABI"
)]

mod http;
mod stores;

use concept_refinement_domain::convert::Convert as _;
use concept_refinement_guest::Imports;
use concept_refinement_guest::bindings::settings;
use concept_refinement_guest::bindings::types::Claimed;

use crate::config::{Config, ConfigError, SETTINGS};
use crate::process;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package concept-refinement:processor;
        world models {
            import concept:refinement/image-model@0.2.0;
            import concept:refinement/partial-edits@0.2.0;
            export concept:refinement/processor@0.2.0;
        }
    ",
    world: "concept-refinement:processor/models",
    with: { "concept:refinement/types@0.2.0": concept_refinement_guest::bindings::types },
    generate_all,
});

use concept::refinement::{image_model, partial_edits};
use exports::concept::refinement::processor::{Guest, Outcome};

struct Component;

export!(Component);

impl Guest for Component {
    async fn process(claimed: Claimed) -> Outcome {
        let claimed = claimed.convert();
        match config().await {
            Ok(config) => process::process(&Imports, &config, &claimed).await.into(),
            Err(error) => Outcome::RetryLater(error.to_string()),
        }
    }
}

async fn config() -> Result<Config, ConfigError> {
    let values = settings::get_many(SETTINGS.map(str::to_owned).into()).await;
    Config::from_values(&values)
}

impl From<process::Outcome> for Outcome {
    fn from(outcome: process::Outcome) -> Self {
        match outcome {
            process::Outcome::Done => Self::Done,
            process::Outcome::Skipped => Self::Skipped,
            process::Outcome::RetryLater(reason) => Self::RetryLater(reason),
            process::Outcome::Rejected(reason) => Self::Rejected(reason),
        }
    }
}
