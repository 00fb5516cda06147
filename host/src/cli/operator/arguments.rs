//! The definitions of `tasks`, `queue`, `audit` and `usage`.

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgGroup, Command, value_parser};
use concept_refinement_capability::administration::UsageGroup;
use concept_refinement_domain::task::Status;

use super::super::arguments::{flag, json, option, with_settings};
use super::client::parse_url;
use super::filter::{NAMES, When};
use super::id;
use crate::config::table;

pub fn tasks() -> Command {
    let list = Command::new("list")
        .about("Lists tasks of all users, the newest first")
        .long_about(
            "Lists tasks of all users, the newest first. With --json it is one document, as the \
             service answers it, or with --all a task on each line.",
        )
        .args(filter())
        .arg(limit())
        .arg(flag("all").conflicts_with("limit").help("List all of them"));
    let show = Command::new("show")
        .about("Shows a task and its story")
        .arg(task_id().required(true));
    let retry = acting(
        "retry",
        "Resubmits failed tasks",
        "Resubmits failed tasks, as new ones of the same users, outside of their quotas. With a \
         filter, only the newest one of each user is retried, if the user may still want it; the \
         others are reported as failed, with the reason.",
    );
    let cancel = acting(
        "cancel",
        "Fails tasks that have not ended, and gives their quota back",
        "Fails tasks that have not ended, and gives their quota back. With a filter, those that \
         have ended are reported as failed.",
    );
    let delete = acting(
        "delete",
        "Deletes tasks in any state, or all that a user has",
        "Deletes tasks in any state. With --user and no other filter it erases the user: all of \
         their tasks, concepts, images, keys and webhooks.",
    );
    Command::new("tasks")
        .about("Shows the tasks of a running service, and acts on them")
        .subcommand_required(true)
        .subcommands([list, show, retry, cancel, delete].map(asking))
}

pub fn queue() -> Command {
    let status = Command::new("status").about("Shows what waits and what is in progress");
    let pause = Command::new("pause")
        .about("Lets nothing begin, on all hosts, until it is resumed")
        .arg(reason());
    let resume = Command::new("resume")
        .about("Lets tasks begin again")
        .arg(reason());
    let drain = Command::new("drain")
        .about("Pauses the queue, and waits until nothing is in progress")
        .long_about(
            "Pauses the queue, and waits until nothing is in progress. If it is stopped before, \
             the queue stays paused.",
        )
        .arg(reason());
    Command::new("queue")
        .about("Shows the queue of a running service, and pauses it")
        .subcommand_required(true)
        .subcommands([status, pause, resume, drain].map(asking))
}

pub fn audit() -> Command {
    let audit = Command::new("audit")
        .about("Lists what operators did, the latest first")
        .arg(limit());
    asking(audit)
}

pub fn usage() -> Command {
    let usage = Command::new("usage")
        .about("Shows what users spent")
        .long_about(
            "Shows what users spent, with what is reserved for tasks that have not ended and for \
             calls that were perhaps paid, and the calls whose price is unknown. It is known for 400 days; who was erased is shown under \
             a pseudonym.",
        )
        .arg(
            option("group", "GROUP")
                .value_parser(UsageGroup::ALL.map(UsageGroup::as_str))
                .default_value(UsageGroup::User.as_str())
                .help("A sum for each user, model or day"),
        )
        .arg(time("since").help(
            "Of tasks submitted in the hour of this time or later: a time, or how long ago, as 30d",
        ))
        .arg(time("until").help("Of tasks submitted in hours that began before then"))
        .arg(
            flag("csv")
                .conflicts_with("json")
                .help("Print what was found as CSV, for spreadsheets"),
        );
    asking(usage)
}

/// Arguments of each command that uses a service.
fn asking(command: Command) -> Command {
    let command = command
        .arg(json())
        .arg(option("admin-url", "URL").value_parser(parse_url).help(
            "Ask the service whose admin-listen is reached there, with the token in \
                 REFINEMENT_ADMIN_TOKEN, or in REFINEMENT_ADMIN_READ_TOKEN to read [default: the \
                 service that runs on the data directory]",
        ));
    with_settings(command, Some(table::Command::Operator))
}

/// A command that acts on one task, or on all tasks that match a filter.
fn acting(name: &'static str, about: &'static str, long_about: &'static str) -> Command {
    let which = ["id"].into_iter().chain(NAMES);
    Command::new(name)
        .about(about)
        .long_about(format!(
            "{long_about} With a filter, you are shown how many tasks match, and asked to confirm."
        ))
        .arg(task_id().conflicts_with_all(NAMES))
        .args(filter())
        .group(
            ArgGroup::new("which")
                .args(which)
                .required(true)
                .multiple(true),
        )
        .arg(reason())
        .arg(flag("yes").help("Do not ask before acting on what a filter matches"))
}

fn task_id() -> Arg {
    Arg::new("id")
        .value_name("ID")
        .value_parser(id::parse)
        .help("The task, by its id or a beginning that no other id has")
}

/// An empty value is refused: it would match more than is meant.
fn filter() -> [Arg; 6] {
    let text = |name, value| option(name, value).value_parser(NonEmptyStringValueParser::new());
    [
        text("status", "STATUS")
            .value_parser(Status::ALL.map(Status::as_str))
            .help("Tasks with this status"),
        text("user", "USER").help("Tasks of this user"),
        time("since").help("Tasks created then or later: a time, or how long ago, as 2h"),
        time("until").help("Tasks created before then"),
        text("error", "TEXT").help("Tasks whose error message contains this"),
        text("model", "NAME").help("Tasks for which this model was asked"),
    ]
}

fn time(name: &'static str) -> Arg {
    option(name, "TIME").value_parser(When::parse)
}

fn limit() -> Arg {
    option("limit", "N")
        .value_parser(value_parser!(u64).range(1..))
        .default_value("50")
        .help("How many at most")
}

fn reason() -> Arg {
    option("reason", "TEXT")
        .required(true)
        .value_parser(NonEmptyStringValueParser::new())
        .help("Why, for the audit")
}
