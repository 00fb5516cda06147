//! A connection without a client library: any bytes, and all that is answered.

use concept_refinement_tests::deadline::SOON;
use concept_refinement_tests::service::Service;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub async fn connect(service: &Service) -> TcpStream {
    let authority = service.url().trim_start_matches("http://");
    TcpStream::connect(authority).await.unwrap()
}

/// Sends these bytes, and reads until the service closes the connection.
pub async fn exchange(service: &Service, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(service).await;
    // It may be refused before it is all sent.
    let _ = stream.write_all(bytes).await;
    rest(&mut stream).await
}

/// What comes until the service closes the connection.
pub async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    // What is closed while we send may be reset, which ends it as well.
    let ended = timeout(2 * SOON, stream.read_to_end(&mut heard)).await;
    assert!(
        ended.is_ok(),
        "still open after {:?}",
        String::from_utf8_lossy(&heard)
    );
    heard
}

/// Reads until there is this in what was heard.
pub async fn until(stream: &mut TcpStream, expected: &str) -> String {
    let mut heard = Vec::new();
    let reading = async {
        loop {
            let text = String::from_utf8_lossy(&heard).into_owned();
            if text.contains(expected) {
                return text;
            }
            let mut chunk = [0; 1024];
            let read = stream.read(&mut chunk).await.unwrap();
            assert_ne!(read, 0, "closed after {text:?}");
            heard.extend_from_slice(&chunk[..read]);
        }
    };
    timeout(SOON, reading).await.unwrap()
}

/// The statuses of the answers one after the other, each as long as it says.
pub fn statuses(mut heard: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while !heard.is_empty() {
        let end = heard.windows(4).position(|part| part == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head: {:?}", String::from_utf8_lossy(heard)));
        let head = String::from_utf8(heard[..end + 4].to_vec())
            .unwrap()
            .to_lowercase();
        heard = &heard[end + 4..];
        let status = head
            .strip_prefix("http/1.1 ")
            .and_then(|rest| rest.get(..3));
        let status: u16 = status.unwrap_or_else(|| panic!("{head}")).parse().unwrap();
        let field = |name: &str| {
            let value = head.lines().find_map(|line| line.strip_prefix(name))?;
            Some(value.trim().to_owned())
        };
        let has_none = matches!(status, 100..200 | 204 | 304);
        if let Some(length) = field("content-length:")
            && !has_none
        {
            let length = length.parse::<usize>().unwrap().min(heard.len());
            heard = &heard[length..];
        }
        assert!(field("transfer-encoding:").is_none(), "{head}");
        statuses.push(status);
    }
    statuses
}
