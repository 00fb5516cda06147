//! A proxy of HTTP between a client and a service, which remembers what was asked and may
//! answer otherwise than the service did.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy};
use tokio::net::TcpStream;

use crate::provider::{Asked, read};
use crate::server::{Reply, listen, send};
use crate::service::Service;

/// A gateway at work, for as long as the tests run.
pub struct Gateway {
    address: SocketAddr,
    passed: Arc<Passed>,
}

#[derive(Default)]
struct Passed {
    asked: Mutex<Vec<Asked>>,
    replies: Mutex<VecDeque<Reply>>,
}

impl Gateway {
    /// On a free loopback port.
    pub fn to(service: &Service) -> Self {
        let service: SocketAddr = service.url().trim_start_matches("http://").parse().unwrap();
        let passed = Arc::<Passed>::default();
        let passing = Arc::clone(&passed);
        let connection = move |stream| {
            let passed = Arc::clone(&passing);
            async move { pass(stream, service, &passed).await }
        };
        let address = "127.0.0.1:0".parse().unwrap();
        let address = listen(address, Arc::default(), connection);
        Self { address, passed }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.passed.asked.lock().unwrap().clone()
    }

    /// Is answered in place of what the service answers next, once that is there.
    pub fn answer_next(&self, reply: Reply) {
        self.passed.replies.lock().unwrap().push_back(reply);
    }
}

/// One request a connection. Whatever goes wrong here is somebody's leaving.
async fn pass(stream: TcpStream, service: SocketAddr, passed: &Passed) -> Option<()> {
    let mut client = BufReader::new(stream);
    let asked = read(&mut client).await?;
    let mut service = TcpStream::connect(service).await.ok()?;
    passed.asked.lock().unwrap().push(asked.clone());
    service.write_all(&request(&asked)).await.ok()?;
    let reply = passed.replies.lock().unwrap().pop_front();
    let client = client.get_mut();
    match reply {
        Some(reply) => {
            service.read_to_end(&mut Vec::new()).await.ok()?;
            send(client, reply).await
        }
        None => copy(&mut service, client).await.ok().map(drop),
    }
}

/// The same that came, on a connection for it alone.
fn request(asked: &Asked) -> Vec<u8> {
    let Asked { method, path, .. } = asked;
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in asked
        .headers
        .iter()
        .filter(|(name, _)| name != "connection")
    {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("connection: close\r\n\r\n");
    [head.as_bytes(), &asked.body].concat()
}
