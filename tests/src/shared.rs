//! What the tests of a program share, each with users of its own. It is started when it is
//! first needed.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::client::Client;
use crate::pictures;
use crate::receiver::Receiver;
use crate::server::{Gate, Origin};
use crate::service::{Launch, Service};

/// An origin that the services may fetch from.
pub fn origin() -> &'static Origin {
    static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::start);
    &ORIGIN
}

/// A receiver of webhooks that the services may tell.
pub fn receiver() -> &'static Receiver {
    static RECEIVER: LazyLock<Receiver> = LazyLock::new(Receiver::start);
    &RECEIVER
}

/// As a fresh machine has it: anonymous sessions, the local model.
pub fn local() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| {
        Launch::new()
            .set("allow-sources", &origin().authority())
            .start()
    });
    &SERVICE
}

/// A user that no other test is.
pub fn new_user(service: &Service) -> Client {
    Client::user(service.url(), &new_name())
}

/// A user with a task that waits for its original until the gate opens, and has a place of
/// the service meanwhile.
pub async fn busy(service: &Service) -> (Client, String, Gate) {
    let user = new_user(service);
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let id = user.accepted(&url, "echo it").await;
    user.task_is(&id, "processing").await;
    (user, id, gate)
}

pub fn new_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("user {}", COUNT.fetch_add(1, Ordering::Relaxed))
}
