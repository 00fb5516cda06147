//! The memory of all models together: what does not fit is put off, and comes to
//! its end when there is room.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use concept_refinement_tests::crowd::{Crowd, launch, picture_within};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::latency::waiting_beside;
use concept_refinement_tests::pictures::Picture;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::provider::{Asked, Provider};
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;
use futures::future::join_all;

use crate::metrics::{measured, measured_launch, scrape};
use crate::shared::{new_user, origin, picture_url, scripted_launch};

const MIB: u64 = 1 << 20;

/// For all instances.
const TOTAL: u64 = 300 * MIB;

/// What an instance may cost besides its memory, and the rest of the service.
const ALLOWANCE: u64 = 128 * MIB;

/// Tasks that wait, and what the process may take with them, in a build that is not optimised:
/// a quarter more than it does.
const MANY: (usize, u64) = (1_000, 600 * MIB);
const FEW: (usize, u64) = (250, 210 * MIB);

/// What an honest client waits at most, in 99 of 100 requests.
const PROMPT: Duration = Duration::from_millis(100);

/// Each has little of its memory in use, and counts as little, though it begins with more.
#[tokio::test]
async fn calls_that_wait_count_as_what_they_use() {
    let picture = picture_within(100_000);
    let launch = launch(origin())
        .set("model-memory", "256MiB")
        .set("model-memory-total", "256MiB");
    let wait = Duration::from_secs(20);
    let prompt = format!("wait {}ms", wait.as_millis());
    take_little_memory(launch, &picture, FEW, (&prompt, wait)).await;
}

/// Each has an original of 100 kB, which no instance holds, and the process few of.
#[tokio::test]
async fn a_thousand_calls_that_wait_fit_beside_each_other() {
    // Long enough for a busy machine to have all of them in flight at once.
    let wait = Duration::from_secs(45);
    let picture = picture_within(100_000);
    let provider = Provider::start();
    let prompt = provider.prompt([Reply::picture(&picture).after(wait)]);
    let asking = launch(origin())
        .set("model", "jigsawstack")
        .set("model-url", &provider.url())
        .set("model-api-key", "of the test");
    take_little_memory(asking, &picture, MANY, (&prompt, wait)).await;
    let asked = provider.asked(&prompt);
    assert_eq!(asked.len(), MANY.0);
    let is_whole = |asked: &Asked| asked.body.len() > picture.bytes.len();
    assert!(asked.iter().all(is_whole));
}

/// So many tasks that wait for a model which takes so long for this prompt, and the memory
/// that they may take.
async fn take_little_memory(
    launch: Launch,
    picture: &Picture,
    (tasks, most): (usize, u64),
    model: (&str, Duration),
) {
    let service = launch
        .set("concurrency", &tasks.to_string())
        .set("model-timeout", "5m")
        .start();
    let crowd = Crowd::gather(&service, origin(), picture, tasks, model).await;
    let resident = Process::of(service.id()).proportional();
    println!("{} MiB with {tasks} tasks that wait", resident / MIB);
    assert!(resident < most, "{} MiB", resident / MIB);
    for task in crowd.finished().await {
        assert_eq!(task["status"], "completed", "{task}");
    }
    let log = service.log();
    assert!(!log.contains("no memory"), "{log}");
}

/// Of these two instances fit beside each other with half of what they need, and
/// one with all of it.
#[tokio::test]
async fn instances_that_do_not_fit_are_put_off_and_none_waits_for_ever() {
    let (service, metrics) = measured(&[
        ("model-memory", "256MiB"),
        ("model-memory-total", "300MiB"),
        ("model-timeout", "20s"),
    ])
    .await;
    let url = picture_url();
    let client = new_user(&service);
    let task = client.refined(&url, "echo it").await;
    let id = task["task_id"].as_str().unwrap();
    let process = Process::of(service.id());
    process.reset_peak();
    let before = process.usage().resident;

    let prompts = ["hold 240MiB for 400ms", "hold 240MiB for 400ms midway"];
    let large = prompts.iter().cycle().take(8).map(async |prompt| {
        new_user(&service).completed(&url, prompt).await;
    });
    let small = (0..8).map(async |_| {
        new_user(&service).completed(&url, "wait 200ms").await;
    });
    let tasks = async { tokio::join!(join_all(large), join_all(small)) };
    let (_, p99) = waiting_beside(tasks, &client, id).await;
    let cost = process.usage().peak - before;
    let (_, scraped) = scrape(&metrics).await;
    let of = |name: &str| scraped.sum(&format!("concept_refinement_{name}"), &[]);
    let put_off = of("model_calls_put_off_total");
    println!("{} MiB, {put_off} put off, p99 {p99:?}", cost / MIB);
    assert_eq!(of("model_memory_limit_bytes"), TOTAL as f64);
    assert!(put_off > 0.0, "all fitted");
    assert!(cost < TOTAL + ALLOWANCE, "{}", cost / MIB);
    assert!(p99 <= PROMPT, "{p99:?}");
    eventually("the memory is given back", SOON, async || {
        let (_, scraped) = scrape(&metrics).await;
        let used = scraped.sum("concept_refinement_model_memory_bytes", &[]);
        let resident = process.usage().resident;
        (used == 0.0 && resident < before + ALLOWANCE).then_some(())
    })
    .await;
}

/// Half of what the group has that a systemd unit or a container gives it.
#[tokio::test]
async fn models_have_half_of_what_the_processes_own_group_may_use() {
    const LIMIT: u64 = 1 << 30;
    let Some(mount) = mounted_limit(LIMIT) else {
        println!("skipped: only root can try a limit of memory, where `unshare --mount` works");
        return;
    };
    let script = format!(r#"{mount} && exec "$0" "$@""#);
    let launch = scripted_launch().set("model-memory", "64MiB");
    let launch = launch.by(&["unshare", "--mount", "sh", "-c", &script]);
    let (_service, metrics) = measured_launch(launch).await;
    let (_, scraped) = scrape(&metrics).await;
    let limit = scraped.sum("concept_refinement_model_memory_limit_bytes", &[]);
    assert_eq!(limit, (LIMIT / 2) as f64);
}

/// The command by which a process sees its control group with this limit, in a
/// namespace of its own. None: it does not work here.
fn mounted_limit(limit: u64) -> Option<String> {
    let groups = MemoryGroups::of_this_process()?;
    let seen = scratch("groups");
    let group = seen.join(groups.own);
    fs::create_dir_all(&group).unwrap();
    fs::write(group.join(groups.limit), format!("{limit}\n")).unwrap();
    let mount = format!("mount --bind {} {}", seen.display(), groups.point);
    let mut tried = Command::new("unshare");
    tried.args(["--mount", "sh", "-c", &mount]);
    let tried = tried.stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success()).then_some(mount)
}

/// The control groups of memory, as the system shows them.
struct MemoryGroups {
    /// Where they are mounted.
    point: String,
    /// The one of this process, from there.
    own: PathBuf,
    /// The file with the limit of a group.
    limit: &'static str,
}

impl MemoryGroups {
    fn of_this_process() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let is_first = |line: &&str| {
            let (_, kind) = line.split_once(" - cgroup ").unwrap_or_default();
            kind.split([' ', ',']).any(|option| option == "memory")
        };
        let first = mounts.lines().find(is_first);
        let second = || mounts.lines().find(|line| line.contains(" - cgroup2 "));
        let (mount, mark, limit) = match first {
            Some(first) => (first, ":memory:", "memory.limit_in_bytes"),
            None => (second()?, "0::", "memory.max"),
        };
        // The group that is seen there, and where it is mounted.
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let own = groups.lines().find_map(|line| line.split_once(mark));
        let own = own.and_then(|(_, own)| Path::new(own).strip_prefix(root).ok());
        Some(Self {
            point: point.to_owned(),
            own: own.map(PathBuf::from).unwrap_or_default(),
            limit,
        })
    }
}
