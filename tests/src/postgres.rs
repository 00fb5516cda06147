//! Servers of Postgres on free ports, each with a directory of its own, and a
//! pooler before one.
//!
//! A server refuses to run as root, so root lends it the user that Debian's
//! package makes.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Signal, geteuid, kill_process};

use crate::artifacts;
use crate::deadline::SOON;
use crate::port::free_port;
use crate::process::Process;
use crate::reaper::{Reaped, scratch};
use crate::tls;

/// The programs of Debian's package. The one of the same name in the PATH is a script in Perl,
/// which takes four times as long.
const DEBIAN: &str = "/usr/lib/postgresql/15/bin";

/// Who owns the tables, and needs no password.
const USER: &str = "postgres";

/// Who needs a password: this one.
pub const GUARDED: &str = "guarded";
pub const PASSWORD: &str = "open-sesame";

/// Whoever connects by TCP is believed but for one.
const ACCESS: &str = "local all all trust\n\
     host all guarded 127.0.0.1/32 scram-sha-256\n\
     host all all 127.0.0.1/32 trust\n\
     host replication all 127.0.0.1/32 trust\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The oldest that is supported, of Debian.
    Fifteen,
    /// The newest, of an npm package.
    Eighteen,
}

/// What becomes of it if the server is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// Everything that was committed is there.
    Durable,
    /// It is quick.
    Volatile,
}

/// A server. It is killed when it is dropped.
pub struct Postgres {
    process: Option<Reaped>,
    release: Release,
    data: Data,
    directory: PathBuf,
    port: u16,
    settings: Vec<String>,
}

impl Postgres {
    pub fn start(release: Release, data: Data) -> Self {
        let directory = directory("postgres");
        let data_directory = directory.join("data");
        let mut create = program(release, "initdb", &directory);
        create
            .args(["--username", USER, "--auth", "trust", "--encoding", "UTF8"])
            .args(["--locale", "C", "--no-sync", "--pgdata"])
            .arg(&data_directory);
        run(&mut create);
        let access = data_directory.join("pg_hba.conf");
        fs::write(&access, ACCESS).unwrap();
        let mut server = Self {
            process: None,
            release,
            data,
            directory,
            port: free_port(),
            settings: Vec::new(),
        };
        server.run();
        let role = format!("CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}'");
        server.execute(&role);
        server
    }

    /// A copy that follows it from now on. What it commits from now on is there too
    /// when it says so.
    pub fn standby(&self) -> Self {
        let directory = directory("standby");
        let mut copy = program(self.release, "pg_basebackup", &directory);
        copy.args(["--host=127.0.0.1", &format!("--port={}", self.port)])
            .args(["--username", USER, "--write-recovery-conf", "--no-sync"])
            .args(["--checkpoint=fast", "--pgdata"])
            .arg(directory.join("data"));
        run(&mut copy);
        let mut standby = Self {
            process: None,
            release: self.release,
            data: self.data,
            directory,
            port: free_port(),
            settings: Vec::new(),
        };
        standby.run();
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.execute("SELECT pg_reload_conf()");
        standby
    }

    /// Makes a standby a server of its own, which follows nobody, and waits for it.
    pub fn promote(&self) {
        self.execute("SELECT pg_promote()");
        // Nobody follows it in turn.
        self.execute("ALTER SYSTEM RESET synchronous_standby_names");
        self.execute("SELECT pg_reload_conf()");
    }

    /// Processor time of the server and of all its processes so far.
    pub fn processor(&self) -> Duration {
        let server = self.process.as_ref().unwrap().id();
        Process::of(server).processor_of_family()
    }

    /// A database of the server, with a schema.
    pub fn url(&self, schema: &str) -> String {
        url(self.port, schema)
    }

    /// The same for a new user of the server, by whom statements are counted.
    pub fn url_of_new_user(&self, user: &str, schema: &str) -> String {
        self.execute(&format!("CREATE ROLE {user} SUPERUSER LOGIN"));
        let url = self.url(schema);
        url.replace(&format!("//{USER}@"), &format!("//{user}@"))
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same, by TLS too, with the certificate of [`tls`].
    pub fn with_tls(mut self) -> Self {
        self.kill();
        for (name, file) in [("server.crt", "server.pem"), ("server.key", "server.key")] {
            let copy = self.directory.join("data").join(name);
            fs::copy(tls::file(file), &copy).unwrap();
            if let Some((user, group)) = another_user() {
                chown(&copy, Some(user), Some(group)).unwrap();
            }
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
        }
        self.settings.push("ssl=on".to_owned());
        self.run();
        self
    }

    /// The same, with all statements counted.
    pub fn with_counts(mut self) -> Self {
        self.kill();
        let library = "shared_preload_libraries=pg_stat_statements";
        self.settings.push(library.to_owned());
        self.run();
        self.execute("CREATE EXTENSION pg_stat_statements");
        self
    }

    /// How many statements a user has run so far, where they are counted.
    pub fn statements(&self, user: &str) -> u64 {
        let sql = format!(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements \
             WHERE userid = '{user}'::regrole"
        );
        self.query(&sql).parse().unwrap()
    }

    /// These statements, those first that were run most often.
    pub fn said_by(&self, user: &str) -> String {
        let sql = format!(
            "SELECT string_agg(calls || ' ' || left(query, 100), '; ' ORDER BY calls DESC) \
             FROM pg_stat_statements WHERE userid = '{user}'::regrole"
        );
        self.query(&sql)
    }

    /// Ends it at once, as if the machine had lost its power but for what the
    /// system still writes.
    pub fn kill(&mut self) {
        if let Some(process) = &self.process {
            // All its processes at once, without a last write.
            let _ = kill_process(process.pid(), Signal::QUIT);
            let mut process = self.process.take().unwrap();
            let _ = process.child().wait();
        }
    }

    /// From now on it says that a commit is there, and keeps it in memory alone. That
    /// has room for a few seconds of tests.
    pub fn forget_commits(&self) {
        for setting in ["synchronous_commit", "full_page_writes"] {
            self.execute(&format!("ALTER SYSTEM SET {setting} = off"));
        }
        self.execute("SELECT pg_reload_conf()");
        // Otherwise each page that is full is written.
        let writer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'";
        run(Command::new("kill").args(["-STOP", &self.query(writer)]));
    }

    /// Makes it answer no longer, though it is there.
    pub fn pause(&self) {
        self.signal_all("STOP");
    }

    pub fn resume(&self) {
        self.signal_all("CONT");
    }

    fn signal_all(&self, signal: &str) {
        let id = self.process.as_ref().unwrap().id();
        let mut signals = Command::new("pkill");
        signals.args([&format!("-{signal}"), "-P", &id.to_string()]);
        let _ = signals.status();
        run(Command::new("kill").args([&format!("-{signal}"), &id.to_string()]));
    }

    /// Whether it was killed, and not started again.
    pub fn is_away(&self) -> bool {
        self.process.is_none()
    }

    /// Starts it again on its data, after it was killed.
    pub fn run(&mut self) {
        let data_directory = self.directory.join("data");
        let mut server = program(self.release, "postgres", &self.directory);
        server
            .arg("-D")
            .arg(&data_directory)
            .args(["-p", &self.port.to_string(), "-k"])
            .arg(&self.directory)
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "max_connections=300", "-c", "shared_buffers=64MB"])
            .args(["-c", "log_min_messages=fatal"]);
        if self.data == Data::Volatile {
            for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
                server.args(["-c", &format!("{setting}=off")]);
            }
        }
        for setting in &self.settings {
            server.args(["-c", setting]);
        }
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.directory.join("log"))
            .unwrap();
        server.stdout(Stdio::null()).stderr(log);
        self.process = Some(Reaped::spawn(&mut server));
        self.wait();
    }

    fn wait(&mut self) {
        let begin = Instant::now();
        while !self.try_execute("SELECT 1") {
            let ended = self.process.as_mut().unwrap().child().try_wait().unwrap();
            let log = || fs::read_to_string(self.directory.join("log"));
            assert!(ended.is_none(), "{ended:?}: {:?}", log());
            assert!(begin.elapsed() < SOON, "{:?}", log());
            sleep(Duration::from_millis(20));
        }
    }

    /// Runs a statement as the owner of everything.
    pub fn execute(&self, sql: &str) {
        assert!(self.try_execute(sql), "{sql}");
    }

    /// The same, where it may fail, as if its connection ends.
    pub fn try_execute(&self, sql: &str) -> bool {
        self.psql(sql).status().unwrap().success()
    }

    /// The first column of the first row that a query answers.
    pub fn query(&self, sql: &str) -> String {
        let output = self.psql(sql).stdout(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{sql}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A schema as SQL, which [`load`](Self::load) takes.
    pub fn dump(&self, schema: &str) -> Vec<u8> {
        let mut dump = program(self.release, "pg_dump", &self.directory);
        dump.args(["--host=127.0.0.1", &format!("--port={}", self.port)])
            .args(["--username", USER, "--dbname=postgres", "--no-owner"])
            .arg(format!("--schema={schema}"));
        let output = dump.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    /// Runs many statements.
    pub fn load(&self, sql: &str) {
        let file = self.directory.join("load.sql");
        fs::write(&file, sql).unwrap();
        let mut psql = self.psql("SELECT 1");
        psql.args(["--set", "ON_ERROR_STOP=1", "--file"]).arg(&file);
        run(&mut psql);
    }

    fn psql(&self, sql: &str) -> Command {
        let mut psql = Command::new(Path::new(DEBIAN).join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--host=127.0.0.1", &format!("--port={}", self.port)])
            .args(["--username", USER, "--dbname=postgres", "--command", sql])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        psql
    }
}

/// PgBouncer in transaction mode: a connection is another one after each
/// transaction.
pub struct Pooler {
    _process: Reaped,
    port: u16,
}

impl Pooler {
    pub fn start(server: &Postgres) -> Self {
        let directory = directory("pgbouncer");
        let port = free_port();
        let settings = directory.join("pgbouncer.ini");
        let users = directory.join("users.txt");
        fs::write(&users, format!("\"{USER}\" \"\"\n")).unwrap();
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\n\
             pool_mode = transaction\nmax_client_conn = 1000\ndefault_pool_size = 40\n\
             logfile = {}\n",
            server.port,
            users.display(),
            directory.join("log").display(),
        );
        fs::write(&settings, text).unwrap();
        let mut pooler = as_another(Command::new("/usr/sbin/pgbouncer"));
        pooler.arg("--quiet").arg(&settings);
        pooler.stdout(Stdio::null()).stderr(Stdio::null());
        let process = Reaped::spawn(&mut pooler);
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < SOON, "the pooler does not answer");
            sleep(Duration::from_millis(20));
        }
        Self {
            _process: process,
            port,
        }
    }

    pub fn url(&self, schema: &str) -> String {
        url(self.port, schema)
    }
}

/// A schema that no other test has.
pub fn new_schema() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn url(port: u16, schema: &str) -> String {
    format!("postgres://{USER}@127.0.0.1:{port}/postgres?sslmode=prefer&schema={schema}")
}

/// A directory that the server's user owns.
fn directory(name: &str) -> PathBuf {
    let directory = scratch(name);
    if let Some((user, group)) = another_user() {
        chown(&directory, Some(user), Some(group)).unwrap();
        // So that it can be reached by that user.
        let parent = directory.parent().unwrap();
        fs::set_permissions(parent, fs::Permissions::from_mode(0o711)).unwrap();
    }
    directory
}

fn program(release: Release, name: &str, directory: &Path) -> Command {
    let programs = match release {
        Release::Fifteen => PathBuf::from(DEBIAN),
        Release::Eighteen => artifacts::postgres_18(),
    };
    let mut command = as_another(Command::new(programs.join(name)));
    // Otherwise it complains of the directory that it cannot read.
    command.current_dir(directory).env_remove("PGDATA");
    command
}

/// Root lends another user.
fn as_another(mut command: Command) -> Command {
    if let Some((user, group)) = another_user() {
        command.uid(user).gid(group);
    }
    command
}

fn another_user() -> Option<(u32, u32)> {
    let id = |flag: &str| {
        let output = Command::new("id").args([flag, USER]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().parse().unwrap()
    };
    geteuid().is_root().then(|| (id("-u"), id("-g")))
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {log}");
}
