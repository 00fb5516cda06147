//! Exports the interfaces of `wit/` over any platform.

mod convert;
mod guest;
mod machine;

use std::marker::PhantomData;

pub use machine::Wasi;

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

/// The generated interfaces and types.
mod wit {
    pub use super::generated::concept::refinement::types;
    pub use super::generated::exports::concept::refinement::*;
}

/// Implements the exports over a platform.
pub struct Component<P>(PhantomData<P>);

#[allow(unsafe_code, clippy::all, clippy::restriction)]
mod generated {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "store-adapter",
        pub_export_macro: true,
        export_macro_name: "export",
    });
}
