//! Connects to an address that was checked.

use std::net::IpAddr;

use tokio::net::TcpStream;
use wasmtime_wasi_http::Error;

use super::resolver::Resolver;

/// Resolves a host and connects to the first permitted address that accepts.
pub async fn connect(
    resolver: &dyn Resolver,
    host: &str,
    port: u16,
    permitted: impl Fn(IpAddr) -> bool,
) -> Result<TcpStream, Error> {
    let addresses = resolver
        .resolve(unbracketed(host), port)
        .await
        .map_err(|_| Error::DnsError {
            rcode: None,
            info_code: None,
        })?;
    let mut failure = match addresses.is_empty() {
        true => Error::DestinationNotFound,
        false => Error::DestinationIpProhibited,
    };
    for address in addresses {
        if !permitted(address.ip()) {
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(Error::Connect)?;
                return Ok(stream);
            }
            Err(_) => failure = Error::ConnectionRefused,
        }
    }
    Err(failure)
}

/// An IPv6 literal without the brackets that a URL puts around it.
pub fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}
