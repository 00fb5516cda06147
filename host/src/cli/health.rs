//! `health`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::ArgMatches;
use http::{Request, Uri, header};
use http_body_util::Full;
use serde_json::Value;
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

/// What `status` says of a service that is alive.
const ALIVE: &[&str] = &["healthy"];

/// What `status` says of a service that can serve requests.
const READY: &[&str] = &["ready", "degraded"];

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let (config, _) = settings::read(matches, Some(Command::Health))?;
    let base = match matches.get_one::<String>("url") {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", own_address(config.listen)),
    };
    let (path, healthy) = match matches.get_flag("ready") {
        true => ("/api/health/ready", READY),
        false => ("/api/health", ALIVE),
    };
    let url = format!("{base}{path}");
    let url: Uri = url
        .parse()
        .ok()
        .filter(|url: &Uri| url.scheme_str() == Some("http") && url.host().is_some())
        .with_context(|| format!("{base} must be an http URL, as http://127.0.0.1:8080"))
        .map_err(Failure::Usage)?;
    let answer = block_on(async {
        let asked = timeout(TIMEOUT, ask(&url, healthy)).await;
        Ok(asked.with_context(|| format!("{url} did not answer in time"))??)
    })?;
    Ok(print(format!("{answer}\n"))?)
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

/// The answer of a service whose `status` is one of these.
async fn ask(url: &Uri, healthy: &[&str]) -> anyhow::Result<String> {
    let authority = url.authority().context("a URL without a host")?;
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(80);
    let connected = TcpStream::connect((host, port)).await;
    let stream = connected.with_context(|| format!("{url} cannot be reached"))?;
    let request = Request::get(url.path())
        .header(header::HOST, authority.as_str())
        .body(Full::default())?;
    let answer = exchange(stream, request, ANSWER).await;
    let answer = answer.with_context(|| format!("{url} gave no whole answer"))?;
    let status = answer.status();
    let body = in_a_line(&String::from_utf8_lossy(answer.body()));
    if !status.is_success() {
        bail!("{url} answers {status}: {body}");
    }
    let is_ours = says(answer.body(), healthy);
    ensure!(is_ours, "{url} does not answer as this service does");
    Ok(body)
}

/// Whether an answer is JSON with one of these as its `status`. Whatever else listens there
/// may answer 200 too.
fn says(answer: &[u8], healthy: &[&str]) -> bool {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let status = answer.get("status").and_then(Value::as_str);
    status.is_some_and(|status| healthy.contains(&status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_service_s_own_answer_is_healthy() {
        for (answer, is_alive, is_ready) in [
            (r#"{"status":"healthy","version":"0.2.0"}"#, true, false),
            (r#"{"status":"ready","capabilities":{}}"#, false, true),
            (r#"{"status":"degraded","capabilities":{}}"#, false, true),
            (r#"{"status":"dead"}"#, false, false),
            (r#"{"status":200}"#, false, false),
            (r#"{"tasks":5}"#, false, false),
            (r#""healthy""#, false, false),
            ("healthy", false, false),
            ("<html></html>", false, false),
            ("", false, false),
        ] {
            let says = |healthy| says(answer.as_bytes(), healthy);
            assert_eq!((says(ALIVE), says(READY)), (is_alive, is_ready), "{answer}");
        }
    }

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
