//! Shared by the models behind an HTTP API: requests to the provider, responses of
//! limited size, and the errors of the interface `image-model`.
//!
//! If a single request is enough, a model implements [`Provider`]: the request. Otherwise
//! it implements [`Model`] with a call of [`ask()`] for the work and of [`exchange()`] for the
//! rest, of [`outcome`] where a provider answers with work in progress, which has a
//! [`Receipt`], and of [`paid_if_unusable`] for an answer without one. The URL of an image is
//! a receipt too. This crate finds the image wherever an answer has it; a provider reads its own
//! only if other images are in it.
//! Everything is plain Rust that uses [`Ports`]; only `component` knows WIT.
//!
//! There are no timeouts here, and requests for new work are not repeated: both are the
//! caller's job. Work that a provider has accepted is polled until it is done. The key
//! must never be printed or returned. An original is sent while it is read, and never
//! buffered; there is never more than one copy of an answer, except while it is
//! converted.

mod address;
mod answer;
mod body;
#[cfg(target_arch = "wasm32")]
pub mod component;
mod details;
mod exchange;
mod input;
mod message;
mod model;
mod multipart;
#[cfg(any(test, target_arch = "wasm32"))]
mod notes;
mod original;
mod outcome;
mod persistence;
mod picture;
mod places;
mod ports;
mod question;
mod sampling;
#[cfg(not(target_arch = "wasm32"))]
pub mod script;
mod settings;
#[cfg(test)]
mod tests;
mod work;

pub use address::{Address, is_segment};
pub use answer::{Answer, MAX_JSON_WITH_IMAGE, Reply, answer, json, no_image, parsed, reply};
pub use body::Body;
pub use concept_refinement_guest::Failure;
pub use exchange::{ask, exchange, free_if_refused, paid_if_unusable, success};
pub use input::Input;
pub use message::{could_not_refine, message_in, said_in};
pub use model::{Model, Provider, Taken};
pub use multipart::Multipart;
pub use original::{Contents, Original};
pub use outcome::Error;
pub use persistence::persistently;
pub use picture::Picture;
pub use ports::{BrokeOff, ByteStream, HttpRequest, Method, Ports, Response};
pub use question::Question;
pub use sampling::{GUIDANCE, NEGATIVE_PROMPT, STEPS};
pub use settings::{Base, Settings};
pub use work::{Outcome, Receipt, Stage, earlier_output, keep_output, outcome};

/// Exports a model, where it is compiled as a component.
///
/// ```ignore
/// concept_refinement_model_provider::export_model!(MyProvider);
/// ```
#[macro_export]
macro_rules! export_model {
    ($model:ident) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        mod export {
            type Component = $crate::component::Component<super::$model>;
            $crate::component::export!(
                Component with_types_in $crate::component
            );
        }
    };
}
