//! Enums whose variants are listed.

/// An enum with all of its variants in `ALL`, and what each is called in `as_str`, if it is
/// called anything.
#[macro_export]
macro_rules! listed {
    (
        $(#[$of:meta])*
        pub enum $name:ident {
            $($(#[$what:meta])* $variant:ident $(= $text:literal)?,)+
        }
    ) => {
        $(#[$of])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$what])* $variant,)+
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];
        }

        $crate::listed! { @text $name $($variant $(= $text)?,)+ }
    };
    (@text $name:ident $($variant:ident = $text:literal,)+) => {
        impl $name {
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
    (@text $name:ident $($variant:ident,)+) => {};
}
