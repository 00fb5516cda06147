//! Header fields as they cross between the host and the API component: two lists for
//! all of them (`wit/handler.wit`).

/// Enough for the fields of most requests and responses, in bytes.
const USUAL_TEXT: usize = 1024;

/// In the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Names and values, one after the other.
    pub text: Vec<u8>,
    /// How many bytes each of them has.
    pub lengths: Vec<u32>,
}

impl Fields {
    /// Each name with its value; as far as there is text for the lengths.
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

/// Of names and their values.
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
