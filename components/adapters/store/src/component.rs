//! Exports the interfaces of `wit/` on top of any platform.

mod blob;
mod delivering;
mod guest;

use std::marker::PhantomData;

/// Exports the store over a platform.
///
/// ```ignore
/// concept_refinement_adapter_store::export_store!(Filesystem);
/// ```
#[macro_export]
macro_rules! export_store {
    ($platform:ident) => {
        #[allow(unsafe_code)]
        mod export {
            type Component = $crate::component::Component<super::$platform>;
            $crate::component::export!(
                Component with_types_in $crate::component
            );
        }
    };
}

pub use generated::{export, exports};

/// Implements the exports over a platform.
pub struct Component<P>(PhantomData<P>);

#[allow(unsafe_code, clippy::all, clippy::restriction)]
mod generated {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "store-adapter",
        with: {
            "concept:refinement/types@0.2.0": concept_refinement_guest::bindings::types,
        },
        pub_export_macro: true,
        export_macro_name: "export",
    });
}
