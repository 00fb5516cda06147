//! Runs a host inside another program, with that program's own model.
//!
//! `embed DATA` serves on a free port until standard input ends. The components notice no
//! difference: the processor calls `image-model`, and this program answers.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use concept_refinement_host::capability::model::{
    ImageModel, ImageOrLocation, ModelAnswer, ModelError, ModelRequest, Source,
};
use concept_refinement_host::{Config, HostBuilder};
use futures::future::BoxFuture;

/// Returns the original, unless it is asked for the impossible.
struct Unchanged;

impl ImageModel for Unchanged {
    fn refine(&self, request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(async move {
            if request.prompt.contains("impossible") {
                return Err(ModelError::Refused("that is impossible".to_owned()));
            }
            Ok(ModelAnswer {
                image: ImageOrLocation::Image {
                    media_type: request.media_type,
                    length: Some(request.length),
                    contents: request.image,
                },
                notes: Vec::new(),
                source: Source::Rules,
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
    let data = arguments.next().context("usage: embed DATA")?;

    let config = Config::builder()
        .listen(([127, 0, 0, 1], 0).into())
        .data_dir(data)
        .rate_limit(None)
        .build()?;
    let host = HostBuilder::new(config)
        .model(Arc::new(Unchanged))
        .start()
        .await?;
    println!("ready at http://{}", host.address());

    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    host.stop().await;
    Ok(())
}
