//! Servers that speak as S3 does, each started once a test binary and gone with
//! it. Each test has a prefix of its own in the one bucket.
//!
//! Two are two opinions: `s3s-fs` checks signatures, `moto` knows more of S3.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::artifacts;
use crate::reaper::scratch;
use crate::service::{Launch, Service};

pub const BUCKET: &str = "images";
pub const ACCESS_KEY: &str = "AKIDTESTS";
pub const SECRET_KEY: &str = "a-secret-key-for-tests";

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    S3sFs,
    Moto,
}

/// A server at work.
pub struct Server {
    service: Service,
    /// Where the objects are files. None: they are in memory.
    root: Option<PathBuf>,
}

/// Part of the bucket of a server, for one test.
#[derive(Clone, Debug)]
pub struct Place {
    server: SocketAddr,
    root: Option<PathBuf>,
    prefix: String,
}

/// The server of this kind that all tests of this binary share.
pub fn shared(kind: Kind) -> &'static Server {
    static S3S_FS: LazyLock<Server> = LazyLock::new(|| Server::start(Kind::S3sFs));
    static MOTO: LazyLock<Server> = LazyLock::new(|| Server::start(Kind::Moto));
    match kind {
        Kind::S3sFs => &S3S_FS,
        Kind::Moto => &MOTO,
    }
}

impl Server {
    /// On a free port, with an empty bucket.
    pub fn start(kind: Kind) -> Self {
        let (mut command, root) = match kind {
            Kind::S3sFs => {
                let root = scratch("s3");
                fs::create_dir(root.join(BUCKET)).unwrap();
                let mut command = Command::new(artifacts::s3s_fs());
                command
                    .args(["--host", "127.0.0.1", "--port", "0"])
                    .args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY])
                    .arg(&root)
                    // It says where it listens.
                    .env("RUST_LOG", "s3s_fs=info");
                (command, Some(root))
            }
            Kind::Moto => {
                let mut command = Command::new(artifacts::moto_server());
                command.args(["-H", "127.0.0.1", "-p", "0"]);
                (command, None)
            }
        };
        let service = Service::of(&mut command);
        let started = Self { service, root };
        if kind == Kind::Moto {
            request(started.address(), "PUT", &format!("/{BUCKET}"));
        }
        started
    }

    pub fn address(&self) -> SocketAddr {
        let address = self.service.url().trim_start_matches("http://");
        address.parse().unwrap()
    }

    /// A new one, where nothing is yet.
    pub fn place(&self) -> Place {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        self.place_of(&format!("test-{number}"))
    }

    /// The one of this name.
    pub fn place_of(&self, name: &str) -> Place {
        Place {
            server: self.address(),
            root: self.root.clone(),
            prefix: format!("{}-{name}", std::process::id()),
        }
    }
}

impl Place {
    /// As the setting `images` has it.
    pub fn url(&self) -> String {
        format!("s3://{BUCKET}/{}", self.prefix)
    }

    /// What the environment has to say, with the server behind this address: its
    /// own, or a proxy's.
    pub fn variables_at(&self, address: SocketAddr) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", format!("http://{address}")),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }

    pub fn variables(&self) -> [(&'static str, String); 4] {
        self.variables_at(self.server)
    }

    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// How many objects there are, asked for by no code of the service.
    pub fn objects(&self) -> usize {
        self.names().len()
    }

    /// Whether an object was stored with what describes it. The server of the tests
    /// writes two files one after the other, and leaves the first alone if who sends
    /// it is killed in between; S3 itself stores both or none.
    pub fn is_described(&self, name: &str) -> bool {
        let Some(root) = &self.root else {
            return true;
        };
        self.description(root, name).exists()
    }

    /// Where a server whose objects are files describes one.
    fn description(&self, root: &Path, name: &str) -> PathBuf {
        let [bucket, key] =
            [BUCKET, &format!("{}/{name}", self.prefix)].map(|text| URL_SAFE_NO_PAD.encode(text));
        root.join(format!(".bucket-{bucket}.object-{key}.metadata.json"))
    }

    /// Stores an object once more by another name, unknown to the service. The
    /// server's objects have to be files.
    pub fn copy(&self, name: &str, other: &str) {
        let root = self.root.as_ref().unwrap();
        let object = |name: &str| root.join(BUCKET).join(&self.prefix).join(name);
        let (from, to) = (object(name), object(other));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        let description = |name: &str| self.description(root, name);
        fs::copy(description(name), description(other)).unwrap();
        fs::copy(from, to).unwrap();
    }

    /// Leaves an object without a description, unknown to the service. The server's
    /// objects have to be files.
    pub fn leave(&self, name: &str, contents: &[u8]) {
        let root = self.root.as_ref().unwrap();
        let object = root.join(BUCKET).join(&self.prefix).join(name);
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        fs::write(object, contents).unwrap();
    }

    /// The names of all objects.
    pub fn names(&self) -> Vec<String> {
        match &self.root {
            Some(root) => names(&root.join(BUCKET).join(&self.prefix)),
            None => {
                let path = format!("/{BUCKET}?list-type=2&prefix={}/", self.prefix);
                let answer = request(self.server, "GET", &path);
                let keys = answer.split("<Key>").skip(1);
                let key = |rest: &str| rest.split("</Key>").next().unwrap().to_owned();
                keys.map(key).collect()
            }
        }
    }
}

impl Launch {
    /// With its images in a bucket.
    pub fn images_in(self, place: &Place) -> Self {
        self.images_at(place, place.server())
    }

    /// With its images in a bucket behind another address, as a proxy's.
    pub fn images_at(self, place: &Place, address: SocketAddr) -> Self {
        let launch = self.set("images", &place.url());
        place
            .variables_at(address)
            .iter()
            .fold(launch, |launch, (name, value)| launch.variable(name, value))
    }
}

/// The files below a directory, by their paths from there.
fn names(root: &Path) -> Vec<String> {
    let name = |path: PathBuf| path.strip_prefix(root).unwrap().display().to_string();
    files(root).into_iter().map(name).collect()
}

/// A folder may come and go meanwhile.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// Without a signature, which moto does not ask for.
fn request(server: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nhost: {server}\r\ncontent-length: 0\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 200 "), "{answer}");
    answer
}
