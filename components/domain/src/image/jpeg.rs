//! JPEG: segments and scans, from `SOI` to `EOI` (ITU-T T.81).
//!
//! Everything between two markers is skipped, as decoders do: scan data, or what some
//! cameras put there. A height after the first scan (`DNL`) is refused, since the pixel
//! limit could not be checked in time.

use super::Problem;
use super::walk::{Canvas, Walk, Want};

const PREFIX: u8 = 0xff;
const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

#[derive(Debug)]
pub(super) struct Jpeg {
    state: State,
    has_frame: bool,
    has_scan: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the byte after a marker prefix.
    Marker,
    /// At the length of a segment.
    Segment,
    /// At the length of a frame's header.
    Frame,
    /// After a segment.
    Behind,
    /// After a marker prefix.
    Prefix,
}

impl Jpeg {
    pub(super) fn new() -> Self {
        Self {
            state: State::Marker,
            has_frame: false,
            has_scan: false,
        }
    }

    fn marker(&mut self, bytes: &[u8]) -> Result<Want, Problem> {
        match bytes {
            [PREFIX] => Ok(Want::Take(1)), // a fill byte
            // A stuffed 0xff in a scan, a private marker, or a restart marker: not a
            // segment.
            [0x00 | 0x01 | 0xd0..=0xd7] => Ok(self.find_marker()),
            [END] if self.has_scan => Ok(Want::End),
            [START | END | 0x02..=0xbf] => Err(Problem::Malformed),
            [0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf] => {
                self.state = State::Frame;
                Ok(Want::Take(8))
            }
            [SCAN] if !self.has_frame => Err(Problem::Malformed),
            [code] => {
                self.has_scan |= *code == SCAN;
                self.state = State::Segment;
                Ok(Want::Take(2))
            }
            _ => Err(Problem::Malformed),
        }
    }

    fn segment(&mut self, bytes: &[u8]) -> Result<Want, Problem> {
        let &[a, b] = bytes else {
            return Err(Problem::Malformed);
        };
        self.skip(u16::from_be_bytes([a, b]), 2)
    }

    fn frame(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[a, b, _precision, c, d, e, f, components] = bytes else {
            return Err(Problem::Malformed);
        };
        let length = u16::from_be_bytes([a, b]);
        let height = u16::from_be_bytes([c, d]);
        let width = u16::from_be_bytes([e, f]);
        if !(1..=4).contains(&components) || length != 8 + 3 * u16::from(components) {
            return Err(Problem::Malformed);
        }
        canvas.set(width.into(), height.into())?;
        self.has_frame = true;
        self.skip(length, 8)
    }

    /// Skips the rest of a segment of this length.
    fn skip(&mut self, length: u16, taken: u16) -> Result<Want, Problem> {
        self.state = State::Behind;
        length
            .checked_sub(taken)
            .map(|rest| Want::Skip(rest.into()))
            .ok_or(Problem::Malformed)
    }

    fn find_marker(&mut self) -> Want {
        self.state = State::Prefix;
        Want::Behind(PREFIX)
    }
}

impl Walk for Jpeg {
    /// The signature ends with the prefix of the second marker.
    fn start(&self) -> Want {
        Want::Take(1)
    }

    fn step(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        match self.state {
            State::Marker => self.marker(bytes),
            State::Segment => self.segment(bytes),
            State::Frame => self.frame(bytes, canvas),
            State::Behind => Ok(self.find_marker()),
            State::Prefix => {
                self.state = State::Marker;
                Ok(Want::Take(1))
            }
        }
    }
}
