//! What the documents show works as it stands.

mod api;
mod building;
mod clients;
mod documents;
mod durability;
mod embed;
mod in_process;
mod models;
mod pictures;
mod providers;
mod readme;
mod shell;
mod webhooks;
