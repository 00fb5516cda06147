//! What a prompt tells the model to do.

use std::time::Duration;

/// One behaviour. Everything that is not an answer is what a bad or an
/// unlucky provider does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// Answers with the very stream that it was given.
    Echo,
    /// Answers a tiny image of its own without reading the original.
    Instant,
    /// Waits, then answers as `Echo` does.
    Wait(Duration),
    Answer(Contents),
    /// Answers an address in place of an image.
    Location(String),
    /// Asks an address over HTTP, and refuses with what came of it.
    Fetch(String),
    Refuse(String),
    /// Always, and asks to wait for so long where that is given.
    Unavailable(Option<Duration>),
    /// Crashes before it answers.
    Trap,
    /// Crashes once it has answered half of the image.
    TrapMidway,
    /// Computes without an end.
    Loop,
    /// Allocates until it is stopped.
    EatMemory,
    /// Waits without an end.
    Hang,
}

/// An answer that is not the whole image that it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    Nonsense,
    /// Half of the original, declared as half.
    Truncated,
    /// Half of the original, declared as the whole.
    Less,
    Empty,
}

impl Script {
    /// None: the prompt tells nothing that this model knows.
    pub fn of(prompt: &str) -> Option<Self> {
        let argument = |name: &str| prompt.strip_prefix(name).map(str::trim);
        if let Some(reason) = argument("refuse:") {
            return Some(Self::Refuse(reason.to_owned()));
        }
        if let Some(url) = argument("location:") {
            return Some(Self::Location(url.to_owned()));
        }
        if let Some(url) = argument("fetch:") {
            return Some(Self::Fetch(url.to_owned()));
        }
        if let Some(wait) = argument("wait ") {
            return milliseconds(wait).map(Self::Wait);
        }
        if let Some(wait) = argument("unavailable for ") {
            return milliseconds(wait).map(|wait| Self::Unavailable(Some(wait)));
        }
        Some(match prompt.trim() {
            "echo it" => Self::Echo,
            "instant" => Self::Instant,
            "answer nonsense" => Self::Answer(Contents::Nonsense),
            "answer truncated" => Self::Answer(Contents::Truncated),
            "answer less" => Self::Answer(Contents::Less),
            "answer empty" => Self::Answer(Contents::Empty),
            "unavailable" => Self::Unavailable(None),
            "trap now" => Self::Trap,
            "trap midway" => Self::TrapMidway,
            "loop for ever" => Self::Loop,
            "eat memory" => Self::EatMemory,
            "hang for ever" => Self::Hang,
            _ => return None,
        })
    }
}

/// As in `300ms`.
fn milliseconds(text: &str) -> Option<Duration> {
    text.strip_suffix("ms")?
        .parse()
        .ok()
        .map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_read() {
        let cases = [
            ("echo it", Some(Script::Echo)),
            ("instant", Some(Script::Instant)),
            ("wait 300ms", Some(Script::Wait(Duration::from_millis(300)))),
            ("wait a while", None),
            ("answer empty", Some(Script::Answer(Contents::Empty))),
            (
                "refuse: no logos",
                Some(Script::Refuse("no logos".to_owned())),
            ),
            ("unavailable", Some(Script::Unavailable(None))),
            (
                "unavailable for 20ms",
                Some(Script::Unavailable(Some(Duration::from_millis(20)))),
            ),
            (
                "location: http://host/a.png",
                Some(Script::Location("http://host/a.png".to_owned())),
            ),
            (
                "fetch: http://host/a.png",
                Some(Script::Fetch("http://host/a.png".to_owned())),
            ),
            ("trap now", Some(Script::Trap)),
            ("make it lighter", None),
            ("", None),
        ];
        for (prompt, expected) in cases {
            assert_eq!(Script::of(prompt), expected, "{prompt:?}");
        }
    }
}
