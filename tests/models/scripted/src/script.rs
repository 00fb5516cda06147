//! What a prompt tells the model to do.

use std::time::Duration;

/// One behaviour. Everything that is not an answer is what a bad or an
/// unlucky provider does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// Answers with the very stream that it was given.
    Echo,
    /// The same with so many notes.
    Note(usize),
    /// The same with this note.
    Remark(String),
    /// Answers a tiny image of its own without reading the original.
    Instant,
    /// Waits, then answers as `Echo` does.
    Wait(Duration),
    /// Answers the original with zeros behind it, so many bytes in all.
    Swell(u64),
    Answer(Contents),
    /// Answers an address in place of an image.
    Location(String),
    /// Asks an address over HTTP, and refuses with what came of it.
    Fetch(String),
    Refuse(String),
    /// Records what it cost, and refuses with what was asked beside the image.
    Tell,
    /// Prints this on both of its streams, in red on the second, then answers as `Echo`
    /// does.
    Print(String),
    /// Keeps receipts, good and bad ones, and does not know what came of it; asked again,
    /// refuses with what it is handed.
    Keep,
    /// Keeps a receipt, and answers the image.
    KeepAndEcho,
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
    /// Makes the host hold so many of these, then waits a little and refuses.
    Hoard(Hoard, usize),
    /// Answers a string of this many bytes.
    Say(Place, usize),
    /// Takes half of so many bytes of memory, waits half of this time, then the
    /// other half of both, then answers as `Echo` does.
    Hold(usize, Duration),
    /// The same once it has answered half of the image.
    HoldMidway(usize, Duration),
}

/// What a host may be made to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hoard {
    Fields,
    Requests,
    /// Requests to this address that nobody reads the answers of.
    Exchanges(String),
    Streams,
    Futures,
    Timers,
    /// Errors that the host was told.
    Errors,
    /// Names of settings, by one call.
    Names,
    /// Random bytes, by one call.
    Random,
    /// Lines on standard error.
    Print,
}

/// Where in its answer a model says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Refused,
    Unavailable,
    Location,
    MediaType,
    Note,
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
        if let Some(text) = argument("remark:") {
            return Some(Self::Remark(text.to_owned()));
        }
        if let Some(text) = argument("print:") {
            return Some(Self::Print(text.to_owned()));
        }
        if let Some(url) = argument("location:") {
            return Some(Self::Location(url.to_owned()));
        }
        if let Some(url) = argument("fetch:") {
            return Some(Self::Fetch(url.to_owned()));
        }
        if let Some(hoard) = argument("hoard ") {
            return hoarded(hoard);
        }
        if let Some(place) = argument("say ") {
            return said(place);
        }
        if let Some(hold) = argument("hold ") {
            let (bytes, time) = hold.split_once("MiB for ")?;
            let bytes = bytes.parse::<usize>().ok()?.checked_mul(1 << 20)?;
            let Some(time) = time.strip_suffix(" midway") else {
                return milliseconds(time).map(|time| Self::Hold(bytes, time));
            };
            return milliseconds(time).map(|time| Self::HoldMidway(bytes, time));
        }
        if let Some(count) = argument("note ") {
            let count = count.strip_suffix(" times")?;
            return count.parse().ok().map(Self::Note);
        }
        if let Some(size) = argument("swell to ") {
            let size = size.strip_suffix("MiB")?.parse::<u64>().ok()?;
            return Some(Self::Swell(size << 20));
        }
        if let Some(wait) = argument("wait ") {
            return milliseconds(wait).map(Self::Wait);
        }
        if let Some(wait) = argument("unavailable for ") {
            return milliseconds(wait).map(|wait| Self::Unavailable(Some(wait)));
        }
        Some(match prompt.trim() {
            "echo it" => Self::Echo,
            "tell" => Self::Tell,
            "instant" => Self::Instant,
            "answer nonsense" => Self::Answer(Contents::Nonsense),
            "answer truncated" => Self::Answer(Contents::Truncated),
            "answer less" => Self::Answer(Contents::Less),
            "answer empty" => Self::Answer(Contents::Empty),
            "unavailable" => Self::Unavailable(None),
            "keep receipts" => Self::Keep,
            "keep and echo" => Self::KeepAndEcho,
            "trap now" => Self::Trap,
            "trap midway" => Self::TrapMidway,
            "loop for ever" => Self::Loop,
            "eat memory" => Self::EatMemory,
            "hang for ever" => Self::Hang,
            _ => return None,
        })
    }
}

/// As in `10000 fields`, and `100 exchanges: http://host`.
fn hoarded(text: &str) -> Option<Script> {
    let (count, what) = text.split_once(' ')?;
    let hoard = match what {
        "fields" => Hoard::Fields,
        "requests" => Hoard::Requests,
        "streams" => Hoard::Streams,
        "futures" => Hoard::Futures,
        "timers" => Hoard::Timers,
        "errors" => Hoard::Errors,
        "names" => Hoard::Names,
        "random bytes" => Hoard::Random,
        "lines" => Hoard::Print,
        _ => Hoard::Exchanges(what.strip_prefix("exchanges: ")?.to_owned()),
    };
    Some(Script::Hoard(hoard, count.parse().ok()?))
}

/// As in `60000000 bytes of a refusal`.
fn said(text: &str) -> Option<Script> {
    let (bytes, place) = text.split_once(" bytes of ")?;
    let place = match place {
        "a refusal" => Place::Refused,
        "an excuse" => Place::Unavailable,
        "an address" => Place::Location,
        "a media type" => Place::MediaType,
        "a note" => Place::Note,
        _ => return None,
    };
    Some(Script::Say(place, bytes.parse().ok()?))
}

/// As in `300ms`.
fn milliseconds(text: &str) -> Option<Duration> {
    text.strip_suffix("ms")?
        .parse()
        .ok()
        .map(Duration::from_millis)
}
