//! Delivers webhooks: notifies a receiver that a task has ended, with one POST
//! request according to the Standard Webhooks specification.
//!
//! It makes no decisions: the store decides whether there is another attempt and what an
//! answer means. It must never follow a redirect, read a body or exceed the timeout of an
//! attempt, since users can name any receiver.

#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
mod event;

#[cfg(target_arch = "wasm32")]
mod component;
