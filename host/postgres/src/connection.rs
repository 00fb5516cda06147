//! Access to the database: connections and their pools, the schema, values and faults.

pub(crate) mod clock;
pub(crate) mod database;
pub(crate) mod dialer;
pub(crate) mod fair_permits;
pub(crate) mod fault;
pub(crate) mod group_commit;
pub(crate) mod inspect;
pub(crate) mod pools;
pub(crate) mod readiness;
pub(crate) mod rounds;
pub(crate) mod schema;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod tls;
pub(crate) mod values;
