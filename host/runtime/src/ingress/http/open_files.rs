//! How many connections the limit of open files allows.

use anyhow::bail;
use rustix::process::{Resource, getrlimit};

/// Most connections at a time.
const MAX_CONNECTIONS: usize = 4096;

/// With fewer, even a browser and its proxy run short.
const MIN_CONNECTIONS: usize = 16;

/// Files that the stores, listeners and the runtime have open, with a margin.
const OF_PROCESS: usize = 128;

/// Files of a task in flight: connections for the original and to the provider, and an
/// image that is read or written.
const OF_TASK: usize = 4;

/// Files of a connection: its socket, an image being sent and one being received.
const OF_CONNECTION: usize = 3;

/// How many files this process may have open.
pub fn limit() -> usize {
    let current = getrlimit(Resource::Nofile).current;
    current.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}

/// How many connections are possible with this many files and tasks in flight.
pub fn connections(files: usize, concurrency: usize) -> anyhow::Result<usize> {
    let reserved = reserved(concurrency);
    let connections = files.saturating_sub(reserved) / OF_CONNECTION;
    if connections < MIN_CONNECTIONS {
        let needed = reserved + OF_CONNECTION * MIN_CONNECTIONS;
        bail!(
            "this process may open {files} files, and needs {needed} with a concurrency of \
             {concurrency}: raise the limit (`ulimit -n`), or lower `concurrency`"
        );
    }
    Ok(connections.min(MAX_CONNECTIONS))
}

fn reserved(concurrency: usize) -> usize {
    OF_PROCESS.saturating_add(OF_TASK.saturating_mul(concurrency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_follow_from_the_limit_of_open_files() {
        for (files, concurrency, expected) in [
            (usize::MAX, 64, Some(4096)),
            (65_536, 64, Some(4096)),
            (1024, 64, Some(213)),
            (512, 64, Some(42)),
            (512, 80, Some(21)),
            (512, 90, None),
            (64, 1, None),
        ] {
            let connections = connections(files, concurrency).ok();
            assert_eq!(connections, expected, "{files} files, {concurrency} tasks");
        }
    }
}
