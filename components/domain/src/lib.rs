//! The rules of concept refinement, as pure functions and plain values.
//!
//! All decisions are made here, so that every platform decides alike: what a valid
//! request is, when a quota is used up, when a lease has expired, which addresses are
//! public, what an error says. Nothing here may read a clock, generate a random number or
//! do I/O: time, randomness and addresses are parameters.

#![deny(missing_docs)]

pub mod accept;
pub mod address;
pub mod aspect;
pub mod budget;
pub mod capability;
pub mod chain;
pub mod chunks;
pub mod circuit;
pub mod clock_trust;
pub mod concept;
pub mod contact;
pub mod convert;
pub mod cursor;
pub mod digits;
pub mod document;
pub mod duration;
pub mod erasure;
pub mod etag;
pub mod fields;
pub mod hex;
pub mod idempotency;
pub mod image;
pub mod image_limits;
pub mod image_path;
pub mod image_url;
pub mod issuer_keys;
pub mod lease;
pub mod lenient_base64;
pub mod message;
pub mod money;
pub mod note;
pub mod openai;
pub mod original;
pub mod partial_edit;
pub mod payment;
pub mod plan;
pub mod preference;
pub mod processor_config;
pub mod provenance;
pub mod provider;
pub mod pseudonym;
pub mod purpose;
pub mod quota;
pub mod redaction;
pub mod refined;
pub mod response_headers;
pub mod retry;
pub mod rulebook;
pub mod sealed_key;
pub mod secret;
pub mod sentence;
pub mod session;
pub mod share;
pub mod signature;
pub mod size;
pub mod spending;
pub mod step;
pub mod strength;
pub mod task;
pub mod task_image;
pub mod task_response;
pub mod timestamp;
pub mod trace;
pub mod validation;
pub mod webhook;
mod words;
