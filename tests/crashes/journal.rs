//! What the processes of a world noted of their tasks, and a test of what it did to
//! them, in the order in which it happened: whose each attempt was, and why it was
//! lost.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use concept_refinement_domain::lease::MAX_DEATHS;

/// What a test notes of a process: it is or was killed, it may lose what it has, and
/// it may do so no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Killed,
    Disturbed,
    Undisturbed,
}

#[derive(Default)]
pub struct Journal {
    tasks: BTreeMap<String, History>,
    /// By the process.
    troubles: BTreeMap<u32, Vec<Span>>,
}

/// Numbers of lines, both included.
#[derive(Clone, Copy, Debug)]
struct Span {
    begin: usize,
    end: usize,
}

/// Of one task.
#[derive(Default)]
struct History {
    /// By which process, and the number of the line.
    submitted: Option<(u32, usize)>,
    attempts: BTreeMap<u32, Attempt>,
    /// Of the model: by which process, and the number of the line.
    calls: Vec<(u32, usize)>,
    /// The first line by which an answer was kept.
    kept: Option<usize>,
    /// Whether a worker wrote to it that had lost it.
    has_late_writes: bool,
    lines: Vec<String>,
}

/// From when its process asked for it to when it had it.
#[derive(Clone, Copy)]
struct Attempt {
    process: u32,
    begin: usize,
    claimed: usize,
}

impl Trouble {
    fn as_str(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Disturbed => "disturbed",
            Self::Undisturbed => "undisturbed",
        }
    }

    pub fn note(self, journal: &Path, process: u32) {
        let mut journal = File::options().append(true).open(journal).unwrap();
        let line = format!("{process} {}\n", self.as_str());
        journal.write_all(line.as_bytes()).unwrap();
    }
}

impl Journal {
    pub fn of(path: &Path) -> Self {
        Self::read(&fs::read_to_string(path).unwrap())
    }

    fn read(text: &str) -> Self {
        let mut journal = Self::default();
        let mut reading = Reading::default();
        for (number, line) in text.lines().enumerate() {
            let mut words = line.split(' ');
            let process = words.next().and_then(|word| word.parse().ok());
            let process = process.unwrap_or_else(|| panic!("no such line in a journal: {line}"));
            let words: Vec<&str> = words.collect();
            match words.as_slice() {
                ["killed" | "disturbed"] => {
                    let troubles = journal.troubles.entry(process).or_default();
                    let (begin, end) = (number, usize::MAX);
                    troubles.push(Span { begin, end });
                }
                ["undisturbed"] => {
                    let troubles = journal.troubles.get_mut(&process);
                    if let Some(last) = troubles.and_then(|troubles| troubles.last_mut()) {
                        last.end = number;
                    }
                }
                [what, task, rest @ ..] => {
                    let attempt = rest.first().map(|attempt| attempt.parse().unwrap());
                    let history = journal.tasks.entry((*task).to_owned()).or_default();
                    let told = line.replace(&format!(" {task}"), "");
                    history.lines.push(format!("{number}: {told}"));
                    reading.note(history, (process, number), what, task, attempt);
                }
                [_] | [] => panic!("no such line in a journal: {line}"),
            }
        }
        journal
    }

    /// How often the model was asked.
    pub fn calls(&self) -> usize {
        self.tasks.values().map(|task| task.calls.len()).sum()
    }

    /// How many tasks have an image.
    pub fn stored_images(&self) -> usize {
        let kept = self.tasks.values().filter_map(|task| task.kept);
        kept.count()
    }

    /// To which process each task was submitted, and the number of the line.
    pub fn submissions(&self) -> impl Iterator<Item = (u32, usize)> {
        self.tasks.values().filter_map(|task| task.submitted)
    }

    /// The tasks that were submitted to a process in trouble.
    pub fn submitted_in_trouble(&self) -> Vec<&str> {
        let is_in_trouble = |history: &History| {
            let submitted = history.submitted;
            submitted.is_some_and(|(process, line)| self.is_troubled(process, line, line))
        };
        let tasks = self.tasks.iter();
        let tasks = tasks.filter(|(_, history)| is_in_trouble(history));
        tasks.map(|(task, _)| task.as_str()).collect()
    }

    /// Whether any worker wrote to a task that it had lost.
    pub fn has_late_writes(&self) -> bool {
        self.tasks.values().any(|task| task.has_late_writes)
    }

    /// Of each task that lost a worker, how many.
    pub fn losses(&self) -> Vec<usize> {
        let losses = self.tasks.values().map(|task| task.lost().count());
        losses.filter(|losses| *losses > 0).collect()
    }

    /// By whom each attempt at a task was made that a worker asked for.
    pub fn workers(&self, task: &str) -> Vec<u32> {
        let attempts = self.tasks.get(task).map(|task| task.attempts.values());
        attempts.map_or(Vec::new(), |attempts| {
            attempts.map(|attempt| attempt.process).collect()
        })
    }

    /// What was noted of a task, with the numbers of the lines.
    pub fn of_task(&self, task: &str) -> String {
        let lines = self.tasks.get(task).map(|task| task.lines.join(", "));
        format!("{task}, {}", lines.unwrap_or_default())
    }

    /// Each attempt but the last was lost for a reason. The model is asked once by
    /// each attempt, and not by one that begins when its answer is kept.
    pub fn violations(&self, task: &str, is_asked: bool) -> Vec<String> {
        let mut found = Vec::new();
        let none = History::default();
        let history = self.tasks.get(task).unwrap_or(&none);
        for (number, attempt, until) in history.lost() {
            if !self.excuses(attempt, until) {
                let process = attempt.process;
                found.push(format!(
                    "attempt {number}, of process {process}, was lost for no reason"
                ));
            }
        }
        let processes: BTreeSet<u32> = history.calls.iter().map(|(process, _)| *process).collect();
        for process in processes {
            // Which of several attempts of one process asks cannot be told.
            let calls = history.calls_of(process, 0);
            let attempts = history.attempts_of(process, usize::MAX);
            if calls > attempts {
                found.push(format!(
                    "the model was asked {calls} times for {attempts} attempts"
                ));
            }
            // Who began before may not have asked yet.
            if let Some(kept) = history.kept {
                let later = history.calls_of(process, kept);
                let asking = (history.attempts_of(process, kept) + later).saturating_sub(calls);
                if later > asking {
                    found.push("the model was asked although its answer was kept".to_owned());
                }
            }
        }
        if is_asked && history.calls.is_empty() {
            found.push("the model was never asked".to_owned());
        }
        if history.has_late_writes {
            found.push("a worker that had lost it wrote to it".to_owned());
        }
        found
    }

    /// Whether its workers died as often as may be, each for a reason.
    ///
    /// Of an attempt that was claimed without an answer nobody knows whose it was: it
    /// may have been of any process that was in trouble then, and one trouble may
    /// have cost several. That the last one was lost is not noted, so a trouble of its
    /// process counts whenever it was after the claim.
    pub fn may_be_given_up(&self, task: &str) -> bool {
        let Some(history) = self.tasks.get(task) else {
            return false;
        };
        let last = history.attempts.keys().next_back().copied();
        let count = last.unwrap_or_default().max(MAX_DEATHS);
        (1..=count).all(|number| match history.attempts.get(&number) {
            Some(attempt) => self.excuses(attempt, history.end_of(number)),
            None => {
                let begin = history.begin_of(number);
                let end = history.end_of(number);
                let mut troubles = self.troubles.values().flatten();
                troubles.any(|trouble| trouble.meets(Span { begin, end }))
            }
        })
    }

    /// `end`: the line of the next attempt. A process that stood still may have noted this one
    /// after it, but it was claimed before.
    fn excuses(&self, attempt: &Attempt, end: usize) -> bool {
        self.is_troubled(attempt.process, attempt.begin.min(end), end)
    }

    fn is_troubled(&self, process: u32, begin: usize, end: usize) -> bool {
        let troubles = self.troubles.get(&process);
        troubles.is_some_and(|troubles| {
            let mut troubles = troubles.iter();
            troubles.any(|trouble| trouble.meets(Span { begin, end }))
        })
    }
}

impl Span {
    fn meets(self, other: Self) -> bool {
        self.begin <= other.end && other.begin <= self.end
    }
}

impl History {
    /// Each attempt after which there was another, with its number and the line of
    /// the next one.
    fn lost(&self) -> impl Iterator<Item = (u32, &Attempt, usize)> {
        let next = self.attempts.values().skip(1);
        let lost = self.attempts.iter().zip(next);
        lost.map(|((number, attempt), next)| (*number, attempt, next.claimed))
    }

    /// The first line at which an attempt that nobody noted can have begun.
    fn begin_of(&self, number: u32) -> usize {
        let earlier = self.attempts.range(..number).next_back();
        let submitted = self.submitted.map_or(0, |(_, line)| line);
        earlier.map_or(submitted, |(_, attempt)| attempt.claimed)
    }

    /// The line before which an attempt ended.
    fn end_of(&self, number: u32) -> usize {
        let later = self.attempts.range(number + 1..).next();
        later.map_or(usize::MAX, |(_, attempt)| attempt.claimed)
    }

    fn calls_of(&self, process: u32, from: usize) -> usize {
        let calls = self.calls.iter();
        calls
            .filter(|(other, line)| *other == process && *line >= from)
            .count()
    }

    fn attempts_of(&self, process: u32, until: usize) -> usize {
        let attempts = self.attempts.values();
        attempts
            .filter(|attempt| attempt.process == process && attempt.claimed <= until)
            .count()
    }
}

/// What has to be remembered from one line to another.
#[derive(Default)]
struct Reading {
    /// Claims that are not answered: by the process and the task, the line.
    claims: HashMap<(u32, String), usize>,
    /// Writes that are not confirmed: by the process, the task and the attempt,
    /// whether it was lost before.
    writes: HashMap<(u32, String, u32), bool>,
}

impl Reading {
    fn note(
        &mut self,
        history: &mut History,
        (process, number): (u32, usize),
        what: &str,
        task: &str,
        attempt: Option<u32>,
    ) {
        let claim = (process, task.to_owned());
        match (what, attempt) {
            ("submits", None) => history.submitted = Some((process, number)),
            ("claims", None) => {
                self.claims.insert(claim, number);
            }
            ("claimed", Some(attempt)) => {
                let asked = self.claims.get(&claim).copied().unwrap_or(number);
                // It may have been claimed by the submission.
                let begin = match history.submitted {
                    Some((submitted_by, line)) if attempt == 1 && submitted_by == process => line,
                    _ => asked,
                };
                history.attempts.entry(attempt).or_insert(Attempt {
                    process,
                    begin,
                    claimed: number,
                });
            }
            ("asked", None) => history.calls.push((process, number)),
            ("kept", None) => {
                history.kept.get_or_insert(number);
            }
            ("writes", Some(attempt)) => {
                let newest = history.attempts.keys().next_back();
                let is_lost = newest.is_some_and(|newest| *newest > attempt);
                self.writes
                    .insert((process, task.to_owned(), attempt), is_lost);
            }
            // If it had lost the task before it asked.
            ("wrote", Some(attempt)) => {
                let begun = self.writes.get(&(process, task.to_owned(), attempt));
                history.has_late_writes |= begun == Some(&true);
            }
            _ => panic!("no such line in a journal: {what} {task}"),
        }
    }
}
