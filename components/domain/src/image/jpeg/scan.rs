//! Counts the blocks in the data of a scan, by reading its codes (ITU-T T.81, annexes F
//! and G). It computes no coefficient.

use std::mem;
use std::sync::Arc;

use super::PREFIX;
use super::block::{Codes, sequential};
use super::huffman::{Bits, Stop, Table};

/// Most blocks of a component in [`Scan::history`], which takes eight bytes for each: a
/// picture of 8 megapixels.
const MAX_HISTORY: u64 = 1 << 17;

/// Data is counted in pieces, so that little of it is held.
const PIECE: usize = 4096;

/// Which coefficients a scan sends, in zigzag order, and which of their bits.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    first: u8,
    last: u8,
    /// Whether it sends one more bit of coefficients that were sent before.
    is_refinement: bool,
    /// How many bits are left to later scans.
    low: u8,
}

/// The tables for the codes of one block in a minimum coded unit.
#[derive(Clone, Debug)]
pub struct Block {
    pub dc: Option<Arc<Table>>,
    pub ac: Option<Arc<Table>>,
}

#[derive(Debug)]
pub struct Scan {
    pub pass: Pass,
    pub components: Vec<usize>,
    /// The blocks of a minimum coded unit.
    blocks: Vec<Block>,
    /// How many blocks were counted of that unit.
    block: usize,
    units: u64,
    /// How many units were counted.
    unit: u64,
    /// Units between two restart markers; 0 if there are none.
    interval: u64,
    /// The unit where the next restart marker is due, or the end.
    until: u64,
    /// How many more blocks have no further codes.
    run: u32,
    /// For each block of a progressive scan of one component, which of its coefficients
    /// are not zero: a refinement sends a bit for each of them.
    pub history: Vec<u64>,
    /// Data that is not completely counted, without stuffed bytes, and how many of its
    /// bits were counted.
    data: Vec<u8>,
    offset: u32,
    /// After a prefix.
    is_at_marker: bool,
    /// The code of the marker that ended it.
    pub marker: Option<u8>,
    /// A code was found that does not exist.
    pub is_damaged: bool,
}

impl Pass {
    /// None: there is no such pass.
    pub fn new(is_progressive: bool, (first, last): (u8, u8), bits: u8) -> Option<Self> {
        let (high, low) = (bits >> 4, bits & 15);
        let is_known = match is_progressive {
            // Files contain other values too, which decoders ignore.
            false => true,
            true => first <= last && last < 64 && (first > 0 || last == 0) && low < 14,
        };
        let (first, last) = if is_progressive {
            (first, last)
        } else {
            (0, 63)
        };
        is_known.then_some(Self {
            first,
            last,
            is_refinement: is_progressive && high > 0,
            low: if is_progressive { low } else { 0 },
        })
    }

    pub fn can_read(&self, block: &Block) -> bool {
        let needs_dc = self.first == 0 && !self.is_refinement;
        (!needs_dc || block.dc.is_some()) && (self.last == 0 || block.ac.is_some())
    }

    pub fn may_interleave(&self) -> bool {
        self.first == 0
    }

    /// Records the bits that are sent of each coefficient.
    pub fn mark(&self, sent: &mut [u8; 64]) {
        let band = usize::from(self.first)..=usize::from(self.last);
        if let Some(band) = sent.get_mut(band) {
            band.fill(self.low);
        }
    }
}

impl Scan {
    /// None: it would need too much memory.
    pub fn new(
        pass: Pass,
        components: Vec<usize>,
        blocks: Vec<Block>,
        units: u64,
        interval: u64,
        history: Vec<u64>,
    ) -> Option<Self> {
        let needs_history = pass.first > 0 && (pass.is_refinement || pass.low > 0);
        if needs_history && units > MAX_HISTORY {
            return None;
        }
        Some(Self {
            pass,
            components,
            blocks,
            block: 0,
            units,
            unit: 0,
            interval,
            until: if interval == 0 {
                units
            } else {
                interval.min(units)
            },
            run: 0,
            history,
            data: Vec::new(),
            offset: 0,
            is_at_marker: false,
            marker: None,
            is_damaged: false,
        })
    }

    pub fn is_complete(&self) -> bool {
        self.unit >= self.units
    }

    /// Takes data, up to the next marker, or to its end if that is the end of the
    /// picture. Returns how many bytes these were; None if there may be more.
    pub fn count(&mut self, bytes: &[u8], is_last: impl Fn(&Self) -> bool) -> Option<usize> {
        let mut rest = bytes;
        loop {
            if self.is_complete() && is_last(self) {
                return Some(bytes.len() - rest.len());
            }
            if !self.is_at_marker {
                let piece = rest.get(..PIECE).unwrap_or(rest);
                let prefix = piece.iter().position(|byte| *byte == PREFIX);
                let length = prefix.unwrap_or(piece.len());
                self.take(piece.get(..length).unwrap_or_default());
                rest = rest.get(length + usize::from(prefix.is_some())..)?;
                self.is_at_marker = prefix.is_some();
                if rest.is_empty() && !(self.is_complete() && is_last(self)) {
                    return None;
                }
                continue;
            }
            let (code, others) = rest.split_first()?;
            rest = others;
            self.is_at_marker = *code == PREFIX; // a fill byte
            match code {
                &PREFIX => {}
                0x00 => self.take(&[PREFIX]),
                0xd0..=0xd7 if self.interval > 0 => self.restart(),
                code => {
                    self.marker = Some(*code);
                    return Some(bytes.len() - rest.len());
                }
            }
        }
    }

    /// Counts the units before the next restart marker; further data is ignored, as
    /// decoders do.
    fn take(&mut self, bytes: &[u8]) {
        if self.unit >= self.until || self.is_damaged {
            return;
        }
        let mut data = mem::take(&mut self.data);
        data.extend_from_slice(bytes);
        let mut bits = Bits::new(&data);
        let _ = bits.skip(self.offset);
        while self.unit < self.until {
            let before = bits;
            match self.read(&mut bits) {
                Ok(()) => {}
                Err(Stop::Short) => {
                    bits = before;
                    break;
                }
                Err(Stop::Damaged) => {
                    self.is_damaged = true;
                    return;
                }
            }
        }
        let position = bits.position();
        self.offset = position as u32 % 8;
        data.drain(..(position / 8).min(data.len()));
        self.data = data;
    }

    /// A restart marker shows its position, so units that were lost before it count
    /// as well.
    fn restart(&mut self) {
        if self.unit < self.units {
            self.unit = self.until;
            self.until = (self.until + self.interval).min(self.units);
        }
        (self.block, self.run, self.offset) = (0, 0, 0);
        self.data.clear();
    }

    /// One block.
    fn read(&mut self, bits: &mut Bits) -> Result<(), Stop> {
        let block = self.blocks.get(self.block).ok_or(Stop::Damaged)?;
        if self.pass.first > 0 {
            return self.read_band(bits);
        }
        if self.pass.is_refinement {
            bits.skip(1)?;
        } else {
            let size = table(&block.dc)?.read(bits)?;
            bits.skip(size.min(16).into())?;
        }
        if self.pass.last > 0 {
            sequential(bits, table(&block.ac)?)?;
        }
        self.block += 1;
        if self.block == self.blocks.len() {
            self.block = 0;
            self.unit += 1;
        }
        Ok(())
    }

    /// One block of a progressive scan without first coefficients, which has a single
    /// component.
    fn read_band(&mut self, bits: &mut Bits) -> Result<(), Stop> {
        let block = self.blocks.first().ok_or(Stop::Damaged)?;
        let place = usize::try_from(self.unit).map_err(|_| Stop::Damaged)?;
        let codes = Codes {
            bits,
            table: table(&block.ac)?,
            run: self.run,
            nonzero: self.history.get(place).copied().unwrap_or_default(),
        };
        let band = self.pass.first..=self.pass.last;
        let Codes { run, nonzero, .. } = match self.pass.is_refinement {
            false => codes.first_pass(band)?,
            true => codes.refinement(band)?,
        };
        self.run = run;
        self.unit += 1;
        if nonzero > 0 && self.pass.low > 0 {
            if self.history.len() <= place {
                self.history.resize(place + 1, 0);
            }
            if let Some(known) = self.history.get_mut(place) {
                *known = nonzero;
            }
        }
        Ok(())
    }
}

fn table(table: &Option<Arc<Table>>) -> Result<&Table, Stop> {
    table.as_deref().ok_or(Stop::Damaged)
}
