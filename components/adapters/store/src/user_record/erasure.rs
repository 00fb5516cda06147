//! Erases a user's data in the user's record.

use super::UserRecord;

impl UserRecord {
    /// Whether nothing is left except counts, and images in progress.
    pub fn is_erased(&self) -> bool {
        self.entries.is_empty() && self.segments.is_empty() && self.keys.is_empty()
    }

    /// The newest segment, if all entries are in segments.
    pub fn newest_segment(&self) -> Option<&str> {
        let newest = self.segments.last().filter(|_| self.entries.is_empty());
        newest.map(|segment| segment.name.as_str())
    }

    /// Removes the entries in the record, or if there are none, the newest segment. The
    /// numbers of older entries stay the same. Idempotency keys are removed too.
    pub fn remove_newest(&mut self) {
        self.keys.clear();
        self.keys_moved_until = None;
        match self.entries.is_empty() {
            true => drop(self.segments.pop()),
            false => self.entries.clear(),
        }
    }
}
