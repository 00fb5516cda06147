//! GIF: the first frame on its screen.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;

use crate::{Problem, Raw};

/// Where the size of the screen stands in a file.
const SCREEN: std::ops::Range<usize> = 6..10;

pub fn decode(mut file: Vec<u8>) -> Result<Raw, Problem> {
    let is_animated = grow_screen(&mut file)?;
    let mut raw = Raw::read(GifDecoder::new(Cursor::new(file))?)?;
    raw.is_animated = is_animated;
    Ok(raw)
}

/// Makes the screen as large as the first frame needs, as browsers do; the decoder would
/// crop the frame. Returns whether there is a second one. Decodes no pixels.
fn grow_screen(file: &mut [u8]) -> Result<bool, Problem> {
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    let mut frames = options.read_info(&*file).map_err(|_| Problem::Malformed)?;
    let (width, height) = (frames.width(), frames.height());
    let Ok(Some(first)) = frames.next_frame_info() else {
        return Err(Problem::Malformed);
    };
    let sides = [
        width.max(first.left.saturating_add(first.width)),
        height.max(first.top.saturating_add(first.height)),
    ];
    let has_second = matches!(frames.next_frame_info(), Ok(Some(_)));
    if let Some(screen) = file.get_mut(SCREEN) {
        screen.copy_from_slice(sides.map(u16::to_le_bytes).as_flattened());
    }
    Ok(has_second)
}
