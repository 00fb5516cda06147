//! A circuit breaker: a model that keeps failing is tried last.
//!
//! An open circuit never makes a task fail: its model is called if no other one answers,
//! and also from time to time to find out whether it works again.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// Failures in a row that open a circuit.
pub const FAILURES: u32 = 3;

/// Time between probes of an open circuit. A recovered model is noticed within this time.
pub const PAUSE: Duration = Duration::from_secs(20);

/// The outcomes of the last calls of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circuit {
    failures: u32,
    /// When the next probe is due, while the circuit is open.
    probe_at: Timestamp,
}

/// When to try a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In its usual order.
    Ask,
    /// In its usual order, to find out whether it works again. The circuit must be saved
    /// first, so that only one of several concurrent calls probes.
    Probe(Circuit),
    /// After all others.
    Last,
}

impl Circuit {
    /// When to try the model in a call made now.
    pub fn verdict(self, now: Timestamp) -> Verdict {
        match self.is_open() {
            false => Verdict::Ask,
            true if self.is_due(now) => Verdict::Probe(Self {
                probe_at: now.plus(PAUSE),
                ..self
            }),
            true => Verdict::Last,
        }
    }

    /// The state after a call that was answered, even if with a refusal.
    pub fn succeeded(self) -> Self {
        Self::default()
    }

    /// The state after a failure that says something about the model.
    pub fn failed(self, now: Timestamp) -> Self {
        Self {
            failures: self.failures.saturating_add(1).min(FAILURES),
            probe_at: now.plus(PAUSE),
        }
    }

    /// Whether the model is tried after all others, except for probes.
    pub fn is_open(self) -> bool {
        self.failures >= FAILURES
    }

    /// Serializes it for a store of bytes.
    pub fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let (failures, probe_at) = bytes.split_at_mut(4);
        failures.copy_from_slice(&self.failures.to_le_bytes());
        probe_at.copy_from_slice(&self.probe_at.0.to_le_bytes());
        bytes
    }

    /// Unreadable bytes give a circuit without history.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let read = || {
            let (failures, probe_at) = bytes.split_first_chunk()?;
            Some(Self {
                failures: u32::from_le_bytes(*failures),
                probe_at: Timestamp(u64::from_le_bytes(probe_at.try_into().ok()?)),
            })
        };
        read().unwrap_or_default()
    }

    /// If the clock was set back, a probe is delayed by at most one pause.
    fn is_due(self, now: Timestamp) -> bool {
        now >= self.probe_at || now.plus(PAUSE) < self.probe_at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000_000);

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    /// The state after this many failures in a row, the last one now.
    fn failed(times: u32) -> Circuit {
        (0..times).fold(Circuit::default(), |circuit, _| circuit.failed(NOW))
    }

    #[test]
    fn it_opens_after_repeated_failures_and_is_probed_within_a_minute() {
        let probe = |now: Timestamp| {
            Verdict::Probe(Circuit {
                failures: FAILURES,
                probe_at: now.plus(PAUSE),
            })
        };
        let open = failed(FAILURES);
        let between = failed(FAILURES - 1).succeeded().failed(NOW);
        for (name, circuit, now, expected) in [
            ("nothing is known", Circuit::default(), NOW, Verdict::Ask),
            ("one failure", failed(1), NOW, Verdict::Ask),
            ("one too few", failed(FAILURES - 1), NOW, Verdict::Ask),
            ("repeated failures", open, NOW, Verdict::Last),
            ("more of them", failed(255), NOW, Verdict::Last),
            ("a moment before", open, after(19), Verdict::Last),
            ("it is time", open, after(20), probe(after(20))),
            ("long after", open, after(9_999), probe(after(9_999))),
            ("well again", open.succeeded(), NOW, Verdict::Ask),
            ("a success between", between, NOW, Verdict::Ask),
        ] {
            assert_eq!(circuit.verdict(now), expected, "{name}");
        }
    }

    #[test]
    fn one_probes_at_a_time() {
        let open = failed(FAILURES);
        let Verdict::Probe(probed) = open.verdict(after(20)) else {
            panic!("it is time");
        };
        assert_eq!(probed.verdict(after(20)), Verdict::Last);
        assert_eq!(probed.failed(after(21)).verdict(after(40)), Verdict::Last);
        assert!(matches!(
            probed.failed(after(21)).verdict(after(41)),
            Verdict::Probe(_)
        ));
        assert_eq!(probed.succeeded().verdict(after(21)), Verdict::Ask);
        // A probe that was never answered does not block further probes.
        assert!(matches!(probed.verdict(after(40)), Verdict::Probe(_)));
    }

    #[test]
    fn a_clock_that_is_set_back_opens_none_for_long() {
        let open = failed(FAILURES);
        let earlier = Timestamp::from_secs(10);
        assert!(matches!(open.verdict(earlier), Verdict::Probe(_)));
    }

    proptest! {
        #[test]
        fn whatever_happened_it_is_asked_within_a_minute(
            outcomes in proptest::collection::vec((any::<bool>(), 0u64..100), 0..20),
        ) {
            let (mut circuit, mut now) = (Circuit::default(), NOW);
            for (is_well, seconds) in outcomes {
                now = now.plus(Duration::from_secs(seconds));
                if let Verdict::Probe(probed) = circuit.verdict(now) {
                    circuit = probed;
                }
                circuit = if is_well { circuit.succeeded() } else { circuit.failed(now) };
                prop_assert_eq!(Circuit::from_bytes(&circuit.to_bytes()), circuit);
            }
            let minute = now.plus(Duration::from_secs(60));
            prop_assert_ne!(circuit.verdict(minute), Verdict::Last);
        }

        #[test]
        fn any_bytes_are_a_circuit(bytes in any::<Vec<u8>>(), now in any::<u64>()) {
            let _ = Circuit::from_bytes(&bytes).verdict(Timestamp(now)).eq(&Verdict::Ask);
        }
    }
}
