//! The unit of systemd: as systemd reads it, and its service under restrictions like
//! those that it asks for.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::SOON;
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::{Reaped, scratch};

use crate::read;

const UNIT: &str = "deploy/systemd/concept-refinement@.service";
const INSTALLED: &str = "/usr/local/bin/concept-refinement";

/// Of nobody else, as systemd chooses one.
const DYNAMIC_USER: u32 = 64_321;

/// The values of a key of the unit, in order.
fn values(key: &str) -> Vec<String> {
    let unit = read(UNIT);
    let values = unit.lines().filter_map(|line| line.split_once('='));
    values
        .filter(|(name, _)| *name == key)
        .map(|(_, value)| value.to_owned())
        .collect()
}

fn value(key: &str) -> String {
    let values = values(key);
    assert_eq!(values.len(), 1, "{key}: {values:?}");
    values[0].clone()
}

#[test]
fn systemd_takes_the_unit() {
    let unit = read(UNIT);
    let program = artifacts::binary();
    assert!(unit.contains(INSTALLED));
    let place = scratch("unit");
    let unit = unit.replace(INSTALLED, program.to_str().unwrap());
    fs::write(place.join("concept-refinement@.service"), unit).unwrap();
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(place.join("concept-refinement@all.service"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    let of_ours = said
        .lines()
        .find(|line| line.contains("concept-refinement"));
    assert_eq!(of_ours, None, "{said}");
    assert!(verified.status.success(), "{said}");
}

/// How much of the system the service reaches: of 10, by the judgement of systemd 252.
#[test]
fn the_sandbox_is_as_tight_as_compiled_code_allows() {
    const MOST: f64 = 1.5;
    let place = scratch("sandbox");
    let unit = read(UNIT).replace(INSTALLED, "/bin/true");
    let path = place.join("concept-refinement@all.service");
    fs::write(&path, unit).unwrap();
    let judged = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&judged.stdout);
    let (_, level) = said
        .split_once("Overall exposure level for ")
        .unwrap_or_else(|| panic!("{said} {}", String::from_utf8_lossy(&judged.stderr)));
    let level = level.split_whitespace().nth(1).unwrap();
    println!("exposure: {level}");
    assert!(level.parse::<f64>().unwrap() <= MOST, "{said}");
}

/// An unusable setting ends it with a status after which another start is no use.
#[test]
fn what_cannot_start_is_not_started_again() {
    let done = Command::new(artifacts::binary())
        .args(["serve", "--lease=30"])
        .output()
        .unwrap();
    let status = done.status.code().unwrap().to_string();
    assert_eq!(value("RestartPreventExitStatus"), status);
    assert_eq!(value("StartLimitIntervalSec"), "0");
}

#[test]
fn the_documents_name_the_places_of_the_unit() {
    let state = format!("/var/lib/{}", value("StateDirectory"));
    let settings = format!("/etc/{}", value("ConfigurationDirectory"));
    assert_eq!(value("Environment"), format!("REFINEMENT_DATA_DIR={state}"));
    assert_eq!(value("WorkingDirectory"), settings);
    assert_eq!(value("EnvironmentFile"), format!("-{settings}/environment"));
    let page = read("docs/durability.md");
    let (_, page) = page.split_once("## Backup and restoring").unwrap();
    // Where systemd puts the directory of a user who is not always there.
    let private = format!("/var/lib/private/{}", value("StateDirectory"));
    for expected in [
        format!("concept-refinement backup --data-dir {state} "),
        "systemctl stop concept-refinement@all".to_owned(),
        format!("mv {private} {private}.old"),
        format!("concept-refinement restore --data-dir {private} "),
    ] {
        assert!(page.contains(&expected), "{expected}");
    }
    // A check before an upgrade looks at the data as the service does.
    let page = read("docs/operating.md");
    let (_, command) = page.split_once("systemd-run ").unwrap();
    let (command, _) = command.split_once("```").unwrap();
    let words = command.split_whitespace();
    let properties = words.filter_map(|word| word.strip_prefix("--property=")?.split_once('='));
    let properties: Vec<_> = properties.collect();
    for name in [
        "DynamicUser",
        "StateDirectory",
        "StateDirectoryMode",
        "WorkingDirectory",
        "EnvironmentFile",
        "Environment",
        "UMask",
    ] {
        let expected = value(name);
        let is_given = properties.contains(&(name, expected.as_str()));
        assert!(is_given, "{name}: {properties:?}");
    }
    // systemd names the user of the service after its unit.
    assert!(properties.contains(&("User", "concept-refinement")));
}

/// A service in a place that stands for the root of a machine.
struct Machine {
    root: PathBuf,
}

/// What the unit asks of systemd, asked of the system: the file system is read-only
/// but for the state, and the user has no rights.
const RESTRICTED: &str = r#"
mount --bind "$1" "$1" && mount -o remount,bind,ro / || exit 77
umask "$2"; cd "$3"; shift 3; exec "$@"
"#;

impl Machine {
    /// None: nobody here may restrict a process so.
    fn new() -> Option<Self> {
        let root = tempfile::Builder::new()
            .prefix("concept-refinement-unit-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .unwrap()
            .keep();
        let machine = Self { root };
        fs::create_dir_all(machine.state()).unwrap();
        fs::create_dir_all(machine.settings()).unwrap();
        machine.give_state_to_its_user().ok()?;
        let mut try_out = machine.restricted();
        try_out.arg(artifacts::binary()).arg("--version");
        let tried = try_out.output().ok()?;
        tried.status.success().then_some(machine)
    }

    fn state(&self) -> PathBuf {
        self.root
            .join(format!("var/lib/{}", value("StateDirectory")))
    }

    fn settings(&self) -> PathBuf {
        self.root
            .join(format!("etc/{}", value("ConfigurationDirectory")))
    }

    /// As systemd does at each start.
    fn give_state_to_its_user(&self) -> std::io::Result<()> {
        let mode = u32::from_str_radix(&value("StateDirectoryMode"), 8).unwrap();
        let mut left = vec![self.state()];
        while let Some(path) = left.pop() {
            chown(&path, Some(DYNAMIC_USER), Some(DYNAMIC_USER))?;
            if path.is_dir() {
                left.extend(fs::read_dir(path)?.map(|entry| entry.unwrap().path()));
            }
        }
        fs::set_permissions(self.state(), Permissions::from_mode(mode))
    }

    fn restricted(&self) -> Command {
        assert_eq!(value("DynamicUser"), "yes");
        assert_eq!(value("ProtectSystem"), "strict");
        assert_eq!(value("NoNewPrivileges"), "yes");
        assert_eq!(value("CapabilityBoundingSet"), "");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", RESTRICTED, "sh"])
            .args([self.state(), value("UMask").into(), self.settings()])
            .args(["setpriv", "--clear-groups", "--no-new-privs"])
            .args(["--bounding-set=-all", "--inh-caps=-all"])
            .arg(format!("--reuid={DYNAMIC_USER}"))
            .arg(format!("--regid={DYNAMIC_USER}"));
        command
    }

    /// Where the service notifies systemd.
    fn manager(&self) -> UnixDatagram {
        let path = self.root.join("notify");
        let _ = fs::remove_file(&path);
        let manager = UnixDatagram::bind(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        manager.set_read_timeout(Some(SOON)).unwrap();
        manager
    }

    /// The unit's command line, with its variables.
    fn start(&self) -> (Started, String) {
        self.give_state_to_its_user().unwrap();
        assert_eq!(value("Type"), "notify");
        let manager = self.manager();
        let line = value("ExecStart").replace("%i", "all");
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some(INSTALLED));
        let mut command = self.restricted();
        command.arg(artifacts::binary()).args(words);
        for variable in values("Environment") {
            let (name, path) = variable.split_once('=').unwrap();
            command.env(name, self.root.join(path.trim_start_matches('/')));
        }
        let command = command
            .env("NOTIFY_SOCKET", self.root.join("notify"))
            .env("REFINEMENT_LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped());
        let mut service = Reaped::spawn(command);
        let stdout = service.child().stdout.take().unwrap();
        let mut ready = String::new();
        BufReader::new(stdout).read_line(&mut ready).unwrap();
        let url = ready.split_whitespace().last().expect("it is ready");
        assert_eq!(notification(&manager), "READY=1");
        (Started { service, manager }, url.to_owned())
    }
}

/// The service, and what it notifies.
struct Started {
    service: Reaped,
    manager: UnixDatagram,
}

fn notification(manager: &UnixDatagram) -> String {
    let mut heard = [0; 256];
    let length = manager.recv(&mut heard).expect("it notifies");
    String::from_utf8_lossy(&heard[..length]).into_owned()
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Ends it as systemd does.
fn stop(started: Started) {
    let Started {
        mut service,
        manager,
    } = started;
    rustix::process::kill_process(service.pid(), rustix::process::Signal::TERM).unwrap();
    assert_eq!(notification(&manager), "STOPPING=1");
    let ended = service.child().wait().unwrap();
    assert!(ended.success(), "{ended:?}");
}

/// Backs up or restores.
fn done(command: &str, data: &Path, backup: &Path) {
    let done = Command::new(artifacts::binary())
        .args([command, "--data-dir"])
        .args([data, backup])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// By root, to where the service may not write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_goes_where_the_service_may_not_write_and_is_restored() {
    let Some(machine) = Machine::new() else {
        eprintln!("NOT run: nobody here may restrict a process as systemd does");
        return;
    };
    let (service, url) = tokio::task::block_in_place(|| machine.start());
    let client = Client::session(&url).await;
    let upload = client.uploaded(&pictures::png(16, 16)).await;
    let id = client.accepted(&upload, "make it lighter").await;
    let task = client.finished(&id).await;
    assert_eq!(task["status"], "completed", "{task}");
    let backup = scratch("backups").join("2026/11/21");
    done("backup", &machine.state(), &backup);
    stop(service);

    // As the documents say.
    let old = machine.state().with_extension("old");
    fs::rename(machine.state(), old).unwrap();
    done("restore", &machine.state(), &backup);
    let (service, url) = tokio::task::block_in_place(|| machine.start());
    let restored = client.at(&url).task(&id).await;
    assert_eq!(restored["status"], "completed", "{restored}");
    stop(service);
}
