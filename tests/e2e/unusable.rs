//! An engine that cannot be used as it is configured, which no repeat changes.

use concept_refinement_tests::service::Launch;

/// Servers behind the certificate of `localhost` that are not trusted: the case, the host by
/// which one is asked, the authority that is trusted, and what is told.
pub const DISTRUSTED: [[&str; 4]; 2] = [
    [
        "another authority",
        "localhost",
        "other.pem",
        "nobody who is trusted has signed it",
    ],
    [
        "another name",
        "127.0.0.1",
        "authority.pem",
        "it is for another host name",
    ],
];

/// `serve` ends and `check` fails. Each says why in one sentence, which names the
/// server and holds no secret.
///
/// `part`: the line of `check` that has it.
pub fn assert_refused(case: &str, launch: &Launch, part: &str, expected: &str, secrets: &[&str]) {
    let (served, checked) = (launch.run(), launch.check());
    for (how, begin, ended) in [
        ("serve", "concept-refinement: ", served),
        ("check", part, checked),
    ] {
        let log = &ended.log;
        assert_eq!(ended.status.code(), Some(1), "{case}, {how}: {log}");
        let mut said = log.lines().filter(|line| line.starts_with(begin));
        let sentence = said.next().unwrap_or_default();
        assert!(sentence.contains(expected), "{case}, {how}: {log}");
        assert_eq!(said.next(), None, "{case}, {how}: {log}");
        assert!(!log.contains("panicked"), "{case}, {how}: {log}");
        for secret in secrets {
            assert!(!log.contains(secret), "{case}, {how}: {log}");
        }
    }
}
