//! What is looked at every few seconds, and what must not grow.

use std::fs;
use std::path::Path;
use std::time::Duration;

use concept_refinement_tests::figures::show;
use concept_refinement_tests::process::Usage;

use crate::megabytes;

#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Since the load began.
    pub at: Duration,
    pub usage: Usage,
    pub files: Files,
    /// Of the API, since the sample before.
    pub requests: usize,
    pub p99: Duration,
}

/// What the data directory holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files {
    pub uploads: usize,
    pub refined: usize,
    /// Everything else but compiled code: the store, locks, drafts.
    pub others: usize,
    /// In bytes, as are the next.
    pub store: u64,
    pub log: u64,
    /// All uploads, refined images and drafts.
    pub images: u64,
}

impl Files {
    pub fn of(data: &Path) -> Self {
        let mut files = Self::default();
        files.count(data);
        files
    }

    fn count(&mut self, directory: &Path) {
        // What is listed may be gone a moment later.
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_name() == "compiled" {
                continue;
            }
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                self.count(&path);
                continue;
            }
            let within = |kind: &str| path.components().any(|part| part.as_os_str() == kind);
            match path.file_name().and_then(|name| name.to_str()) {
                Some("tasks.sqlite") => self.store = metadata.len(),
                Some("tasks.sqlite-wal") => self.log = metadata.len(),
                _ => self.images += metadata.len(),
            }
            match () {
                () if within("uploads") => self.uploads += 1,
                () if within("refined") => self.refined += 1,
                () => self.others += 1,
            }
        }
    }
}

/// A figure that may grow by a share of itself and by so much.
struct Bounded {
    name: &'static str,
    share: f64,
    slack: f64,
    of: fn(&Sample) -> f64,
}

const fn bounded(name: &'static str, share: f64, slack: f64, of: fn(&Sample) -> f64) -> Bounded {
    Bounded {
        name,
        share,
        slack,
        of,
    }
}

/// The slack is what load that is never twice the same moves them by.
const BOUNDED: [Bounded; 8] = [
    bounded("the resident memory in MiB", 0.1, 8.0, |it| {
        megabytes(it.usage.resident)
    }),
    bounded("the number of handles", 0.1, 10.0, |it| {
        it.usage.handles as f64
    }),
    bounded("the number of threads", 0.1, 8.0, |it| {
        it.usage.threads as f64
    }),
    bounded("the number of uploads", 0.2, 20.0, |it| {
        it.files.uploads as f64
    }),
    bounded("the number of refined images", 0.2, 20.0, |it| {
        it.files.refined as f64
    }),
    bounded("the number of other files", 0.0, 10.0, |it| {
        it.files.others as f64
    }),
    bounded("the store's file in MiB", 0.2, 1.0, |it| {
        megabytes(it.files.store)
    }),
    bounded("the store's write-ahead log in MiB", 0.2, 4.0, |it| {
        megabytes(it.files.log)
    }),
];

pub fn show_table(samples: &[Sample]) {
    show(
        "  time  resident  anon  handles  threads  uploads  refined  other  store    log  \
         requests   p99",
    );
    // At most so many lines, however long it took.
    for sample in samples.iter().step_by(samples.len().div_ceil(40).max(1)) {
        let Sample {
            at, usage, files, ..
        } = sample;
        show(&format!(
            "{:5.0}s {:7.1}M {:4.0}M {:8} {:8} {:8} {:8} {:6} {:5.1}M {:5.1}M {:9} {:5.1?}",
            at.as_secs_f64(),
            megabytes(usage.resident),
            megabytes(usage.anonymous),
            usage.handles,
            usage.threads,
            files.uploads,
            files.refined,
            files.others,
            megabytes(files.store),
            megabytes(files.log),
            sample.requests,
            sample.p99,
        ));
    }
}

/// Compares the last third with the first; a sentence for each figure that
/// grew. Both are to be without the time in which everything fills for once.
pub fn grown(samples: &[Sample]) -> Vec<String> {
    let third = samples.len() / 3;
    assert!(third > 0, "there are too few samples");
    let (first, last) = (&samples[..third], &samples[samples.len() - third..]);
    let grown = BOUNDED.iter().filter_map(|bounded| {
        let (before, after) = (median(first, bounded.of), median(last, bounded.of));
        let allowed = before * (1.0 + bounded.share) + bounded.slack;
        let name = bounded.name;
        show(&format!(
            "{name}: {before:.1}, then {after:.1}, at most {allowed:.1}"
        ));
        (after > allowed)
            .then(|| format!("{name} grew from {before:.1} to {after:.1} under steady load"))
    });
    grown.collect()
}

fn median(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn what_grows_is_named_and_what_sways_is_not() {
    let samples = |handles: fn(usize) -> usize| -> Vec<Sample> {
        let usage = (0..30).map(|at| Usage {
            handles: handles(at),
            ..Usage::default()
        });
        usage
            .map(|usage| Sample {
                usage,
                ..Sample::default()
            })
            .collect()
    };
    assert_eq!(grown(&samples(|at| 30 + at % 7)), Vec::<String>::new());
    assert_eq!(
        grown(&samples(|at| 30 + 2 * at)),
        ["the number of handles grew from 40.0 to 80.0 under steady load"]
    );
}
