//! Requests that wait for a result: like event streams, they may take long without doing
//! work, and count toward the same limit.

use concept_refinement_domain::openai::EDITS;
use concept_refinement_domain::preference;
use concept_refinement_mcp as mcp;
use http::{HeaderName, Method, Request};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongPoll {
    /// A result, for as long as its client asked (`Prefer: wait`, RFC 7240), or as a call of a
    /// tool takes, which is less than the timeout of any request.
    Result,
    /// The end of its task, however long that takes.
    TaskEnd,
}

impl LongPoll {
    /// None: it does not wait. Reads never do.
    pub fn of<B>(request: &Request<B>) -> Option<Self> {
        if request.method() != Method::POST {
            return None;
        }
        if request.uri().path() == EDITS {
            return Some(Self::TaskEnd);
        }
        // Which message it is stands in the body.
        if request.uri().path() == mcp::PATH {
            return Some(Self::Result);
        }
        let values = request.headers().get_all(PREFER);
        preference::wait(values.iter().map(|value| value.as_bytes())).map(|_| Self::Result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_says_so_or_asks_for_an_edit_or_calls_a_tool() {
        let refine = "/api/concepts/refine";
        for (method, path, prefer, expected) in [
            (Method::POST, refine, "", None),
            (Method::POST, refine, "return=minimal", None),
            (Method::POST, refine, "wait=5", Some(LongPoll::Result)),
            (Method::GET, refine, "wait=5", None),
            (Method::POST, EDITS, "", Some(LongPoll::TaskEnd)),
            (Method::POST, EDITS, "wait=5", Some(LongPoll::TaskEnd)),
            (Method::GET, EDITS, "wait=5", None),
            (Method::POST, mcp::PATH, "", Some(LongPoll::Result)),
            (Method::GET, mcp::PATH, "", None),
            (Method::POST, "/v1/images/edits/", "", None),
            (Method::POST, "/v1/images", "", None),
        ] {
            let uri = format!("http://localhost{path}?a=b");
            let request = Request::builder().method(&method).uri(uri);
            let request = request.header(PREFER, prefer).body(()).unwrap();
            assert_eq!(LongPoll::of(&request), expected, "{method} {path} {prefer}");
        }
    }
}
