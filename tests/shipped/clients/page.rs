//! The scenario in a browser, on a page of another origin than the service's.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, Uri, header};
use concept_refinement_tests::chromium;
use concept_refinement_tests::reaper::{Reaped, scratch};
use concept_refinement_tests::server::SERVERS;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;

use crate::clients::directory;
use crate::clients::program::Steps;

/// A site that serves the page and the client's modules.
pub struct Site {
    listener: std::net::TcpListener,
    origin: String,
}

impl Site {
    pub fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, origin }
    }

    /// As a browser names it to other origins.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Opens the page in a browser. `modules`: the directory of the client's.
    pub fn open(self, modules: PathBuf, world: Value, picture: Vec<u8>) -> Steps {
        let (sender, steps) = unbounded_channel();
        let (modules, picture) = (Arc::new(modules), Bytes::from(picture));
        let world = Bytes::from(world.to_string());
        let site = Router::new().fallback(move |uri: Uri, body: Bytes| {
            let answer = match uri.path() {
                "/" => file(&directory(), "page.html"),
                "/scenario.mjs" => file(&directory(), "scenario.mjs"),
                "/foreign.mjs" => file(&directory(), "foreign.mjs"),
                "/world" => Some(("application/json", world.clone())),
                "/picture" => Some(("image/png", picture.clone())),
                "/step" => {
                    let _ = sender.send(Ok(serde_json::from_slice(&body).unwrap()));
                    Some(("text/plain", Bytes::new()))
                }
                path => path
                    .strip_prefix("/client/")
                    .and_then(|name| file(&modules, name)),
            };
            async move {
                match answer {
                    Some((kind, bytes)) => (StatusCode::OK, [(header::CONTENT_TYPE, kind)], bytes),
                    None => (
                        StatusCode::NOT_FOUND,
                        [(header::CONTENT_TYPE, "text/plain")],
                        Bytes::new(),
                    ),
                }
            }
        });
        let listener = self.listener;
        SERVERS.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            axum::serve(listener, site).await.unwrap();
        });
        let directory = scratch("browser");
        let mut browser = chromium::command(&directory);
        browser
            .arg(&self.origin)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Steps::of("a browser", steps, Reaped::spawn(&mut browser))
    }
}

fn file(directory: &Path, name: &str) -> Option<(&'static str, Bytes)> {
    let kind = match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript",
        _ => return None,
    };
    let bytes = std::fs::read(directory.join(name)).ok()?;
    Some((kind, bytes.into()))
}
