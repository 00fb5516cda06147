//! Which tests are run by which door, and what is run once more elsewhere.

use std::path::Path;

use super::programs::Program;
use super::runner::Run;

/// What of a suite needs a server, a browser or another tool that is no crate, or is
/// about other platforms than ours: parts of the names of tests, an empty one for all.
const BEYOND_CRATES: [(&str, &[&str]); 12] = [
    ("browser", &[""]),
    ("cli", &["a_queue_in_nats", "models_without_a_provider"]),
    ("clients", &[""]),
    ("components", &[""]),
    (
        "contract",
        &["adapter", "nats", "postgres", "pubsub", "s3", "moto"],
    ),
    (
        "crashes",
        &["fleet", "hosts::", "outages::", "shared::", "upgrades::"],
    ),
    ("deploying", &[""]),
    ("docs", &["models::"]),
    (
        "e2e",
        &[
            "browser::",
            "creating::",
            "hanging::literals_and_other_names",
            "languages::",
            "moving::",
            "nats::",
            "openapi::",
            "own_addresses::",
            "polling::",
            "pooler::",
            "postgres::",
            "roles::",
            "s3::",
            "shared::",
            "verifying::",
            "watching::",
            "webhooks::hosts::",
            "keeping::",
        ],
    ),
    ("platforms", &[""]),
    ("providers", &["composed::"]),
    ("spin_shaped", &[""]),
];

/// Suites whose figures other load would spoil.
const ALONE: [&str; 1] = ["latency"];

/// The longest first, so that none is begun when all others have ended.
const LONGEST: [&str; 8] = [
    "crashes",
    "contract",
    "e2e",
    "platforms",
    "browser",
    "clients",
    "simulation",
    "disk",
];

/// What proves the embedded product.
pub fn embedded(programs: &[Program]) -> Vec<Run<'_>> {
    let run = |program| {
        let beyond = beyond_crates(program);
        let is_left = !beyond.contains(&"");
        is_left.then(|| Run {
            arguments: skipping(beyond),
            ..whole(program)
        })
    };
    ordered(programs).filter_map(run).collect()
}

/// All tests, and once more those of HTTP, of crashes and of fairness on other engines, and
/// of HTTP on another platform.
pub fn everything(programs: &[Program]) -> Vec<Run<'_>> {
    let mut runs: Vec<_> = ordered(programs).map(whole).collect();
    for program in programs {
        match program.name.as_str() {
            "e2e" => runs.extend([http_on_wasmtime(program), http_on_engines(program)]),
            "crashes" => runs.extend(ENGINES.map(|engines| crashes_on(engines, program))),
            "latency" => runs.push(on("postgres", "fairness", program, FAIRNESS.to_vec())),
            _ => {}
        }
    }
    runs
}

/// The tests that need Spin.
pub fn on_spin<'a>(programs: &'a [Program], spin: &Path) -> Vec<Run<'a>> {
    let is_about_spin = |program: &&Program| SPIN.contains(&program.name.as_str());
    let run = |program: &'a Program| Run {
        name: format!("{} on Spin", program.name),
        arguments: owned(["--ignored", "spin::"]),
        variables: vec![("SPIN", spin.display().to_string())],
        ..whole(program)
    };
    programs.iter().filter(is_about_spin).map(run).collect()
}

fn beyond_crates(program: &Program) -> &'static [&'static str] {
    let suite = BEYOND_CRATES
        .iter()
        .find(|(suite, _)| *suite == program.name);
    suite.map_or(&[], |(_, names)| names)
}

fn ordered(programs: &[Program]) -> impl Iterator<Item = &Program> {
    let place = |program: &&Program| {
        let place = LONGEST.iter().position(|name| *name == program.name);
        place.unwrap_or(LONGEST.len())
    };
    let mut programs: Vec<_> = programs.iter().collect();
    programs.sort_by_key(place);
    programs.into_iter()
}

fn whole(program: &Program) -> Run<'_> {
    Run {
        name: program.name.clone(),
        program,
        arguments: Vec::new(),
        variables: Vec::new(),
        is_alone: ALONE.contains(&program.name.as_str()),
    }
}

/// The tests of HTTP that are not about our host, on `wasmtime serve`.
fn http_on_wasmtime(e2e: &Program) -> Run<'_> {
    Run {
        name: "HTTP on wasmtime serve".into(),
        arguments: [owned(ON_WASMTIME), skipping(&OF_OUR_HOST)].concat(),
        variables: vec![("REFINEMENT_TEST_PLATFORM", "wasmtime".into())],
        ..whole(e2e)
    }
}

/// The tests of HTTP and of what is stored, with nothing in the data directory.
fn http_on_engines(e2e: &Program) -> Run<'_> {
    let [.., engines] = ENGINES;
    on(engines, "HTTP", e2e, [&HTTP[..], &STORED].concat())
}

fn crashes_on<'a>(engines: &'static str, crashes: &'a Program) -> Run<'a> {
    on(engines, "crashes", crashes, CRASHES.to_vec())
}

fn on<'a>(engines: &'static str, what: &str, program: &'a Program, tests: Vec<&str>) -> Run<'a> {
    Run {
        name: format!("{what} over {engines}"),
        arguments: owned(tests),
        variables: vec![("REFINEMENT_TEST_ENGINES", engines.into())],
        ..whole(program)
    }
}

fn skipping(names: &[&str]) -> Vec<String> {
    names
        .iter()
        .flat_map(|name| owned(["--skip", name]))
        .collect()
}

fn owned<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    arguments.into_iter().map(str::to_owned).collect()
}

/// Other engines than those of the data directory; `tests/src/engines.rs` has the list.
const ENGINES: [&str; 2] = ["postgres,s3", "postgres,nats,s3"];

/// Suites that run on Spin where there is one.
const SPIN: [&str; 2] = ["platforms", "spin_shaped"];

/// What the service's HTTP is asked end to end, by module of `tests/e2e`.
const HTTP: [&str; 18] = [
    "answers::",
    "auth::",
    "concepts::",
    "connections::",
    "cors::",
    "deleting::",
    "events::",
    "fairness::",
    "headers::",
    "health::",
    "http::",
    "idempotency::",
    "images::",
    "large::",
    "lists::",
    "overload::",
    "refusals::",
    "waiting::",
];

/// What is asked of what is stored besides, by module too.
const STORED: [&str; 5] = [
    "originals::",
    "restart::",
    "retention::",
    "room::",
    "uploads::",
];

/// Modules of `tests/e2e` that are about the components, whoever serves them.
const ON_WASMTIME: [&str; 11] = [
    "answers::",
    "auth::",
    "concepts::",
    "cors::",
    "headers::",
    "idempotency::",
    "images::",
    "large::",
    "lists::",
    "originals::",
    "uploads::",
];

/// Of what these words select besides, what is about our host: other modules, its own
/// answers, its network, and that it reads on where a body is refused.
const OF_OUR_HOST: [&str; 13] = [
    "connections::",
    "events::",
    "forbidden::",
    "metrics::",
    "proxies::",
    "roles::",
    "room::",
    "waiting::",
    "webhooks::",
    "errors_of_the_host",
    "what_the_host_answers",
    "a_bad_original_fails",
    "a_refinement_is_judged_in_order",
];

/// Of `tests/crashes`: what does not start engines of its own, and does not look into
/// files; of the points of the program half of them, since they take long.
const CRASHES: [&str; 5] = [
    "flaws::each_flaw",
    "flaws::without_the_flaw",
    "pauses::",
    "points::before",
    "random::",
];

/// Of `tests/latency`: users who share the connections to a database.
const FAIRNESS: [&str; 2] = ["crowding::refused_submissions", "crowding::watchers"];

#[cfg(test)]
mod tests {
    use super::*;

    fn programs() -> Vec<Program> {
        let program = |name: &str| Program {
            name: name.into(),
            path: name.into(),
            directory: "/".into(),
        };
        ["clients", "xtask", "e2e", "crashes", "latency"]
            .map(program)
            .into()
    }

    fn names<'a>(runs: &'a [Run<'_>]) -> Vec<&'a str> {
        runs.iter().map(|run| run.name.as_str()).collect()
    }

    #[test]
    fn each_door_runs_what_is_its_own() {
        let programs = programs();
        let embedded = embedded(&programs);
        assert_eq!(names(&embedded), ["crashes", "e2e", "xtask", "latency"]);
        let everything = everything(&programs);
        assert_eq!(
            names(&everything),
            [
                "crashes",
                "e2e",
                "clients",
                "xtask",
                "latency",
                "HTTP on wasmtime serve",
                "HTTP over postgres,nats,s3",
                "crashes over postgres,s3",
                "crashes over postgres,nats,s3",
                "fairness over postgres",
            ]
        );
        let whole = |run: &&Run<'_>| run.arguments.is_empty();
        assert_eq!(everything.iter().filter(whole).count(), programs.len());
        let skipped = |name| {
            let run = embedded.iter().find(|run| run.name == name);
            run.map(|run| run.arguments.len())
        };
        assert_eq!(skipped("xtask"), Some(0));
        assert!(skipped("e2e") > Some(0));
    }
}
