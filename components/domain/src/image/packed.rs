//! The compressed metadata of a PNG: its colour profile (`iCCP`) and texts (`zTXt`,
//! `iTXt`). A malicious image may expand a thousandfold in a decoder, so they are
//! decompressed here first, up to the limit and without keeping the output.

use std::fmt;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER,
};
use miniz_oxide::inflate::core::{DecompressorOxide, TINFL_LZ_DICT_SIZE, decompress};

use super::{MAX_UNPACKED, Problem};

/// All chunks of an image with compressed data.
#[derive(Debug)]
pub(super) struct Packed {
    /// Fields left before the compressed data of the current chunk.
    fields: &'static [Field],
    is_packed: bool,
    /// How much decompressed data is still allowed, in bytes.
    left: u64,
    /// None until compressed data was found.
    unpacking: Option<Box<Unpacking>>,
}

/// A field before the compressed data.
#[derive(Clone, Copy, Debug)]
enum Field {
    /// A text that ends with a zero byte.
    Text,
    /// The flag that says whether the data is compressed.
    Flag,
    /// The compression method, of which only one exists.
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

    /// Starts a chunk of this type. False: it has no compressed data.
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

    /// Takes the next bytes of the chunk.
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

    /// The decompressed size of these bytes, or slightly more than `most`. Malformed data
    /// counts as empty: the decoder has to deal with it.
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
