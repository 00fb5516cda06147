//! Skips the codes of one block (ITU-T T.81, annexes F and G).

use std::ops::RangeInclusive;

use super::huffman::{Bits, Stop, Table};

/// Skips the codes of a sequential picture after the first coefficient of a block.
pub fn sequential(bits: &mut Bits, table: &Table) -> Result<(), Stop> {
    let mut place = 1;
    while place < 64 {
        match table.read(bits)? {
            0xf0 => place += 16,
            code if code & 15 == 0 => break,
            code => {
                bits.skip((code & 15).into())?;
                place += (code >> 4) + 1;
            }
        }
    }
    Ok(())
}

/// The codes of a block of a progressive picture after its first coefficient.
pub struct Codes<'a, 'b> {
    pub bits: &'a mut Bits<'b>,
    pub table: &'a Table,
    /// How many blocks have no further codes, this one included.
    pub run: u32,
    /// Which coefficients are not zero.
    pub nonzero: u64,
}

impl Codes<'_, '_> {
    pub fn first_pass(mut self, band: RangeInclusive<u8>) -> Result<Self, Stop> {
        let mut place = *band.start();
        while self.run == 0 && band.contains(&place) {
            let code = self.table.read(self.bits)?;
            match (code >> 4, code & 15) {
                (15, 0) => place += 16,
                (size, 0) => self.run = (1 << size) + self.bits.take(size.into())?,
                (zeros, size) => {
                    self.bits.skip(size.into())?;
                    self.mark(place + zeros);
                    place += zeros + 1;
                }
            }
        }
        self.run = self.run.saturating_sub(1);
        Ok(self)
    }

    pub fn refinement(mut self, band: RangeInclusive<u8>) -> Result<Self, Stop> {
        let mut place = *band.start();
        while self.run == 0 && band.contains(&place) {
            let code = self.table.read(self.bits)?;
            let (zeros, size) = (code >> 4, code & 15);
            match size {
                0 if zeros < 15 => {
                    self.run = (1 << zeros) + self.bits.take(zeros.into())?;
                    break;
                }
                0 => {}
                _ => self.bits.skip(1)?,
            }
            place = self.pass_over(zeros, place..=*band.end())?;
            if size > 0 && band.contains(&place) {
                self.mark(place);
            }
            place += 1;
        }
        if self.run > 0 {
            self.pass_over(64, place..=*band.end())?;
            self.run -= 1;
        }
        Ok(self)
    }

    /// Skips this many zeros, and a bit for each nonzero coefficient. Returns the index
    /// of the next zero.
    fn pass_over(&mut self, zeros: u8, band: RangeInclusive<u8>) -> Result<u8, Stop> {
        let mut left = zeros;
        let behind = *band.end() + 1;
        for place in band {
            if self.nonzero >> place & 1 == 1 {
                self.bits.skip(1)?;
            } else if left == 0 {
                return Ok(place);
            } else {
                left -= 1;
            }
        }
        Ok(behind)
    }

    fn mark(&mut self, place: u8) {
        self.nonzero |= 1_u64.checked_shl(place.into()).unwrap_or_default();
    }
}
