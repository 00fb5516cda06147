//! Delivers webhooks: tells a receiver that a task ended, by one POST as the
//! Standard Webhooks specification has it.
//!
//! It decides nothing: when there is another attempt and what an answer means is
//! the store's to say. It must never follow a redirect, read a body or take longer
//! than an attempt may, since users can name any receiver.

#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
mod event;

#[cfg(target_arch = "wasm32")]
mod component;
