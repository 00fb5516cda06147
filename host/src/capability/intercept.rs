//! One place to intercept the operations of a capability.
//!
//! Whoever measures, delays, breaks or records what passes implements
//! [`Interceptor`] and is handed each operation as a value, with the capability
//! that would do it. The forwarding of each operation stands once, beside its
//! capability: see `operation.rs` there.

use std::sync::Arc;

use concept_refinement_domain::capability::CapabilityError;

use super::Answer;

/// A capability whose operations are values too.
pub trait Operations: Send + Sync + 'static {
    /// An operation with its arguments.
    type Operation<'a>: Send
    where
        Self: 'a;
    /// What the operations answer.
    type Reply: Send;

    /// Does what the operation says. The reply is of the operation's kind.
    fn run<'a>(&'a self, operation: Self::Operation<'a>) -> Answer<'a, Self::Reply>;
}

/// Is handed each operation of a capability in place of the capability.
pub trait Interceptor<C: Operations + ?Sized>: Send + Sync {
    /// Answers with a reply of the operation's kind. It need not run the
    /// operation, and may run another one.
    fn intercept<'a>(
        &'a self,
        operation: C::Operation<'a>,
        inner: &'a Arc<C>,
    ) -> Answer<'a, C::Reply>;
}

/// A capability all of whose operations pass an interceptor.
pub struct Intercepted<C: ?Sized> {
    pub(super) inner: Arc<C>,
    interceptor: Arc<dyn Interceptor<C>>,
}

impl<C: Operations + ?Sized> Intercepted<C> {
    /// The same capability, behind the interceptor.
    pub fn new(inner: Arc<C>, interceptor: Arc<dyn Interceptor<C>>) -> Self {
        Self { inner, interceptor }
    }

    pub(super) fn pass<'a, T>(&'a self, operation: C::Operation<'a>) -> Answer<'a, T>
    where
        T: TryFrom<C::Reply> + 'a,
    {
        Box::pin(async move {
            let reply = self.interceptor.intercept(operation, &self.inner).await?;
            T::try_from(reply)
                .map_err(|_| CapabilityError::invalid("The reply is another operation's."))
        })
    }
}

/// Declares what the operations of a capability answer, one variant a type.
macro_rules! replies {
    ($(#[$attribute:meta])* $name:ident { $($variant:ident($type:ty),)+ }) => {
        $(#[$attribute])*
        pub enum $name {
            $($variant($type),)+
        }

        $(
            impl From<$type> for $name {
                fn from(reply: $type) -> Self {
                    Self::$variant(reply)
                }
            }

            impl TryFrom<$name> for $type {
                type Error = $name;

                fn try_from(reply: $name) -> Result<Self, $name> {
                    match reply {
                        $name::$variant(reply) => Ok(reply),
                        other => Err(other),
                    }
                }
            }
        )+
    };
}
pub(super) use replies;
