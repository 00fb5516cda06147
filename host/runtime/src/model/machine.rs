//! The memory that this process may use: the machine's, or less if a control group of the
//! process, or one that contains it, has a lower limit.

use std::fs;
use std::path::{Path, PathBuf};

/// In bytes. None: unknown.
pub fn memory() -> Option<u64> {
    memory_below(Path::new("/"))
}

/// `root`: where the system's files are; differs in tests.
fn memory_below(root: &Path) -> Option<u64> {
    let read = |path: &Path| fs::read_to_string(root.join(path.strip_prefix("/").ok()?)).ok();
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let mounts = read(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let limits = limit_files(&groups, &mounts)
        .into_iter()
        // Without a limit the file contains "max", or a number beyond any real memory.
        .filter_map(|path| read(&path)?.trim().parse().ok());
    let total = read(Path::new("/proc/meminfo")).and_then(|all| total(&all));
    limits.chain(total).min()
}

/// A mounted hierarchy of control groups (`cgroups(7)`).
struct Hierarchy<'a> {
    /// The group that is visible at the mount point.
    root: &'a str,
    point: &'a str,
    is_v2: bool,
}

/// The limit files of the process's group and of all groups that contain it, as far as
/// they are visible. `groups`: `/proc/self/cgroup`; `mounts`: `/proc/self/mountinfo`.
fn limit_files(groups: &str, mounts: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for hierarchy in mounts.lines().filter_map(hierarchy) {
        let group = groups.lines().find_map(|line| group(line, hierarchy.is_v2));
        let name = match hierarchy.is_v2 {
            true => "memory.max",
            false => "memory.limit_in_bytes",
        };
        // A group that is not below the mounted one is invisible, except for the mounted
        // one itself.
        let below = Path::new(group.unwrap_or("/")).strip_prefix(hierarchy.root);
        let below = below.unwrap_or(Path::new(""));
        let ancestors = below.ancestors();
        files.extend(ancestors.map(|group| Path::new(hierarchy.point).join(group).join(name)));
    }
    files
}

/// Parses a line such as
/// `30 24 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw`.
fn hierarchy(mount: &str) -> Option<Hierarchy<'_>> {
    let (mount, kind) = mount.split_once(" - ")?;
    let mut kind = kind.split(' ');
    let is_v2 = match kind.next()? {
        "cgroup2" => true,
        // The options follow the device, and name the controllers.
        "cgroup" if kind.nth(1)?.split(',').any(|option| option == "memory") => false,
        _ => return None,
    };
    let mut fields = mount.split(' ').skip(3);
    Some(Hierarchy {
        root: fields.next()?,
        point: fields.next()?,
        is_v2,
    })
}

/// Parses a line such as `0::/system.slice/refinement.service`, or
/// `4:cpu,memory:/docker/1f`.
fn group(line: &str, is_v2: bool) -> Option<&str> {
    let (number, rest) = line.split_once(':')?;
    let (controllers, group) = rest.split_once(':')?;
    let is_meant = match is_v2 {
        true => number == "0" && controllers.is_empty(),
        false => controllers.split(',').any(|name| name == "memory"),
    };
    is_meant.then_some(group)
}

/// Reads the total from `/proc/meminfo`.
fn total(all: &str) -> Option<u64> {
    let line = all
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &str = "30 24 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
    const V1: &str = "\
        31 30 0:28 / /sys/fs/cgroup/cpu rw shared:5 - cgroup cgroup rw,cpu,cpuacct\n\
        32 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
    /// A Docker container that sees the group names of its host.
    const BOUND: &str = "\
        32 30 0:29 /docker/1f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
    const UNIT: &str = "0::/system.slice/refinement.service\n";

    const GIB: u64 = 1 << 30;
    const TOTAL: u64 = 8 * GIB;

    #[test]
    fn the_smallest_limit_around_the_process_counts() {
        type Case<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)], u64);
        let unlimited = "9223372036854771712\n";
        const ONE: &str = "1073741824\n";
        const TWO: &str = "2147483648\n";
        let cases: &[Case<'_>] = &[
            ("no groups", "", "", &[], TOTAL),
            ("no list of groups", "", V2, &[("", ONE)], GIB),
            ("no limit", UNIT, V2, &[("", "max\n")], TOTAL),
            ("a container's own", "0::/\n", V2, &[("", ONE)], GIB),
            (
                "of the unit",
                UNIT,
                V2,
                &[
                    ("system.slice", "max\n"),
                    ("system.slice/refinement.service", ONE),
                ],
                GIB,
            ),
            (
                "of the slice around it",
                UNIT,
                V2,
                &[
                    ("system.slice", ONE),
                    ("system.slice/refinement.service", TWO),
                ],
                GIB,
            ),
            ("of others", UNIT, V2, &[("user.slice", "1\n")], TOTAL),
            (
                "more than there is",
                UNIT,
                V2,
                &[("system.slice", "1099511627776\n")],
                TOTAL,
            ),
            (
                "version 1, nested",
                "5:cpu,cpuacct:/\n4:memory:/a/b\n0::/c\n",
                V1,
                &[
                    ("memory", unlimited),
                    ("memory/a", ONE),
                    ("memory/a/b", unlimited),
                    ("memory/c", "1\n"),
                ],
                GIB,
            ),
            (
                "version 1, of a container that sees its host's names",
                "4:memory:/docker/1f/inner\n",
                BOUND,
                &[("memory", TWO), ("memory/inner", ONE)],
                GIB,
            ),
            (
                "a group outside of what is mounted",
                "4:memory:/elsewhere\n",
                BOUND,
                &[("memory", ONE)],
                GIB,
            ),
            (
                "no lists at all",
                "\n::\n0:",
                "- \n1 2 - cgroup2",
                &[],
                TOTAL,
            ),
        ];
        for (name, groups, mounts, limits, expected) in cases {
            let root = tempfile::tempdir().unwrap();
            let write = |path: PathBuf, contents: &str| {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, contents).unwrap();
            };
            write(root.path().join("proc/self/cgroup"), groups);
            write(root.path().join("proc/self/mountinfo"), mounts);
            let total = format!("MemFree: 5 kB\nMemTotal:  {} kB\n", TOTAL / 1024);
            write(root.path().join("proc/meminfo"), &total);
            for (path, limit) in *limits {
                let file = match mounts.contains("cgroup2") {
                    true => "memory.max",
                    false => "memory.limit_in_bytes",
                };
                let groups = root.path().join("sys/fs/cgroup");
                write(groups.join(path).join(file), limit);
            }
            assert_eq!(memory_below(root.path()), Some(*expected), "{name}");
        }
        let nowhere = tempfile::tempdir().unwrap();
        assert_eq!(memory_below(nowhere.path()), None);
    }
}
