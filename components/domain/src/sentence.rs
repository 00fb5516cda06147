//! The service's sentences, exactly as its API contract states them.
//!
//! Text from providers, hosts or files is sanitized here, and must not reach a caller in
//! any other way.

use crate::budget::Budget;
use crate::quota::Quota;
use crate::task::{Stage, Status};
use crate::timestamp::Timestamp;

/// The error of a task whose message lacks required fields.
pub const MISSING_PROMPT_OR_URL: &str = "Missing prompt/original URL for refinement task.";
/// The message for a new task.
pub const TASK_CREATED: &str = "Concept refinement task created and queued for processing";
/// Why another task cannot be created.
pub const TASK_ACTIVE: &str = "A concept refinement task is already in progress";
/// The error of a task whose lease expired three times.
pub const WORKER_DIED: &str =
    "Error in refinement task processing: The task was given up after its worker died 3 times";

/// The error of a task that its user cancelled.
pub const CANCELLED_BY_USER: &str = "Cancelled by its user.";
/// The error of a task that an operator cancelled.
pub const CANCELLED_BY_OPERATOR: &str = "Cancelled by the operator.";

/// Why a task fails whose model's answer is no image, however often it is downloaded; what is
/// wrong follows.
pub const ANSWER_UNUSABLE: &str = "the model's answer is unusable";

/// The state of the queue while an operator has paused it: only work waits.
pub const QUEUE_PAUSED: &str = "paused by the operator";

/// The state of the tasks while the disk has only its reserve left: only new tasks are
/// refused.
pub const DISK_AT_RESERVE: &str = "The disk has no room left for new tasks.";

/// The same while all images together take as much as they may.
pub const IMAGES_AT_LIMIT: &str = "The image store has no room left for new tasks.";

/// Why the task store refuses what takes room.
pub const TASK_STORE_FULL: &str = "The task store has no room left.";

/// The error of a task that no worker had begun by its deadline, so many seconds after its
/// submission.
pub fn not_started(seconds: u32) -> String {
    format!("{FAILED}not started within {seconds} seconds")
}

const FAILED: &str = "Error in refinement task processing: ";

/// Longest error message, in code points.
const MAX_CHARS: usize = 1_000;

/// How much of an external text is processed, in bytes: more than the longest sentence or
/// URL takes.
pub const MAX_BYTES: usize = 16 * 1024;

/// The message for a task with this status.
pub fn task_is(status: Status) -> &'static str {
    match status {
        Status::Pending => "Task is pending",
        Status::Processing => "Task is processing",
        Status::Completed => "Task is completed",
        Status::Failed => "Task is failed",
    }
}

/// The message when the quota is used up.
pub fn rate_limited(quota: Quota) -> String {
    format!("Rate limit exceeded for /concepts/refine ({quota}). Try again later.")
}

/// The message when the budget does not suffice, until `reset`.
pub fn over_budget(budget: Budget, reset: Timestamp) -> String {
    let reset = reset.to_string();
    let (day, time) = reset.split_once('T').unwrap_or((&reset, ""));
    let minute = time.get(..5).unwrap_or_default();
    format!(
        "Budget exceeded for /concepts/refine ({budget}). It starts again on {day} at {minute} UTC."
    )
}

/// A setting's text in a form that an error may quote: the part before an `@` may be a
/// password.
pub fn without_credentials(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    }
}

/// Refuses a text of more than `max_chars` code points. The error completes the sentence
/// "the text …".
pub fn check_length(text: &str, max_chars: usize) -> Result<(), String> {
    match text.chars().nth(max_chars) {
        Some(_) => Err(format!("must be at most {max_chars} characters")),
        None => Ok(()),
    }
}

/// The error message of a task that failed at this stage, sanitized.
pub fn failed(stage: Stage, reason: &str) -> String {
    let what = what_failed(stage);
    let reason = match reason.trim() {
        "" => "no reason was given",
        reason => reason,
    };
    let sentence = format!("{FAILED}{what}: {reason}");
    sanitize(&sentence, MAX_CHARS)
}

/// The part of an error message after the prefix of its stage.
pub fn reason(error_message: &str) -> &str {
    let sentence = error_message.strip_prefix(FAILED).unwrap_or(error_message);
    Stage::ALL
        .into_iter()
        .find_map(|stage| {
            sentence
                .strip_prefix(what_failed(stage))?
                .strip_prefix(": ")
        })
        .unwrap_or(sentence)
}

fn what_failed(stage: Stage) -> &'static str {
    match stage {
        Stage::Downloading => "Failed to download original image",
        Stage::Refining => "Image refinement failed",
        Stage::StoringImage => "Storing refined image failed",
        Stage::StoringConcept => "Storing refined concept data failed",
    }
}

/// Makes external text printable: any white space becomes a space, unprintable characters
/// (control characters, direction marks, zero-width characters) become `U+FFFD`, and text
/// that is too long is cut and ends with an ellipsis. The time is bounded by `max_chars`.
pub fn sanitize(text: &str, max_chars: usize) -> String {
    let mut rest = text.chars();
    let mut clean: String = rest.by_ref().take(max_chars).map(printable).collect();
    if rest.next().is_some() && clean.pop().is_some() {
        clean.push('…');
    }
    clean
}

/// Truncates external text to [`MAX_BYTES`], and frees the rest. Returns whether there
/// was more.
pub fn cut(text: &mut String) -> bool {
    let is_longer = text.len() > MAX_BYTES;
    if is_longer {
        let most = (MAX_BYTES.saturating_sub(3)..=MAX_BYTES).rev();
        let fitting = most.into_iter().find(|at| text.is_char_boundary(*at));
        text.truncate(fitting.unwrap_or_default());
        text.shrink_to_fit();
    }
    is_longer
}

fn printable(character: char) -> char {
    if character.is_whitespace() {
        ' '
    } else if is_printable(character) {
        character
    } else {
        char::REPLACEMENT_CHARACTER
    }
}

/// Whether a terminal shows the character itself: Rust's `Debug` prints it unescaped. It
/// is tested as the second character, because a combining mark is escaped only at the
/// start of a string.
pub fn is_printable(character: char) -> bool {
    let escaped = || String::from_iter(['_', character]).escape_debug().count();
    matches!(character, ' '..='~') || escaped() == 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lease::MAX_DEATHS;
    use crate::quota::Window;

    #[test]
    fn what_is_longer_than_is_looked_at_is_cut() {
        for (name, text, length, expected) in [
            ("nothing", String::new(), 0, false),
            ("all that fits", "x".repeat(MAX_BYTES), MAX_BYTES, false),
            ("a byte more", "x".repeat(MAX_BYTES + 1), MAX_BYTES, true),
            ("much more", "x".repeat(100 * MAX_BYTES), MAX_BYTES, true),
            (
                "long characters",
                "語".repeat(MAX_BYTES),
                MAX_BYTES - 1,
                true,
            ),
        ] {
            let mut text = text;
            assert_eq!(cut(&mut text), expected, "{name}");
            assert_eq!(text.len(), length, "{name}");
            assert!(text.capacity() <= MAX_BYTES, "{name}");
        }
    }

    #[test]
    fn speaks_to_the_letter() {
        let quota = Quota {
            limit: 10,
            window: Window::Month,
        };
        assert_eq!(
            rate_limited(quota),
            "Rate limit exceeded for /concepts/refine (10/month). Try again later."
        );
        for status in Status::ALL {
            assert_eq!(task_is(status), format!("Task is {}", status.as_str()));
        }
        assert!(WORKER_DIED.starts_with("Error in refinement task processing: "));
        assert!(WORKER_DIED.contains(&format!("{MAX_DEATHS} times")));
    }

    #[test]
    fn names_the_stage_that_failed() {
        for (stage, expected) in [
            (Stage::Downloading, "Failed to download original image"),
            (Stage::Refining, "Image refinement failed"),
            (Stage::StoringImage, "Storing refined image failed"),
            (Stage::StoringConcept, "Storing refined concept data failed"),
        ] {
            let begin = format!("Error in refinement task processing: {expected}: ");
            for (reason, told) in [
                ("the address answered 404", "the address answered 404"),
                ("out of reach\n", "out of reach"),
                (" \n", "no reason was given"),
            ] {
                assert_eq!(failed(stage, reason), format!("{begin}{told}"));
            }
        }
    }

    #[test]
    fn tells_the_reason_alone() {
        for stage in Stage::ALL {
            assert_eq!(reason(&failed(stage, "it is: odd")), "it is: odd");
        }
        assert_eq!(
            reason(WORKER_DIED),
            "The task was given up after its worker died 3 times"
        );
        assert_eq!(reason(MISSING_PROMPT_OR_URL), MISSING_PROMPT_OR_URL);
    }

    #[test]
    fn replaces_what_cannot_be_printed() {
        for (name, text, expected) in [
            ("plain", "it's \"fine\" \\ 100 %", "it's \"fine\" \\ 100 %"),
            (
                "other scripts",
                "Größe 日本語 שלום 🎨",
                "Größe 日本語 שלום 🎨",
            ),
            ("combining mark", "e\u{301}", "e\u{301}"),
            ("line breaks", "a\r\nb\tc\u{2028}d\u{85}e", "a  b c d e"),
            ("other spaces", "a\u{a0}b\u{3000}c", "a b c"),
            (
                "controls",
                "a\0b\u{1b}[31mc\u{7f}d\u{9b}e",
                "a\u{fffd}b\u{fffd}[31mc\u{fffd}d\u{fffd}e",
            ),
            (
                "direction overrides",
                "a\u{202e}b\u{202c}c",
                "a\u{fffd}b\u{fffd}c",
            ),
            (
                "direction isolates",
                "a\u{2066}b\u{2069}c",
                "a\u{fffd}b\u{fffd}c",
            ),
            (
                "direction marks",
                "\u{200e}\u{200f}\u{61c}",
                "\u{fffd}\u{fffd}\u{fffd}",
            ),
            (
                "zero width",
                "a\u{200b}b\u{feff}c\u{2060}d",
                "a\u{fffd}b\u{fffd}c\u{fffd}d",
            ),
            ("tags", "a\u{e0041}", "a\u{fffd}"),
            ("private use", "a\u{e000}", "a\u{fffd}"),
            ("no character", "a\u{ffff}", "a\u{fffd}"),
        ] {
            assert_eq!(sanitize(text, 100), expected, "{name}");
        }
    }

    #[test]
    fn cuts_what_is_too_long() {
        for (text, max_chars, expected) in [
            ("", 0, ""),
            ("abc", 0, ""),
            ("abc", 1, "…"),
            ("abc", 2, "a…"),
            ("abc", 3, "abc"),
            ("äöü", 3, "äöü"),
        ] {
            assert_eq!(sanitize(text, max_chars), expected, "{text} {max_chars}");
        }
    }

    proptest! {
        #[test]
        fn a_failure_is_bounded_and_printable(reason in "\\PC*|(?s:.{0,3000})") {
            let sentence = failed(Stage::Refining, &reason);
            prop_assert!(sentence.chars().count() <= 1_000);
            prop_assert!(!sentence.chars().any(char::is_control));
            prop_assert!(sentence.starts_with("Error in refinement task processing: Image refinement failed: "));
        }

        #[test]
        fn sanitizing_keeps_within_bounds(text in any::<String>(), max_chars in 0usize..50) {
            let once = sanitize(&text, max_chars);
            prop_assert_eq!(once.chars().count(), text.chars().count().min(max_chars));
            prop_assert_eq!(sanitize(&once, max_chars), once);
        }
    }
}
