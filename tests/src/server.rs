//! A server of originals with scripted answers, including invalid ones, so it
//! implements HTTP/1.1 itself.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::pictures::Picture;

/// Servers outlive the runtime of the test that started them.
pub static SERVERS: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
});

pub struct Origin {
    address: SocketAddr,
    served: Arc<Served>,
}

#[derive(Default)]
struct Served {
    replies: Mutex<HashMap<String, Reply>>,
    requests: Mutex<HashMap<String, Vec<String>>>,
    names: AtomicUsize,
    connections: Arc<Connections>,
}

/// How many connections there were.
#[derive(Default)]
pub(crate) struct Connections {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

/// What is written to the connection, and what happens then.
#[derive(Clone, Debug)]
pub struct Reply {
    bytes: Vec<u8>,
    then: Then,
    gate: Option<watch::Receiver<bool>>,
    /// Into how many it is cut.
    chunks: usize,
    /// Before each of them.
    pause: Duration,
    /// What is not read for so long is cut off.
    patience: Option<Duration>,
}

/// Holds replies back until it is opened, or dropped.
pub struct Gate(watch::Sender<bool>);

#[derive(Clone, Copy, Debug)]
enum Then {
    Close,
    /// Answers the next request.
    Next,
    /// Closes the connection when the next request has come.
    Leave,
    /// Says nothing more, and keeps the connection.
    Silence,
    /// Repeats the last kilobyte as long as someone reads.
    Again,
    /// Says a byte, waits so long, and says another.
    Trickle(Duration),
}

impl Origin {
    /// On a free loopback port.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap())
    }

    /// On an address of one's own; port 0 is a free one.
    pub fn start_at(address: SocketAddr) -> Self {
        let served = Arc::new(Served::default());
        let serving = Arc::clone(&served);
        let connection = move |stream| {
            let served = Arc::clone(&serving);
            async move { answer(stream, &served).await }
        };
        let connections = Arc::clone(&served.connections);
        let address = listen(address, connections, connection);
        Self { address, served }
    }

    /// `127.0.0.1:PORT`, as `allow-sources` takes it.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Serves a reply under a URL of its own.
    pub fn serve(&self, reply: Reply) -> String {
        let name = self.served.names.fetch_add(1, Ordering::Relaxed);
        self.serve_at(&format!("/{name}"), reply)
    }

    /// Serves a reply at a path, without its query.
    pub fn serve_at(&self, path: &str, reply: Reply) -> String {
        let mut replies = self.served.replies.lock().unwrap();
        replies.insert(path.to_owned(), reply);
        format!("http://{}{path}", self.address)
    }

    pub fn picture(&self, picture: &Picture) -> String {
        self.serve(Reply::picture(picture))
    }

    /// A picture that is served once the gate is open: until then a task that
    /// downloads it is under way.
    pub fn gated(&self, picture: &Picture) -> (String, Gate) {
        let (sender, gate) = watch::channel(false);
        let reply = Reply {
            gate: Some(gate),
            ..Reply::picture(picture)
        };
        (self.serve(reply), Gate(sender))
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.served.connections.so_far()
    }

    /// Connections that have not ended.
    pub fn open_connections(&self) -> usize {
        self.served.connections.open()
    }

    /// The heads of the requests for a URL so far.
    pub fn requests(&self, url: &str) -> Vec<String> {
        let path = url.trim_start_matches(&format!("http://{}", self.address));
        let requests = self.served.requests.lock().unwrap();
        requests.get(path).cloned().unwrap_or_default()
    }
}

impl Connections {
    pub fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    pub fn so_far(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// Those that have not ended.
    pub fn open(&self) -> usize {
        let ended = self.ended.load(Ordering::Relaxed);
        self.so_far() - ended
    }
}

/// Answers on each connection to an address, and counts them; port 0 is a free one.
pub(crate) fn listen<F>(
    address: SocketAddr,
    connections: Arc<Connections>,
    connection: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr
where
    F: Future + Send + 'static,
{
    let listener = TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    SERVERS.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            let connections = Arc::clone(&connections);
            connections.begin();
            let answered = connection(stream);
            tokio::spawn(async move {
                answered.await;
                connections.end();
            });
        }
    });
    address
}

impl Served {
    /// The reply to a request, which is remembered.
    fn reply(&self, path: String, head: String) -> Reply {
        let reply = self.replies.lock().unwrap().get(&path).cloned();
        let mut requests = self.requests.lock().unwrap();
        requests.entry(path).or_default().push(head);
        reply.unwrap_or_else(|| Reply::status(404))
    }
}

impl Reply {
    pub fn picture(picture: &Picture) -> Self {
        Self::ok(picture.media_type, &picture.bytes)
    }

    pub fn ok(media_type: &str, body: &[u8]) -> Self {
        Self::whole(200, &format!("content-type: {media_type}\r\n"), body)
    }

    pub fn json(status: u16, json: &Value) -> Self {
        let body = json.to_string();
        Self::whole(
            status,
            "content-type: application/json\r\n",
            body.as_bytes(),
        )
    }

    pub fn status(status: u16) -> Self {
        Self::whole(status, "", b"no\n")
    }

    pub fn redirect(status: u16, location: &str) -> Self {
        Self::whole(status, &format!("location: {location}\r\n"), b"")
    }

    /// With its length, so that the connection is good for more.
    fn whole(status: u16, headers: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} As Told\r\n{headers}content-length: {length}\r\n\r\n");
        Self::raw(&[head.as_bytes(), body].concat()).then(Then::Next)
    }

    /// A head of one's own, and whatever body; the connection is closed then.
    pub fn new(status: u16, headers: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status} As Told\r\nconnection: close\r\n{headers}\r\n");
        Self::raw(&[head.as_bytes(), body].concat())
    }

    /// Whatever bytes.
    pub fn raw(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            then: Then::Close,
            gate: None,
            chunks: 1,
            pause: Duration::ZERO,
            patience: None,
        }
    }

    /// Without so many of its last bytes.
    pub fn without_end(mut self, bytes: usize) -> Self {
        self.bytes.truncate(self.bytes.len() - bytes);
        self.then = Then::Close;
        self
    }

    /// In one, after a pause.
    pub fn after(self, pause: Duration) -> Self {
        self.in_chunks(1, pause)
    }

    /// In a dozen pieces, with a pause before each.
    pub fn slowly(self, pause: Duration) -> Self {
        self.in_chunks(12, pause)
    }

    /// Cut off where it is not read for so long.
    pub fn impatient(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Byte by byte, with a pause before each.
    pub fn byte_by_byte(self, pause: Duration) -> Self {
        let bytes = self.bytes.len();
        self.in_chunks(bytes, pause)
    }

    /// The connection seems good for more, but closes as the next request comes.
    pub fn then_leave(self) -> Self {
        self.then(Then::Leave)
    }

    /// Never ends, and says a byte after each pause.
    pub fn then_trickle(self, pause: Duration) -> Self {
        self.then(Then::Trickle(pause))
    }

    /// Never ends.
    pub fn then_silence(self) -> Self {
        self.then(Then::Silence)
    }

    /// Never ends either, but goes on.
    pub fn then_again(self) -> Self {
        self.then(Then::Again)
    }

    fn in_chunks(self, chunks: usize, pause: Duration) -> Self {
        Self {
            chunks,
            pause,
            ..self
        }
    }

    fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

impl Gate {
    pub fn open(&self) {
        self.0.send_replace(true);
    }
}

/// Whatever goes wrong here is the client's leaving.
async fn answer(stream: TcpStream, served: &Served) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut leaves = false;
    loop {
        let head = head(&mut stream).await?;
        let target = head.split(' ').nth(1)?.to_owned();
        let path = target.split('?').next()?.to_owned();
        let reply = served.reply(path, head);
        if leaves {
            return None;
        }
        leaves = matches!(reply.then, Then::Leave);
        send(stream.get_mut(), reply).await?;
    }
}

/// Writes a reply, and does what comes then. None: nothing more comes on the connection.
pub(crate) async fn send(stream: &mut TcpStream, mut reply: Reply) -> Option<()> {
    if let Some(gate) = &mut reply.gate {
        // A gate that was dropped is open too.
        let _ = gate.wait_for(|open| *open).await;
    }
    let size = reply.bytes.len().div_ceil(reply.chunks.max(1));
    for chunk in reply.bytes.chunks(size.max(1)) {
        if !reply.pause.is_zero() {
            tokio::time::sleep(reply.pause).await;
        }
        let patience = reply.patience.unwrap_or(Duration::MAX);
        for piece in chunk.chunks(64 << 10) {
            let written = timeout(patience, stream.write_all(piece));
            written.await.ok()?.ok()?;
        }
    }
    match reply.then {
        Then::Next | Then::Leave => return Some(()),
        Then::Close => stream.shutdown().await.ok()?,
        Then::Silence => while stream.read_u8().await.is_ok() {},
        Then::Again => {
            let again = &reply.bytes[reply.bytes.len().saturating_sub(1024)..];
            while stream.write_all(again).await.is_ok() {}
        }
        Then::Trickle(pause) => {
            while stream.write_all(b"\0").await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
    }
    None
}

pub(crate) async fn head(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
