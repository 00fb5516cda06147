//! The methods of builders that do nothing but set a field.

/// A method for each of these fields, which sets it to a value made of its parameter.
macro_rules! setters {
    ($builder:ident {
        $($(#[$doc:meta])* $field:ident($parameter:ident: $type:ty) = $value:expr;)+
    }) => {
        impl $builder {
            $($(#[$doc])*
            pub fn $field(mut self, $parameter: $type) -> Self {
                self.$field = $value;
                self
            })+
        }
    };
}

pub(crate) use setters;
