//! JPEG: segments and scans, from `SOI` to `EOI` (ITU-T T.81).
//!
//! The data of a scan is counted: a picture that lacks some of it is refused, even if an
//! end marker follows, and a picture that has all of it needs no end marker, whatever
//! follows. Coefficients are not computed. Data that cannot be counted (arithmetic coding,
//! damaged data, see [`Frame::scan`]) is skipped, like everything else between two
//! markers, and the end marker is then required. A height after the first scan (`DNL`) is
//! refused, since the pixel limit could not be checked in time.

mod block;
mod frame;
mod huffman;
mod scan;

use std::mem;
use std::sync::Arc;

use super::Problem;
use super::walk::{Canvas, Step, Walk, Want};
use frame::Frame;
use huffman::Table;
use scan::Scan;

pub(super) const PREFIX: u8 = 0xff;
pub(super) const START: u8 = 0xd8;
pub(super) const END: u8 = 0xd9;
const TABLES: u8 = 0xc4;
pub(super) const SCAN: u8 = 0xda;
const RESTARTS: u8 = 0xdd;
/// The class and the number of a table, and how many codes it has of each length.
const TABLE_HEADER: usize = 17;

#[derive(Debug)]
pub(super) struct Jpeg {
    next: Step<Self>,
    /// The marker of the current segment, and how many bytes of it are left.
    code: u8,
    left: u16,
    frame: Option<Frame>,
    tables: Tables,
    /// Minimum coded units between two restart markers; 0 if there are none.
    interval: u16,
    /// The scan whose data is being counted.
    scan: Option<Scan>,
    has_scan: bool,
    /// Whether all scans so far could be counted.
    is_counted: bool,
}

/// The Huffman tables that were defined last.
#[derive(Debug, Default)]
struct Tables {
    dc: [Option<Arc<Table>>; 4],
    ac: [Option<Arc<Table>>; 4],
    /// The table that is being read: its header, then its symbols.
    header: [u8; TABLE_HEADER],
    symbols: Vec<u8>,
}

impl Jpeg {
    pub(super) fn new() -> Self {
        Self {
            // The signature ends with the prefix of the second marker.
            next: Self::prefix,
            code: 0,
            left: 0,
            frame: None,
            tables: Tables::default(),
            interval: 0,
            scan: None,
            has_scan: false,
            is_counted: true,
        }
    }

    fn marker(&mut self, bytes: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        match bytes {
            [PREFIX] => Ok(Want::Take(1)), // a fill byte
            // A stuffed 0xff in a scan, a private marker, or a restart marker: not a
            // segment.
            [0x00 | 0x01 | 0xd0..=0xd7] => self.find_marker(),
            [END] if self.has_scan => match &self.frame {
                Some(frame) if self.is_counted && !frame.has_all_components() => {
                    Err(Problem::Incomplete)
                }
                _ => Ok(Want::End),
            },
            [START | END | 0x02..=0xbf] => Err(Problem::Malformed),
            [code @ (0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf)] => {
                self.code = *code;
                self.then(Self::frame, Want::Take(8))
            }
            [SCAN] if self.frame.is_none() => Err(Problem::Malformed),
            [code] => {
                self.has_scan |= *code == SCAN;
                self.code = *code;
                self.then(Self::segment, Want::Take(2))
            }
            _ => Err(Problem::Malformed),
        }
    }

    fn segment(&mut self, bytes: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        let &[a, b] = bytes else {
            return Err(Problem::Malformed);
        };
        let length = u16::from_be_bytes([a, b]);
        let left = length.checked_sub(2).ok_or(Problem::Malformed)?;
        match (self.code, length) {
            (TABLES, _) => self.next_table(left),
            (RESTARTS, 4) => self.then(Self::interval, Want::Take(2)),
            (SCAN, 8..=14) => self.then(Self::scan, Want::Take(left.into())),
            _ => {
                self.is_counted &= self.code != SCAN;
                self.skip(left)
            }
        }
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
        self.frame = Some(Frame::new(self.code, (width, height)));
        self.then(Self::components, Want::Take(3 * usize::from(components)))
    }

    fn components(&mut self, bytes: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        if let Some(frame) = &mut self.frame {
            self.is_counted = frame.set_components(bytes);
        }
        self.find_marker()
    }

    /// At the next table, if the segment has one.
    fn next_table(&mut self, left: u16) -> Result<Want, Problem> {
        match left.checked_sub(TABLE_HEADER as u16) {
            Some(rest) => {
                self.left = rest;
                self.then(Self::table, Want::Take(TABLE_HEADER))
            }
            None => self.skip(left),
        }
    }

    fn table(&mut self, bytes: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        let header = bytes.try_into().map_err(|_| Problem::Malformed)?;
        self.tables.header = header;
        let [_, counts @ ..] = header;
        let symbols = counts.into_iter().map(u16::from).sum();
        self.tables.symbols.clear();
        match self.left.checked_sub(symbols) {
            Some(rest) => {
                self.left = rest;
                self.then(Self::symbols, Want::Feed(symbols.into()))
            }
            None => {
                self.is_counted = false;
                self.skip(self.left)
            }
        }
    }

    fn symbols(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        self.tables.define();
        self.next_table(self.left)
    }

    fn interval(&mut self, bytes: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        let interval = bytes.try_into().map_err(|_| Problem::Malformed)?;
        self.interval = u16::from_be_bytes(interval);
        self.find_marker()
    }

    fn scan(&mut self, header: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        let frame = self.frame.as_mut().filter(|_| self.is_counted);
        let scan = frame.and_then(|frame| frame.scan(header, &self.tables, self.interval));
        self.is_counted = scan.is_some();
        self.scan = scan;
        match self.is_counted {
            true => self.then(Self::end_scan, Want::FeedUntil),
            false => self.find_marker(),
        }
    }

    fn end_scan(&mut self, _: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let (Some(scan), Some(frame)) = (self.scan.take(), &mut self.frame) else {
            return Err(Problem::Malformed);
        };
        self.next = Self::marker;
        self.is_counted = !scan.is_damaged;
        if self.is_counted && !scan.is_complete() {
            return Err(Problem::Incomplete);
        }
        let (marker, is_last) = (scan.marker, frame.is_completed_by(&scan));
        frame.keep(scan);
        if self.is_counted && is_last {
            return Ok(Want::End);
        }
        self.marker(marker.as_slice(), canvas)
    }

    /// Skips the rest of a segment.
    fn skip(&mut self, left: u16) -> Result<Want, Problem> {
        self.then(Self::behind, Want::Skip(left.into()))
    }

    fn behind(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        self.find_marker()
    }

    fn find_marker(&mut self) -> Result<Want, Problem> {
        self.then(Self::prefix, Want::Behind(PREFIX))
    }

    fn prefix(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        self.then(Self::marker, Want::Take(1))
    }

    fn then(&mut self, next: Step<Self>, want: Want) -> Result<Want, Problem> {
        self.next = next;
        Ok(want)
    }
}

impl Walk for Jpeg {
    fn step(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        (self.next)(self, bytes, canvas)
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.tables.symbols.extend_from_slice(bytes);
        Ok(())
    }

    fn feed_until(&mut self, bytes: &[u8]) -> Option<usize> {
        let (Some(scan), Some(frame)) = (&mut self.scan, &self.frame) else {
            return Some(0);
        };
        scan.count(bytes, |scan| frame.is_completed_by(scan))
    }
}

impl Tables {
    fn define(&mut self) {
        let [place, counts @ ..] = self.header;
        let table = Table::new(counts, mem::take(&mut self.symbols));
        let class = if place >> 4 == 0 {
            &mut self.dc
        } else {
            &mut self.ac
        };
        if let Some(place) = class.get_mut(usize::from(place & 15)) {
            *place = Some(Arc::new(table));
        }
    }
}
