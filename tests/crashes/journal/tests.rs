//! What the journal says of a task, line by line.

use super::*;

/// A task that was completed in the second attempt, with what happened between.
fn taken_over(between: &str) -> String {
    format!(
        "1 submits t\n1 claims t\n1 claimed t 1\n1 asked t\n{between}\
         2 claims t\n2 claimed t 2\n2 asked t\n2 kept t\n"
    )
}

const LOST: &str = "attempt 1, of process 1, was lost for no reason";

#[test]
fn an_attempt_is_lost_for_a_reason_of_its_own_process() {
    for (name, text, expected) in [
        ("nothing happened", taken_over(""), Some(LOST)),
        ("a kill", taken_over("1 killed\n"), None),
        ("a kill of another", taken_over("2 killed\n"), Some(LOST)),
        ("a fault", taken_over("1 disturbed\n1 undisturbed\n"), None),
        (
            "a fault that lasts",
            format!("1 disturbed\n{}", taken_over("")),
            None,
        ),
        (
            "a fault of another",
            taken_over("3 disturbed\n3 undisturbed\n"),
            Some(LOST),
        ),
        (
            "a fault before",
            format!("1 disturbed\n1 undisturbed\n{}", taken_over("")),
            Some(LOST),
        ),
        (
            "a fault after",
            format!("{}1 disturbed\n", taken_over("")),
            Some(LOST),
        ),
        (
            "a fault between the submission that claimed it and the worker",
            "1 submits t\n1 disturbed\n1 undisturbed\n1 claims t\n1 claimed t 1\n1 asked t\n\
             2 claims t\n2 claimed t 2\n2 asked t\n"
                .to_owned(),
            None,
        ),
        (
            "a fault before the claim of what another accepted",
            "3 submits t\n1 disturbed\n1 undisturbed\n1 claims t\n1 claimed t 1\n1 asked t\n\
             2 claims t\n2 claimed t 2\n2 asked t\n"
                .to_owned(),
            Some(LOST),
        ),
    ] {
        let violations = Journal::read(&text).violations("t", true);
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(violations, expected, "{name}");
    }
}

#[test]
fn the_model_is_asked_once_by_an_attempt_and_not_for_what_is_kept() {
    let killed = taken_over("1 killed\n");
    for (name, text, expected) in [
        (
            "twice by an attempt",
            "1 claims t\n1 claimed t 1\n1 asked t\n1 asked t\n".to_owned(),
            Some("the model was asked 2 times for 1 attempts"),
        ),
        (
            "without an attempt",
            format!("3 asked t\n{killed}"),
            Some("the model was asked 1 times for 0 attempts"),
        ),
        (
            "by one that began when it was kept",
            taken_over("1 kept t\n1 killed\n"),
            Some("the model was asked although its answer was kept"),
        ),
        (
            "by one that began before it was kept",
            "1 claims t\n1 claimed t 1\n1 disturbed\n2 claims t\n2 claimed t 2\n2 asked t\n\
             2 kept t\n1 undisturbed\n1 asked t\n"
                .to_owned(),
            None,
        ),
        (
            "never",
            "1 claims t\n1 claimed t 1\n".to_owned(),
            Some("the model was never asked"),
        ),
        (
            "by who wrote too late",
            format!("{killed}1 writes t 1\n1 wrote t 1\n"),
            Some("a worker that had lost it wrote to it"),
        ),
    ] {
        let violations = Journal::read(&text).violations("t", true);
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(violations, expected, "{name}");
    }
}

#[test]
fn it_is_given_up_after_three_deaths_that_have_reasons() {
    let three = "1 claimed t 1\n1 killed\n2 claimed t 2\n2 killed\n3 claimed t 3\n";
    for (name, text, expected) in [
        ("three deaths", format!("{three}3 killed\n"), true),
        ("two deaths", three.to_owned(), false),
        (
            "one that nobody noted, with a fault in its time",
            "1 claimed t 1\n1 killed\n2 disturbed\n3 claimed t 3\n3 killed\n".to_owned(),
            true,
        ),
        (
            "one that nobody noted, without",
            "2 disturbed\n2 undisturbed\n2 submits t\n4 claimed t 2\n4 killed\n\
             3 claimed t 3\n3 killed\n"
                .to_owned(),
            false,
        ),
    ] {
        assert_eq!(
            Journal::read(&text).may_be_given_up("t"),
            expected,
            "{name}"
        );
    }
}
