//! Strings and lists of a guest of which the host takes no more than the beginning,
//! so that the longest one costs what a short one does.

use concept_refinement_domain::sentence::{MAX_BYTES, cut};
use wasmtime::ValRaw;
use wasmtime::component::__internal::wasmtime_environ::component::StringEncoding;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext};
use wasmtime::component::{ComponentType, Lift};

/// The beginning of a string: at most [`MAX_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortened {
    pub text: String,
    /// There was more of it.
    pub is_cut: bool,
}

impl From<String> for Shortened {
    fn from(mut text: String) -> Self {
        let is_cut = cut(&mut text);
        Self { text, is_cut }
    }
}

/// How much to take of a string of UTF-8 in a guest's memory, in bytes. A
/// character is not taken apart.
fn taken(memory: &[u8], pointer: u32, length: u32) -> u32 {
    let most = u32::try_from(MAX_BYTES).unwrap_or(u32::MAX);
    if length <= most {
        return length;
    }
    // The first of a character's at most four bytes is none of its others.
    let begins = |length: &u32| {
        let next = pointer.checked_add(*length);
        let next = next.and_then(|at| memory.get(usize::try_from(at).ok()?));
        next.is_none_or(|byte| byte & 0b1100_0000 != 0b1000_0000)
    };
    let shorter = (most.saturating_sub(3)..=most).rev().find(begins);
    shorter.unwrap_or(most)
}

/// Shortens before wasmtime copies. A string that is not UTF-8 is copied whole,
/// and bounded by what one transfer may take.
fn shortened(cx: &LiftContext<'_>, pointer: u32, length: u32) -> u32 {
    match cx.options().string_encoding {
        StringEncoding::Utf8 => taken(cx.memory(), pointer, length),
        StringEncoding::Utf16 | StringEncoding::CompactUtf16 => length,
    }
}

#[allow(
    unsafe_code,
    reason = "it is laid out and checked as a string, by what does so for strings"
)]
// SAFETY: all of these are those of `String`.
unsafe impl ComponentType for Shortened {
    type Lower = <String as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <String as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        <String as ComponentType>::typecheck(ty, types)
    }
}

#[allow(
    unsafe_code,
    reason = "a string is lifted, which is the beginning of the one that there is"
)]
// SAFETY: the pointer and the length are checked where the string is lifted.
unsafe impl Lift for Shortened {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        [pointer, length]: &Self::Lower,
    ) -> wasmtime::Result<Self> {
        let whole = length.get_u32();
        let taken = shortened(cx, pointer.get_u32(), whole);
        let beginning = [*pointer, ValRaw::i64(i64::from(taken))];
        Ok(Self {
            is_cut: taken < whole,
            ..String::linear_lift_from_flat(cx, ty, &beginning)?.into()
        })
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> wasmtime::Result<Self> {
        let Some((pointer, rest)) = bytes.split_first_chunk::<4>() else {
            return Ok(String::linear_lift_from_memory(cx, ty, bytes)?.into());
        };
        let Some(length) = rest.first_chunk::<4>() else {
            return Ok(String::linear_lift_from_memory(cx, ty, bytes)?.into());
        };
        let whole = u32::from_le_bytes(*length);
        let taken = shortened(cx, u32::from_le_bytes(*pointer), whole);
        let beginning = [*pointer, taken.to_le_bytes()].concat();
        Ok(Self {
            is_cut: taken < whole,
            ..String::linear_lift_from_memory(cx, ty, &beginning)?.into()
        })
    }
}

/// The first strings of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct First<const MAX: usize>(pub Vec<Shortened>);

impl<const MAX: usize> First<MAX> {
    fn taken(length: u32) -> u32 {
        length.min(u32::try_from(MAX).unwrap_or(u32::MAX))
    }
}

#[allow(
    unsafe_code,
    reason = "it is laid out and checked as a list, by what does so for lists"
)]
// SAFETY: all of these are those of `Vec`.
unsafe impl<const MAX: usize> ComponentType for First<MAX> {
    type Lower = <Vec<Shortened> as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <Vec<Shortened> as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        <Vec<Shortened> as ComponentType>::typecheck(ty, types)
    }
}

#[allow(
    unsafe_code,
    reason = "a list is lifted, which is the beginning of the one that there is"
)]
// SAFETY: the pointer and the length are checked where the list is lifted.
unsafe impl<const MAX: usize> Lift for First<MAX> {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        [pointer, length]: &Self::Lower,
    ) -> wasmtime::Result<Self> {
        let taken = Self::taken(length.get_u32());
        let beginning = [*pointer, ValRaw::i64(i64::from(taken))];
        Vec::linear_lift_from_flat(cx, ty, &beginning).map(Self)
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> wasmtime::Result<Self> {
        let beginning = match bytes {
            [a, b, c, d, e, f, g, h] => {
                let taken = Self::taken(u32::from_le_bytes([*e, *f, *g, *h]));
                [[*a, *b, *c, *d], taken.to_le_bytes()].concat()
            }
            other => other.to_vec(),
        };
        Vec::linear_lift_from_memory(cx, ty, &beginning).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_cut_between_two_characters() {
        for (character, expected) in [("x", 0), ("é", 0), ("語", 1), ("🦀", 0)] {
            for before in 0..4 {
                let text = "-".repeat(before) + &character.repeat(MAX_BYTES);
                let length = u32::try_from(text.len()).unwrap();
                let memory = [b"12345678", text.as_bytes()].concat();
                let taken = usize::try_from(taken(&memory, 8, length)).unwrap();
                assert!(text.is_char_boundary(taken), "{character} after {before}");
                assert!(taken <= MAX_BYTES && taken > MAX_BYTES - 4);
                if before == 0 {
                    assert_eq!(taken, MAX_BYTES - expected, "{character}");
                }
            }
        }
        for length in [0, 1, u32::try_from(MAX_BYTES).unwrap()] {
            assert_eq!(taken(&[], 8, length), length);
        }
        // What is out of bounds is refused where it is copied.
        assert_eq!(taken(&[], u32::MAX, u32::MAX) as usize, MAX_BYTES);
    }
}
