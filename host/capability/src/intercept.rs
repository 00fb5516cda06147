//! One place to intercept the operations of a capability.
//!
//! Code that measures, delays, breaks or records operations implements [`Interceptor`]
//! and gets each operation as a value, along with the capability that would run it. How
//! an operation is forwarded is written once, next to its capability, in `operation.rs`.

use std::sync::Arc;

use concept_refinement_domain::capability::CapabilityError;
use futures::{FutureExt as _, TryFutureExt as _};

use super::Answer;

/// A capability whose operations also exist as values.
pub trait Operations: Send + Sync + 'static {
    /// An operation with its arguments.
    type Operation<'a>: Send
    where
        Self: 'a;
    /// The replies of the operations.
    type Reply: Send;

    /// Runs the operation. The reply is of the operation's kind. It may begin at once, not only
    /// when it is awaited; so the future need not hold the operation, which may be large.
    fn run<'a>(&'a self, operation: Self::Operation<'a>) -> Answer<'a, Self::Reply>;
}

/// Gets each operation in place of the capability.
pub trait Interceptor<C: Operations + ?Sized>: Send + Sync {
    /// Answers with a reply of the operation's kind. It need not run the
    /// operation, and may run another one.
    fn intercept<'a>(
        &'a self,
        operation: C::Operation<'a>,
        inner: &'a Arc<C>,
    ) -> Answer<'a, C::Reply>;
}

/// A capability whose operations all go through an interceptor.
pub struct Intercepted<C: ?Sized> {
    /// The capability itself.
    pub inner: Arc<C>,
    interceptor: Arc<dyn Interceptor<C>>,
}

impl<C: Operations + ?Sized> Intercepted<C> {
    /// The same capability, behind the interceptor.
    pub fn new(inner: Arc<C>, interceptor: Arc<dyn Interceptor<C>>) -> Self {
        Self { inner, interceptor }
    }

    /// Hands the operation to the interceptor, and returns what it answers.
    pub fn pass<'a, T>(&'a self, operation: C::Operation<'a>) -> Answer<'a, T>
    where
        T: TryFrom<C::Reply> + 'a,
    {
        let reply = self.interceptor.intercept(operation, &self.inner);
        Box::pin(reply.map(|reply| {
            T::try_from(reply?)
                .map_err(|_| CapabilityError::invalid("The reply is another operation's."))
        }))
    }
}

/// The answer as the reply of its operation.
pub(crate) fn reply<'a, T: 'a, R: From<T> + 'a>(answer: Answer<'a, T>) -> Answer<'a, R> {
    Box::pin(answer.map_ok(R::from))
}

/// Declares the operations of a capability, one line each: a value for the operation,
/// its reply, how the capability runs it, and how it passes an interceptor.
macro_rules! operations {
    (
        $(#[$about:meta])*
        $operation:ident $(<$life:lifetime>)? of $capability:ident;

        $(#[$about_reply:meta])*
        $reply:ident { $($kind:ident($answer:ty),)+ }

        $(
            $trait:ident {
                $(
                    $name:literal $variant:ident =
                        $method:ident($($argument:ident: $type:ty),*) -> $answered:ty;
                )+
                $(unnamed { $($unnamed:item)+ })?
            }
        )+
    ) => {
        $(#[$about])*
        #[allow(
            clippy::large_enum_variant,
            reason = "it lives for one call, and nobody holds many"
        )]
        pub enum $operation $(<$life>)? {
            $($(
                #[doc = concat!("See [`", stringify!($trait), "::", stringify!($method), "`].")]
                $variant {
                    $(
                        #[doc = concat!("The argument `", stringify!($argument), "`.")]
                        $argument: $type
                    ),*
                },
            )+)+
        }

        $(#[$about_reply])*
        pub enum $reply {
            $(
                #[doc = concat!("`", stringify!($answer), "`.")]
                $kind($answer),
            )+
        }

        impl $(<$life>)? $operation $(<$life>)? {
            /// The names of all operations.
            pub const NAMES: &'static [&'static str] = &[$($($name,)+)+];

            /// Verb and object of the operation, as two words.
            pub fn name(&self) -> &'static str {
                match self {
                    $($(Self::$variant { .. } => $name,)+)+
                }
            }
        }

        impl $crate::intercept::Operations for dyn $capability {
            type Operation<'a> = $operation $(<$life>)?;
            type Reply = $reply;

            fn run<'a>(&'a self, operation: Self::Operation<'a>) -> Answer<'a, $reply> {
                match operation {
                    $($($operation::$variant { $($argument),* } => {
                        $crate::intercept::reply($trait::$method(self, $($argument),*))
                    })+)+
                }
            }
        }

        $(
            impl $trait for $crate::intercept::Intercepted<dyn $capability> {
                $(
                    fn $method<'a>(&'a self $(, $argument: $type)*) -> Answer<'a, $answered> {
                        self.pass($operation::$variant { $($argument),* })
                    }
                )+
                $($($unnamed)+)?
            }
        )+

        $(
            impl From<$answer> for $reply {
                fn from(answer: $answer) -> Self {
                    Self::$kind(answer)
                }
            }

            impl TryFrom<$reply> for $answer {
                type Error = $reply;

                fn try_from(reply: $reply) -> Result<Self, $reply> {
                    match reply {
                        $reply::$kind(answer) => Ok(answer),
                        other => Err(other),
                    }
                }
            }
        )+
    };
}
pub(crate) use operations;
