//! The Debian package, installed by dpkg below a directory that stands for the root of
//! a machine.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::reaper::{Reaped, scratch};
use rustix::process::{Signal, kill_process};

use crate::deploying::dist;

const SETTINGS: &str = "etc/concept-refinement/refinement.toml";

/// For keys and passwords.
const ENVIRONMENT: &str = "etc/concept-refinement/environment";

/// That of a release, which is checked by the same test, or one that is made now.
fn package() -> PathBuf {
    if let Some(package) = std::env::var_os("REFINEMENT_TEST_PACKAGE") {
        return package.into();
    }
    let files = fs::read_dir(dist::made()).unwrap();
    let mut files = files.map(|entry| entry.unwrap().path());
    files
        .find(|path| path.extension().is_some_and(|kind| kind == "deb"))
        .expect("a package is in dist")
}

/// What dpkg does below the directory. Its scripts run here, and are told where it is.
fn dpkg(root: &Path, action: &str, of: &Path) {
    let done = Command::new("dpkg")
        .arg(format!("--instdir={}", root.display()))
        .arg(format!(
            "--admindir={}",
            root.join("var/lib/dpkg").display()
        ))
        .args(["--force-script-chrootless"])
        // There is no other package, and perhaps none of the system's programs in PATH.
        .args(["--force-depends", "--force-bad-path"])
        .arg(action)
        .arg(of)
        .output()
        .unwrap();
    assert!(done.status.success(), "{action}: {done:?}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A machine without any package.
fn machine() -> PathBuf {
    let root = scratch("machine");
    for place in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(place)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    root
}

/// As its unit starts it, on a free port.
fn start(root: &Path) -> (Reaped, String) {
    let unit = root.join("usr/lib/systemd/system/concept-refinement@.service");
    let unit = fs::read_to_string(unit).unwrap();
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/"))
        .unwrap();
    let line = line.replace("%i", "all");
    let mut words = line.split_whitespace();
    let mut command = Command::new(root.join(words.next().unwrap()));
    command
        .args(words)
        .current_dir(root.join(SETTINGS).parent().unwrap())
        .env(
            "REFINEMENT_DATA_DIR",
            root.join("var/lib/concept-refinement"),
        )
        .stdout(Stdio::piped());
    let mut service = Reaped::spawn(&mut command);
    let mut ready = String::new();
    let stdout = service.child().stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut ready).unwrap();
    let url = ready.split_whitespace().last().expect("it is ready");
    (service, url.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_package_is_installed_and_works_and_goes_again() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT run: root alone installs packages");
        return;
    }
    let (root, package) = (machine(), package());
    dpkg(&root, "--install", &package);
    for installed in [
        "usr/bin/concept-refinement",
        "usr/share/man/man1/concept-refinement.1",
        "usr/share/man/man1/concept-refinement-backup.1",
        "usr/share/bash-completion/completions/concept-refinement",
        "usr/share/zsh/vendor-completions/_concept-refinement",
        "usr/share/fish/vendor_completions.d/concept-refinement.fish",
        "usr/share/doc/concept-refinement/copyright",
        "usr/share/concept-refinement/grafana/concept-refinement.json",
        "usr/share/concept-refinement/prometheus/rules.yaml",
    ] {
        let size = fs::metadata(root.join(installed)).map(|file| file.len());
        assert!(size.is_ok_and(|size| size > 0), "{installed}");
    }

    let settings = root.join(SETTINGS);
    let shipped = fs::read_to_string(&settings).unwrap();
    assert!(shipped.contains("data_dir = \"/var/lib/concept-refinement\""));
    let own = format!("{shipped}\nlisten = \"127.0.0.1:0\"\n");
    fs::write(&settings, &own).unwrap();
    let (mut service, url) = tokio::task::block_in_place(|| start(&root));
    let ready = Client::new(&url).get("/api/health/ready").await;
    assert_eq!(ready.status, 200, "{ready:?}");
    kill_process(service.pid(), Signal::TERM).unwrap();
    assert!(service.child().wait().unwrap().success());

    // Keys are root's alone, also in a file that an editor made.
    let environment = root.join(ENVIRONMENT);
    assert_eq!(mode(&environment), 0o600);
    let keys = "REFINEMENT_MODEL_API_KEY=secret\n";
    fs::write(&environment, keys).unwrap();
    fs::set_permissions(&environment, fs::Permissions::from_mode(0o644)).unwrap();

    // The settings are the operator's, and the data stay in any case.
    dpkg(&root, "--install", &package);
    assert_eq!(mode(&environment), 0o640);
    assert_eq!(fs::read_to_string(&environment).unwrap(), keys);
    assert_eq!(fs::read_to_string(&settings).unwrap(), own);
    let name = Path::new("concept-refinement");
    dpkg(&root, "--remove", name);
    assert!(!root.join("usr/bin/concept-refinement").exists());
    assert_eq!(fs::read_to_string(&settings).unwrap(), own);
    assert_eq!(fs::read_to_string(&environment).unwrap(), keys);
    fs::write(root.join(format!("{ENVIRONMENT}~")), keys).unwrap();
    dpkg(&root, "--purge", name);
    let left = settings.parent().unwrap();
    assert!(!left.exists(), "{:?}", fs::read_dir(left).unwrap().next());
    assert!(
        root.join("var/lib/concept-refinement/tasks.sqlite")
            .exists()
    );
}
