//! The routes over ports in memory, one file a resource.

mod assets;
mod auth;
mod cancel;
mod concepts;
mod config;
mod cors;
mod events;
mod health;
mod hostile;
mod images;
mod issuer;
mod jwks;
mod key_cache;
mod key_set;
mod memory;
mod openapi;
mod page;
mod protection;
mod quota;
mod refine;
mod service;
mod session;
mod tasks;
mod unknown;
mod uploads;
mod webhooks;
