//! Connects to the database, by whichever of its addresses answers.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::runtime::Handle;
use tokio::time::sleep;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Error, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connection::settings::Settings;

/// How long the first of several hosts is tried before the next one is tried
/// concurrently.
const HEAD_START: Duration = Duration::from_millis(300);

/// The future that drives a connection.
pub(crate) type Dialed = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Connects to the first host that answers and is writable.
#[derive(Clone)]
pub(crate) struct Dialer {
    hosts: Vec<Config>,
    tls: MakeRustlsConnect,
    /// That of whoever opened the store: drives connections of pools, and does other work, that
    /// outlives its first caller.
    pub runtime: Handle,
}

impl Dialer {
    /// # Errors
    ///
    /// Which setting is not usable, as a sentence.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        Ok(Self {
            hosts: settings.hosts.clone(),
            tls: crate::connection::tls::connector(settings)?,
            runtime: Handle::current(),
        })
    }

    pub async fn dial(&self) -> Result<(Client, Dialed), Error> {
        let mut tries: FuturesUnordered<_> = self
            .hosts
            .iter()
            .zip(0..)
            .map(|(host, number)| async move {
                sleep(HEAD_START * number).await;
                host.connect(self.tls.clone()).await
            })
            .collect();
        let mut first = None;
        while let Some(tried) = tries.next().await {
            match tried {
                Ok(connected) => return Ok(connected),
                // An error from a server says more than a failure to connect.
                Err(error) if first.is_none() || error.code().is_some() => first = Some(error),
                Err(_) => {}
            }
        }
        match first {
            Some(error) => Err(error),
            // Without hosts, the driver returns its own error.
            None => Config::new().connect(self.tls.clone()).await,
        }
    }
}
