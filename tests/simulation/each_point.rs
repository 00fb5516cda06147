//! One task, and one thing that happens at each point of its way, one point
//! after the other.

use std::time::Duration;

use crate::faults::{Fault, Plan};
use crate::oracle::Invariant;
use crate::process::GRACE;
use crate::run::{Report, run};
use crate::settings::{Mode, Settings};

/// Longer than a lease, and shorter than a download may take.
const LONG: Duration = Duration::from_secs(25);

const MODES: [Mode; 2] = [Mode::Embedded, Mode::Distributed];

/// Nobody could wait for the end of such a lease.
const ENDLESS: Duration = Duration::from_secs(60 * 60);
const SOON: Duration = Duration::from_secs(60);

/// Longer than a message takes to come again.
const OUTAGE: Duration = Duration::from_secs(5);

/// Until a user looks at a task again.
const NEXT_LOOK: Duration = Duration::from_secs(2);
const INSTANT: Duration = Duration::from_secs(1);

fn one_task(mode: Mode, places: &[(u64, Fault)]) -> Settings {
    Settings::one_task(mode, Plan::At(places.to_vec()))
}

fn endless_lease(mode: Mode, places: &[(u64, Fault)]) -> Settings {
    Settings {
        lease: ENDLESS,
        ..one_task(mode, places)
    }
}

fn report(settings: Settings) -> Report {
    let what = format!("{:?} {:?}", settings.mode, settings.faults);
    run(settings).unwrap_or_else(|failure| panic!("{what}\n{failure}"))
}

/// At each point in turn, until there is none left.
fn at_each(
    mode: Mode,
    fault: Fault,
    settings: impl Fn(Mode, &[(u64, Fault)]) -> Settings,
    mut check: impl FnMut(&Report, u64, &str),
) {
    let mut point = 0;
    loop {
        let report = report(settings(mode, &[(point, fault)]));
        if report.faults == 0 {
            break;
        }
        let at = format!("{mode:?}, {fault:?} at point {point}: {report:?}");
        check(&report, point, &at);
        point += 1;
    }
    assert!(point > 40, "{mode:?} {fault:?}: only {point} points");
}

#[test]
fn every_await_of_one_task() {
    let others = [Fault::Stall(LONG), Fault::HoldUp(LONG), Fault::Jump(LONG)];
    for mode in MODES {
        for fault in others {
            at_each(mode, fault, one_task, |report, _, at| {
                assert_eq!((report.completed, report.failed), (1, 0), "{at}");
                assert!(report.asked <= 2, "{at}");
            });
        }
        at_each(mode, Fault::Error, one_task, |report, _, at| {
            // One of image or concept that cannot be stored fails the task.
            assert!(report.completed == 1 || report.failed >= 1, "{at}");
            assert!(report.asked <= 2, "{at}");
        });
        at_each(mode, Fault::Delete, one_task, |report, _, at| {
            assert_eq!(
                (report.completed + report.deleted, report.failed),
                (1, 0),
                "{at}"
            );
            assert_eq!(report.asked.max(1), 1, "{at}");
        });
    }
}

/// A crash costs an answer of the model only where it was asked and its answer
/// was not noted yet.
#[test]
fn every_crash_of_one_task() {
    for mode in MODES {
        let (asked, noted) = report(one_task(mode, &[])).at_stake.unwrap();
        at_each(mode, Fault::Crash, one_task, |report, point, at| {
            assert_eq!((report.completed, report.failed), (1, 0), "{at}");
            let expected = if (asked..noted).contains(&point) {
                2
            } else {
                1
            };
            match mode {
                Mode::Embedded => assert_eq!(report.asked, expected, "{at}"),
                // It may be another process than the one that works.
                Mode::Distributed => assert!(report.asked <= expected, "{at}"),
            }
        });
    }
}

/// Whoever comes next delivers what this one was delivering.
#[test]
fn every_crash_and_stop_of_one_delivery() {
    let with_webhook = |mode, places: &[_]| Settings {
        has_webhook: true,
        ..one_task(mode, places)
    };
    for mode in MODES {
        for fault in [Fault::Crash, Fault::Stop] {
            at_each(mode, fault, with_webhook, |report, _, at| {
                assert_eq!((report.completed, report.delivered), (1, 1), "{at}");
            });
        }
    }
}

/// The next process of an embedded store goes on at once.
#[test]
fn every_crash_of_the_only_process_is_made_good_at_once() {
    at_each(
        Mode::Embedded,
        Fault::Crash,
        endless_lease,
        |report, _, at| {
            assert_eq!((report.completed, report.failed), (1, 0), "{at}");
            assert!(report.time < SOON, "{at}");
        },
    );
}

/// Whoever is stopped gives back what it has by the end of the grace, so that
/// nobody waits for a lease.
#[test]
fn every_stop_of_one_task() {
    for mode in MODES {
        let mut longest = Duration::ZERO;
        at_each(mode, Fault::Stop, endless_lease, |report, _, at| {
            assert_eq!((report.completed, report.failed), (1, 0), "{at}");
            assert!(report.asked <= 2, "{at}");
            assert!(report.time < SOON, "{at}");
            assert!(report.longest_stop < GRACE + INSTANT, "{at}");
            longest = longest.max(report.longest_stop);
        });
        assert!(longest >= GRACE, "{mode:?}: nothing was given back");
    }
}

/// Whoever works on a task that is deleted in its process ends at once, and does
/// not wait for the model.
#[test]
fn every_deletion_cancels_the_work() {
    let (mode, mut deleted) = (Mode::Embedded, 0);
    at_each(mode, Fault::Delete, endless_lease, |report, _, at| {
        if report.deleted == 1 {
            deleted += 1;
            let took = report.time - report.fault_at;
            assert!(took < NEXT_LOOK + INSTANT, "{at}");
        }
    });
    assert!(deleted > 20, "only {deleted}");
}

/// A lease that could not be released during an outage is released afterwards,
/// so that nobody waits until it expires.
#[test]
fn every_outage_releases_the_task_later() {
    let (mode, outage) = (Mode::Embedded, Fault::Outage(OUTAGE));
    at_each(mode, outage, endless_lease, |report, _, at| {
        assert_outcome(report, at);
        assert!(report.time < SOON, "{at}");
    });
}

/// Among several processes the message may reach another worker than the one
/// that could not release its lease. The task waits until the lease expires.
#[test]
fn every_outage_among_several_processes() {
    let (mode, outage) = (Mode::Distributed, Fault::Outage(OUTAGE));
    at_each(mode, outage, one_task, |report, _, at| {
        assert_outcome(report, at);
    });
}

/// Each task has ended, and the user has an answer.
fn assert_outcome(report: &Report, at: &str) {
    let ended = report.completed + report.failed;
    assert!(ended >= 1 && ended == report.created, "{at}");
}

/// However many tasks wait, a store that cannot be used is asked once a second
/// by each of those who work.
#[test]
fn an_outage_brings_no_storm() {
    for mode in MODES {
        for point in 0..400 {
            let report = report(Settings {
                users: 8,
                ..one_task(mode, &[(point, Fault::Outage(LONG))])
            });
            let workers = u32::try_from(Settings::one_task(mode, Plan::At(vec![])).processes);
            let most = workers.unwrap() * u32::try_from(LONG.as_secs() + 1).unwrap();
            assert!(
                report.refused <= most,
                "{mode:?} at point {point}: {report:?}"
            );
        }
    }
}

/// Whoever cannot go on gives back what it knows to have: nobody waits for a
/// lease, except for one whose claim was never answered.
#[test]
fn every_error_gives_the_task_back() {
    for mode in MODES {
        let mut stuck = vec![];
        for point in 0.. {
            match run(endless_lease(mode, &[(point, Fault::Error)])) {
                Ok(report) if report.faults == 0 => break,
                Ok(report) => assert!(report.time < SOON, "{mode:?} {point}: {report:?}"),
                Err(failure) if failure.invariant == Invariant::NothingStuck => stuck.push(point),
                Err(failure) => panic!("{mode:?} {point}\n{failure}"),
            }
        }
        assert_eq!(stuck.len(), 1, "{mode:?}: {stuck:?}");
    }
}

#[test]
fn every_few_awaits_of_one_task_twice() {
    for mode in MODES {
        for (first, second) in [
            (Fault::Crash, Fault::Crash),
            (Fault::HoldUp(LONG), Fault::Error),
            (Fault::Error, Fault::Crash),
        ] {
            let faults = |places: &[_]| report(one_task(mode, places)).faults;
            let mut at = 0;
            while faults(&[(at, first)]) == 1 {
                let mut again = at + 1;
                while faults(&[(at, first), (again, second)]) == 2 {
                    again += 7;
                }
                at += 5;
            }
        }
    }
}
