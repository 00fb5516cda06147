//! The trace context of a request or a task, in the form of the header `traceparent` of
//! W3C Trace Context.
//!
//! Clients are not trusted: a value that does not have exactly the documented form is
//! ignored, as if none had been sent. `tracestate` is not kept.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hex::hex;

/// The header.
pub const HEADER: &str = "traceparent";

/// Length of the header's value in version 00, in bytes.
const LENGTH: usize = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".len();

/// The flag that the sender records the trace.
const SAMPLED: u8 = 1;

/// A span that may have children, in any process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; never all zeros.
    pub trace_id: [u8; 16],
    /// The span; never all zeros.
    pub span_id: [u8; 8],
    /// Whether the trace is recorded.
    pub is_sampled: bool,
}

impl TraceContext {
    /// None: it is not a valid `traceparent`. One of a later version is read as far as it
    /// is like version 00.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (known, rest) = header.split_at_checked(LENGTH)?;
        let mut parts = known.split(|byte| *byte == b'-');
        let (version, trace_id, span_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let [version] = bytes(version)?;
        let (trace_id, span_id, [flags]) = (bytes(trace_id)?, bytes(span_id)?, bytes(flags)?);
        let is_whole = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with(b"-"),
        };
        let is_valid = is_whole && trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then_some(Self {
            trace_id,
            span_id,
            is_sampled: flags & SAMPLED != 0,
        })
    }

    /// The id of the trace, in hexadecimal.
    pub fn trace(&self) -> String {
        hex(&self.trace_id)
    }
}

/// As in the header.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (hex(&self.trace_id), hex(&self.span_id));
        let flags = u8::from(self.is_sampled);
        write!(f, "00-{trace}-{span}-{flags:02x}")
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// For a stored field: none, if it is not a valid one, since no task depends on it.
pub fn stored<'de, D: Deserializer<'de>>(stored: D) -> Result<Option<TraceContext>, D::Error> {
    let text = Option::<Cow<'de, str>>::deserialize(stored)?;
    Ok(text.and_then(|text| TraceContext::parse(text.as_bytes())))
}

/// None: these are not exactly this many bytes in lower-case hexadecimal.
fn bytes<const COUNT: usize>(digits: &[u8]) -> Option<[u8; COUNT]> {
    let (pairs, odd) = digits.as_chunks::<2>();
    if pairs.len() != COUNT || !odd.is_empty() {
        return None;
    }
    let mut bytes = [0; COUNT];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn a_header_reads_back() {
        for (flags, is_sampled) in [("00", false), ("01", true)] {
            let header = format!("00-{TRACE}-{SPAN}-{flags}");
            let context = TraceContext::parse(header.as_bytes()).unwrap();
            assert_eq!(context.is_sampled, is_sampled);
            assert_eq!(context.to_string(), header);
            assert_eq!(context.trace(), TRACE);
        }
    }

    #[test]
    fn only_the_documented_form_is_read() {
        let zeros = "0".repeat(32);
        for (name, header, is_read) in [
            ("an unknown flag", format!("00-{TRACE}-{SPAN}-03"), true),
            ("a later version", format!("01-{TRACE}-{SPAN}-01"), true),
            ("with more", format!("cc-{TRACE}-{SPAN}-01-what"), true),
            (
                "more without a dash",
                format!("cc-{TRACE}-{SPAN}-01what"),
                false,
            ),
            (
                "more in version 00",
                format!("00-{TRACE}-{SPAN}-01-"),
                false,
            ),
            (
                "the forbidden version",
                format!("ff-{TRACE}-{SPAN}-01"),
                false,
            ),
            ("no version", format!("0x-{TRACE}-{SPAN}-01"), false),
            ("no trace", format!("00-{zeros}-{SPAN}-01"), false),
            ("no span", format!("00-{TRACE}-{}-01", &zeros[..16]), false),
            (
                "upper case",
                format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
                false,
            ),
            (
                "no hexadecimal",
                format!("00-{}g-{SPAN}-01", &TRACE[1..]),
                false,
            ),
            (
                "other lengths",
                format!("00-{TRACE}0-{}-01", &SPAN[1..]),
                false,
            ),
            ("a sign", format!("00-{TRACE}-{SPAN}-+1"), false),
            ("too short", format!("00-{TRACE}-{SPAN}-0"), false),
            ("spaces", format!(" 00-{TRACE}-{SPAN}-01"), false),
            ("other separators", format!("00_{TRACE}_{SPAN}_01"), false),
            ("nothing", String::new(), false),
            ("much", "0".repeat(1 << 20), false),
        ] {
            let context = TraceContext::parse(header.as_bytes());
            assert_eq!(context.is_some(), is_read, "{name}");
        }
    }
}
