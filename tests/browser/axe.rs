//! Whether everyone can use what is on show, as far as the rules of axe-core can
//! tell.

use std::fs;
use std::sync::LazyLock;

use concept_refinement_tests::artifacts;
use serde_json::Value;

use crate::tab::{DESK, PHONE, Tab};

/// Light on a desk, dark on a phone: between them everything is seen once.
const LOOKS: [((u32, u32), bool); 2] = [(DESK, false), (PHONE, true)];

const RUN: &str = "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => \
    violations.map(({id, nodes}) => [id, nodes.map(({html}) => html)]))";

impl Tab {
    /// Asserts that the state on show breaks no rule, and fits its window.
    pub async fn is_for_everyone(&self, state: &str) {
        for (size, is_dark) in LOOKS {
            self.looks(size, is_dark).await;
            let violations = self.violations().await;
            let violations = violations.as_array().unwrap();
            assert!(
                violations.is_empty(),
                "{state}, dark: {is_dark}: {violations:?}"
            );
            assert_eq!(self.hidden_width().await, 0, "{state}, {size:?}");
        }
        self.looks(DESK, false).await;
    }

    /// How far the page scrolls to the side.
    pub async fn hidden_width(&self) -> Value {
        self.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            .await
    }

    /// The rules that are broken, each with where.
    pub async fn violations(&self) -> Value {
        static AXE: LazyLock<String> =
            LazyLock::new(|| fs::read_to_string(artifacts::axe()).unwrap());
        if self.value("typeof axe").await == "undefined" {
            self.run(&AXE).await;
        }
        self.value(RUN).await
    }
}
