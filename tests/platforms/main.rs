//! One suite over HTTP for every platform that the components run on: what a
//! client sees is the same everywhere.
//!
//! A platform takes part by implementing [`Platform`] and standing in the list
//! at the end of this file. The suite knows nothing of platforms: no case may
//! ask which one it is on.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod bytes;
mod deliveries;
mod origins;
mod released;
mod spin_host;
mod suite;
mod unusable;

use concept_refinement_tests::platform::Platform;

/// Makes a test of each case, for one platform, with an attribute.
macro_rules! cases {
    (
        $attribute:tt
        $platform:ty: $($module:ident { $($case:ident),+ $(,)? })+
    ) => {
        $(mod $module {
            $(
                #$attribute
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::suite::$module::$case::<$platform>().await;
                }
            )+
        })+
    };
}

macro_rules! suite {
    ([$($attribute:tt)*] $platform:ty) => {
        cases! {
            [$($attribute)*]
            $platform:
            refining {
                an_uploaded_picture_of_each_format_is_refined,
                a_picture_of_an_allowed_source_is_refined,
                a_part_of_a_picture_is_refined,
                a_small_picture_is_refined_in_a_moment,
                what_the_model_says_of_its_work_stays_with_the_task,
                what_the_model_refuses_fails_the_task,
                what_cannot_be_downloaded_fails_the_task,
            }
            refusals {
                who_may_not_is_told_so,
                what_is_not_there_is_told_alike,
                all_problems_of_a_request_are_told_at_once,
                a_name_inside_the_platform_is_no_original,
                an_active_task_is_answered_in_place_of_another,
                a_quota_that_is_used_up_is_told_with_its_limits,
            }
            mcp {
                an_agent_uploads_refines_and_sees_the_result,
                a_call_is_a_task_of_its_user,
            }
            openai {
                an_edit_is_answered_with_its_image,
                what_cannot_be_honoured_is_refused,
                a_repeat_joins_its_task,
            }
            owning {
                what_is_another_users_is_as_if_it_were_not_there,
                a_signature_opens_its_image_to_anyone,
                tasks_are_listed_newest_first_page_by_page,
                an_active_task_can_be_deleted,
                a_finished_tasks_concept_stays,
                a_concept_goes_with_its_image,
                uploads_are_kept_and_deleted,
            }
            crowds {
                twenty_posts_of_one_user_make_one_task,
                twenty_repeats_under_one_key_make_one_task,
                the_quota_is_exact_under_concurrency,
                the_tasks_of_fifty_users_all_complete,
            }
            watching {
                a_stream_of_events_ends_with_the_end_of_its_task,
                a_deletion_ends_the_stream,
            }
            waiting {
                who_waits_is_answered_with_the_task_that_has_ended,
                who_waits_for_too_short_is_answered_that_the_task_was_accepted,
            }
            webhooks {
                a_receiver_that_fails_is_told_again,
            }
            health {
                the_service_tells_that_it_lives_and_is_ready,
                the_description_and_the_page_are_there,
            }
            lasting {
                what_was_there_is_there_after_a_restart,
                a_session_outlives_the_process,
                tasks_under_way_are_completed_after_a_crash,
            }
        }
    };
    ($platform:ty) => {
        suite!([cfg(test)] $platform);
    };
}

/// The host of the product, with its own stores.
mod ours {
    suite!(concept_refinement_tests::platform::ours::Ours);
}

/// `wasmtime serve`, as anybody can install it.
mod wasmtime {
    suite!(concept_refinement_tests::platform::wasmtime::Wasmtime);
}

/// A host that offers what Spin offers, and behaves as Spin does.
mod spin_shaped {
    suite!(concept_refinement_tests::platform::spin::Shaped);
}

/// Spin itself, where there is one; `cargo xtask test` tells.
mod spin {
    suite!(
        [ignore = "only with spin 4.1 or newer, named by SPIN or in the PATH"]
        concept_refinement_tests::platform::spin::Real
    );
}
