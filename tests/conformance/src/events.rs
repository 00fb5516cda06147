//! Reading a stream of server-sent events.

use serde_json::Value;

pub struct Event {
    pub name: String,
    pub data: Value,
}

/// The whole events of a stream; comments and what has no data are none.
pub fn parse(text: &str) -> Result<Vec<Event>, String> {
    let mut events = Vec::new();
    for block in text.split_inclusive("\n\n") {
        let Some(block) = block.strip_suffix("\n\n") else {
            continue; // the stream was left in the middle
        };
        let field = |name: &str| {
            block
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let Some(data) = field("data") else { continue };
        events.push(Event {
            // The standard's name of an event that is sent without one.
            name: field("event").unwrap_or("message").to_owned(),
            data: serde_json::from_str(data).map_err(|error| format!("{error}: {data}"))?,
        });
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read() {
        let events = parse("retry: 1\n\nevent: a\nid: 1\ndata: {}\n\n: x\n\ndata: 2\n\nda");
        let events = events.unwrap();
        let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, ["a", "message"]);
        assert_eq!(events[1].data, 2);
        assert!(parse("event: a\ndata: {\n\n").is_err());
    }
}
