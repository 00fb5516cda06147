//! Tasks and concepts: how rows are read and written, and the steps that change them.

pub(crate) mod account;
pub(crate) mod backlog;
pub(crate) mod change;
pub(crate) mod claim_order;
pub(crate) mod concepts;
pub(crate) mod deadlines;
pub(crate) mod delete;
pub(crate) mod erasure;
pub(crate) mod expiry;
pub(crate) mod leader_leases;
pub(crate) mod ledger;
pub(crate) mod prune;
pub(crate) mod reads;
pub(crate) mod recent;
pub(crate) mod references;
pub(crate) mod rows;
pub(crate) mod submit;
pub(crate) mod sweep;
pub(crate) mod tally;
pub(crate) mod upload_reservations;
pub(crate) mod webhooks;
