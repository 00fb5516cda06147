//! Runs a host inside another program, with that program's own model.
//!
//! `embed COMPONENTS DATA` serves on a free port until standard input ends.
//! The components see no difference: the processor calls `image-model`, and
//! this program answers.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use concept_refinement_capability::model::{ImageModel, ModelAnswer, ModelError, ModelRequest};
use concept_refinement_host::config::{Values, table};
use concept_refinement_host::{Components, Config, HostBuilder};
use futures::future::BoxFuture;

/// Answers with the original, unless it is asked for the impossible.
struct Unchanged;

impl ImageModel for Unchanged {
    fn refine(&self, request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(async move {
            if request.prompt.contains("impossible") {
                return Err(ModelError::Refused("that is impossible".to_owned()));
            }
            Ok(ModelAnswer::Image {
                media_type: request.media_type,
                length: Some(request.length),
                contents: request.image,
                notes: Vec::new(),
            })
        })
    }

    fn describe(&self) -> &str {
        "A model that leaves images as they are."
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let components = arguments.next().context("usage: embed COMPONENTS DATA")?;
    let data = arguments.next().context("usage: embed COMPONENTS DATA")?;

    let mut values = Values::new();
    for (name, value) in [
        ("listen", "127.0.0.1:0"),
        ("data-dir", &data.to_string_lossy()),
        ("rate-limit", "unlimited"),
    ] {
        values.set(table::find(name).context(name.to_owned())?, value);
    }
    let config = Config::new(values)?;
    let components = Components::load(Some(&components), &config)?;
    let host = HostBuilder::new(config, components)
        .model(Arc::new(Unchanged))
        .start()
        .await?;
    println!("ready at http://{}", host.address());

    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    host.stop().await;
    Ok(())
}
