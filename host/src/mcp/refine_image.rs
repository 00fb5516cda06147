//! What a call of the tool does: an original in, a file out.
//!
//! Whatever is wrong is a sentence for the model that called, which can do something about
//! it.

use std::time::Duration;

use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::sentence::sanitize;
use concept_refinement_domain::task::Stage;
use concept_refinement_mcp::CallToolResult;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, SetOnce};

use super::answer;
use super::arguments::{Arguments, Source};
use super::destination::{Allowed, Destination};
use super::input;
use crate::config::Config;
use crate::image_file::misnamed;
use crate::wiring::Refiner;
use crate::wiring::refiner::request::OriginalImage;

/// Limit for a sentence, which may quote paths, in code points.
const LONGEST: usize = 1_500;

/// What the calls share.
pub struct RefineImage {
    allowed: Allowed,
    allowed_sources: AllowedSources,
    task_timeout: Duration,
    /// Largest original or mask.
    max_bytes: u64,
    refiner: SetOnce<Ready>,
}

struct Ready {
    refiner: Refiner,
    /// One for each refinement that it does at a time. Others wait, without their images.
    permits: Semaphore,
}

impl RefineImage {
    /// `allowed`: where results may lie.
    pub fn new(config: &Config, allowed: Allowed) -> Self {
        Self {
            allowed,
            allowed_sources: config.allowed_sources.clone(),
            task_timeout: config.task_timeout,
            max_bytes: config.max_image_bytes,
            refiner: SetOnce::new(),
        }
    }

    /// Lets the calls begin, which wait for it. Only the first one counts.
    pub fn begin(&self, refiner: Refiner) {
        let permits = Semaphore::new(refiner.at_once());
        // There is no second one.
        let _ = self.refiner.set(Ready { refiner, permits });
    }

    /// Refines an image. `began` is called with each stage as it begins.
    pub async fn call(
        &self,
        arguments: Map<String, Value>,
        began: impl FnMut(Stage),
    ) -> CallToolResult {
        match self.refined(arguments, began).await {
            Ok(result) => result,
            Err(sentence) => CallToolResult::error(sanitize(&sentence, LONGEST)),
        }
    }

    async fn refined(
        &self,
        arguments: Map<String, Value>,
        began: impl FnMut(Stage),
    ) -> Result<CallToolResult, String> {
        let parsed = Arguments::parse(arguments, &self.allowed_sources, self.task_timeout);
        let call =
            parsed.map_err(|errors| errors.joined(|name, problem| format!("{name} {problem}")))?;
        let out = call.out;
        let place = if out.is_some() { "out" } else { "without out" };
        let destination = match out {
            Some(out) => Destination::named(&out, &self.allowed),
            None => {
                let (folder, stem) = call.original.folder_and_stem();
                Destination::beside(folder, &stem, &self.allowed)
            }
        };
        let destination = destination.map_err(|refusal| format!("{place}: {refusal}"))?;
        let ready = self.refiner.wait().await;
        let _permit = ready.permits.acquire().await;
        let image = self.read("path", call.original).await?;
        let mask = match call.mask {
            Some(mask) => Some(self.read("mask", mask).await?),
            None => None,
        };
        let refiner = &ready.refiner;
        let refined = refiner.refine_checked(image, mask, call.refinement, began);
        let mut refined = refined.await.map_err(|error| error.to_string())?;
        let written = destination.write(refined.format, &refined.bytes);
        let path = written.map_err(|refusal| format!("{place}: {refusal}"))?;
        refined.notes.extend(misnamed(&path, refined.format));
        Ok(answer::of(&path, &refined))
    }

    async fn read(&self, argument: &str, source: Source) -> Result<OriginalImage, String> {
        let path = match source {
            Source::Url(url) => return Ok(OriginalImage::Url(url)),
            Source::Path(path) => path,
        };
        let max_bytes = self.max_bytes;
        let shown = path.display().to_string();
        let read = tokio::task::spawn_blocking(move || input::read(&path, max_bytes)).await;
        let read = read.map_err(anyhow::Error::from).flatten();
        let bytes =
            read.map_err(|reason| format!("{argument}: {shown} cannot be read: {reason}"))?;
        Ok(bytes.into())
    }
}
