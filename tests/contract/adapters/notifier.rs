//! The notifier that an adapter imports. Nobody is told here: an attempt does not
//! end.

use std::future::pending;

use wasmtime::component::{Accessor, HasData, Linker};

use super::bindings::concept::refinement::notifier::{
    self, Delivery, Host, HostWithStore, Response,
};
use super::guest::Guest;

struct Silent;

impl HasData for Silent {
    type Data<'a> = &'a mut Guest;
}

impl Host for &mut Guest {}

impl HostWithStore<Guest> for Silent {
    async fn deliver(
        _: &Accessor<Guest, Self>,
        _: Delivery,
    ) -> wasmtime::Result<Result<Response, String>> {
        pending().await
    }
}

pub fn link(linker: &mut Linker<Guest>) {
    notifier::add_to_linker::<_, Silent>(linker, |guest| guest).unwrap();
}
