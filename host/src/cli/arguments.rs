//! The definition of the command line.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};
use clap_complete::Shell;
use concept_refinement_domain::aspect::Aspect;
use concept_refinement_domain::partial_edit::Region;

use super::model::templates::{KINDS, LANGUAGES};
use super::operator::arguments as operator;
use super::operator::client::parse_url;
use super::settings;
use crate::config::table;

/// The exit statuses, as shown in the help.
pub const STATUSES: &str = "Exit status: 0 on success; 1 on failure; 2 if the command line or a setting \
     cannot be used; 128 plus the number of the signal that stopped it.";

/// `X,Y,W,H`.
fn region(text: &str) -> Result<Region, String> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[x, y, width, height]) => Ok(Region {
            x,
            y,
            width,
            height,
        }),
        _ => Err("must be four whole numbers, as in 10,20,300,200".to_owned()),
    }
}

/// All commands with their flags.
pub fn command() -> Command {
    Command::new("concept-refinement")
        .about("Refines images by a prompt")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(STATUSES)
        .subcommand(serve())
        .subcommand(refine())
        .subcommand(mcp())
        .subcommand(check())
        .subcommand(token())
        .subcommand(backup())
        .subcommand(restore())
        .subcommand(move_stores())
        .subcommand(model())
        .subcommand(health())
        .subcommand(verify())
        .subcommand(operator::tasks())
        .subcommand(operator::queue())
        .subcommand(operator::audit())
        .subcommand(operator::usage())
        .subcommand(completions())
        .subcommand(man())
        .subcommand(
            Command::new("vocabulary").about("Prints the words that the local model understands"),
        )
}

fn serve() -> Command {
    Command::new("serve")
        .about("Serves the API and processes tasks")
        .args(settings::sources())
        .args(settings::flags(None))
}

fn refine() -> Command {
    let command = Command::new("refine")
        .about("Refines images without a service")
        .long_about(
            "Refines images without a service: runs the same pipeline once for each, and keeps \
             nothing but the result. It is written whole or not at all.",
        )
        .arg(
            path("image", "IMAGE")
                .num_args(1..)
                .help("A file, an http or https URL, or - for standard input"),
        )
        .arg(
            required("prompt", "PROMPT")
                .help("What to change, in 1 to 2000 characters"),
        )
        .arg(path("output", "OUT").long("output").short('o').help(
            "A file, - for standard output, or a folder: of several images it has to be \
                     one, and each keeps its name there",
        ))
        .arg(option("logo-description", "TEXT").help("What the logo shows"))
        .arg(option("theme-description", "TEXT").help("The theme, as in: navy and gold"))
        .arg(
            option("strength", "NUMBER")
                .value_parser(|text: &str| text.parse::<f64>().map_err(|_| "must be a number, as 0.5"))
                .allow_hyphen_values(true)
                .help("How far the result may be from the original: 0 to 1 [default: 0.7]"),
        )
        .arg(
            option("preserve-aspects", "LIST")
                .value_delimiter(',')
                .value_parser(|text: &str| Aspect::of(text).ok_or("must be colors, layout, style or shapes"))
                .help("What is to stay: colors, layout, style, shapes, separated by commas"),
        )
        .arg(
            number("seed", "NUMBER")
                .help("For models that draw random numbers: the same gives the same image"),
        )
        .arg(
            option("region", "X,Y,W,H")
                .allow_hyphen_values(true)
                .value_parser(region)
                .help("Changes nothing outside of this rectangle, in pixels of the image"),
        )
        .arg(path("mask", "FILE").long("mask").required(false).conflicts_with("region").help(
            "Changes only what is white (or, with alpha, transparent) in this image of the same \
             size; or its URL",
        ))
        .arg(
            number("mask-feather", "PIXELS")
                .help("How many pixels along the edge of --region or --mask blend [default: 8]"),
        )
        .arg(
            flag("region-only")
                .help("Shows the model only the region or mask, with a margin around it"),
        )
        .arg(
            number("deadline-seconds", "NUMBER")
                .help("How long it may take: from 10 to --task-timeout, its default"),
        );
    with_settings(command, Some(table::Command::Refine))
}

fn mcp() -> Command {
    let command = Command::new("mcp")
        .about("Lets agents refine images, by the Model Context Protocol")
        .long_about(
            "Lets agents refine images: speaks the Model Context Protocol over standard input and \
             output, as desktop applications and editors expect of a program that they start. \
             Its tool refine_image refines a file or a URL as the command refine does. Results \
             are written below the working directory, unless that is /.",
        )
        .arg(
            path("allow", "DIR")
                .long("allow")
                .required(false)
                .action(ArgAction::Append)
                .help("Let results be written below DIR too; may be given more than once"),
        );
    with_settings(command, Some(table::Command::Refine))
}

fn check() -> Command {
    let command = Command::new("check")
        .about("Checks whether a service would work with this configuration")
        .long_about(
            "Checks whether a service would work with this configuration: looks at the settings, the \
             components, the stores, the model and its provider, and asks for nothing that costs. \
             Exits with 0 if all can be used, else with 1.",
        )
        .arg(json())
        .arg(
            flag("token").help(
                "Also say whether the token on standard input would be accepted, else why not",
            ),
        );
    with_settings(command, None)
}

fn token() -> Command {
    let command = Command::new("token")
        .about("Prints a token for a user")
        .long_about(
            "Prints a token for a user, signed with the service's own secret, which is made if \
             there is none yet. Where an issuer signs the tokens (auth jwks), only that can make \
             one.",
        )
        .arg(
            option("user", "NAME")
                .required(true)
                .help("Whom the token is for: the user whose tasks and images it opens"),
        )
        .arg(
            option("expires", "DURATION")
                .default_value("365d")
                .help("How long it is valid"),
        )
        .arg(flag("for-users").help(
            "Let it act for users of its own, each with a quota of its own: POST \
                     /v1/images/edits names them in safety_identifier or user",
        ));
    // The setting of this name is for whose tokens name no plan; both must be defined.
    with_settings(command, None).mut_arg("plan", |plan| {
        plan.help("The user's plan: one of [plans.NAME] in the settings file")
            .help_heading(None::<&'static str>)
    })
}

fn backup() -> Command {
    let command = Command::new("backup")
        .about("Copies the tasks, images and secret of a service, while it runs or not")
        .long_about(
            "Copies the tasks, images and secret of a service, while it runs or not. The copy is \
             a data directory, and belongs to the user who runs this: all that was there at one \
             moment, or nothing. As - it is a tar archive on standard output.",
        )
        .arg(
            path("directory", "DIR")
                .help("A directory that is empty or does not exist yet, or - for standard output"),
        );
    with_settings(command, Some(table::Command::Backup))
}

fn restore() -> Command {
    let command = Command::new("restore")
        .about("Restores a backup into a data directory")
        .long_about(
            "Restores a backup into a data directory, completely or not at all: compares it with \
             its list of files, and opens it as a start would. The data directory must be empty or \
             not exist yet. No service is needed, and none is started.",
        )
        .arg(
            path("directory", "DIR")
                .help("A directory that backup made, or - for its archive on standard input"),
        );
    with_settings(command, Some(table::Command::Restore))
}

fn move_stores() -> Command {
    let command = Command::new("move")
        .about("Moves what a data directory holds to other engines")
        .long_about(
            "Moves tasks, concepts, quota, idempotency keys, sessions, images and the secret of a \
             data directory to other engines. No service may run on either. DIR is only read. \
             Both sides are counted and compared in the end. A move that broke off goes on where \
             it was if it is made once more.",
        )
        .arg(
            path("from", "DIR")
                .long("from")
                .help("The data directory of the service so far"),
        )
        .arg(
            Arg::new("to")
                .long("to")
                .value_names(["TASKS", "IMAGES"])
                .num_args(2)
                .required(true)
                .help(
                    "The engines, as the settings tasks and images name them; sqlite and file are \
                     in --data-dir",
                ),
        );
    with_settings(command, Some(table::Command::Move))
}

fn model() -> Command {
    let test = Command::new("test")
        .about("Tests whether a model component keeps the promises of the interface")
        .long_about(
            "Tests whether a model component keeps the promises of the interface: gives it good, \
             odd and hostile images and prompts, within the limits of a service, and reports each \
             result. A model that calls a provider calls it here too, which may cost money. Exits \
             with 0 if all promises hold, else with 1.",
        )
        .arg(
            required("model-to-test", "MODEL").help(
                "The path of a component, the name of a model that ships, or a chain of them",
            ),
        )
        .arg(json());
    let test = with_settings(test, Some(table::Command::TestModel));
    let new = Command::new("new")
        .about("Creates a directory with a working model, for you to change")
        .long_about(
            "Creates a directory with a working model, for you to change: sources, interfaces and \
             a README that explains how to build and try it. You need nothing but what the README \
             names.",
        )
        .arg(required("name", "NAME").help("The name of the model and of its new directory"))
        .arg(
            option("kind", "KIND")
                .default_value("image")
                .value_parser(KINDS)
                .help(
                    "What the model does: it computes an image, calls a provider over HTTP, or \
                     calls the models behind it",
                ),
        )
        .arg(
            option("language", "LANGUAGE")
                .required(true)
                .value_parser(LANGUAGES)
                .help("The programming language; provider and middleware are only in rust"),
        )
        .after_help(STATUSES);
    Command::new("model")
        .about("Create and test your own models")
        .subcommand_required(true)
        .subcommand(new)
        .subcommand(test)
}

fn health() -> Command {
    let command = Command::new("health")
        .about("Asks a running service whether it is healthy")
        .long_about(
            "Asks a running service whether it is alive, or with --ready whether it can serve \
             requests, and prints its answer. Exits with 0 if it is, else with 1: for the health \
             checks of containers.",
        )
        .arg(flag("ready").help("Ask whether it can serve requests"))
        .arg(
            Arg::new("url")
                .value_name("URL")
                .help("Where the service is, by http [default: where it listens on this machine]"),
        );
    with_settings(command, Some(table::Command::Health))
}

fn verify() -> Command {
    let command = Command::new("verify")
        .about("Shows whether images say that a model made them")
        .long_about(
            "Shows which marks images bear: content credentials (c2pa) and a digital source type in \
             XMP (xmp). It does not read what content credentials say. Exits with 1 if an image \
             bears no mark or cannot be read.",
        )
        .arg(path("file", "FILE").num_args(1..).help("An image"))
        .arg(
            option("against", "URL")
                .value_parser(parse_url)
                .help("Ask the service at URL whether it made the images"),
        )
        .arg(flag("json").help("Print JSON"));
    with_settings(command, Some(table::Command::Verify))
}

fn completions() -> Command {
    Command::new("completions")
        .about("Prints shell completions")
        .arg(required("shell", "SHELL").value_parser(value_parser!(Shell)))
}

fn man() -> Command {
    Command::new("man")
        .about("Prints the manual page, or that of a command, as roff")
        .arg(Arg::new("command").value_name("COMMAND").num_args(0..))
}

pub fn json() -> Arg {
    flag("json").help("Print what was found as JSON")
}

/// Adds the flags of all settings that a command uses.
pub fn with_settings(command: Command, of: Option<table::Command>) -> Command {
    command
        .args(settings::sources())
        .args(settings::flags(of))
        .after_help(STATUSES)
}

fn path(name: &'static str, value: &'static str) -> Arg {
    required(name, value).value_parser(value_parser!(PathBuf))
}

fn required(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).value_name(value).required(true)
}

/// A negative number is refused as a number, not taken for another option.
fn number(name: &'static str, value: &'static str) -> Arg {
    option(name, value)
        .allow_hyphen_values(true)
        .value_parser(value_parser!(u32))
}

pub fn option(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value)
}

pub fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../../docs/command-line.md");

    /// The commands that read a settings file, as the page names them.
    fn with_settings_file(command: &Command) -> Vec<String> {
        let reads = |command: &Command| {
            let mut arguments = command.get_arguments();
            arguments.any(|argument| argument.get_id() == "config")
        };
        let name = command.get_name();
        let parts: Vec<_> = command.get_subcommands().collect();
        match parts.iter().all(|part| reads(part)) {
            true if reads(command) || !parts.is_empty() => vec![name.to_owned()],
            _ => parts
                .iter()
                .filter(|part| reads(part))
                .map(|part| format!("{name} {}", part.get_name()))
                .collect(),
        }
    }

    #[test]
    fn the_documentation_has_each_command() {
        let command = command();
        for command in command.get_subcommands() {
            let name = command.get_name();
            let row = |end| PAGE.contains(&format!("\n| `{name}{end}"));
            assert!(row('`') || row(' '), "{name}");
        }
        let (before, _) = PAGE.split_once(" take [settings](settings.md)").unwrap();
        let (_, named) = before.rsplit_once("\n\n").unwrap();
        let named = named.split('`').skip(1).step_by(2).map(str::to_owned);
        let expected = command.get_subcommands().flat_map(with_settings_file);
        assert_eq!(
            named.collect::<BTreeSet<_>>(),
            expected.collect::<BTreeSet<_>>()
        );
    }
}
