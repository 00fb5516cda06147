//! The interface `settings` on both sides.

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "settings-adapter",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::settings;
use bindings::exports::concept::refinement::settings::Guest;

struct Component;

impl Guest for Component {
    async fn get(name: String) -> Option<String> {
        Self::get_many(vec![name]).await.pop().flatten()
    }

    async fn get_many(names: Vec<String>) -> Vec<Option<String>> {
        let granted = names.iter().filter(|name| crate::is_granted(name));
        let values = settings::get_many(granted.cloned().collect()).await;
        let mut values = values.into_iter();
        let answers = names.iter().map(|name| match crate::is_granted(name) {
            true => values.next().flatten(),
            false => None,
        });
        answers.collect()
    }
}
