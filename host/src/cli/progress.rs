//! A progress bar on a terminal; nothing elsewhere.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::task::Stage;
use concept_refinement_runtime::model::output::Listener;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::settings;
use super::terminal::{in_a_line, say};

/// Steps per image; the last one is writing the result.
const STEPS: u64 = 4;

const TICK: Duration = Duration::from_millis(120);

pub struct Progress(ProgressBar);

/// The steps of one image.
pub struct Steps<'a> {
    bar: &'a ProgressBar,
    name: String,
    taken: u64,
}

/// A bar on standard error, if that is a terminal, and not if logging is enabled. None: the
/// number of steps is not known.
pub fn bar(steps: Option<u64>, template: &str) -> ProgressBar {
    let target = match settings::is_verbose() {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    };
    let bar = ProgressBar::with_draw_target(steps, target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    if !bar.is_hidden() {
        bar.enable_steady_tick(TICK);
    }
    bar
}

impl Progress {
    pub fn new(images: usize) -> Self {
        let steps = u64::try_from(images)
            .unwrap_or(u64::MAX)
            .saturating_mul(STEPS);
        let bar = bar(Some(steps), "{spinner} [{bar:20}] {elapsed} {wide_msg}");
        bar.set_message("starting");
        Self(bar)
    }

    pub fn of(&self, name: String) -> Steps<'_> {
        Steps {
            bar: &self.0,
            name,
            taken: 0,
        }
    }

    /// Shows messages about slow steps before the first image.
    pub fn telling(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let bar = self.0.clone();
        move |sentence| bar.println(in_a_line(sentence))
    }

    /// Shows what models print, and why they crash.
    pub fn listening(&self) -> Arc<dyn Listener> {
        Arc::new(Printed(self.0.clone()))
    }

    /// Prints a line above the progress bar, if there is one.
    pub fn done(&self, sentence: &str) {
        self.0.println(sentence);
    }

    /// Prints a line, with or without a progress bar.
    pub fn tell(&self, sentence: &str) {
        self.0.suspend(|| say(sentence));
    }
}

struct Printed(ProgressBar);

impl Listener for Printed {
    fn line(&self, model: &str, line: &str) {
        self.0.suspend(|| print(&format!("{model} | {line}")));
    }

    fn crash(&self, model: &str, reason: &str) {
        self.0
            .suspend(|| print(&format!("{model} crashed: {reason}")));
    }
}

/// Prints to standard error and ignores errors.
fn print(line: &str) {
    let _ = writeln!(io::stderr(), "{}", in_a_line(line));
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Steps<'_> {
    pub fn began(&mut self, stage: Stage) {
        let (step, what) = match stage {
            Stage::Downloading => (0, "downloading"),
            Stage::Refining => (1, "refining"),
            Stage::StoringImage => (2, "storing"),
            Stage::StoringConcept => (3, "storing"),
        };
        self.advance_to(step);
        self.bar.set_message(format!("{}: {what}", self.name));
    }

    fn advance_to(&mut self, step: u64) {
        self.bar.inc(step.saturating_sub(self.taken));
        self.taken = self.taken.max(step);
    }
}

impl Drop for Steps<'_> {
    fn drop(&mut self) {
        self.advance_to(STEPS);
    }
}
