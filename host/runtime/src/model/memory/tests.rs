use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use proptest::prelude::*;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::*;

const MIB: u64 = 1 << 20;

fn admit(memory: &Arc<ModelMemory>, expected: u64) -> Arc<Admitted> {
    let admitted = memory.ticket(expected).admitted().now_or_never();
    Arc::new(admitted.expect("there is room"))
}

/// A middleware, and the model that it waits for.
#[test]
fn the_instances_of_a_call_count_together() {
    let memory = ModelMemory::new(100 * MIB, 60 * MIB);
    let in_use = || memory.in_use().bytes / MIB;
    let (call, other) = (admit(&memory, 0), admit(&memory, 0));
    let (own, others) = (call.meter(), other.meter());
    assert_eq!(own.grow(10 * MIB), Ok(true));
    assert_eq!(others.grow(10 * MIB), Ok(true));
    let inner = call.inner_meter(20 * MIB).unwrap();
    assert_eq!(in_use(), 40);
    for (meter, bytes, fits) in [
        (&own, 41, false),
        (&own, 40, true),
        (&own, 10, true),
        (&inner, 51, false),
        (&inner, 50, true),
    ] {
        assert_eq!(meter.grow(bytes * MIB), Ok(fits), "{bytes}");
    }
    assert_eq!(others.grow(41 * MIB), Err(NoRoom));
    assert!(other.has_ended() && !call.has_ended());
    drop(inner);
    assert_eq!(in_use(), 20);
    let all = call.inner_meter(u64::MAX).unwrap();
    assert_eq!(in_use(), 70, "as much as the limit leaves");
    drop((all, own, others, other));
    assert_eq!(memory.in_use().bytes, SMALL, "what was reserved");
    drop(call);
    assert_eq!(memory.in_use().bytes, 0);
}

#[test]
fn an_instance_that_waits_counts_little() {
    let memory = ModelMemory::new(1024 * MIB, 1024 * MIB);
    let calls: Vec<_> = (0..1000).map(|_| admit(&memory, 0).meter()).collect();
    assert!(calls.iter().all(|call| call.grow(6 * MIB) == Ok(true)));
    assert_eq!(memory.in_use().bytes, 1000 * SMALL);
    assert_eq!(calls[0].grow(9 * MIB), Ok(true));
    assert_eq!(memory.in_use().bytes, 999 * SMALL + 9 * MIB);
}

#[test]
fn there_is_always_room_for_one() {
    for (total, each, expected) in [
        (4096, 1024, 4096 * MIB),
        (512, 1024, 1024 * MIB),
        (0, 0, SMALL),
    ] {
        let memory = ModelMemory::new(total * MIB, each * MIB);
        assert_eq!(memory.in_use().limit, expected);
        admit(&memory, u64::MAX);
    }
}

proptest! {
    /// Whoever is scheduled when, calls that each fit alone all come to their end after
    /// few tries, and no more than the total is ever in use.
    #[test]
    fn all_calls_end(
        calls in prop::collection::vec((1..=60u64, 1..=20u64, 1..=20usize), 1..12),
    ) {
        let memory = ModelMemory::new(100 * MIB, 60 * MIB);
        let in_use = AtomicU64::new(0);
        let calls = calls.iter().map(async |(target, step, pause)| {
            let mut ticket = memory.ticket(0);
            let mut tries = 0;
            loop {
                tries += 1;
                assert!(tries < 10, "it is put off again and again");
                let admitted = Arc::new(ticket.admitted().await);
                let meter = admitted.meter();
                let mut grown = 0;
                while grown < *target {
                    let next = (grown + step).min(*target);
                    if meter.grow(next * MIB).is_err() {
                        break;
                    }
                    let all = in_use.fetch_add(next - grown, Ordering::Relaxed) + next - grown;
                    // Twelve instances may each count as less than they have.
                    assert!(all <= 100 + 12 * 8, "{all}");
                    grown = next;
                    for _ in 0..*pause {
                        yield_now().await;
                    }
                }
                in_use.fetch_sub(grown, Ordering::Relaxed);
                assert_eq!(admitted.has_ended(), grown < *target);
                if grown == *target {
                    break;
                }
            }
        });
        let all = async { timeout(Duration::from_secs(10), join_all(calls)).await };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        prop_assert!(runtime.unwrap().block_on(all).is_ok(), "some never end");
        prop_assert_eq!(memory.in_use().bytes, 0);
    }
}
