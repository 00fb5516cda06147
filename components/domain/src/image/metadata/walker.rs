//! Divides a file into segments as it arrives.

use memchr::memchr;

use super::container::Layout;
use super::segment::{Body, Event, Kind, MAX_HEAD, Next, Segment};
use crate::image::inspector::{hold, split};
use crate::image::jpeg::PREFIX;

/// Takes a file in chunks of any size. It buffers one head or tail.
#[derive(Clone, Debug)]
pub struct Walker {
    /// None until the first byte.
    layout: Option<Layout>,
    state: State,
    /// Bytes of a head or a tail.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In a head, which needs so many bytes.
    Head(usize),
    Body(Open),
    /// In the tail of so many bytes.
    Tail(usize),
}

/// A segment whose body has not ended.
#[derive(Clone, Copy, Debug)]
struct Open {
    segment: Segment,
    /// Whether it has begun: one without a head begins with its body.
    has_begun: bool,
    /// How many prefixes of a marker were found in a row, and not passed on.
    prefixes: u64,
}

impl Default for Walker {
    /// At the beginning of a file.
    fn default() -> Self {
        Self {
            layout: None,
            state: State::Head(1),
            held: Vec::with_capacity(MAX_HEAD),
        }
    }
}

impl Walker {
    /// Takes the next bytes. Every round takes a byte, or ends a segment that had one.
    pub fn push(&mut self, mut bytes: &[u8], sink: &mut impl FnMut(Event)) {
        loop {
            match self.state {
                State::Head(needed) => {
                    if !hold(&mut self.held, &mut bytes, needed) {
                        return;
                    }
                    self.find(sink);
                }
                State::Tail(needed) => {
                    if !hold(&mut self.held, &mut bytes, needed) {
                        return;
                    }
                    sink(Event::End(&self.held));
                    self.next();
                }
                State::Body(open) => {
                    let Some(rest) = self.go_through(open, bytes, sink) else {
                        return;
                    };
                    bytes = rest;
                }
            }
        }
    }

    /// Passes on what is held, after the last bytes.
    pub fn finish(&mut self, sink: &mut impl FnMut(Event)) {
        match self.state {
            State::Head(_) if self.held.is_empty() => return,
            State::Head(_) => {
                sink(Event::Start {
                    kind: Kind::Other,
                    head: &self.held,
                    is_place: false,
                });
                sink(Event::End(&[]));
            }
            State::Body(mut open) => {
                open.pass_prefixes(open.prefixes, sink);
                open.end(sink);
            }
            State::Tail(_) => sink(Event::End(&self.held)),
        }
        self.held.clear();
        self.state = State::Head(1);
    }

    /// Finds which segment begins with what is held.
    fn find(&mut self, sink: &mut impl FnMut(Event)) {
        let layout = self.layout.get_or_insert_with(|| Layout::new(&self.held));
        match layout.next(&self.held) {
            Next::More(needed) => self.state = State::Head(needed),
            Next::Segment(segment) => {
                let mut open = Open {
                    segment,
                    has_begun: false,
                    prefixes: 0,
                };
                if !self.held.is_empty() {
                    open.begin(&self.held, sink);
                }
                self.held.clear();
                self.state = State::Body(open);
            }
        }
    }

    /// Behind a segment.
    fn next(&mut self) {
        self.held.clear();
        self.state = State::Head(0);
    }

    /// Passes on as much of the body as there is. None: there may be more of it.
    fn go_through<'a>(
        &mut self,
        mut open: Open,
        bytes: &'a [u8],
        sink: &mut impl FnMut(Event),
    ) -> Option<&'a [u8]> {
        let rest = match &mut open.segment.body {
            Body::Bytes(left) => {
                let (now, rest) = split(bytes, *left);
                *left -= now.len() as u64;
                let has_ended = *left == 0;
                open.pass(now, sink);
                has_ended.then_some(rest)
            }
            Body::Blocks(_) => open.pass_blocks(bytes, sink),
            Body::Rest => {
                open.pass(bytes, sink);
                None
            }
            Body::UntilMarker => match open.pass_until_marker(bytes, sink) {
                Some((code, rest)) => {
                    open.end(sink);
                    self.held.extend([PREFIX, code]);
                    self.state = State::Head(2);
                    return Some(rest);
                }
                None => None,
            },
        };
        self.state = State::Body(open);
        if rest.is_some() {
            match open.segment.tail {
                0 => {
                    open.end(sink);
                    self.next();
                }
                tail => self.state = State::Tail(tail),
            }
        }
        rest
    }
}

impl Open {
    fn begin(&mut self, head: &[u8], sink: &mut impl FnMut(Event)) {
        let Segment { kind, is_place, .. } = self.segment;
        sink(Event::Start {
            kind,
            head,
            is_place,
        });
        self.has_begun = true;
    }

    /// Without a tail.
    fn end(&self, sink: &mut impl FnMut(Event)) {
        if self.has_begun {
            sink(Event::End(&[]));
        }
    }

    fn pass(&mut self, bytes: &[u8], sink: &mut impl FnMut(Event)) {
        if bytes.is_empty() {
            return;
        }
        if !self.has_begun {
            self.begin(&[], sink);
        }
        sink(Event::Body(bytes));
    }

    /// Returns what follows the last block. None: there are more.
    fn pass_blocks<'a>(
        &mut self,
        bytes: &'a [u8],
        sink: &mut impl FnMut(Event),
    ) -> Option<&'a [u8]> {
        let mut rest = bytes;
        let mut has_ended = false;
        while let Body::Blocks(left) = &mut self.segment.body
            && !rest.is_empty()
            && !has_ended
        {
            let (now, later) = split(rest, *left);
            *left -= now.len() as u64;
            rest = later;
            if *left == 0
                && let Some((length, later)) = rest.split_first()
            {
                *left = u64::from(*length);
                has_ended = *length == 0;
                rest = later;
            }
        }
        let (own, _) = split(bytes, (bytes.len() - rest.len()) as u64);
        self.pass(own, sink);
        has_ended.then_some(rest)
    }

    /// Returns the code of the marker, and what follows it. The prefixes before the last one
    /// fill, and belong to what they follow.
    fn pass_until_marker<'a>(
        &mut self,
        mut bytes: &'a [u8],
        sink: &mut impl FnMut(Event),
    ) -> Option<(u8, &'a [u8])> {
        loop {
            if self.prefixes == 0 {
                let length = memchr(PREFIX, bytes).unwrap_or(bytes.len());
                let (data, rest) = bytes.split_at_checked(length)?;
                self.pass(data, sink);
                bytes = rest;
            }
            let run = bytes.iter().take_while(|byte| **byte == PREFIX).count();
            self.prefixes += run as u64;
            let (code, rest) = bytes.get(run..)?.split_first()?;
            bytes = rest;
            match code {
                // A stuffed prefix, a private marker, or a restart marker.
                0x00 | 0x01 | 0xd0..=0xd7 => {
                    self.pass_prefixes(self.prefixes, sink);
                    self.pass(&[*code], sink);
                }
                code => {
                    self.pass_prefixes(self.prefixes - 1, sink);
                    return Some((*code, rest));
                }
            }
        }
    }

    fn pass_prefixes(&mut self, mut count: u64, sink: &mut impl FnMut(Event)) {
        const RUN: [u8; 64] = [PREFIX; 64];
        while count > 0 {
            let (now, _) = split(&RUN, count);
            self.pass(now, sink);
            count -= now.len() as u64;
        }
        self.prefixes = 0;
    }
}
