//! When a model that fails again and again is asked last: a circuit breaker.
//!
//! An open circuit never fails a task: a model whose circuit is open is asked where
//! no other one answers, and now and then to find out whether it is well again.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// Failures in a row that open a circuit.
pub const FAILURES: u32 = 3;

/// How long an open circuit waits for its next probe: what works again is noticed soon
/// after.
pub const PAUSE: Duration = Duration::from_secs(20);

/// How the last calls of one model went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circuit {
    failures: u32,
    /// When it is asked again, while it is open.
    probe_at: Timestamp,
}

/// What is to be done with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is asked in its turn.
    Ask,
    /// It is asked in its turn, to find out whether it works again. The circuit must be
    /// saved first, so that of several calls at the same time only one probes.
    Probe(Circuit),
    /// It is asked after all others.
    Last,
}

impl Circuit {
    /// What is to be done now.
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

    /// After a call that was answered, if only by a refusal.
    pub fn succeeded(self) -> Self {
        Self::default()
    }

    /// After a call that failed in a way that says something of the model.
    pub fn failed(self, now: Timestamp) -> Self {
        Self {
            failures: self.failures.saturating_add(1).min(FAILURES),
            probe_at: now.plus(PAUSE),
        }
    }

    /// Whether it is asked after all others, but for a probe.
    pub fn is_open(self) -> bool {
        self.failures >= FAILURES
    }

    /// For a store that takes bytes.
    pub fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let (failures, probe_at) = bytes.split_at_mut(4);
        failures.copy_from_slice(&self.failures.to_le_bytes());
        probe_at.copy_from_slice(&self.probe_at.0.to_le_bytes());
        bytes
    }

    /// What cannot be read is a circuit of which nothing is known.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let Some((failures, probe_at)) = bytes.split_first_chunk() else {
            return Self::default();
        };
        let Ok(probe_at) = probe_at.try_into() else {
            return Self::default();
        };
        Self {
            failures: u32::from_le_bytes(*failures),
            probe_at: Timestamp(u64::from_le_bytes(probe_at)),
        }
    }

    /// A clock that was set back does not put a probe off for longer than a pause.
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

    /// After so many failures in a row, the last of them now.
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
        for (name, circuit, now, expected) in [
            ("nothing is known", Circuit::default(), NOW, Verdict::Ask),
            ("one failure", failed(1), NOW, Verdict::Ask),
            ("one too few", failed(FAILURES - 1), NOW, Verdict::Ask),
            ("repeated failures", failed(FAILURES), NOW, Verdict::Last),
            (
                "more of them",
                failed(u32::from(u8::MAX)),
                NOW,
                Verdict::Last,
            ),
            (
                "a moment before",
                failed(FAILURES),
                after(19),
                Verdict::Last,
            ),
            ("it is time", failed(FAILURES), after(20), probe(after(20))),
            (
                "long after",
                failed(FAILURES),
                after(9_999),
                probe(after(9_999)),
            ),
            (
                "well again",
                failed(FAILURES).succeeded(),
                NOW,
                Verdict::Ask,
            ),
            (
                "a success between",
                failed(FAILURES - 1).succeeded().failed(NOW),
                NOW,
                Verdict::Ask,
            ),
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
        // A probe that never ended does not keep it open.
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
