//! What is printed: completions, manual pages, the vocabulary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::reaper::fed;

use crate::place::{Place, run};

const COMMANDS: &str = "serve, refine, mcp, check, backup, restore, move, \
    model, model new, model test, health, \
    tasks, tasks list, tasks show, tasks retry, tasks cancel, tasks delete, \
    queue, queue status, queue pause, queue resume, queue drain, \
    audit, usage, completions, man, vocabulary";

fn commands() -> impl Iterator<Item = &'static str> {
    COMMANDS.split(", ")
}

fn printed(arguments: &[&str]) -> String {
    // So that no line of a help is broken.
    let done = run(Place::new().command(arguments).env("COLUMNS", "1000"), b"");
    done.silent();
    assert!(done.text().ends_with('\n'), "{arguments:?}");
    done.text()
}

/// The words of a command, with one before and one after them; an empty one is none.
fn with<'a>(first: &'a str, command: &'a str, last: &'a str) -> Vec<&'a str> {
    let words = [first].into_iter().chain(command.split(' ')).chain([last]);
    words.filter(|word| !word.is_empty()).collect()
}

/// All flags that the help of a command names.
fn flags(command: &str) -> BTreeSet<String> {
    let help = printed(&with("", command, "--help"));
    let flags: BTreeSet<_> = help
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")))
        .map(|flag| flag.trim_end_matches(',').to_owned())
        .collect();
    assert!(flags.contains("--help"), "{help}");
    flags
}

fn accepts(program: &str, arguments: &[&str], input: &str) {
    let checked = fed(Command::new(program).args(arguments), input.as_bytes());
    assert!(checked.status.success(), "{program}: {checked:?}");
    assert!(checked.stderr.is_empty(), "{program}: {checked:?}");
}

#[test]
fn completions_know_every_command_and_flag() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for command in commands() {
            for word in command.split(' ') {
                assert!(script.contains(word), "{shell}: {command}");
            }
            for flag in flags(command) {
                // Fish writes them without dashes.
                let name = flag.trim_start_matches('-');
                assert!(script.contains(name), "{shell}: {command} {flag}");
            }
        }
    }
    accepts("bash", &["-n"], &printed(&["completions", "bash"]));
}

/// What bash offers for the last of these words, as it asks the sourced script.
fn offered(script: &str, words: &[&str]) -> Vec<String> {
    const ASK: &str = r#"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_concept__refinement concept-refinement "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;
    let asked = Command::new("bash")
        .args(["-c", &format!("{script}{ASK}"), "bash"])
        .args(words)
        .output()
        .unwrap();
    assert!(asked.stderr.is_empty(), "{asked:?}");
    let offered = String::from_utf8(asked.stdout).unwrap();
    offered.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_each_word() {
    let script = printed(&["completions", "bash"]);
    for (words, expected) in [
        ("se", &["serve"][..]),
        ("queue d", &["drain"]),
        ("tasks re", &["retry"]),
        ("tasks list --sta", &["--status"]),
        (
            "tasks list --status ",
            &["pending", "processing", "completed", "failed"],
        ),
        (
            "serve --max-im",
            &["--max-image-bytes", "--max-image-pixels"],
        ),
        ("serve --auth ", &["anonymous", "secret", "jwks"]),
        ("serve --role w", &["worker"]),
        ("refine --model st", &["stability"]),
        ("model new x --language p", &["python"]),
        ("usage --group ", &["user", "model", "day"]),
    ] {
        let words: Vec<_> = ["concept-refinement"]
            .into_iter()
            .chain(words.split(' '))
            .collect();
        assert_eq!(offered(&script, &words), expected, "{words:?}");
    }
}

#[test]
fn help_is_a_command_too() {
    for command in ["", "serve", "tasks list"] {
        let help = printed(&with("help", command, ""));
        assert_eq!(help, printed(&with("", command, "--help")), "{command}");
    }
}

/// Everything under its heading, as the documents have it.
#[test]
fn the_help_is_in_groups() {
    let help = printed(&["serve", "--help"]);
    let (mut heading, mut found) = ("", BTreeMap::<_, Vec<_>>::new());
    for line in help.lines() {
        match line.strip_suffix(':') {
            Some(title) if !title.starts_with(' ') => heading = title,
            _ => {
                let flag = line.trim_start().strip_prefix("--");
                let flag = flag.and_then(|flag| flag.split(' ').next());
                found.entry(heading).or_default().extend(flag);
            }
        }
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut groups = 0;
    for section in page.split("\n## ").skip(1) {
        let (title, section) = section.split_once('\n').unwrap();
        let rows = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `--"));
        let flags: Vec<_> = rows.map(|row| row.split('`').next().unwrap()).collect();
        if !flags.is_empty() {
            assert_eq!(found[title], flags, "{title}");
            groups += 1;
        }
    }
    assert_eq!(groups, 8);
}

#[test]
fn each_command_has_a_manual_page_with_every_flag() {
    let overview = printed(&["man"]);
    assert!(overview.contains(r".TH concept-refinement 1"), "{overview}");
    for command in commands() {
        let above = match command.rsplit_once(' ') {
            Some((above, _)) => printed(&with("man", above, "")),
            None => overview.clone(),
        };
        let name = command.replace(' ', r"\-");
        let name = format!(r"concept\-refinement\-{name}(1)");
        assert!(above.contains(&name), "{command}: {above}");
        let page = printed(&with("man", command, ""));
        let name = command.replace(' ', "-");
        let title = format!(".TH concept-refinement-{name} 1 ");
        assert!(page.contains(&title), "{page}");
        let plain = page.replace('\\', "");
        for flag in flags(command) {
            assert!(plain.contains(&flag), "{command}: {flag}");
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_installed = std::env::split_paths(&path).any(|place| place.join("groff").exists());
    // Where there is a formatter, it has nothing to complain of.
    if is_installed {
        for page in commands().map(|command| printed(&with("man", command, ""))) {
            accepts("groff", &["-man", "-Tutf8", "-ww", "-z"], &page);
        }
        accepts("groff", &["-man", "-Tutf8", "-ww", "-z"], &overview);
    }
}

#[test]
fn the_vocabulary_is_the_documented_one() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/local-model.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, table) = page.split_once("| words | what they do |").unwrap();
    let (table, _) = table.split_once("<!--").unwrap();
    let vocabulary = printed(&["vocabulary"]);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let vocabulary = words(&vocabulary);
    let mut rows = 0;
    for row in table.lines().filter(|row| row.starts_with("| ")) {
        for cell in row.trim_matches('|').split(" | ") {
            let cell = words(cell.trim_matches(['*', ' ', '|']));
            assert!(vocabulary.contains(&cell), "{cell}");
        }
        rows += 1;
    }
    assert!(rows > 50, "{rows}");
}

#[test]
fn whoever_reads_only_the_beginning_does_no_harm() {
    let mut process = Command::new(artifacts::binary())
        .arg("vocabulary")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    let ended = process.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
}
