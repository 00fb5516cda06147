//! Thousands of schedules, each drawn from its seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use concept_refinement_tests::seed::number;

use crate::flaws::Flaw;
use crate::oracle::Invariant;
use crate::run::{Failure, Report, run};
use crate::settings::Settings;

const FIRST_SEED: u64 = 1;
const ITERATIONS: u64 = 2_000;

/// A flaw has to be found in so many.
const FOR_A_FLAW: u64 = 400;

#[test]
fn schedules() {
    let first = number("REFINEMENT_SIMULATION_SEED", FIRST_SEED);
    let count = number("REFINEMENT_SIMULATION_ITERATIONS", ITERATIONS);
    let begun = Instant::now();
    let total = Mutex::new(Report::default());
    let failed = first_of(first, count, |seed| match run(Settings::drawn(seed)) {
        Ok(report) => {
            add(&mut total.lock().unwrap(), &report);
            None
        }
        Err(failure) => Some(failure),
    });
    if let Some(failure) = failed {
        panic!("{failure}{}", how_to_repeat(failure.seed));
    }
    let total = total.into_inner().unwrap();
    println!(
        "{count} schedules from seed {first} in {:.1} s: {} tasks, {} completed, {} failed, {} \
         deleted, {} webhooks delivered, {} given up, {} faults at {} points",
        begun.elapsed().as_secs_f64(),
        total.created,
        total.completed,
        total.failed,
        total.deleted,
        total.delivered,
        total.undelivered,
        total.faults,
        total.points,
    );
    if count >= ITERATIONS {
        assert!(total.completed * 3 > total.created, "most come to nothing");
        assert!(total.failed * 100 > total.created, "too little goes wrong");
        assert!(total.delivered * 5 > total.created, "few are told");
        assert!(total.undelivered * 100 > total.created, "few are given up");
    }
}

#[test]
fn the_same_seed_is_the_same_schedule() {
    let mut eventful = 0;
    for seed in 1..=20 {
        let once = run(Settings::drawn(seed));
        let again = run(Settings::drawn(seed));
        let once = once.unwrap_or_else(|failure| panic!("{failure}"));
        let again = again.unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(once, again, "seed {seed}");
        eventful += u32::from(once.trace.0 > 10);
    }
    // A process may stall at its start for as long as users come.
    assert!(eventful > 15, "only {eventful}");
}

#[test]
fn each_flaw_is_noticed() {
    for flaw in Flaw::ALL {
        let (first, others) = flaw.breaks().split_first().unwrap();
        let found = first_of(FIRST_SEED, FOR_A_FLAW, |seed| {
            let settings = Settings {
                flaw: Some(flaw),
                ..Settings::drawn(seed)
            };
            let found = run(settings).err()?;
            (!others.contains(&found.invariant)).then_some(found)
        });
        let found = found.unwrap_or_else(|| panic!("{flaw:?} is not noticed"));
        assert!(found.invariant == *first, "{flaw:?}: {found}");
        println!(
            "{flaw:?} is noticed by seed {} at step {}",
            found.seed, found.step
        );
    }
}

#[test]
fn each_invariant_can_be_broken() {
    for &invariant in Invariant::ALL {
        let is_broken = |flaw: &Flaw| flaw.breaks().first() == Some(&invariant);
        let is_broken = Flaw::ALL.iter().any(is_broken);
        assert!(is_broken, "{invariant:?}");
    }
}

fn how_to_repeat(seed: u64) -> String {
    format!("repeat it: cargo xtask simulate --seed {seed} --iterations 1")
}

fn add(total: &mut Report, report: &Report) {
    total.steps += report.steps;
    total.points += report.points;
    total.faults += report.faults;
    total.created += report.created;
    total.completed += report.completed;
    total.failed += report.failed;
    total.deleted += report.deleted;
    total.delivered += report.delivered;
    total.undelivered += report.undelivered;
}

/// The failure of the smallest seed among those that failed when one did.
fn first_of(
    first: u64,
    count: u64,
    run: impl Fn(u64) -> Option<Box<Failure>> + Sync,
) -> Option<Box<Failure>> {
    let next = AtomicU64::new(0);
    let found = Mutex::new(None::<Box<Failure>>);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while found.lock().unwrap().is_none() {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= count {
                        return;
                    }
                    let seed = first + place;
                    let failed =
                        catch_unwind(AssertUnwindSafe(|| run(seed))).unwrap_or_else(|_| {
                            next.store(count, Ordering::Relaxed);
                            panic!("a panic; {}", how_to_repeat(seed))
                        });
                    if let Some(failure) = failed {
                        let mut found = found.lock().unwrap();
                        if found.as_ref().is_none_or(|found| seed < found.seed) {
                            *found = Some(failure);
                        }
                    }
                }
            });
        }
    });
    found.into_inner().unwrap()
}
