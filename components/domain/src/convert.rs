//! Conversions between the types of `wit/` and the domain: each written once, for
//! components and hosts alike.
//!
//! Code generated from WIT gives the components one set of types and the host another,
//! with the same names and fields. Each side expands `conversions!` over its own. Every
//! record is destructured and every case is named in both directions, so that a field or
//! case added on one side does not compile until the other side has it.

mod model_0_1;

use crate::money::MicroDollars;
use crate::strength::Strength;
use crate::timestamp::Timestamp;

/// Converts a value to the corresponding type of the other side.
pub trait Convert<T> {
    /// Converts without losing anything.
    fn convert(self) -> T;
}

/// Types that are the same on both sides.
macro_rules! same {
    ($($type:ty),*) => { $(
        impl Convert<$type> for $type {
            fn convert(self) -> $type {
                self
            }
        }
    )* };
}

same!((), bool, u16, u32, u64, i64, String);

impl Convert<String> for &str {
    fn convert(self) -> String {
        self.to_owned()
    }
}

/// Numbers with a type of their own in the domain.
macro_rules! numbers {
    ($($type:ident),*) => { $(
        impl Convert<$type> for u64 {
            fn convert(self) -> $type {
                $type(self)
            }
        }

        impl Convert<u64> for $type {
            fn convert(self) -> u64 {
                self.0
            }
        }
    )* };
}

numbers!(Timestamp, MicroDollars);

/// What is out of bounds becomes the default; validation lets nothing of the kind in.
impl Convert<Strength> for f64 {
    fn convert(self) -> Strength {
        Strength::new(self).unwrap_or(Strength::DEFAULT)
    }
}

impl Convert<f64> for Strength {
    fn convert(self) -> f64 {
        self.value()
    }
}

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(self) -> Option<B> {
        self.map(Convert::convert)
    }
}

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(self) -> Vec<B> {
        self.into_iter().map(Convert::convert).collect()
    }
}

impl<A: Convert<B>, B, E: Convert<F>, F> Convert<Result<B, F>> for Result<A, E> {
    fn convert(self) -> Result<B, F> {
        match self {
            Ok(value) => Ok(value.convert()),
            Err(error) => Err(error.convert()),
        }
    }
}

impl<A: Convert<C>, B: Convert<D>, C, D> Convert<(C, D)> for (A, B) {
    fn convert(self) -> (C, D) {
        (self.0.convert(), self.1.convert())
    }
}

/// Domain types that also exist in `wit/types.wit`, by their names there.
#[doc(hidden)]
pub mod domain {
    pub use crate::aspect::Aspect;
    pub use crate::budget::Budget;
    pub use crate::capability::{
        Accepted, Access, ByteRange, Cancellation, CapabilityError as Error, CapabilityState,
        Claimed, ConceptPage, Erased, ErrorKind, Fenced, Finished, ImageInfo, ImageKind,
        ImageLength, ImageLimit, ImageLimits, Lease, NewImage, NewTask, Overspent, Position,
        RefinedImage, Resolved, Stored, StoredOrNot, Submission, TaskFailure, TaskPage,
    };
    pub use crate::concept::{Concept, ConceptContent};
    pub use crate::partial_edit::Region;
    pub use crate::payment::Usage;
    pub use crate::provenance::{Mark, Provenance};
    pub use crate::quota::{Quota, QuotaState, Window};
    pub use crate::spending::{Reservation, Spending};
    pub use crate::task::{Change, FailureCause, Parent, Refinement, Stage, Status, Task};
    pub use crate::webhook::{
        DeliveryAttempt, DeliveryState, Redelivery, Webhook, WebhookDelivery,
    };
}

/// Implements [`Convert`] in both directions between the domain and a module generated
/// from `wit/types.wit`.
#[macro_export]
macro_rules! conversions {
    ($wit:ident) => {
        $crate::records! { $wit
            Error { kind, message }
            Refinement {
                original_image_url, refinement_prompt, logo_description, theme_description,
                original_concept_id, preserve_aspects, strength, seed, region, mask_url, mask_feather, region_only,
                deadline_seconds
            }
            Region { x, y, width, height }
            Parent { id, image_url }
            TaskFailure { stage, is_refusal, error_message }
            Provenance { source, mark, original_had_credentials }
            Task {
                id, user_id, is_anonymous, status, refinement, original_path, mask_path,
                parent, created_at, updated_at, completed_at, result_id, image_path, notes, model, error_message,
                failure_cause, usage, lease_until
            }
            Lease { task_id, attempt, until, renew_after }
            Position { created_at, id }
            NewTask {
                id, user_id, is_anonymous, refinement, webhook, original_path, mask_path,
                parent, images_found, idempotency_key, replayed_within, quota, active_tasks, budget,
                reservation; trace
            }
            Claimed { lease, task; payment, is_takeover, trace }
            Webhook { url, origin }
            WebhookDelivery { url, state, attempts, next_attempt_at }
            DeliveryAttempt { at, status, error }
            Quota { limit, window }
            QuotaState { limit, remaining, reset }
            Budget { limit, window }
            Reservation { model, price }
            Spending { spent, reserved, unknown_calls }
            Overspent { reset, quota }
            Accepted { task, quota }
            TaskPage { items, next }
            Erased { image_paths, has_more }
            NewImage { kind, name, owner, media_type, length, metadata, limits }
            ImageLimits { images, bytes, under_way }
            Stored { path, url, sha256 }
            RefinedImage { stored, notes, provenance }
            ImageInfo {
                path, kind, owner, media_type, size, etag, sha256, created_at,
                original_had_credentials
            }
            ByteRange { offset, length }
            Resolved { path, access }
            ConceptContent {
                task_id, user_id, is_anonymous, image_path, image_sha256, image_url,
                original_image_url, parent_id, refinement_prompt, logo_description,
                theme_description, color_palettes, notes, provenance; other
            }
            Concept { id, created_at, content }
            ConceptPage { items, next }
            CapabilityState { name, problem }
            Usage { cost, input_tokens, output_tokens }
        }
        $crate::cases! { $wit
            ErrorKind { Unavailable, Full, Invalid }
            Aspect { Colors, Layout, Style, Shapes }
            Mark { C2pa, Xmp, None }
            FailureCause { Refused, PerhapsPaid, Other }
            Status { Pending, Processing, Completed, Failed }
            Fenced { Done, Lost }
            Finished { Done, Lost, Over }
            Cancellation { Cancelled(task), Ended(task) }
            Stage { Downloading, Refining, StoringImage, StoringConcept }
            Window { Hour, Day, Month }
            Submission {
                KeyReused, Replayed(accepted), ImageMissing, Active(accepted),
                QuotaExceeded(state), BudgetExceeded(overspent), BacklogFull(seconds),
                Created(accepted)
            }
            Change { Task(task), Progress(stage), Deleted }
            ImageKind { Upload, Refined }
            ImageLength { Exactly(bytes), AtMost(bytes) }
            ImageLimit { Images, Bytes, UnderWay }
            StoredOrNot { Stored(stored), LimitReached(limit), WrongLength }
            Access { Unsigned, Signed, Refused }
            DeliveryState { Pending, Delivered, Failed }
            Redelivery { None, Pending, Requested, TooOften }
        }

        impl $crate::convert::Convert<Box<$crate::task::Task>> for $wit::Task {
            fn convert(self) -> Box<$crate::task::Task> {
                Box::new($crate::convert::Convert::convert(self))
            }
        }

        impl $crate::convert::Convert<$wit::Task> for Box<$crate::task::Task> {
            fn convert(self) -> $wit::Task {
                $crate::convert::Convert::convert(*self)
            }
        }
    };
}

/// Fields behind a semicolon are not passed on, since they stay with the host.
#[doc(hidden)]
#[macro_export]
macro_rules! records {
    ($wit:ident $($name:ident { $($field:ident),* $(; $($own:ident),*)? })*) => { $(
        impl $crate::convert::Convert<$crate::convert::domain::$name> for $wit::$name {
            fn convert(self) -> $crate::convert::domain::$name {
                let $wit::$name { $($field),* } = self;
                $crate::convert::domain::$name {
                    $($field: $crate::convert::Convert::convert($field),)*
                    $($($own: ::core::default::Default::default(),)*)?
                }
            }
        }

        impl $crate::convert::Convert<$wit::$name> for $crate::convert::domain::$name {
            fn convert(self) -> $wit::$name {
                let $crate::convert::domain::$name {
                    $($field,)*
                    $($($own: _,)*)?
                } = self;
                $wit::$name { $($field: $crate::convert::Convert::convert($field)),* }
            }
        }
    )* };
}

#[doc(hidden)]
#[macro_export]
macro_rules! cases {
    ($wit:ident $($name:ident { $($case:ident $(($value:ident))?),* })*) => { $(
        impl $crate::convert::Convert<$crate::convert::domain::$name> for $wit::$name {
            fn convert(self) -> $crate::convert::domain::$name {
                match self {
                    $($wit::$name::$case $(($value))? => $crate::convert::domain::$name::$case
                        $(($crate::convert::Convert::convert($value)))?,)*
                }
            }
        }

        impl $crate::convert::Convert<$wit::$name> for $crate::convert::domain::$name {
            fn convert(self) -> $wit::$name {
                match self {
                    $($crate::convert::domain::$name::$case $(($value))? => $wit::$name::$case
                        $(($crate::convert::Convert::convert($value)))?,)*
                }
            }
        }
    )* };
}
