//! Settings are the application's variables: `public-url` is `public_url`.

use concept_refinement_adapter_store::ports::Settings;
use spin_sdk::variables;

use crate::KeyValue;

impl Settings for KeyValue {
    async fn setting(&self, name: &str) -> Option<String> {
        let variable = name.replace('-', "_");
        // A variable that the component was not granted counts as unset.
        let value = variables::get(variable).await.ok()?;
        Some(value).filter(|value| !value.is_empty())
    }
}
