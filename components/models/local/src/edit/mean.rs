//! The mean colour of a changing set of pixels, each with a weight.

#[derive(Clone, Copy, Default)]
pub struct Mean {
    colors: [u32; 3],
    weight: u32,
}

impl Mean {
    pub fn add<const N: usize>(&mut self, pixel: &[u8; N], weight: u32) {
        for (sum, color) in self.colors.iter_mut().zip(pixel) {
            *sum += u32::from(*color) * weight;
        }
        self.weight += weight;
    }

    /// Takes back what was added.
    pub fn remove<const N: usize>(&mut self, pixel: &[u8; N], weight: u32) {
        for (sum, color) in self.colors.iter_mut().zip(pixel) {
            *sum -= u32::from(*color) * weight;
        }
        self.weight -= weight;
    }

    /// The mean weight, if there are so many pixels.
    pub fn weight(&self, count: usize) -> u8 {
        (self.weight as f32 / count as f32).round() as u8
    }

    /// Gives a pixel this colour. Its alpha is unchanged, and so is its colour if the
    /// weights add up to zero.
    pub fn write<const N: usize>(&self, pixel: &mut [u8; N]) {
        if self.weight > 0 {
            let scale = 1.0 / self.weight as f32;
            for (value, sum) in pixel.iter_mut().zip(self.colors) {
                *value = (sum as f32 * scale + 0.5) as u8;
            }
        }
    }
}
