//! Chromium without a window.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Under the names that systems give it.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--password-store=basic",
];

/// The browser itself, which keeps all that it writes in the directory.
pub fn command(directory: &Path) -> Command {
    with_flags(Command::new(executable()), directory)
}

/// The same, told what to do over its standard input and output, by the DevTools
/// protocol. Chromium wants the descriptors 3 and 4 for that.
pub fn piped(directory: &Path) -> Command {
    const MOVED: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >&2"#;
    let mut command = Command::new("sh");
    command
        .args([OsStr::new("-c"), OsStr::new(MOVED)])
        .arg(executable());
    let mut command = with_flags(command, directory);
    command.arg("--remote-debugging-pipe");
    command
}

fn with_flags(mut command: Command, directory: &Path) -> Command {
    command
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", directory.display()))
        .env("HOME", directory)
        .env("XDG_RUNTIME_DIR", directory);
    command
}

fn executable() -> PathBuf {
    let directories = env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = env::split_paths(&directories).collect();
    NAMES
        .iter()
        .flat_map(|name| {
            directories
                .iter()
                .map(move |directory| directory.join(name))
        })
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!(
                "the browser tests need Chromium: `cargo xtask tools` installs it on Debian; \
                 elsewhere install it so that `chromium` is in the PATH"
            )
        })
}
