//! End-to-end tests of the real executable.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod admin;
mod backup;
mod cancelling;
mod clock;
mod compiled;
mod connections;
mod creating;
mod deleting;
mod erasing;
mod events;
mod fairness;
mod forbidden;
mod foreign;
mod hanging;
mod headers;
mod health;
mod hoards;
mod http;
mod jwks;
mod languages;
mod large;
mod leniency;
mod logs;
mod lost;
mod mcp;
mod mcp_sdk;
mod memory;
mod metrics;
mod models;
mod moving;
mod nats;
mod openai_door;
mod openai_sdk;
mod openapi;
mod operating;
mod originals;
mod outage;
mod outputs;
mod overload;
mod own_addresses;
mod partial_edits;
mod plans;
mod polling;
mod pooler;
mod postgres;
mod provenance;
mod proxies;
mod pubsub;
mod queueing;
mod rebinding;
mod released;
mod restore;
mod retention;
mod roles;
mod room;
mod s3;
mod settings;
mod shared;
mod starting;
mod stopping;
mod traces;
mod trust;
mod unusable;
mod upgrade;
mod uploads;
mod waiting;
mod watching;
mod webhooks;

use concept_refinement_tests::shape;
