//! `health`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ArgMatches;
use http::{Request, Uri, header};
use http_body_util::Full;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connection::exchange;
use super::failure::Failure;
use super::operator::block_on;
use super::settings;
use super::terminal::{in_a_line, print};
use crate::config::table::Command;

/// Timeout for the whole answer: a readiness check asks each store.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Longest answer, in bytes.
const ANSWER: usize = 64 * 1024;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let (config, _) = settings::read(matches, Some(Command::Health))?;
    let base = match matches.get_one::<String>("url") {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", own_address(config.listen)),
    };
    let path = match matches.get_flag("ready") {
        true => "/api/health/ready",
        false => "/api/health",
    };
    let url = format!("{base}{path}");
    let url: Uri = url
        .parse()
        .ok()
        .filter(|url: &Uri| url.scheme_str() == Some("http") && url.host().is_some())
        .with_context(|| format!("{base} is not a URL of http"))
        .map_err(Failure::Usage)?;
    let answer = block_on(async {
        let asked = timeout(TIMEOUT, ask(&url)).await;
        Ok(asked.with_context(|| format!("{url} did not answer in time"))??)
    })?;
    Ok(print(format!("{answer}\n").as_bytes())?)
}

/// The address by which this machine can reach a service with this listen address.
fn own_address(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}

/// The answer of a healthy service.
async fn ask(url: &Uri) -> anyhow::Result<String> {
    let authority = url.authority().context("a URL without a host")?;
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(80);
    let connected = TcpStream::connect((host, port)).await;
    let stream = connected.with_context(|| format!("{url} cannot be reached"))?;
    let request = Request::get(url.path())
        .header(header::HOST, authority.as_str())
        .body(Full::default())?;
    let answer = exchange(stream, request, ANSWER).await?;
    let status = answer.status();
    let body = in_a_line(&String::from_utf8_lossy(answer.body()));
    match status.is_success() {
        true => Ok(body),
        false => bail!("{url} answers {status}: {body}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_everywhere_is_asked_on_this_machine() {
        for (listen, expected) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            let address = own_address(listen.parse().unwrap());
            assert_eq!(address.to_string(), expected);
        }
    }
}
