//! What a client does that wants all of a service for itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt as _, stream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::Client;
use crate::service::Service;

/// The beginning of an HTTP/2 connection: the preface, and settings that are the
/// defaults.
pub const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Connections that are opened at once.
const AT_ONCE: usize = 64;

/// How long an answer may take that comes at once.
const ANSWER: Duration = Duration::from_millis(500);

/// One of this machine's addresses, before one service.
///
/// Each service has its own: a connection leaves its port taken at its address for a
/// minute, and the system takes milliseconds to find a free one among thousands.
#[derive(Clone, Debug)]
pub struct Attacker {
    from: IpAddr,
    service: SocketAddr,
}

impl Attacker {
    /// `number`: the last of its address. This process may open as many files as the
    /// system allows from now on.
    pub fn new(service: &Service, number: u8) -> Self {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            ..limit
        };
        setrlimit(Resource::Nofile, raised).unwrap();
        let address = service.url().trim_start_matches("http://");
        let service: SocketAddr = address.parse().unwrap();
        let [high, low] = service.port().to_be_bytes();
        Self {
            from: IpAddr::V4(Ipv4Addr::new(127, high, low, number)),
            service,
        }
    }

    /// A well-behaved client at the same address.
    pub fn client(&self) -> Client {
        Client::from_address(&format!("http://{}", self.service), self.from)
    }

    /// Opens so many connections, and begins each with this.
    pub async fn connections(&self, count: usize, says: &[u8]) -> Vec<TcpStream> {
        self.each((0..count).map(|_| says)).await
    }

    /// Opens a connection for each of these, and begins it with that.
    pub async fn each(&self, says: impl Iterator<Item: AsRef<[u8]>>) -> Vec<TcpStream> {
        let opened = says.map(async |says| self.connection(says.as_ref()).await);
        stream::iter(opened)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    }

    pub async fn connection(&self, says: &[u8]) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(self.from, 0)).unwrap();
        let mut stream = socket.connect(self.service).await.unwrap();
        // It may be refused already.
        let _ = stream.write_all(says).await;
        stream
    }
}

/// The head of a request whose body begins and does not end.
pub fn endless_request(token: &str) -> String {
    format!(
        "POST /api/concepts/refine HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 60000\r\n\r\n{{"
    )
}

/// The same, by a proxy for this client.
pub fn forwarded(request: &str, client: &str) -> String {
    let header = format!("\r\nx-forwarded-for: {client}\r\n");
    request.replacen("\r\n", &header, 1)
}

/// What comes next. The connection has not ended.
pub async fn answer(stream: &mut TcpStream) -> String {
    let mut heard = vec![0; 4096];
    let read = stream.read(&mut heard).await.unwrap();
    assert!(read > 0, "the connection was closed");
    heard.truncate(read);
    String::from_utf8_lossy(&heard).into_owned()
}

/// What came so far that was not read yet.
pub async fn answers(requests: &mut [TcpStream]) -> Vec<String> {
    let answers = requests.iter_mut().map(async |stream| {
        let answer = tokio::time::timeout(ANSWER, answer(stream)).await;
        answer.ok()
    });
    join_all(answers).await.into_iter().flatten().collect()
}

/// Answers each PING of HTTP/2 and does nothing else, until the connection ends.
pub async fn keep_alive(mut stream: TcpStream) {
    const PING: u8 = 6;
    const ACK: u8 = 1;
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        if stream.read_exact(&mut payload).await.is_err() {
            return;
        }
        if head[3] == PING && head[4] & ACK == 0 {
            head[4] = ACK;
            let answer = [head.as_slice(), &payload].concat();
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}
