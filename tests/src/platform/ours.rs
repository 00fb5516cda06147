//! The host of the product, with its own stores.

use crate::service::Service;

use super::{Model, Platform, Shared, Start};

pub struct Ours;

impl Platform for Ours {
    fn start(start: &Start<Self>) -> Service {
        let launch = start.launch();
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
