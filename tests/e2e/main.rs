//! End-to-end tests of the real executable.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod admin;
mod answers;
mod auth;
mod backup;
mod browser;
mod cancelling;
mod clock;
mod compiled;
mod concepts;
mod connections;
mod cors;
mod crashes;
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
mod idempotency;
mod images;
mod jwks;
mod languages;
mod large;
mod leniency;
mod lists;
mod logs;
mod memory;
mod metrics;
mod models;
mod moving;
mod nats;
mod openapi;
mod operating;
mod originals;
mod outage;
mod outputs;
mod overload;
mod own_addresses;
mod photos;
mod polling;
mod pooler;
mod postgres;
mod proxies;
mod pubsub;
mod rebinding;
mod refusals;
mod released;
mod restart;
mod restore;
mod retention;
mod roles;
mod room;
mod s3;
mod settings;
mod shared;
mod starting;
mod stopping;
mod time;
mod traces;
mod trust;
mod unusable;
mod upgrade;
mod uploads;
mod waiting;
mod watching;
mod webhook_api;
mod webhooks;

use concept_refinement_tests::shape;
