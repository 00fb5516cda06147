//! XMP packets: the digital source type in one, and the same packet with another.
//!
//! A packet is hostile: it may be long, deep, and full of names. Reading takes linear time:
//! the depth, the attributes of an element and the namespaces at a place are limited.

use std::ops::Range;

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, QName, ResolveResult};
use quick_xml::reader::NsReader;

use super::SourceType;

const MAX_DEPTH: usize = 100;
const MAX_ATTRIBUTES: usize = 250;
/// Declarations of namespaces that are in force at a place.
const MAX_NAMESPACES: usize = 250;
/// Longest name of a source type, in characters.
const MAX_SOURCE: usize = 100;
/// Longest text that is kept for a source type, in bytes.
const MAX_TEXT: usize = 4096;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const EXTENSION: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
const PROPERTY: &[u8] = b"DigitalSourceType";
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What a packet says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Xmp {
    /// The last part of the address of the source type.
    pub source_type: Option<String>,
    /// Where one may be put. None: there is one, or no place, or several that say nothing.
    pub room: Option<Room>,
}

/// Where a source type may be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The bytes of the packet that it replaces: none, or a source type that says nothing.
    pub range: Range<usize>,
    form: Form,
}

/// As what a source type is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// A description that is about this, as it is written between double quotes.
    Description(String),
    /// An element of a description.
    Element,
    /// The value of an attribute.
    Value,
}

/// Reads a packet. None: it is not well-formed, or beyond the limits.
pub fn read(packet: &[u8]) -> Option<Xmp> {
    let text = std::str::from_utf8(packet).ok()?;
    let start = match packet.starts_with(BYTE_ORDER_MARK) {
        true => BYTE_ORDER_MARK.len(),
        false => 0,
    };
    let mut reader = NsReader::from_str(text.get(start..)?);
    let mut found = Found::default();
    loop {
        let position = start + usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let end = start + usize::try_from(reader.buffer_position()).ok()?;
        match event {
            Event::Start(element) => found.open(&reader, &element, position)?,
            Event::Empty(element) => {
                found.open(&reader, &element, position)?;
                found.close(None, end);
            }
            Event::End(_) => found.close(Some(position), end),
            Event::Text(text) => found.text(&text),
            Event::CData(text) => found.text(&text),
            Event::GeneralRef(reference) => found.reference(&reference)?,
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return found.finish(),
        }
    }
}

/// A packet with this source and nothing else.
pub fn minimal(source: SourceType) -> String {
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"{RDF}\">{}</rdf:RDF>\
         </x:xmpmeta><?xpacket end=\"w\"?>",
        description("", source)
    )
}

impl Room {
    /// What to put there. It needs no names from around it.
    pub fn addition(&self, source: SourceType) -> String {
        match &self.form {
            Form::Description(about) => description(about, source),
            Form::Element => element(source),
            Form::Value => source.address(),
        }
    }
}

fn description(about: &str, source: SourceType) -> String {
    let address = source.address();
    format!(
        "<rdf:Description rdf:about=\"{about}\" xmlns:rdf=\"{RDF}\" \
         xmlns:Iptc4xmpExt=\"{EXTENSION}\" \
         Iptc4xmpExt:DigitalSourceType=\"{address}\"/>"
    )
}

fn element(source: SourceType) -> String {
    let address = source.address();
    format!(
        "<Iptc4xmpExt:DigitalSourceType xmlns:Iptc4xmpExt=\"{EXTENSION}\">{address}\
         </Iptc4xmpExt:DigitalSourceType>"
    )
}

#[derive(Debug, Default)]
struct Found {
    /// For each open element, how many namespaces it declares.
    open: Vec<usize>,
    namespaces: usize,
    rdf: Rdf,
    /// Whether a description stands around, directly within the RDF.
    is_in_description: bool,
    about: Option<String>,
    /// The text of the property that is open.
    text: Option<String>,
    /// How often it stands in the packet, and where last.
    count: usize,
    last: Option<Room>,
    source_type: Option<String>,
}

/// The first RDF in the packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rdf {
    #[default]
    NotYet,
    /// It is the element of this depth.
    At(usize),
    /// It has ended; its end mark, if it has one, stands here.
    Ended(Option<usize>),
}

impl Found {
    /// An element that begins there. None: it is malformed, or beyond the limits.
    fn open(
        &mut self,
        reader: &NsReader<&[u8]>,
        element: &BytesStart,
        position: usize,
    ) -> Option<()> {
        let namespaces = check(element)?;
        self.open.push(namespaces);
        self.namespaces += namespaces;
        let depth = self.open.len();
        if depth > MAX_DEPTH || self.namespaces > MAX_NAMESPACES {
            return None;
        }
        let is = |name: QName, namespace: &str, local: &[u8]| {
            name.local_name().as_ref() == local
                && reader.resolver().resolve_element(name).0 == bound(namespace)
        };
        match self.rdf {
            Rdf::NotYet if is(element.name(), RDF, b"RDF") => self.rdf = Rdf::At(depth),
            Rdf::At(rdf) if depth == rdf + 1 => {
                self.is_in_description = is(element.name(), RDF, b"Description");
                if self.is_in_description {
                    self.describe(reader, element, position)?;
                }
            }
            Rdf::At(rdf)
                if depth == rdf + 2
                    && self.is_in_description
                    && is(element.name(), EXTENSION, PROPERTY) =>
            {
                self.property(reader, element, position)?;
            }
            _ => {}
        }
        Some(())
    }

    /// The attributes of a description.
    fn describe(
        &mut self,
        reader: &NsReader<&[u8]>,
        element: &BytesStart,
        position: usize,
    ) -> Option<()> {
        let mut about = None;
        for attribute in element.attributes() {
            let attribute = attribute.ok()?;
            // Resolving takes longer than comparing.
            match attribute.key.local_name().as_ref() {
                PROPERTY if is_of(reader, attribute.key, EXTENSION) => {
                    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
                    self.source(&value);
                    let start = position + "<".len() + offset(element, &attribute.value)?;
                    self.stands(start..start + attribute.value.len(), Form::Value);
                }
                b"about"
                    if attribute.key.prefix().is_none() || is_of(reader, attribute.key, RDF) =>
                {
                    let value = std::str::from_utf8(&attribute.value).ok()?;
                    about = Some(value.replace('"', "&quot;"));
                }
                _ => {}
            }
        }
        self.about.get_or_insert(about.unwrap_or_default());
        Some(())
    }

    /// The property as an element: its value is an attribute, or the text in it.
    fn property(
        &mut self,
        reader: &NsReader<&[u8]>,
        element: &BytesStart,
        position: usize,
    ) -> Option<()> {
        self.stands(position..position, Form::Element);
        self.text = Some(String::new());
        for attribute in element.attributes() {
            let attribute = attribute.ok()?;
            let is_resource = attribute.key.local_name().as_ref() == b"resource";
            if is_resource && is_of(reader, attribute.key, RDF) {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
                self.source(&value);
            }
        }
        Some(())
    }

    /// An element that ends before `end`, perhaps with an end mark at that position.
    fn close(&mut self, position: Option<usize>, end: usize) {
        let depth = self.open.len();
        self.namespaces -= self.open.pop().unwrap_or_default();
        let Rdf::At(rdf) = self.rdf else {
            return;
        };
        if depth == rdf {
            self.rdf = Rdf::Ended(position);
        }
        if depth == rdf + 2
            && let Some(text) = self.text.take()
        {
            self.source(&text);
            if let Some(element) = &mut self.last {
                element.range.end = end;
            }
        }
    }

    fn text(&mut self, bytes: &[u8]) {
        let room = self.text.as_mut().filter(|text| text.len() < MAX_TEXT);
        if let Some((text, more)) = room.zip(std::str::from_utf8(bytes).ok()) {
            text.push_str(more);
        }
    }

    /// None: it refers to nothing.
    fn reference(&mut self, reference: &BytesRef) -> Option<()> {
        match reference.resolve_char_ref().ok()? {
            Some(character) => self.text(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => {
                let entity = std::str::from_utf8(reference).ok()?;
                self.text(resolve_xml_entity(entity)?.as_bytes());
            }
        }
        Some(())
    }

    /// The property stands there.
    fn stands(&mut self, range: Range<usize>, form: Form) {
        self.count += 1;
        self.last = Some(Room { range, form });
    }

    fn source(&mut self, address: &str) {
        let last = address.trim().rsplit('/').next().unwrap_or_default();
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=MAX_SOURCE).contains(&last.len()) && last.bytes().all(is_known) {
            self.source_type.get_or_insert_with(|| last.to_owned());
        }
    }

    /// None: an element has not ended.
    fn finish(self) -> Option<Xmp> {
        if !self.open.is_empty() {
            return None;
        }
        // A second one beside one that says nothing would make readers fail.
        let room = match (self.rdf, self.count) {
            _ if self.source_type.is_some() => None,
            (Rdf::Ended(Some(position)), 0) => Some(Room {
                range: position..position,
                form: Form::Description(self.about.unwrap_or_default()),
            }),
            (_, 1) => self.last,
            _ => None,
        };
        Some(Xmp {
            source_type: self.source_type,
            room,
        })
    }
}

/// Checks the attributes, and counts the namespaces among them.
fn check(element: &BytesStart) -> Option<usize> {
    let mut namespaces = 0;
    for (place, attribute) in element.attributes().enumerate() {
        let attribute = attribute.ok().filter(|_| place < MAX_ATTRIBUTES)?;
        attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        namespaces += usize::from(attribute.key.as_namespace_binding().is_some());
    }
    Some(namespaces)
}

/// How many bytes of the whole stand before this part of it.
fn offset(whole: &[u8], part: &[u8]) -> Option<usize> {
    part.as_ptr().addr().checked_sub(whole.as_ptr().addr())
}

/// Whether an attribute's name is of this namespace.
fn is_of(reader: &NsReader<&[u8]>, attribute: QName, namespace: &str) -> bool {
    reader.resolver().resolve_attribute(attribute).0 == bound(namespace)
}

fn bound(namespace: &str) -> ResolveResult<'_> {
    ResolveResult::Bound(Namespace(namespace.as_bytes()))
}
