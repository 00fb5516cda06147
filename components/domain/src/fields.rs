//! Header fields in the form in which the host and the API component pass them: two lists
//! for all fields (`wit/handler.wit`).

/// Enough for the fields of most requests and responses, in bytes.
const USUAL_TEXT: usize = 1024;

/// Header fields, in the order in which they were received.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Names and values, concatenated in turn.
    pub text: Vec<u8>,
    /// The length of each of them, in bytes.
    pub lengths: Vec<u32>,
}

impl Fields {
    /// Each name with its value, until the text is too short for the lengths.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = self.text.as_slice();
        let mut next = move |length: u32| {
            let (next, others) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            rest = others;
            Some(next)
        };
        let (pairs, _) = self.lengths.as_chunks();
        pairs
            .iter()
            .map_while(move |[name, value]| Some((next(*name)?, next(*value)?)))
    }
}

/// From names and their values.
impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        let mut packed = Self {
            text: Vec::with_capacity(USUAL_TEXT),
            lengths: Vec::with_capacity(2 * fields.size_hint().0),
        };
        for (name, value) in fields {
            for text in [name.as_ref(), value.as_ref()] {
                packed.text.extend_from_slice(text);
                let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                packed.lengths.push(length);
            }
        }
        packed
    }
}
