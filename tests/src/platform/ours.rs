//! The host of the product: with its own stores, and with all in one component.

use crate::artifacts;
use crate::service::{Launch, Service};

use super::{Model, Platform, Shared, Start};

pub struct Ours;

pub struct Composed;

impl Platform for Ours {
    fn start(start: &Start<Self>) -> Service {
        let launch = launch(start);
        match start.model {
            Model::Local => launch.start(),
            Model::Scripted => launch.scripted().start(),
        }
    }

    fn shared() -> &'static Shared {
        static SHARED: Shared = Shared::new();
        &SHARED
    }
}

impl Platform for Composed {
    fn start(start: &Start<Self>) -> Service {
        let component = start.model.composition("standalone");
        launch(start).composed(component).start()
    }

    fn shared() -> &'static Shared {
        static SHARED: Shared = Shared::new();
        &SHARED
    }
}

impl Model {
    /// The composition of this name that has this model in it.
    pub fn composition(self, name: &str) -> std::path::PathBuf {
        match self {
            Self::Local => artifacts::composed(name),
            Self::Scripted => artifacts::test_composed(name),
        }
    }
}

fn launch<P: Platform>(start: &Start<P>) -> Launch {
    let launch = Launch::of(start.directory.clone()).set("listen", &start.listen);
    start.variables().fold(launch, |launch, (name, value)| {
        launch.variable(&name, value)
    })
}
