//! The interface `settings` on both sides, and the name of the link.

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "
            package concept:composing;
            interface link-name { get: func() -> string; }
            world link-settings {
                import link-name;
                import concept:refinement/settings@0.2.0;
                export concept:refinement/settings@0.2.0;
            }
        ",
        world: "concept:composing/link-settings",
        generate_all,
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::composing::link_name;
use bindings::concept::refinement::settings;
use bindings::exports::concept::refinement::settings::Guest;

struct Component;

impl Guest for Component {
    async fn get(name: String) -> Option<String> {
        Self::get_many(vec![name]).await.pop().flatten()
    }

    async fn get_many(names: Vec<String>) -> Vec<Option<String>> {
        let link = link_name::get();
        let asked = |name: &String| crate::of_link(&link, name);
        let granted = names.iter().filter_map(asked).collect();
        let mut values = settings::get_many(granted).await.into_iter();
        let answers = names.iter().map(|name| match asked(name) {
            Some(_) => values.next().flatten(),
            None => (name == crate::PREFIX).then(|| crate::prefix(&link)),
        });
        answers.collect()
    }
}
