//! Where a picture comes from, in the words of IPTC's vocabulary of digital source types.

// The last parts of their addresses.
crate::words! {
    /// The sources that an image is marked with.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum SourceType {
        /// A model changed a part of it, or all of it.
        CompositeWithTrainedAlgorithmicMedia = "compositeWithTrainedAlgorithmicMedia",
        /// It was edited by rules, without a trained model.
        AlgorithmicallyEnhanced = "algorithmicallyEnhanced",
    }
}

impl SourceType {
    /// Its address, as it stands in XMP.
    pub fn address(self) -> String {
        format!(
            "http://cv.iptc.org/newscodes/digitalsourcetype/{}",
            self.as_str()
        )
    }
}
