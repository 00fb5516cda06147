//! An image in memory while it is edited.
//!
//! Eight bits a channel and nothing else, so that fifty megapixels fit into the
//! memory that an instance of the model gets. Edits work on it in place; none
//! may hold a second copy of a large image.

/// RGB or RGBA, eight bits a channel, sRGB, rows from the top without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    width: u32,
    height: u32,
    alpha: bool,
    data: Vec<u8>,
}

impl Pixels {
    /// None where the data is not as long as the size says, or is empty.
    pub fn new(width: u32, height: u32, alpha: bool, data: Vec<u8>) -> Option<Self> {
        let channels = if alpha { 4 } else { 3 };
        let length = (width as usize)
            .checked_mul(height as usize)?
            .checked_mul(channels)?;
        (length > 0 && length == data.len()).then_some(Self {
            width,
            height,
            alpha,
            data,
        })
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    pub fn has_alpha(&self) -> bool {
        self.alpha
    }

    /// 3 or 4.
    pub fn channels(&self) -> usize {
        if self.alpha { 4 } else { 3 }
    }

    pub fn data(&self) -> &[u8] {
        &self.data
    }

    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// Each pixel, as three or four bytes.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.channels())
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let channels = self.channels();
        self.data.chunks_exact_mut(channels)
    }

    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.row_length())
    }

    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let length = self.row_length();
        self.data.chunks_exact_mut(length)
    }

    /// The bytes of one row; rows beyond the last are the last again.
    pub fn row(&self, y: usize) -> &[u8] {
        let length = self.row_length();
        let start = y.min(self.height as usize - 1) * length;
        self.data.get(start..start + length).unwrap_or_default()
    }

    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        let length = self.row_length();
        let start = y.min(self.height as usize - 1) * length;
        self.data.get_mut(start..start + length).unwrap_or_default()
    }

    fn row_length(&self) -> usize {
        self.width as usize * self.channels()
    }
}

/// The colour of a pixel without its alpha.
pub fn rgb(pixel: &[u8]) -> [u8; 3] {
    match *pixel {
        [r, g, b, ..] => [r, g, b],
        _ => [0; 3],
    }
}

/// How much of a pixel there is to see: 255 where the image has no alpha.
pub fn alpha(pixel: &[u8]) -> u8 {
    pixel.get(3).copied().unwrap_or(u8::MAX)
}
