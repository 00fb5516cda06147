//! The id of a task, or a beginning that no other task's id has.

use std::time::Duration;

use concept_refinement_capability::clock::before;
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::super::failure::Failure;
use super::client::AdminClient;
use super::pages::Pages;

/// Characters of a whole id.
const WHOLE: usize = 36;

/// Fewest digits of a prefix: they give the minute in which a task was created, so that
/// few tasks have to be searched.
const FEWEST: usize = 8;

/// Digits of an id that are its time, in milliseconds.
const OF_TIME: usize = 12;

/// How far the clock used for the id may be from the clock used for the time of creation.
const SLACK: Duration = Duration::from_secs(60);

/// A valid id or prefix of one.
pub fn parse(text: &str) -> Result<String, String> {
    if let Ok(id) = Uuid::parse_str(text) {
        return Ok(id.hyphenated().to_string());
    }
    let problem = || format!("must be the id of a task, or at least its first {FEWEST} characters");
    let digits = text.replace('-', "").to_lowercase();
    let is_begin =
        (FEWEST..32).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let written = hyphenated(&digits);
    match is_begin && written.starts_with(&text.to_lowercase()) {
        true => Ok(text.to_lowercase()),
        false => Err(problem()),
    }
}

/// The digits, with the hyphens of an id between and after them.
fn hyphenated(digits: &str) -> String {
    let mut written = String::new();
    for (index, digit) in digits.chars().enumerate() {
        written.push(digit);
        if [7, 11, 15, 19].contains(&index) {
            written.push('-');
        }
    }
    written
}

/// The whole id.
///
/// # Errors
///
/// No task has this prefix, or several have it.
pub async fn whole(client: &AdminClient, begin: &str) -> Result<String, Failure> {
    if begin.len() == WHOLE {
        return Ok(begin.to_owned());
    }
    let (since, until) = times(begin);
    let query = vec![("since", since.to_string()), ("until", until.to_string())];
    let mut pages = Pages::new(client, "tasks", "tasks", query, None);
    let mut found: Vec<String> = Vec::new();
    while let Some(tasks) = pages.next().await? {
        let ids = tasks.iter().filter_map(|task| task.get("task_id"));
        let ids = ids
            .filter_map(Value::as_str)
            .filter_map(|id| parse(id).ok());
        found.extend(ids.filter(|id| id.len() == WHOLE && id.starts_with(begin)));
        if found.len() > 1 {
            break;
        }
    }
    match found.as_slice() {
        [id] => Ok(id.clone()),
        [] => Err(failed(format!(
            "no task has an id that begins with {begin}"
        ))),
        [one, other, ..] => Err(failed(format!(
            "nothing was done: several tasks have ids that begin with {begin}, as {one} and \
             {other}"
        ))),
    }
}

fn failed(sentence: String) -> Failure {
    Failure::Failed(anyhow::anyhow!(sentence))
}

/// The time range in which tasks with this prefix were created.
fn times(begin: &str) -> (Timestamp, Timestamp) {
    let digits = begin.replace('-', "");
    let at = |rest: char| {
        let digits = digits.chars().chain(std::iter::repeat(rest)).take(OF_TIME);
        let time = u64::from_str_radix(&digits.collect::<String>(), 16);
        Timestamp(time.unwrap_or_default().saturating_mul(1_000))
    };
    (before(at('0'), SLACK), at('f').plus(SLACK))
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::task::id_at;

    use super::*;

    #[test]
    fn a_beginning_is_read_as_ids_are_written() {
        let whole = "01a213fd-f760-7f22-a1f4-dea74c9942fe";
        for (text, expected) in [
            (whole, Some(whole)),
            ("01A213FDF7607F22A1F4DEA74C9942FE", Some(whole)),
            ("01A213FD", Some("01a213fd")),
            ("01a213fd-", Some("01a213fd-")),
            ("01a213fd-f760-7", Some("01a213fd-f760-7")),
            ("01a213f", None),
            ("01a213fdf760", None),
            ("01a213fd--", None),
            ("-01a213fd", None),
            ("01a213fx", None),
            ("01a213fd-f760-7f22-a1f4-dea74c9942fe0", None),
            ("", None),
        ] {
            assert_eq!(parse(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_task_is_looked_for_when_its_id_was_made() {
        for seconds in [0, 1_795_176_000, 4_000_000_000] {
            let at = Timestamp::from_secs(seconds);
            let id = id_at(at, u128::MAX);
            for length in FEWEST..WHOLE {
                let (since, until) = times(&id[..length]);
                assert!(since <= at && at < until, "{id} {length}");
                let longest = Duration::from_secs(186);
                assert!(until.since(since) <= longest, "{id} {length}");
            }
        }
    }
}
