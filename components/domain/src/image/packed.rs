//! What is packed beside the picture of a PNG: its colour profile (`iCCP`) and its
//! texts (`zTXt`, `iTXt`). A decoder unpacks it, a thousandfold if somebody meant harm,
//! so it is unpacked here, without keeping it, as far as an image may have it.

use std::fmt;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER,
};
use miniz_oxide::inflate::core::{DecompressorOxide, TINFL_LZ_DICT_SIZE, decompress};

use super::{MAX_UNPACKED, Problem};

/// All chunks of an image that have something packed.
#[derive(Debug)]
pub(super) struct Packed {
    /// What stands before it in the current chunk.
    fields: &'static [Field],
    is_packed: bool,
    /// In bytes, that all of them may have yet.
    left: u64,
    /// None until something packed was seen.
    unpacking: Option<Box<Unpacking>>,
}

/// A field before what is packed.
#[derive(Clone, Copy, Debug)]
enum Field {
    /// Up to a zero.
    Text,
    /// Whether something is packed at all.
    Flag,
    /// The method, of which there is one.
    Method,
}

struct Unpacking {
    state: DecompressorOxide,
    window: [u8; TINFL_LZ_DICT_SIZE],
    position: usize,
    has_ended: bool,
}

impl Packed {
    pub(super) fn new() -> Self {
        Self {
            fields: &[],
            is_packed: false,
            left: MAX_UNPACKED,
            unpacking: None,
        }
    }

    /// A chunk of this kind begins. False: nothing is packed in it.
    pub(super) fn begin(&mut self, kind: &[u8]) -> bool {
        self.fields = match kind {
            b"iCCP" | b"zTXt" => &[Field::Text, Field::Method],
            b"iTXt" => &[
                Field::Text,
                Field::Flag,
                Field::Method,
                Field::Text,
                Field::Text,
            ],
            _ => return false,
        };
        self.is_packed = kind != b"iTXt";
        if let Some(unpacking) = &mut self.unpacking {
            unpacking.begin();
        }
        true
    }

    /// The next bytes of the chunk.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<(), Problem> {
        while let [field, fields @ ..] = self.fields {
            let [first, rest @ ..] = bytes else {
                return Ok(());
            };
            bytes = rest;
            match field {
                Field::Text if *first != 0 => continue,
                Field::Flag => self.is_packed = *first != 0,
                Field::Text | Field::Method => {}
            }
            self.fields = fields;
        }
        if !self.is_packed || bytes.is_empty() {
            return Ok(());
        }
        let unpacking = self.unpacking.get_or_insert_with(Unpacking::new);
        let unpacked = unpacking.take(bytes, self.left);
        self.left = self.left.checked_sub(unpacked).ok_or(Problem::Packed)?;
        Ok(())
    }
}

impl Unpacking {
    fn new() -> Box<Self> {
        Box::new(Self {
            state: DecompressorOxide::new(),
            window: [0; TINFL_LZ_DICT_SIZE],
            position: 0,
            has_ended: false,
        })
    }

    fn begin(&mut self) {
        self.state.init();
        self.position = 0;
        self.has_ended = false;
    }

    /// How many bytes these become, or some more than `most`. What is malformed is the
    /// decoder's affair, and becomes nothing.
    fn take(&mut self, mut bytes: &[u8], most: u64) -> u64 {
        const FLAGS: u32 =
            TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_IGNORE_ADLER32;
        let mut unpacked = 0;
        while !self.has_ended && unpacked <= most {
            let (status, read, written) = decompress(
                &mut self.state,
                bytes,
                &mut self.window,
                self.position,
                FLAGS,
            );
            bytes = bytes.get(read..).unwrap_or_default();
            unpacked += written as u64;
            self.position = (self.position + written) % TINFL_LZ_DICT_SIZE;
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput => break,
                _ => self.has_ended = true,
            }
        }
        unpacked
    }
}

impl fmt::Debug for Unpacking {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Unpacking").finish_non_exhaustive()
    }
}
