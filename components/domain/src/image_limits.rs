//! What an owner may have of one kind of image: how many, how many bytes
//! together, and how many under way at once.
//!
//! Every store judges by this, in the step that also reserves the image's
//! length, so that no two uploads are admitted for the same room.

/// The length of contents that are still to come, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageLength {
    /// As declared.
    Exactly(u64),
    /// Not declared. Empty contents come from a sender who gave up.
    AtMost(u64),
}

/// What an owner may have, images under way and the next one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLimits {
    /// How many.
    pub images: u32,
    /// Of all images together.
    pub bytes: u64,
    /// How many of them that are not stored yet.
    pub under_way: u32,
}

/// The limit that does not admit one image more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageLimit {
    /// How many.
    Images,
    /// How many bytes together.
    Bytes,
    /// How many at once that are not stored yet.
    UnderWay,
}

/// What an owner has. Images under way count as images, with the longest that
/// they may become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageUsage {
    /// How many.
    pub images: u32,
    /// How many bytes together.
    pub bytes: u64,
    /// Of the images, those that are not stored yet.
    pub under_way: u32,
}

impl ImageLength {
    /// What has to be reserved, and where reading ends.
    pub fn longest(self) -> u64 {
        match self {
            Self::Exactly(bytes) | Self::AtMost(bytes) => bytes,
        }
    }

    /// Whether contents that ended after so many bytes are an image.
    pub fn is_met_by(self, bytes: u64) -> bool {
        match self {
            Self::Exactly(declared) => bytes == declared,
            Self::AtMost(longest) => (1..=longest).contains(&bytes),
        }
    }
}

impl ImageUsage {
    /// Another image that is stored.
    pub fn add_stored(&mut self, bytes: u64) {
        self.images = self.images.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Another image that is under way.
    pub fn add_under_way(&mut self, longest: u64) {
        self.add_stored(longest);
        self.under_way = self.under_way.saturating_add(1);
    }
}

impl ImageLimits {
    /// Judges one image more, of this length at most.
    ///
    /// # Errors
    ///
    /// The limit that it would exceed.
    pub fn admit(self, usage: ImageUsage, longest: u64) -> Result<(), ImageLimit> {
        if usage.images >= self.images {
            Err(ImageLimit::Images)
        } else if usage.bytes.saturating_add(longest) > self.bytes {
            Err(ImageLimit::Bytes)
        } else if usage.under_way >= self.under_way {
            Err(ImageLimit::UnderWay)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_limit_is_reached_exactly() {
        let limits = ImageLimits {
            images: 3,
            bytes: 100,
            under_way: 2,
        };
        for (name, images, bytes, under_way, longest, expected) in [
            ("the first", 0, 0, 0, 100, Ok(())),
            ("an empty one", 0, 100, 0, 0, Ok(())),
            ("the last", 2, 90, 1, 10, Ok(())),
            ("one image more", 3, 0, 0, 1, Err(ImageLimit::Images)),
            ("a byte more", 2, 90, 1, 11, Err(ImageLimit::Bytes)),
            ("far more", 1, 1, 0, u64::MAX, Err(ImageLimit::Bytes)),
            ("one more at once", 2, 90, 2, 10, Err(ImageLimit::UnderWay)),
        ] {
            let usage = ImageUsage {
                images,
                bytes,
                under_way,
            };
            assert_eq!(limits.admit(usage, longest), expected, "{name}");
        }
        let none = ImageLimits {
            images: 0,
            bytes: 0,
            under_way: 0,
        };
        assert!(none.admit(ImageUsage::default(), 0).is_err());
    }

    #[test]
    fn only_a_declared_length_may_be_zero() {
        for (length, bytes, expected) in [
            (ImageLength::Exactly(0), 0, true),
            (ImageLength::Exactly(2), 1, false),
            (ImageLength::Exactly(2), 2, true),
            (ImageLength::Exactly(2), 3, false),
            (ImageLength::AtMost(2), 0, false),
            (ImageLength::AtMost(2), 1, true),
            (ImageLength::AtMost(2), 2, true),
            (ImageLength::AtMost(2), 3, false),
        ] {
            assert_eq!(length.is_met_by(bytes), expected, "{length:?}, {bytes}");
        }
    }

    proptest! {
        /// However images come and go, what is admitted stays within each limit.
        #[test]
        fn what_is_admitted_stays_within_the_limits(
            images in 0..6_u32, bytes in 0..60_u64, under_way in 0..4_u32,
            steps in proptest::collection::vec((0..3_u8, 0..30_u64), 0..60),
        ) {
            let limits = ImageLimits { images, bytes, under_way };
            let (mut stored, mut coming) = (Vec::new(), Vec::new());
            for (step, length) in steps {
                let mut usage = ImageUsage::default();
                stored.iter().for_each(|length| usage.add_stored(*length));
                coming.iter().for_each(|length| usage.add_under_way(*length));
                prop_assert!(usage.images <= images && usage.bytes <= bytes);
                prop_assert!(usage.under_way <= under_way);
                match step {
                    0 if limits.admit(usage, length).is_ok() => coming.push(length),
                    1 => stored.extend(coming.pop()),
                    2 => drop(stored.pop()),
                    _ => {}
                }
            }
        }
    }
}
