//! The API's code behind axum.
//!
//! Each thread has its own API state and connections, as each instance has.

use std::io;
use std::net::{SocketAddr, TcpStream as StdStream};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, available_parallelism};

use axum::body::Body;
use axum::http::{Request, Response};
use axum::{Router, extract::State};
use concept_refinement_api as api;
use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::images::Contents;
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::{Capabilities, Clock};
use concept_refinement_embedded::images::FileImages;
use concept_refinement_embedded::queue::StoreQueue;
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use concept_refinement_tests::capabilities::{capabilities, signing};
use concept_refinement_tests::native::{Granted, Native};
use concept_refinement_tests::tokens::{AUDIENCE, ISSUER, SECRET};
use futures::StreamExt as _;
use http_body_util::BodyExt as _;
use send_wrapper::SendWrapper;
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::mpsc;

use super::Machine;

/// The argument that makes this program a native twin.
pub const TWIN: &str = "native-twin";

/// As the service has it, for tests.
const SETTINGS: [(&str, &str); 7] = [
    ("auth", "secret"),
    ("jwt-secret", SECRET),
    ("webhook-secret", SECRET),
    ("jwt-audience", AUDIENCE),
    ("jwt-issuer", ISSUER),
    ("rate-limit", "unlimited"),
    ("allow-sources", "127.0.0.0/8"),
];

/// Serves on a free port, which it prints, until it is killed.
pub fn serve(data: &Path) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = Options {
        max_backlog: u32::MAX,
        ..Options::default()
    };
    let store = Arc::new(SqliteTasks::open(data, options, Arc::clone(&clock)).unwrap());
    let place = data.join("images");
    let images = FileImages::open(&place, signing(), Arc::default(), Arc::clone(&clock));
    let images = Arc::new(images.unwrap());
    let queue = Arc::new(StoreQueue::new(100_000));
    let host = Arc::new(capabilities(clock, store, images, queue));
    let threads = available_parallelism().map_or(1, usize::from);
    let threads: Vec<_> = (0..threads).map(|_| start(Arc::clone(&host))).collect();

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    for (stream, thread) in listener.incoming().zip(threads.iter().cycle()) {
        thread.send(stream.unwrap()).unwrap();
    }
}

/// A thread that serves the connections that it is sent.
fn start(host: Arc<Capabilities>) -> mpsc::UnboundedSender<StdStream> {
    let (sender, connections) = mpsc::unbounded_channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let config = api::Config::read(&Granted(&SETTINGS)).await.unwrap();
            let native = Native::new(host, Arc::new(Tokio::default()), Machine);
            let api = Rc::new(api::Api::new(config, native));
            let router = Router::new()
                .fallback(answer)
                .with_state(SendWrapper::new(api));
            axum::serve(Accepted(connections), router).await.unwrap();
        });
    });
    sender
}

struct Accepted(mpsc::UnboundedReceiver<StdStream>);

impl axum::serve::Listener for Accepted {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let stream = self.0.recv().await.unwrap();
        stream.set_nonblocking(true).unwrap();
        stream.set_nodelay(true).unwrap();
        let peer = stream.peer_addr().unwrap();
        (TcpStream::from_std(stream).unwrap(), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

type Api = SendWrapper<Rc<api::Api<Native<Machine>>>>;

fn answer(
    State(api): State<Api>,
    request: Request<Body>,
) -> impl Future<Output = Response<Body>> + Send {
    SendWrapper::new(async move {
        let (request, body) = received(request);
        sent(api.handle(request, body).await)
    })
}

fn received(request: Request<Body>) -> (api::Request, Incoming) {
    let (head, body) = request.into_parts();
    let host = head.headers.get("host").and_then(|host| host.to_str().ok());
    let request = api::Request {
        method: match head.method.as_str() {
            "GET" => api::Method::Get,
            "HEAD" => api::Method::Head,
            "POST" => api::Method::Post,
            "DELETE" => api::Method::Delete,
            _ => api::Method::Other,
        },
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        origin: api::Origin::new("http", host.unwrap_or_default()),
        headers: api::Headers::from_iter(&head.headers),
    };
    (request, Incoming(body))
}

struct Incoming(Body);

impl api::Body for Incoming {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, api::Interrupted> {
        match self.0.frame().await {
            None => Ok(None),
            Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default().into())),
            Some(Err(_)) => Err(api::Interrupted),
        }
    }
}

fn sent(response: api::Response<Contents>) -> Response<Body> {
    let mut builder = Response::builder().status(response.status);
    for (name, value) in response.headers {
        builder = builder.header(name, value.as_ref());
    }
    let body = match response.content {
        api::Content::None => Body::empty(),
        api::Content::Bytes(bytes) => Body::from(bytes),
        api::Content::Chunks(events) => {
            let events = events.map(Ok::<_, io::Error>);
            Body::from_stream(SendWrapper::new(events))
        }
        api::Content::Stored(contents) => Body::from_stream(contents),
    };
    builder.body(body).unwrap()
}
