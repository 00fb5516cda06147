//! Inspects an image chunk by chunk.

use super::gif::Gif;
use super::jpeg::Jpeg;
use super::png::Png;
use super::unsupported::{Guess, guess};
use super::walk::{Canvas, MAX_TAKE, Walk, Want};
use super::webp::Webp;
use super::{Format, Inspected, Limits, Problem};

/// Signatures of the formats; `?` is any byte. The format's parser continues
/// after it.
const SIGNATURES: [(Format, &[u8]); 5] = [
    (Format::Png, b"\x89PNG\r\n\x1a\n"),
    (Format::Jpeg, b"\xff\xd8\xff"),
    (Format::Webp, b"RIFF????WEBP"),
    (Format::Gif, b"GIF87a"),
    (Format::Gif, b"GIF89a"),
];

/// Takes an image in chunks of any size. It buffers only a few bytes; or up to 1 KiB if
/// the format may be an unsupported one; or, for decompression, 43 KiB; or, for a
/// progressive JPEG, up to 1 MiB for each component. The first problem is final.
#[derive(Debug)]
pub struct Inspector {
    limits: Limits,
    canvas: Canvas,
    bytes: u64,
    /// The bytes after the image's end.
    behind: u64,
    /// Bytes of the signature, or bytes that the parser requested.
    held: Vec<u8>,
    /// None until the signature is known.
    walk: Option<(Format, Box<dyn Walk>)>,
    want: Want,
    problem: Option<Problem>,
}

impl Inspector {
    /// An inspector of one image.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            canvas: Canvas::new(limits.max_pixels),
            bytes: 0,
            behind: 0,
            held: Vec::with_capacity(MAX_TAKE),
            walk: None,
            want: Want::Take(1),
            problem: None,
        }
    }

    /// The format, known after the first few bytes.
    pub fn format(&self) -> Option<Format> {
        self.walk.as_ref().map(|(format, _)| *format)
    }

    /// Width and height in pixels, known long before the end.
    pub fn size(&self) -> Option<(u32, u32)> {
        self.canvas.size()
    }

    /// How many pixels a decoder needs memory for. None: not known yet, or there was a
    /// problem.
    pub fn pixels(&self) -> Option<u64> {
        self.canvas.extent()
    }

    /// How many bytes the picture takes, from the first one on.
    pub fn picture_end(&self) -> u64 {
        self.bytes.saturating_sub(self.behind)
    }

    /// Whether an image has begun and not ended.
    pub fn is_amid(&self) -> bool {
        match &self.walk {
            Some((_, walk)) => self.want != Want::End && !walk.may_end(),
            None => begins_as_supported(&self.held),
        }
    }

    /// Takes the next bytes. Reports a problem as soon as it is found; after that the
    /// result does not change.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let (within, beyond) = split(chunk, self.limits.max_bytes - self.bytes);
        self.bytes += within.len() as u64;
        let mut verdict = self.go_through(within);
        if verdict.is_ok() && !beyond.is_empty() {
            let max_bytes = self.limits.max_bytes;
            verdict = Err(Problem::TooLarge { max_bytes });
        }
        self.problem = verdict.err();
        verdict
    }

    /// The result, after the last bytes.
    pub fn finish(&self) -> Result<Inspected, Problem> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        if self.bytes == 0 {
            return Err(Problem::Empty);
        }
        if self.is_amid() {
            return Err(Problem::CutShort);
        }
        let format = self.format().ok_or(Problem::NotAnImage)?;
        let (width, height) = self.canvas.size().ok_or(Problem::Malformed)?;
        Ok(Inspected {
            format,
            width,
            height,
            bytes: self.bytes,
        })
    }

    /// Every iteration consumes a byte or follows one that did, so the time is
    /// linear.
    fn go_through(&mut self, mut rest: &[u8]) -> Result<(), Problem> {
        loop {
            match self.want {
                Want::Take(count) => {
                    if !hold(&mut self.held, &mut rest, count) {
                        return Ok(());
                    }
                    self.took()?;
                }
                Want::Skip(ref mut left) | Want::Feed(ref mut left) => {
                    let (now, later) = split(rest, *left);
                    *left -= now.len() as u64;
                    let is_behind = *left == 0;
                    if let (Want::Feed(_), Some((_, walk))) = (self.want, &mut self.walk) {
                        walk.feed(now)?;
                    }
                    if !is_behind {
                        return Ok(());
                    }
                    rest = later;
                    self.step()?;
                }
                Want::Behind(value) => {
                    let mut bytes = rest.iter();
                    if !bytes.any(|byte| *byte == value) {
                        return Ok(());
                    }
                    rest = bytes.as_slice();
                    self.step()?;
                }
                Want::FeedUntil => {
                    let walk = self.walk.as_mut();
                    let Some(own) = walk.and_then(|(_, walk)| walk.feed_until(rest)) else {
                        return Ok(());
                    };
                    rest = split(rest, own as u64).1;
                    self.step()?;
                }
                Want::End => {
                    self.behind += rest.len() as u64;
                    return Ok(());
                }
            }
        }
    }

    fn took(&mut self) -> Result<(), Problem> {
        if self.walk.is_some() {
            return self.step();
        }
        if let Some(format) = recognise(&self.held)? {
            let mut walk = begin(format);
            self.want = walk.step(&self.held, &mut self.canvas)?;
            self.walk = Some((format, walk));
            self.held.clear();
        } else {
            self.want = Want::Take(self.held.len() + 1);
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Problem> {
        if let Some((_, walk)) = &mut self.walk {
            self.want = walk.step(&self.held, &mut self.canvas)?;
        }
        self.held.clear();
        Ok(())
    }
}

fn begin(format: Format) -> Box<dyn Walk> {
    match format {
        Format::Png => Box::new(Png::new()),
        Format::Jpeg => Box::new(Jpeg::new()),
        Format::Webp => Box::new(Webp::new()),
        Format::Gif => Box::new(Gif::new()),
    }
}

/// The format of a file that begins like this; None while it is undecided.
fn recognise(start: &[u8]) -> Result<Option<Format>, Problem> {
    if !begins_as_supported(start) {
        return match guess(start) {
            Guess::Is(name) => Err(Problem::Unsupported(name)),
            Guess::IsNone => Err(Problem::NotAnImage),
            Guess::Undecided => Ok(None),
        };
    }
    Ok(SIGNATURES
        .iter()
        .find(|(_, signature)| signature.len() == start.len() && agree(signature, start))
        .map(|(format, _)| *format))
}

fn begins_as_supported(start: &[u8]) -> bool {
    SIGNATURES
        .iter()
        .any(|(_, signature)| agree(signature, start))
}

/// Compares up to the shorter length.
pub(super) fn agree(signature: &[u8], start: &[u8]) -> bool {
    signature
        .iter()
        .zip(start)
        .all(|(wanted, byte)| *wanted == b'?' || wanted == byte)
}

/// Moves bytes to those that are held, up to as many as needed. Whether there are so many.
pub(super) fn hold(held: &mut Vec<u8>, bytes: &mut &[u8], needed: usize) -> bool {
    let missing = needed.saturating_sub(held.len());
    let (now, later) = bytes.split_at_checked(missing).unwrap_or((*bytes, &[]));
    held.extend_from_slice(now);
    *bytes = later;
    held.len() >= needed
}

pub(super) fn split(bytes: &[u8], at: u64) -> (&[u8], &[u8]) {
    usize::try_from(at)
        .ok()
        .and_then(|at| bytes.split_at_checked(at))
        .unwrap_or((bytes, &[]))
}
