//! Which promises each kind of backend is asked for: a test of each is made of them.

/// Makes a test of each promise, for one backend.
macro_rules! promises {
    ($backend:ty: $($suite:ident :: $module:ident { $($promise:ident),+ $(,)? })+) => {
        $(mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $promise() {
                    crate::$suite::$module::$promise::<$backend>().await;
                }
            )+
        })+
    };
}

/// Makes a module for each backend, of these lists and modules within.
macro_rules! suites {
    ($($module:ident: $backend:ty { $($lists:tt)* })*) => {
        $(mod $module {
            use super::*;
            lists! { $backend => $($lists)* }
        })*
    };
}

/// What is in such a module; a module within is for the same backend unless it names another.
macro_rules! lists {
    ($backend:ty =>) => {};
    ($backend:ty => $list:ident $(, $($rest:tt)*)?) => {
        $list!($backend);
        lists! { $backend => $($($rest)*)? }
    };
    ($backend:ty => $module:ident { $($lists:tt)* } $(, $($rest:tt)*)?) => {
        suites! { $module: $backend { $($lists)* } }
        lists! { $backend => $($($rest)*)? }
    };
    ($backend:ty => $module:ident: $other:ty { $($lists:tt)* } $(, $($rest:tt)*)?) => {
        suites! { $module: $other { $($lists)* } }
        lists! { $backend => $($($rest)*)? }
    };
}

macro_rules! task_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            tasks::submit {
                twenty_at_once_create_one,
                any_text_is_kept_as_it_is,
                the_longest_user_is_kept,
            }
            tasks::quota {
                it_is_exact_under_concurrency,
                each_user_has_their_own,
            }
            tasks::idempotency {
                twenty_at_once_create_one,
                a_key_belongs_to_its_user,
                a_hash_of_a_request_is_followed_for_a_while,
            }
            tasks::leases {
                one_of_many_workers_gets_the_task,
                what_cannot_be_claimed,
                who_lost_the_lease_can_write_nothing,
                of_two_final_writes_one_wins,
            }
            tasks::reads {
                a_user_sees_their_own_tasks_only,
                pages_meet_without_gap_or_overlap,
                a_long_history_is_there_to_its_end,
                a_checked_store_can_be_used,
            }
            tasks::watch {
                each_change_is_told_and_the_last_ends_it,
                stages_are_told_by_who_holds_the_lease,
                who_begins_to_watch_is_told_the_stage_that_is_under_way,
                each_way_to_end_is_told,
                who_reads_late_misses_no_end,
                nobody_watches_another_users_task,
                many_watch_one_task,
            }
            tasks::concepts {
                a_concept_is_seen_once_its_task_is_completed,
                a_concept_is_found_by_what_it_was_refined_from,
                a_concept_is_found_by_its_image,
            }
            tasks::erasure {
                everything_of_a_user_goes_and_nothing_of_others,
                what_the_quota_counted_stays,
                a_long_history_is_erased_step_by_step,
                what_is_submitted_meanwhile_is_there_or_not,
            }
        }
        differential_promises!($backend);
    };
}

macro_rules! differential_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            tasks::differential {
                each_history_goes_as_the_rulebook_says,
            }
        }
    };
}

/// That the comparison with the rulebook can fail, for the quickest backend of our host and
/// of the adapters.
macro_rules! mutant_promises {
    ($backend:ty) => {
        mod mutants {
            use super::*;

            promises! {
                $backend:
                tasks::differential {
                    each_mutant_is_found,
                }
            }
        }
    };
}

/// For backends of our own host.
macro_rules! host_task_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            tasks::submit {
                a_full_backlog_refuses_until_a_task_is_taken,
            }
            tasks::payments {
                the_next_attempt_knows_it,
                the_next_attempt_knows_why_it_repeats_a_call,
            }
            tasks::deadlines {
                many_deadlines_pass_at_once,
            }
            tasks::claim_order {
                who_was_served_longest_ago_comes_first,
                each_user_who_waits_has_a_turn_in_each_round,
            }
            tasks::sweep {
                a_pending_task_is_due_after_a_while,
                recovering_takes_over_whatever_was_under_way,
            }
            tasks::watch {
                who_reads_at_once_misses_nothing,
                who_works_on_a_task_is_told_of_its_deletion,
            }
            tasks::references {
                an_image_is_needed_as_long_as_a_worker_or_a_concept_may_need_it,
                an_earlier_attempts_image_is_needed_until_the_task_ends,
                an_image_is_judged_by_its_whole_path,
                an_original_and_a_mask_are_needed_until_their_task_ends,
                what_is_being_published_is_never_unreferenced,
            }
            tasks::webhooks {
                one_of_many_who_deliver_gets_it,
                who_waits_is_woken,
            }
            tasks::expiry {
                the_last_round_is_remembered,
            }
            tasks::erasure {
                a_stored_session_is_erased,
            }
            tasks::sessions {
                what_anonymous_users_left_goes_as_the_rule_says,
            }
        }
    };
}

/// For backends of our own host, which have an operator.
macro_rules! administration_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            administration::search {
                each_filter_finds_what_matches_it,
                a_task_is_found_by_its_id,
                what_is_deleted_between_pages_is_left_out,
                a_page_looks_at_so_many_tasks,
            }
            administration::unreadable {
                a_task_is_left_out_of_lists,
                a_task_keeps_no_other_from_being_due,
                a_task_keeps_no_job_from_the_others,
                a_delivery_keeps_no_other_from_being_made,
                a_job_and_an_act_hide_no_other,
            }
            administration::story {
                each_step_is_told_in_the_order_of_time,
                each_way_to_end_is_told,
            }
            administration::acts {
                only_a_failed_task_is_retried,
                a_retry_goes_on_where_its_task_failed,
                what_a_retry_has_completed_is_not_retried,
                of_many_retries_one_wins,
                what_an_operator_cancels_is_given_back_up_to_the_quota,
                who_works_or_watches_is_told,
                a_task_in_any_state_is_deleted,
            }
            administration::jobs {
                a_job_starts_if_as_many_match_as_expected,
                the_newest_of_each_user_is_retried,
                what_nobody_wants_any_more_is_not_retried,
                the_same_again_answers_the_first_job,
                all_that_match_are_cancelled_or_deleted,
                what_ended_later_is_left_alone,
                each_task_is_done_once,
                who_goes_away_leaves_no_part_half_done,
            }
            administration::pause {
                nothing_is_claimed_and_nothing_is_due_while_it_is_paused,
                a_deadline_passes_and_positions_are_told_while_it_is_paused,
                no_claim_follows_the_answer,
            }
            administration::audit {
                each_act_is_recorded_the_latest_first,
                what_is_old_is_removed,
            }
        }
    };
}

/// The same for durable backends.
macro_rules! durable_administration_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            administration::pause {
                it_stays_paused_after_a_restart,
            }
            administration::search {
                users_are_served_while_all_seats_are_taken,
            }
        }
    };
}

/// The same for backends that many hosts share.
macro_rules! joined_administration_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            administration::hosts {
                another_host_goes_on_with_a_job,
                it_is_paused_for_all,
                steps_outlive_a_lost_race,
            }
        }
    };
}

/// For durable backends.
macro_rules! durable_task_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            tasks::durability {
                everything_is_there_after_a_restart,
                what_was_answered_survives_a_crash,
                a_key_and_the_quota_survive_a_restart,
                what_a_dead_process_left_is_gone_on_with,
            }
        }
    };
}

/// For durable backends that many hosts share; others have more.
macro_rules! joined_durable_task_promises {
    ($backend:ty $(, $more:ident)*) => {
        promises! {
            $backend:
            tasks::webhook_crashes {
                a_crash_at_any_point_loses_no_delivery,
            }
            tasks::durability {
                what_a_crash_left_undone_is_due,
                a_lease_lasts_as_long_as_who_took_it_was_told,
                $($more,)*
            }
        }
    };
}

/// For those that belong to one process at a time.
macro_rules! host_durable_task_promises {
    ($backend:ty) => {
        joined_durable_task_promises!($backend, it_belongs_to_one_process_at_a_time);
    };
}

/// Those that are about who competes, for databases whose transactions see something
/// else unless they say what they need.
macro_rules! isolated_task_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            tasks::submit {
                twenty_at_once_create_one,
                a_full_backlog_refuses_until_a_task_is_taken,
            }
            tasks::quota {
                it_is_exact_under_concurrency,
            }
            tasks::idempotency {
                twenty_at_once_create_one,
            }
            tasks::leases {
                one_of_many_workers_gets_the_task,
                of_two_final_writes_one_wins,
            }
            tasks::webhooks {
                one_of_many_who_deliver_gets_it,
            }
            administration::acts {
                what_a_retry_has_completed_is_not_retried,
                of_many_retries_one_wins,
            }
            administration::jobs {
                each_task_is_done_once,
                who_goes_away_leaves_no_part_half_done,
            }
        }
    };
}

/// For a server whose transactions are isolated so by default, and all that is kept in it.
macro_rules! isolated_server_promises {
    ($server:ty) => {
        isolated_task_promises!(OnServer<$server>);
        counted_image_promises!(CountedByPostgres<$server>);
        shared_image_promises!(CountedByPostgres<$server>);
        queue_promises!(Shared<$server>);
    };
}

/// The same engine, of another release or reached on another way: that it decides as the
/// rulebook does, also under concurrency, and tells all hosts.
macro_rules! reached_otherwise_promises {
    ($backend:ty) => {
        differential_promises!($backend);
        isolated_task_promises!($backend);
        joined_administration_promises!($backend);
        promises! {
            $backend:
            tasks::reads {
                a_long_history_is_there_to_its_end,
                a_checked_store_can_be_used,
            }
            tasks::watch {
                each_change_is_told_and_the_last_ends_it,
                stages_are_told_by_who_holds_the_lease,
                many_watch_one_task,
                who_works_on_a_task_is_told_of_its_deletion,
            }
            tasks::references {
                what_is_being_published_is_never_unreferenced,
            }
            tasks::erasure {
                what_is_submitted_meanwhile_is_there_or_not,
            }
            tasks::sweep {
                recovering_takes_over_whatever_was_under_way,
            }
            administration::search {
                each_filter_finds_what_matches_it,
            }
            administration::pause {
                no_claim_follows_the_answer,
            }
        }
    };
}

macro_rules! image_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            images::storing {
                an_image_is_read_as_it_was_stored,
                what_is_not_whole_is_not_stored,
                the_same_name_replaces_whatever_the_format,
                the_same_name_replaces_whatever_the_length,
                owners_do_not_share_names,
                what_cannot_be_stored_is_refused,
                at_most_so_many_are_kept,
                an_image_of_undeclared_length_is_as_long_as_it_came,
                limits_are_exact_under_concurrency,
                what_is_under_way_counts,
                what_is_given_up_counts_no_longer,
                deleting_is_repeatable,
                all_uploads_of_an_owner_are_deleted,
                a_checked_store_can_be_used,
            }
            images::reading {
                each_range_within_is_read,
                a_range_beyond_is_refused,
                a_large_image_comes_in_pieces,
                equal_contents_have_equal_etags,
                no_path_leads_elsewhere,
            }
            images::addresses {
                a_signed_url_resolves_to_its_image,
                the_public_url_comes_first,
                a_url_of_ours_need_not_name_an_image,
                what_is_no_path_is_not_signed,
            }
        }
    };
}

macro_rules! host_image_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            images::storing {
                what_its_sender_breaks_off_is_not_stored,
                what_is_being_read_stays_whole,
            }
            images::listing {
                all_images_of_a_kind_are_listed,
                an_anonymous_owner_is_listed,
                what_is_replaced_or_deleted_is_not_listed,
                what_comes_and_goes_meanwhile_ends_no_list,
            }
        }
    };
}

macro_rules! durable_image_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            images::storing {
                who_goes_away_leaves_nothing,
                what_was_answered_survives_a_crash,
            }
        }
    };
}

macro_rules! host_durable_image_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            images::storing {
                a_crash_leaves_nothing_but_what_was_stored,
            }
            images::listing {
                what_is_not_whole_is_not_listed,
                a_crash_leaves_what_was_stored_to_be_listed,
            }
        }
    };
}

/// For backends that belong to one process at a time.
macro_rules! owned_image_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            images::storing {
                it_belongs_to_one_process_at_a_time,
            }
        }
    };
}

/// For backends that many hosts share.
macro_rules! shared_image_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            images::sharing {
                limits_are_exact_over_many_hosts,
                the_room_of_all_images_is_exact_over_many_hosts,
                a_dead_hosts_places_are_freed,
                what_a_host_deletes_is_gone_for_all,
            }
            images::counting {
                what_is_deleted_before_it_is_settled_does_not_count,
                what_is_settled_while_it_is_deleted_does_not_count,
                what_is_stored_after_its_reservation_ended_counts,
                only_its_holder_writes_a_reservation,
                what_counts_and_is_gone_is_found,
            }
        }
    };
}

/// Those of [`image_promises!`] that are about what is counted, for another server
/// that counts.
macro_rules! counted_image_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            images::storing {
                the_same_name_replaces_whatever_the_format,
                at_most_so_many_are_kept,
                limits_are_exact_under_concurrency,
                what_is_under_way_counts,
                what_is_given_up_counts_no_longer,
                deleting_is_repeatable,
            }
        }
    };
}

/// For images in a bucket.
macro_rules! s3_image_promises {
    ($backend:ty) => {
        lists! {
            $backend =>
                image_promises,
                of_hosts { host_image_promises },
                durability { durable_image_promises, of_hosts { host_durable_image_promises } },
                shared { shared_image_promises }
        }
    };
}

macro_rules! queue_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            queue::delivery {
                each_message_is_delivered,
                who_waits_is_woken,
                many_receivers_share_the_messages,
                an_acknowledged_message_is_done,
                a_refused_message_comes_again_after_a_while,
                an_unanswered_message_comes_again,
                who_stops_waiting_loses_nothing,
                a_checked_queue_can_be_used,
            }
        }
    };
}

/// For adapters.
macro_rules! adapter_promises {
    ($backend:ty) => {
        promises! {
            $backend:
            adapters::kills {
                what_was_answered_is_kept_and_what_was_begun_is_gone_on_with,
            }
            adapters::settings {
                what_is_configured_is_answered_by_its_name,
                all_instances_have_the_same_secret,
                a_secret_that_is_configured_counts,
            }
        }
    };
}
