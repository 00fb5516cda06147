//! Errors of the operators' commands, in sentences that say what to do.

use http::StatusCode;
use serde_json::Value;

use super::super::failure::Failure;

/// Why a request failed, as far as this is known.
#[derive(Debug)]
pub struct Problem {
    kind: Kind,
    sentence: String,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// No connection, or no answer.
    Unanswered,
    /// An answer from another kind of server.
    Unusable,
    Refused(StatusCode),
}

impl Problem {
    pub fn unanswered(sentence: String) -> Self {
        let kind = Kind::Unanswered;
        Self { kind, sentence }
    }

    pub fn unusable(place: &str) -> Self {
        Self {
            kind: Kind::Unusable,
            sentence: format!(
                "{place} does not answer as a service of this version: it may be of another one, \
                 or none at all"
            ),
        }
    }

    /// `place`: the service that answered. `variable`: where the token came from.
    pub fn refused(place: &str, variable: Option<&str>, status: StatusCode, body: &[u8]) -> Self {
        let (detail, answers) = (detail(body), format!("{place} answers {status}"));
        let sentence = match (status, variable) {
            (StatusCode::UNAUTHORIZED, Some(variable)) => {
                format!("{place} does not accept the token in {variable}")
            }
            (StatusCode::FORBIDDEN, Some(variable)) => format!(
                "the token in {variable} may only read at {place}: this needs the one that may act"
            ),
            (StatusCode::NOT_FOUND, None) => {
                format!("{place} knows no such request: it may be of another version")
            }
            (StatusCode::NOT_FOUND, Some(_)) => format!(
                "{place} knows no such request: name the address that its setting admin-listen \
                 names"
            ),
            (StatusCode::CONFLICT, _) => {
                format!("nothing was done: {}", detail.unwrap_or(answers))
            }
            (StatusCode::SERVICE_UNAVAILABLE, _) => format!(
                "{place} cannot do it at the moment, so try again later: {}",
                detail
                    .as_deref()
                    .unwrap_or("it gives no reason")
                    .trim_end_matches('.')
            ),
            _ => match detail {
                Some(detail) => format!("{answers}: {detail}"),
                None => answers,
            },
        };
        Self {
            kind: Kind::Refused(status),
            sentence,
        }
    }

    /// Whether repeating the request may help.
    pub fn may_pass(&self) -> bool {
        matches!(
            self.kind,
            Kind::Unanswered | Kind::Refused(StatusCode::SERVICE_UNAVAILABLE)
        )
    }

    /// The same, with another sentence if there is no such thing.
    pub fn or_missing(self, sentence: String) -> Self {
        match self.kind {
            Kind::Refused(StatusCode::NOT_FOUND) => Self { sentence, ..self },
            _ => self,
        }
    }

    /// The same for a change, which may have been made although no answer arrived.
    pub fn of_change(self) -> Self {
        match self.kind {
            Kind::Refused(status) if status != StatusCode::SERVICE_UNAVAILABLE => self,
            _ => {
                let sentence = self.sentence.trim_end_matches('.');
                let sentence =
                    format!("{sentence}. Perhaps it was done: look before you repeat it");
                Self { sentence, ..self }
            }
        }
    }

    /// The same, preceded by what holds in spite of the error.
    pub fn after(self, fact: &str) -> Self {
        let sentence = format!("{fact}, but {}", self.sentence);
        Self { sentence, ..self }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Failed(anyhow::anyhow!(problem.sentence))
    }
}

/// The text of an error response, with the problems of each field.
fn detail(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let detail = body.get("detail")?.as_str()?;
    let fields = body.get("field_errors").and_then(Value::as_object);
    let problems = fields.into_iter().flatten().flat_map(|(field, problems)| {
        let problems = problems.as_array().into_iter().flatten();
        problems.filter_map(move |problem| Some(format!("{field}: {}", problem.as_str()?)))
    });
    let problems: Vec<_> = problems.collect();
    match problems.is_empty() {
        true => Some(detail.to_owned()),
        false => Some(problems.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_to_do() {
        let says = |text: &str| format!(r#"{{"detail": "{text}", "field_errors": null}}"#);
        let invalid = r#"{"detail": "A value cannot be used.",
            "field_errors": {"reason": ["It has to be given."], "odd": 7}}"#;
        let later = "PLACE cannot do it at the moment, so try again later";
        let away = format!("{later}: Away");
        let silent = format!("{later}: it gives no reason");
        let reads = "the token in TOKEN may only read at PLACE: this needs the one that may act";
        let unknown = "PLACE knows no such request";
        let another_door =
            format!("{unknown}: name the address that its setting admin-listen names");
        let another_version = format!("{unknown}: it may be of another version");
        let conflict = "nothing was done: PLACE answers 409 Conflict";
        let entity = "PLACE answers 422 Unprocessable Entity: reason: It has to be given.";
        let (token, any) = (Some("TOKEN"), says("x"));
        for (status, token, body, expected) in [
            (422, None, invalid, entity),
            (401, token, &any, "PLACE does not accept the token in TOKEN"),
            (403, token, &any, reads),
            (403, None, &says("No."), "PLACE answers 403 Forbidden: No."),
            (404, token, &any, &another_door),
            (404, None, &any, &another_version),
            (409, None, &says("No."), "nothing was done: No."),
            (409, None, "[]", conflict),
            (503, None, &says("Away."), &away),
            (503, None, "", &silent),
            (500, None, "<p>", "PLACE answers 500 Internal Server Error"),
            (302, None, r#"{"detail": 7}"#, "PLACE answers 302 Found"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let problem = Problem::refused("PLACE", token, status, body.as_bytes());
            assert_eq!(problem.sentence, expected);
        }
    }

    #[test]
    fn what_may_pass_is_asked_again() {
        for (status, expected) in [(401, false), (404, false), (409, false), (503, true)] {
            let status = StatusCode::from_u16(status).unwrap();
            let problem = Problem::refused("PLACE", None, status, b"");
            assert_eq!(problem.may_pass(), expected, "{status}");
        }
        assert!(Problem::unanswered(String::new()).may_pass());
        assert!(!Problem::unusable("PLACE").may_pass());
    }

    #[test]
    fn a_change_without_an_answer_may_have_been_made() {
        for (status, expected) in [(409, false), (404, false), (503, true)] {
            let status = StatusCode::from_u16(status).unwrap();
            let problem = Problem::refused("PLACE", None, status, b"").of_change();
            assert_eq!(problem.sentence.contains("Perhaps"), expected, "{status}");
        }
        let problem = Problem::unanswered("it broke off".to_owned()).of_change();
        assert_eq!(
            problem.sentence,
            "it broke off. Perhaps it was done: look before you repeat it"
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        for (status, expected) in [(404, "there is no task"), (503, "PLACE cannot")] {
            let status = StatusCode::from_u16(status).unwrap();
            let problem = Problem::refused("PLACE", None, status, b"");
            let problem = problem.or_missing("there is no task".to_owned());
            assert!(problem.sentence.starts_with(expected), "{status}");
        }
    }
}
