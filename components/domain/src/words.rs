//! Enums whose cases have names in JSON, settings and stores: each name is written once.

/// Names the cases of an enum, in the order of its `ALL`. A case without a name does not
/// compile.
///
/// ```
/// use concept_refinement_domain::words;
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// pub enum Size {
///     Small,
///     ExtraLarge,
/// }
///
/// words!(Size { Small = "small", ExtraLarge = "extra-large" });
///
/// assert_eq!(Size::ALL.map(Size::as_str), ["small", "extra-large"]);
/// assert_eq!(Size::of("small"), Some(Size::Small));
/// assert_eq!(Size::of("Small"), None);
/// ```
#[macro_export]
macro_rules! words {
    ($enum:ident { $($case:ident = $word:literal),+ $(,)? }) => {
        impl $enum {
            /// All of them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$case),+];

            /// Its name in JSON, settings and stores.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $word),+
                }
            }

            /// The one with this name.
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|it| it.as_str() == word)
            }
        }
    };
}
