//! The connection to the servers, which the client restores automatically, and the calls
//! over it, each with a deadline.
//!
//! While it is disconnected, the client buffers messages. So nothing is sent then: a
//! message might arrive long after its caller was told that sending failed.

use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::consumer::pull::BatchConfig;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::message::{AckKind, Acker};
use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerError, Subject, Subscriber,
};
use bytes::Bytes;
use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::queue::recent_fault::RecentFault;
use concept_refinement_capability::tls;
use concept_refinement_domain::capability::CapabilityError;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::address::{Address, Login};
use super::fault::Fault;
use super::stream::Fill;
use super::{DEADLINE, stream};

/// How long startup waits for a server.
const OPENING: Duration = Duration::from_secs(5);

/// Longest delay between two attempts to connect.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(500);

/// Interval of pings to a silent server; the connection ends when two are not answered.
const PING_INTERVAL: Duration = Duration::from_secs(3);

/// How long a refused call tells that the queue cannot be used: longer than from one fetch without
/// a response to the next.
const REFUSAL: Duration = Duration::from_secs(12);

pub(super) struct Connection {
    client: Client,
    context: Context,
    address: Address,
    /// None: it is unknown whether the consumer and its stream exist.
    consumer: Mutex<Option<Arc<PullConsumer>>>,
    events: Events,
}

/// What the client says of its connections.
#[derive(Clone)]
struct Events {
    /// Sent to whenever a connection begins or ends.
    changes: watch::Sender<()>,
    /// Calls that were not allowed. Whoever may look at the stream need not be allowed to publish
    /// and to fetch.
    refusals: Arc<RecentFault>,
}

impl Connection {
    pub(super) async fn open(address: Address) -> Result<Self, OpenError> {
        let connection = Self::connect(address).await?;
        if connection.client.connection_state() == State::Connected {
            match timeout(OPENING, connection.ready()).await {
                Ok(Err(Fault::Unfit(unfit))) => {
                    return Err(OpenError::server(&connection.address, unfit));
                }
                Ok(Err(fault)) => drop(fault.report()),
                Ok(Ok(_)) => {}
                Err(_) => drop(Fault::Silent.report()),
            }
        }
        Ok(connection)
    }

    /// Reports problems of the server to the operator, without changing it.
    pub(super) async fn inspect(address: Address) -> Result<String, OpenError> {
        let events = Events::new();
        let options = options(&address, events.clone()).await?;
        let client = attempt(&address, &options).await;
        let client = client.map_err(|fault| OpenError::server(&address, fault))?;
        let connection = Self::new(client, address, events);
        let found = stream::find(&connection.context, &connection.address);
        match timeout(OPENING, found).await.unwrap_or(Err(Fault::Silent)) {
            Ok(Some(_)) => Ok(String::new()),
            Ok(None) => Ok("the first start makes its stream".to_owned()),
            Err(fault) => Err(OpenError::server(&connection.address, fault)),
        }
    }

    /// If no server can be reached, connecting continues in the background.
    async fn connect(address: Address) -> Result<Self, OpenError> {
        let events = Events::new();
        let options = options(&address, events.clone()).await?;
        let client = match attempt(&address, &options).await {
            Ok(client) => client,
            Err(Fault::Unfit(refusal)) => return Err(OpenError::server(&address, refusal)),
            Err(error) => {
                tracing::error!(%error, "{address} cannot be reached yet");
                let servers = address.servers.as_slice();
                let later = options.retry_on_initial_connect().connect(servers).await;
                later.map_err(|error| OpenError::server(&address, Fault::other(error)))?
            }
        };
        Ok(Self::new(client, address, events))
    }

    fn new(client: Client, address: Address, events: Events) -> Self {
        Self {
            context: ContextBuilder::new()
                .api_prefix(address.api_prefix.clone())
                .timeout(DEADLINE)
                .build(client.clone()),
            client,
            address,
            consumer: Mutex::default(),
            events,
        }
    }

    /// Makes a call with a deadline. If it times out, the connection is closed, since its
    /// state is unknown.
    pub(super) async fn call<'a, T, F>(
        &'a self,
        make: impl Fn(&'a Self) -> F,
    ) -> Result<T, CapabilityError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        self.within(make).await.map_err(|fault| match fault {
            // Though it was just found, or made: what is published does not get there.
            Fault::NoStream => self.events.refused(fault),
            fault => fault.report(),
        })
    }

    async fn within<'a, T, F>(&'a self, make: impl Fn(&'a Self) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let called = async {
            self.ready().await?;
            match make(self).await {
                // The stream or the consumer was deleted.
                Err(Fault::NoStream) => {
                    self.forget();
                    self.ready().await?;
                    make(self).await
                }
                other => other,
            }
        };
        let called = timeout(DEADLINE, called).await;
        let called = called.unwrap_or(Err(Fault::Silent));
        if let Err(Fault::Silent) = called {
            self.reset().await;
        }
        called
    }

    /// The number of messages in the stream. Fails if the stream or its consumer does not
    /// exist, or the stream is full.
    pub(super) async fn look(&self) -> Result<u64, Fault> {
        let found = stream::find(&self.context, &self.address).await?;
        match found.ok_or(Fault::NoStream)? {
            Fill::Room(messages) => Ok(messages),
            Fill::Full => Err(Fault::Full),
        }
    }

    /// Fails for a while after a call was not allowed.
    pub(super) fn allowed(&self) -> Result<(), CapabilityError> {
        self.events.refusals.check()
    }

    pub(super) async fn publish(&self, message: Bytes) -> Result<(), Fault> {
        let sent = self.context.publish(self.address.subject(), message);
        sent.await?.await?;
        Ok(())
    }

    /// A subscription to the responses to fetches, and its subject.
    pub(super) async fn subscribe(&self) -> Result<(Subscriber, Subject), Fault> {
        self.within(|connection| async {
            let inbox = Subject::from(connection.client.new_inbox());
            let subscribed = connection.client.subscribe(inbox.clone()).await;
            Ok((subscribed.map_err(Fault::other)?, inbox))
        })
        .await
    }

    /// Requests one message. The server sends it to the subject as soon as there is one,
    /// or reports there that there was none before the request expired.
    pub(super) async fn fetch(&self, inbox: &Subject, expires: Duration) -> Result<(), Fault> {
        self.within(|connection| async move {
            let one = BatchConfig {
                batch: 1,
                expires: Some(expires),
                ..BatchConfig::default()
            };
            let consumer = connection.ready().await?;
            let sent = consumer.request_batch(one, inbox.clone()).await;
            sent.map_err(Fault::other)
        })
        .await
    }

    /// The handle that acks or nacks the message with this reply subject.
    pub(super) fn acker(&self, reply: Option<Subject>) -> Acker {
        Acker::new(self.context.clone(), reply)
    }

    /// Acks or nacks a message. If this is lost, the message is delivered again, which is
    /// harmless.
    pub(super) async fn answer(&self, acker: &Acker, answer: AckKind) {
        if self.connected().is_ok() {
            let answered = timeout(DEADLINE, acker.ack_with(answer)).await;
            if let Ok(Err(error)) = answered {
                tracing::debug!(error, "a message could not be answered for");
            }
        }
    }

    /// Notified whenever a connection begins or ends.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.events.changes.subscribe()
    }

    /// Forgets the consumer, since the stream may be gone.
    pub(super) fn forget(&self) {
        *self.consumer.lock() = None;
    }

    /// Closes the connection and makes another one.
    pub(super) async fn reset(&self) {
        self.forget();
        if self.connected().is_ok() {
            // An error means that the client has shut down.
            let _ = timeout(DEADLINE, self.client.force_reconnect()).await;
        }
    }

    fn connected(&self) -> Result<(), Fault> {
        match self.client.connection_state() {
            State::Connected => Ok(()),
            State::Disconnected | State::Pending => Err(Fault::Disconnected),
        }
    }

    async fn ready(&self) -> Result<Arc<PullConsumer>, Fault> {
        self.connected()?;
        let known = self.consumer.lock().clone();
        if let Some(consumer) = known {
            return Ok(consumer);
        }
        let consumer = stream::ensure(&self.context, &self.address).await?;
        Ok(Arc::clone(self.consumer.lock().insert(Arc::new(consumer))))
    }
}

impl Events {
    fn new() -> Self {
        Self {
            changes: watch::Sender::default(),
            refusals: Arc::new(RecentFault::lasting(REFUSAL)),
        }
    }

    fn take(&self, event: Event) {
        match event {
            // The call itself gets no response, and the connection goes on.
            Event::ServerError(ServerError::Other(reason))
                if reason.contains("Permissions Violation") =>
            {
                self.refused(Fault::Other(reason));
            }
            _ => {
                self.changes.send_replace(());
            }
        }
    }

    fn refused(&self, fault: Fault) -> CapabilityError {
        let error = fault.report();
        self.refusals.note(&Err::<(), _>(error.clone()));
        error
    }
}

/// Connects, without trying again.
async fn attempt(address: &Address, options: &ConnectOptions) -> Result<Client, Fault> {
    let connecting = options.clone().connect(address.servers.as_slice());
    match timeout(OPENING, connecting).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(refusal(&error).map_or_else(|| Fault::other(error), Fault::Unfit)),
        Err(_) => Err(Fault::Silent),
    }
}

async fn options(address: &Address, events: Events) -> Result<ConnectOptions, OpenError> {
    let refused = |reason: String| OpenError::server(address, reason);
    let tls = tls::client(&address.trust).map_err(|error| refused(error.to_string()))?;
    let options = ConnectOptions::new()
        .name("concept-refinement")
        .tls_client_config(tls)
        .connection_timeout(DEADLINE)
        .request_timeout(Some(DEADLINE))
        .ping_interval(PING_INTERVAL)
        .reconnect_delay_callback(|attempts| match attempts {
            0 | 1 => Duration::ZERO,
            _ => RECONNECT_INTERVAL,
        })
        .event_callback(move |event| {
            events.take(event);
            std::future::ready(())
        });
    Ok(match &address.login {
        Login::Nobody => options,
        Login::Token(token) => options.token(token.clone()),
        Login::Password(user, password) => {
            options.user_and_password(user.clone(), password.clone())
        }
        Login::Credentials(file) => options
            .credentials_file(file)
            .await
            .map_err(|error| refused(format!("its credentials in {}: {error}", file.display())))?,
    })
}

/// Why trying again does not help: the credentials are refused, or the server's
/// certificate cannot be verified.
fn refusal(error: &ConnectError) -> Option<String> {
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation => {
            Some("it refuses the credentials (authorization violation)".to_owned())
        }
        ConnectErrorKind::Authentication => Some("the credentials cannot be used".to_owned()),
        _ => tls::refusal(error),
    }
}
