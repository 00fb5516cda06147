//! From the colours of one file to those of another.

use std::sync::Arc;

use image::ColorType;
use moxcms::{ColorProfile, Layout, TransformExecutor, TransformOptions};

use crate::profile::{changes, options};
use crate::upright::Pixel;
use crate::{Colors, Problem};

/// Converts wide pixels; alpha stays as it is.
pub struct Conversion {
    transform: Arc<dyn TransformExecutor<u16> + Send + Sync>,
    before: Vec<Pixel>,
}

impl Conversion {
    /// None: the colours are the same. An error: the profiles do not say how.
    pub fn between(
        (from, from_samples): (&Colors, ColorType),
        (to, to_samples): (&Colors, ColorType),
    ) -> Result<Option<Self>, Problem> {
        let from = from.clone().of_rgb(from_samples);
        let to = to.clone().of_rgb(to_samples);
        let is_same = from.icc == to.icc && from.chunks == to.chunks;
        if is_same || (from.profile.is_none() && to.profile.is_none()) {
            return Ok(None);
        }
        let [from, to] = [from, to].map(|it| it.profile.unwrap_or_else(ColorProfile::new_srgb));
        let options = TransformOptions {
            // Sixteen bits are finer than fixed points.
            prefer_fixed_point: false,
            ..options(Some(&from))
        };
        let layout = Layout::Rgba;
        let transform = from.create_transform_16bit(layout, &to, layout, options);
        let transform = transform.map_err(|_| Problem::Unsupported)?;
        Ok(changes(&from, &to).then(|| Self {
            transform,
            before: Vec::new(),
        }))
    }

    pub fn apply(&mut self, pixels: &mut [Pixel]) {
        self.before.clear();
        self.before.extend_from_slice(pixels);
        let (before, after) = (self.before.as_flattened(), pixels.as_flattened_mut());
        if self.transform.transform(before, after).is_err() {
            pixels.copy_from_slice(&self.before);
        }
    }
}
