//! A TCP proxy between a service and an engine, by which a test takes the engine
//! away in one way or another and brings it back.
//!
//! ```no_run
//! # use concept_refinement_tests::proxy::{Mode, Proxy};
//! # let postgres = "127.0.0.1:5432".parse().unwrap();
//! let proxy = Proxy::to(postgres);
//! let url = format!("postgres://ada@{}/refinement", proxy.address());
//! proxy.set(Mode::Hang); // also for connections that are open
//! proxy.set(Mode::Pass); // what was held back goes on
//! ```
//!
//! It has a port of its own for as long as it lives, also while connections to
//! it are refused. It works on a runtime of its own, so that a test may block.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::server::SERVERS;

/// What is read at once, in bytes.
const PIECE: usize = 32 * 1024;

/// Pieces on their way in one direction of a connection.
const PIECES: usize = 16;

/// What becomes of connections, and of what is sent on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything passes.
    Pass,
    /// New connections are refused as where nobody listens; open ones end.
    Refuse,
    /// Connections are made and stay open, and nothing passes until the next
    /// mode.
    Hang,
    /// What a client says arrives; what it is answered is held back.
    OneWay,
    /// Everything passes, so much later in each direction.
    Delay(Duration),
    /// Connections are reset (RST), open ones and new ones.
    Reset,
    /// A connection ends once so many bytes of answers came back on it.
    Cut(usize),
}

/// A proxy at work, which ends with this.
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    connections: Arc<AtomicUsize>,
    is_listening: Arc<AtomicBool>,
    listening: JoinHandle<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

impl Proxy {
    /// To this server, on a free port of the loopback.
    pub fn to(server: SocketAddr) -> Self {
        let _inside = SERVERS.enter();
        let reserved = bound((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = reserved.local_addr().unwrap();
        let mode = watch::Sender::new(Mode::Pass);
        let connections = Arc::<AtomicUsize>::default();
        let is_listening = Arc::new(AtomicBool::new(true));
        let listening = Listening {
            address,
            server,
            mode: mode.subscribe(),
            connections: Arc::clone(&connections),
            is_listening: Arc::clone(&is_listening),
        };
        // A connection before the first look at the mode waits in the queue.
        let listener = listen(address).unwrap();
        let listening = SERVERS.spawn(async move {
            listening.run(listener).await.unwrap();
            drop(reserved);
        });
        Self {
            address,
            mode,
            connections,
            is_listening,
            listening,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, for open connections too.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
        // Whoever listens is told by the runtime of the proxies.
        while self.is_listening.load(Ordering::Acquire) == (mode == Mode::Refuse) {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// How many were made so far, those that were reset included.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Connections see that there is no mode any more.
        self.listening.abort();
    }
}

struct Listening {
    address: SocketAddr,
    server: SocketAddr,
    mode: watch::Receiver<Mode>,
    connections: Arc<AtomicUsize>,
    is_listening: Arc<AtomicBool>,
}

impl Listening {
    async fn run(mut self, mut listener: TcpListener) -> io::Result<()> {
        loop {
            if *self.mode.borrow_and_update() == Mode::Refuse {
                drop(listener);
                self.is_listening.store(false, Ordering::Release);
                let is_over = |mode: &Mode| *mode != Mode::Refuse;
                if self.mode.wait_for(is_over).await.is_err() {
                    return Ok(());
                }
                listener = listen(self.address)?;
                self.is_listening.store(true, Ordering::Release);
            }
            tokio::select! {
                accepted = listener.accept() => {
                    self.connections.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(connection(accepted?.0, self.server, self.mode.clone()));
                }
                changed = self.mode.changed() => if changed.is_err() {
                    return Ok(());
                },
            }
        }
    }
}

/// Keeps the port while nobody listens on it.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bound(address)?.listen(1024)
}

async fn connection(client: TcpStream, server: SocketAddr, mut mode: watch::Receiver<Mode>) {
    tokio::select! {
        _ = carry(&client, server, mode.clone()) => {}
        () = interrupted(&mut mode) => {}
    }
    if *mode.borrow() == Mode::Reset {
        let _ = client.set_zero_linger();
    }
}

/// Ends when connections are to end.
async fn interrupted(mode: &mut watch::Receiver<Mode>) {
    let ends = |mode: &Mode| matches!(mode, Mode::Refuse | Mode::Reset);
    // Without a proxy they end as well.
    let _ = mode.wait_for(ends).await;
}

/// Until one side ends, and what it said before has arrived.
async fn carry(
    client: &TcpStream,
    server: SocketAddr,
    mut mode: watch::Receiver<Mode>,
) -> io::Result<()> {
    let is_moving = |mode: &Mode| *mode != Mode::Hang;
    mode.wait_for(is_moving).await.map_err(io::Error::other)?;
    let server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (to_server, to_client) = (Direction::ToServer, Direction::ToClient);
    tokio::select! {
        ended = carry_one_way(client, &server, to_server, mode.clone()) => ended,
        ended = carry_one_way(&server, client, to_client, mode.clone()) => ended,
    }
}

async fn carry_one_way(
    from: &TcpStream,
    to: &TcpStream,
    direction: Direction,
    mode: watch::Receiver<Mode>,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel(PIECES);
    tokio::try_join!(read(from, sender), write(to, receiver, direction, mode))?;
    Ok(())
}

async fn read(from: &TcpStream, sender: mpsc::Sender<(Instant, Vec<u8>)>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        from.readable().await?;
        match from.try_read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                let read = (Instant::now(), piece[..length].to_vec());
                sender.send(read).await.map_err(io::Error::other)?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn write(
    to: &TcpStream,
    mut pieces: mpsc::Receiver<(Instant, Vec<u8>)>,
    direction: Direction,
    mut mode: watch::Receiver<Mode>,
) -> io::Result<()> {
    let mut written = 0;
    while let Some((read_at, piece)) = pieces.recv().await {
        let passes = |mode: &Mode| match mode {
            Mode::Hang => false,
            Mode::OneWay => direction == Direction::ToServer,
            _ => true,
        };
        let mode = *mode.wait_for(passes).await.map_err(io::Error::other)?;
        let piece = match mode {
            Mode::Cut(limit) if direction == Direction::ToClient => {
                let rest = limit.saturating_sub(written);
                &piece[..piece.len().min(rest)]
            }
            _ => &piece,
        };
        if let Mode::Delay(delay) = mode {
            sleep_until(read_at + delay).await;
        }
        write_all(to, piece).await?;
        written += piece.len();
        if direction == Direction::ToClient && matches!(mode, Mode::Cut(limit) if written >= limit)
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

async fn write_all(to: &TcpStream, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        to.writable().await?;
        match to.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;

    use super::*;
    use crate::server;

    /// Longer than anything takes that passes, and what is waited for nothing.
    const A_WHILE: Duration = Duration::from_millis(300);

    /// Says again what it is told.
    fn echo() -> SocketAddr {
        let address = "127.0.0.1:0".parse().unwrap();
        server::listen(address, Arc::default(), |mut stream| async move {
            let (mut reader, mut writer) = stream.split();
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
        })
    }

    /// What comes back of what is said, or None where nothing does for a while.
    async fn said(stream: &mut TcpStream, words: &[u8]) -> Option<io::Result<Vec<u8>>> {
        let mut heard = vec![0; words.len()];
        let exchange = async {
            stream.write_all(words).await?;
            stream.read_exact(&mut heard).await
        };
        let exchanged = timeout(A_WHILE, exchange).await.ok()?;
        Some(exchanged.map(|_| heard))
    }

    async fn passes(stream: &mut TcpStream) -> bool {
        let words = b"words".to_vec();
        matches!(said(stream, &words).await, Some(Ok(heard)) if heard == words)
    }

    #[tokio::test]
    async fn what_was_held_back_goes_on() {
        for mode in [Mode::Hang, Mode::OneWay] {
            let proxy = Proxy::to(echo());
            let mut before = TcpStream::connect(proxy.address()).await.unwrap();
            assert!(passes(&mut before).await, "{mode:?}");
            proxy.set(mode);
            assert!(said(&mut before, b"one").await.is_none(), "{mode:?}");
            let mut amid = TcpStream::connect(proxy.address()).await.unwrap();
            assert!(said(&mut amid, b"two").await.is_none(), "{mode:?}");
            proxy.set(Mode::Pass);
            for (mut stream, held_back) in [(before, b"one"), (amid, b"two")] {
                let mut heard = [0; 3];
                stream.read_exact(&mut heard).await.unwrap();
                assert_eq!(&heard, held_back, "{mode:?}");
                assert!(passes(&mut stream).await, "{mode:?}");
            }
            assert_eq!(proxy.connections(), 2);
        }
    }

    #[tokio::test]
    async fn connections_are_refused_and_reset_and_made_again() {
        let proxy = Proxy::to(echo());
        for mode in [Mode::Refuse, Mode::Reset] {
            let mut open = TcpStream::connect(proxy.address()).await.unwrap();
            assert!(passes(&mut open).await);
            proxy.set(mode);
            let ended = timeout(A_WHILE, open.read(&mut [0])).await.unwrap();
            match mode {
                Mode::Refuse => assert!(matches!(ended, Ok(0)), "{ended:?}"),
                _ => assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset),
            }
            let refused = async {
                let mut stream = TcpStream::connect(proxy.address()).await?;
                stream.read_exact(&mut [0]).await
            };
            let refused = timeout(A_WHILE, refused).await.unwrap().unwrap_err();
            let expected = match mode {
                Mode::Refuse => io::ErrorKind::ConnectionRefused,
                _ => io::ErrorKind::ConnectionReset,
            };
            assert_eq!(refused.kind(), expected);
            proxy.set(Mode::Pass);
            let mut again = TcpStream::connect(proxy.address()).await.unwrap();
            assert!(passes(&mut again).await, "{mode:?} does not end");
        }
    }

    #[tokio::test]
    async fn it_is_late_and_cuts_off_as_it_is_told() {
        let proxy = Proxy::to(echo());
        let delay = Duration::from_millis(50);
        proxy.set(Mode::Delay(delay));
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        let begin = Instant::now();
        assert!(passes(&mut stream).await);
        assert!(begin.elapsed() >= 2 * delay, "{:?}", begin.elapsed());

        proxy.set(Mode::Cut(7));
        let mut cut = TcpStream::connect(proxy.address()).await.unwrap();
        cut.write_all(b"0123456789").await.unwrap();
        let mut heard = Vec::new();
        let _ = cut.read_to_end(&mut heard).await;
        assert_eq!(heard, b"0123456");
    }
}
