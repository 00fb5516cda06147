//! What a component sees of Spin, and of the host of its shape: a component that
//! does as it is told looks at both through the same eyes.

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::server::{Origin, Reply};

mod instances;
mod keyvalue;
mod networking;
mod probe;
mod refused;

/// Makes a test of each case, on one host, with an attribute.
macro_rules! cases {
    ($attribute:tt $host:ident: $($module:ident { $($case:ident),+ $(,)? })+) => {
        $(mod $module {
            $(
                #$attribute
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::spin_host::$module::$case(crate::spin_host::probe::Host::$host).await;
                }
            )+
        })+
    };
}

macro_rules! seen_on {
    ($attribute:tt $host:ident) => {
        cases! {
            $attribute
            $host:
            keyvalue {
                values_are_kept_over_a_restart,
                a_swap_compares_by_value,
                a_swap_that_has_not_read_overwrites,
                two_swaps_of_an_absent_key_both_succeed,
                numbers_begin_at_zero_and_are_little_endian,
                a_number_that_is_none_breaks_the_store_until_the_next_start,
                keys_that_are_not_there_are_left_out_of_many,
                keys_are_listed_at_once_or_not_at_all,
                only_what_is_granted_is_opened,
            }
            networking {
                a_component_sees_its_own_variables,
                a_request_keeps_its_host_and_tells_its_route,
                a_private_route_is_not_there_from_outside,
                a_component_reaches_another_that_it_names,
                scheme_host_and_port_must_be_those,
                private_networks_can_be_blocked,
            }
            instances {
                an_instance_is_shared_and_dropped_when_idle,
                a_panic_fails_all_requests_of_its_instance,
                a_handler_goes_on_after_its_answer,
                a_request_timeout_ends_what_goes_on,
                a_stop_drops_what_goes_on,
            }
        }
    };
}

/// A host that offers what Spin offers, and behaves as Spin does.
mod shaped {
    seen_on!([cfg(test)] Shaped);
}

/// Else nothing that is delivered twice would show anything.
#[tokio::test]
async fn what_is_posted_comes_twice_where_it_is_to() {
    let origin = Origin::start();
    let url = origin.serve_at("/", Reply::ok("text/plain", b"found\n"));
    let application = probe::Host::Shaped
        .application()
        .variable("origin", url.trim_end_matches('/'))
        .argument("--post-twice");
    let service = application.start();
    let line = format!("fetch http://back.spin.internal/ fetch {url}");
    assert_eq!(probe::answer(&service, &line).await, "200 200 found");
    eventually("it comes twice", SOON, async || {
        (origin.requests(&url).len() == 2).then_some(())
    })
    .await;
}

/// Spin itself, where there is one; `cargo xtask test` tells.
mod spin {
    seen_on!([ignore = "only with spin 4.1 or newer, named by SPIN or in the PATH"] Real);
}
