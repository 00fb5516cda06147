//! Where a filter writes to: bytes, or only their number.

/// Takes bytes in their order.
pub trait Output {
    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]);

    /// Takes so many zeros.
    fn put_zeros(&mut self, mut count: usize) {
        const ZEROS: [u8; 256] = [0; 256];
        while count > 0 {
            let now = ZEROS.get(..count).unwrap_or(&ZEROS);
            self.put(now);
            count -= now.len();
        }
    }
}

/// How many bytes were put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub u64);

impl Output for Count {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
    }
}

impl Output for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
