//! Limits for the images of one kind that an owner may have: how many, how many bytes
//! together, and how many uploads at once.
//!
//! Every store checks these in the same step that reserves the image's length, so that
//! two uploads are never admitted for the same space.

/// The announced length of contents, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageLength {
    /// As declared.
    Exactly(u64),
    /// Not declared. Empty contents mean that the sender gave up.
    AtMost(u64),
}

/// Limits for an owner, including images in progress and the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLimits {
    /// Number of images.
    pub images: u32,
    /// Bytes of all images together.
    pub bytes: u64,
    /// Number of images that are not stored yet.
    pub under_way: u32,
}

/// The limit that does not allow another image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageLimit {
    /// Number of images.
    Images,
    /// Bytes of all images together.
    Bytes,
    /// Number of images that are not stored yet.
    UnderWay,
}

/// An owner's images. Images in progress count with their maximum length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageUsage {
    /// Number of images.
    pub images: u32,
    /// Bytes of all images together.
    pub bytes: u64,
    /// How many of the images are not stored yet.
    pub under_way: u32,
}

impl ImageLength {
    /// How much to reserve, and where to stop reading.
    pub fn longest(self) -> u64 {
        match self {
            Self::Exactly(bytes) | Self::AtMost(bytes) => bytes,
        }
    }

    /// Whether contents of this final length are complete.
    pub fn is_met_by(self, bytes: u64) -> bool {
        match self {
            Self::Exactly(declared) => bytes == declared,
            Self::AtMost(longest) => (1..=longest).contains(&bytes),
        }
    }
}

impl ImageUsage {
    /// Adds an image that is stored.
    pub fn add_stored(&mut self, bytes: u64) {
        self.images = self.images.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Adds an image that is in progress.
    pub fn add_under_way(&mut self, longest: u64) {
        self.add_stored(longest);
        self.under_way = self.under_way.saturating_add(1);
    }
}

impl ImageLimits {
    /// Checks whether another image is allowed, of this length at most.
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
        /// For any sequence of images, the admitted ones stay within each limit.
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
