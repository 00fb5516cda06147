//! Enums whose cases have names in JSON, settings and stores: each case is written once.

/// Makes an enum whose cases have names, in the order of its `ALL`.
///
/// ```
/// use concept_refinement_domain::words;
///
/// words! {
///     #[derive(Clone, Copy, Debug, PartialEq)]
///     pub enum Size {
///         Small = "small",
///         ExtraLarge = "extra-large",
///     }
/// }
///
/// assert_eq!(Size::ALL.map(Size::as_str), ["small", "extra-large"]);
/// assert_eq!(Size::of("small"), Some(Size::Small));
/// assert_eq!(Size::of("Small"), None);
/// ```
#[macro_export]
macro_rules! words {
    (
        $(#[$attribute:meta])*
        pub enum $enum:ident {
            $($(#[$of_case:meta])* $case:ident = $word:literal,)+
        }
    ) => {
        $(#[$attribute])*
        pub enum $enum {
            $($(#[$of_case])* $case,)+
        }

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
