//! A provider of image models that answers each prompt as its test wants it to,
//! and remembers what it was asked, to the byte.

mod form;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;

pub use self::form::Part;
use crate::server::{Connections, Reply, head, listen, send};

/// How each prompt begins; a number follows.
const PROMPT: &str = "make it lighter <";

pub struct Provider {
    address: SocketAddr,
    served: Arc<Served>,
}

#[derive(Default)]
struct Served {
    /// By prompt or by path.
    replies: Mutex<HashMap<String, VecDeque<Reply>>>,
    /// By how a path begins, where there is no other.
    others: Mutex<Vec<(String, Reply)>>,
    asked: Mutex<HashMap<String, Vec<Asked>>>,
    names: AtomicUsize,
    handler: Option<Handler>,
    connections: Arc<Connections>,
}

/// Answers whatever comes.
type Handler = Box<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Provider {
    /// On a free loopback port.
    pub fn start() -> Self {
        Self::of(Served::default())
    }

    /// One that answers by this alone, and remembers nothing.
    pub fn answering(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::of(Served {
            handler: Some(Box::new(handler)),
            ..Served::default()
        })
    }

    fn of(served: Served) -> Self {
        let served = Arc::new(served);
        let serving = Arc::clone(&served);
        let connection = move |stream| {
            let served = Arc::clone(&serving);
            async move { answer(stream, &served).await }
        };
        let connections = Arc::clone(&served.connections);
        let address = listen("127.0.0.1:0".parse().unwrap(), connections, connection);
        Self { address, served }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `127.0.0.1:PORT`
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// A prompt of its own that is answered with these replies, one after the
    /// other, the last one again and again.
    pub fn prompt(&self, replies: impl IntoIterator<Item = Reply>) -> String {
        let prompt = format!("{PROMPT}{}>", self.name());
        self.script(prompt.clone(), replies);
        prompt
    }

    /// Answers a prompt of another provider with these replies, as [`Self::prompt`].
    pub fn answers(&self, prompt: &str, replies: impl IntoIterator<Item = Reply>) {
        self.script(prompt.to_owned(), replies);
    }

    /// The URL of a path of its own that is answered so.
    pub fn serve(&self, reply: Reply) -> String {
        self.serve_each([reply])
    }

    /// The same with these replies, one after the other, the last one again and
    /// again.
    pub fn serve_each(&self, replies: impl IntoIterator<Item = Reply>) -> String {
        let path = format!("/files/{}", self.name());
        self.script(path.clone(), replies);
        format!("{}{path}", self.url())
    }

    /// The URL of this path, which is answered so.
    pub fn serve_at(&self, path: &str, reply: Reply) -> String {
        self.script(path.to_owned(), [reply]);
        format!("{}{path}", self.url())
    }

    /// Answers a path with these replies, one after the other, the last one again
    /// and again.
    pub fn serve_each_at(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.script(path.to_owned(), replies);
    }

    /// Answers what begins so, and nothing else was said of.
    pub fn serve_below(&self, path: &str, reply: Reply) {
        let mut others = self.served.others.lock().unwrap();
        others.push((path.to_owned(), reply));
    }

    /// What came at paths that begin so, in no order.
    pub fn asked_below(&self, path: &str) -> Vec<Asked> {
        let asked = self.served.asked.lock().unwrap();
        let all = asked.values().flatten();
        all.filter(|asked| asked.path.starts_with(path))
            .cloned()
            .collect()
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.served.connections.so_far()
    }

    /// Connections that have not ended.
    pub fn open_connections(&self) -> usize {
        self.served.connections.open()
    }

    /// What came for a prompt or a URL so far.
    pub fn asked(&self, prompt: &str) -> Vec<Asked> {
        let prompt = prompt.trim_start_matches(&self.url());
        let asked = self.served.asked.lock().unwrap();
        asked.get(prompt).cloned().unwrap_or_default()
    }

    /// How often that was.
    pub fn times(&self, prompt: &str) -> usize {
        let asked = self.served.asked.lock().unwrap();
        asked.get(prompt).map_or(0, Vec::len)
    }

    /// A number that nothing else of it has.
    pub fn name(&self) -> usize {
        self.served.names.fetch_add(1, Ordering::Relaxed)
    }

    fn script(&self, key: String, replies: impl IntoIterator<Item = Reply>) {
        let mut scripts = self.served.replies.lock().unwrap();
        scripts.insert(key, replies.into_iter().collect());
    }
}

impl Served {
    /// The reply to a request, which is remembered. One that nobody expects
    /// gets 404.
    fn reply(&self, asked: Asked) -> Reply {
        if let Some(handler) = &self.handler {
            return handler(&asked);
        }
        let key = asked.key();
        let other = {
            let others = self.others.lock().unwrap();
            let found = others.iter().find(|(path, _)| asked.path.starts_with(path));
            found.map(|(_, reply)| reply.clone())
        };
        let mut replies = self.replies.lock().unwrap();
        let reply = replies.get_mut(&key).and_then(|script| match script.len() {
            1 => script.front().cloned(),
            _ => script.pop_front(),
        });
        let mut log = self.asked.lock().unwrap();
        log.entry(key).or_default().push(asked);
        reply.or(other).unwrap_or_else(|| Reply::status(404))
    }
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut of_name = self.headers.iter().filter(|(header, _)| header == name);
        let (_, value) = of_name.next()?;
        assert!(of_name.next().is_none(), "{name} twice: {self:?}");
        Some(value)
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Of a `multipart/form-data`.
    pub fn form(&self) -> Vec<Part> {
        form::parse(self.header("content-type").unwrap(), &self.body)
    }

    /// What the part of this name in its form contains.
    pub fn part(&self, name: &str) -> Option<Vec<u8>> {
        let name = format!("; name=\"{name}\"");
        let mut parts = self.form().into_iter();
        let part = parts.find(|part| part.disposition.contains(&name))?;
        Some(part.contents)
    }

    /// The prompt in its body, or its path.
    pub fn key(&self) -> String {
        let mut windows = self.body.windows(PROMPT.len());
        let Some(at) = windows.position(|window| window == PROMPT.as_bytes()) else {
            return self.path.clone();
        };
        let prompt = self.body[at..].split_inclusive(|byte| *byte == b'>').next();
        String::from_utf8(prompt.unwrap().to_vec()).unwrap()
    }
}

/// Whatever goes wrong here is the client's leaving.
async fn answer(stream: TcpStream, served: &Served) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let asked = read(&mut stream).await?;
        send(stream.get_mut(), served.reply(asked)).await?;
    }
}

/// A request with its body, whose length was declared.
pub(crate) async fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let head = head(stream).await?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let mut asked = Asked {
        method,
        path,
        headers,
        body: Vec::new(),
    };
    // A body without a declared length would stay unread, and be missed.
    let length = asked.header("content-length").map(str::parse);
    asked.body.resize(length.map_or(0, Result::unwrap), 0);
    stream.read_exact(&mut asked.body).await.ok()?;
    Some(asked)
}
