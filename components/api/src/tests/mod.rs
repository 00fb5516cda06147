//! The routes over ports in memory, one file a resource.

mod auth;
mod concepts;
mod config;
mod health;
mod hostile;
mod images;
mod memory;
mod refine;
mod service;
mod session;
mod tasks;
mod uploads;
