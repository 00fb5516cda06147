//! Packets, as XMP allows them and as it does not.

use std::fmt::Write as _;

use super::super::SourceType;
use super::super::xmp::{minimal, read};
use super::files::packet;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const EXTENSION: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
const NAMES: &str = "xmlns:r=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
                     xmlns:i=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"";
const SOURCE: SourceType = SourceType::AlgorithmicallyEnhanced;

fn rdf(content: &str) -> String {
    format!("<m><r:RDF {NAMES}>{content}</r:RDF></m>")
}

fn description(content: &str) -> String {
    rdf(&format!("<r:Description>{content}</r:Description>"))
}

/// A source as an element.
fn element(text: &str) -> String {
    let element = format!("<i:DigitalSourceType>{text}</i:DigitalSourceType>");
    description(&element)
}

#[test]
fn a_source_is_found_wherever_it_may_stand() {
    let at = |name: &str| format!("http://cv.iptc.org/newscodes/digitalsourcetype/{name}");
    let address = at("trainedAlgorithmicMedia");
    let attribute = format!("<r:Description i:DigitalSourceType='{address}'/>");
    let resource = format!("<i:DigitalSourceType r:resource=\"{address}\"/>");
    let in_pieces = "http:&#47;<!-- no -->/x/<![CDATA[trained]]>Algorithmic&#x4d;edia";
    let elsewhere = "https://example.com/trainedAlgorithmicMedia";
    let second = format!("<r:Description/>{attribute}");
    let first = format!("{attribute}<r:Description i:DigitalSourceType='b'/>");
    for (name, packet) in [
        ("an attribute", rdf(&attribute)),
        ("text", element(&address)),
        ("text with space", element(&format!("\n  {address}\n"))),
        ("text in pieces", element(in_pieces)),
        ("a resource", description(&resource)),
        ("a second description", rdf(&second)),
        ("another scheme", element(elsewhere)),
        ("no address", element("trainedAlgorithmicMedia")),
        ("the first of two", rdf(&first)),
        ("a mark before", format!("\u{feff}{}", element(&address))),
        ("zeros behind all", format!("{}\0\0", element(&address))),
    ] {
        let xmp = read(packet.as_bytes()).unwrap();
        let source = xmp.source_type.as_deref();
        assert_eq!(source, Some("trainedAlgorithmicMedia"), "{name}");
        assert_eq!(xmp.room, None, "{name}: a second one");
    }
    for (name, text) in [
        ("at most so long", "x".repeat(100)),
        ("of these characters", "a-Z_0.9".to_owned()),
    ] {
        let xmp = read(element(&at(&text)).as_bytes()).unwrap();
        assert_eq!(xmp.source_type, Some(text), "{name}");
    }
}

#[test]
fn what_is_no_source_is_none() {
    let in_a_way = |name: &str, packet: String, has_room: bool| {
        let xmp = read(packet.as_bytes()).unwrap();
        assert_eq!(xmp.source_type, None, "{name}");
        assert_eq!(xmp.room.is_some(), has_room, "{name}");
    };
    for (name, packet) in [
        ("empty", element("")),
        ("ends with a slash", element("http://example.com/")),
        ("too long", element(&format!("a/{}", "x".repeat(101)))),
        ("much too long", element(&"x".repeat(100_000))),
        ("with a space", element("a/b c")),
        ("not ASCII", element("a/\u{e9}")),
        ("with markup", element("a/&lt;b&gt;")),
    ] {
        in_a_way(name, packet, true);
    }
    let source = "<i:DigitalSourceType>a/b</i:DigitalSourceType>";
    let another_property = source.replace("DigitalSourceType", "DigitalSourceFile");
    let another_namespace = "<x:DigitalSourceType xmlns:x='x'>a/b</x:DigitalSourceType>";
    let within = "<i:x><r:Description i:DigitalSourceType='a/b'/></i:x>";
    for (name, content) in [
        ("nothing", ""),
        ("another namespace", another_namespace),
        ("another property", &another_property),
        ("of something within", within),
        ("in a comment", &format!("<!-- {source} -->")),
        ("as text", &format!("<![CDATA[{source}]]>")),
        ("another's prefix", &format!("<y xmlns:i='x'>{source}</y>")),
    ] {
        in_a_way(name, description(content), true);
    }
    for (name, content) in [
        ("no namespace", "<r:Description DigitalSourceType='a/b'/>"),
        ("no description", "<i:x i:DigitalSourceType='a/b'/>"),
    ] {
        in_a_way(name, rdf(content), true);
    }
    let outside = format!("<m {NAMES}><r:Description i:DigitalSourceType='a/b'/></m>");
    in_a_way("outside", outside, false);
    in_a_way("no place", format!("<r:RDF {NAMES}/>"), false);
    in_a_way("nothing at all", String::new(), false);
}

#[test]
fn what_is_not_well_formed_is_not_read() {
    let deep = |depth: usize| rdf(&format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth)));
    let attributes = |prefix: &str, count: usize| {
        let mut element = String::from("<a");
        for place in 0..count {
            let _ = write!(element, " {prefix}a{place}='b'");
        }
        rdf(&(element + "/>"))
    };
    let nested = "<a xmlns:a='b'>".repeat(90) + &"</a>".repeat(90);
    for (name, packet) in [
        ("deep", deep(98)),
        ("many attributes", attributes("", 250)),
        ("many namespaces", attributes("xmlns:", 248)),
        ("many in all", rdf(&nested.repeat(100))),
    ] {
        assert!(read(packet.as_bytes()).is_some(), "{name}");
    }
    let around = "<a xmlns:a='b' xmlns:b='b' xmlns:c='b'>".repeat(90) + &"</a>".repeat(90);
    for (name, packet) in [
        ("an end too few", "<a><b></b>".to_owned()),
        ("an end too many", "<a/></a>".to_owned()),
        ("crossed", "<a><b></a></b>".to_owned()),
        ("cut", rdf("")[..60].to_owned()),
        ("a DTD", format!("<!DOCTYPE m>{}", rdf(""))),
        ("an entity", description("&secret;")),
        (
            "an entity in an attribute",
            rdf("<r:Description r:about='&secret;'/>"),
        ),
        (
            "a number beyond all characters",
            description("&#xffffffff;"),
        ),
        ("an attribute twice", rdf("<a b='c' b='d'/>")),
        ("an attribute without quotes", rdf("<a b=c/>")),
        ("too deep", deep(99)),
        ("very deep", deep(100_000)),
        ("too many attributes", attributes("", 251)),
        ("far too many attributes", attributes("", 100_000)),
        ("too many namespaces", attributes("xmlns:", 249)),
        ("too many namespaces around", rdf(&around)),
    ] {
        assert_eq!(read(packet.as_bytes()), None, "{name}");
    }
    assert_eq!(read(b"<a>\xff</a>"), None, "not UTF-8");
    let wide: Vec<u8> = rdf("").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&wide), None, "UTF-16");
}

/// The packet with the addition in its place.
fn extended(packet: &[u8]) -> String {
    let room = read(packet).unwrap().room.unwrap();
    let (before, behind) = (&packet[..room.range.start], &packet[room.range.end..]);
    let added = room.addition(SOURCE);
    String::from_utf8([before, added.as_bytes(), behind].concat()).unwrap()
}

#[test]
fn a_description_is_about_the_same_and_needs_no_names() {
    let other_meaning = format!("<r:RDF {NAMES} xmlns:rdf='x' xmlns:Iptc4xmpExt='y'></r:RDF>");
    for (name, packet) in [
        ("usual", String::from_utf8(packet("")).unwrap()),
        ("other prefixes", description("")),
        ("a mark before all", format!("\u{feff}{}", description(""))),
        ("no prefix", format!("<RDF xmlns='{RDF}'></RDF>")),
        ("prefixes that mean something else", other_meaning),
        ("several", rdf("<r:Description/> <r:Description/>")),
        ("a second RDF", format!("<m>{}{}</m>", rdf(""), rdf(""))),
    ] {
        let result = extended(packet.as_bytes());
        let xmp = read(result.as_bytes()).unwrap();
        assert_eq!(xmp.source_type.as_deref(), Some(SOURCE.as_str()), "{name}");
    }
    for (about, expected) in [
        ("r:about='it'", "it"),
        ("about=\"old\"", "old"),
        ("r:about='a \"&amp;\" &#39;'", "a &quot;&amp;&quot; &#39;"),
        ("r:nodeID='n'", ""),
        ("", ""),
    ] {
        let packet = rdf(&format!(
            "<r:Description {about}/><r:Description r:about='no'/>"
        ));
        let expected = format!("<rdf:Description rdf:about=\"{expected}\" ");
        assert!(extended(packet.as_bytes()).contains(&expected), "{about}");
    }
}

#[test]
fn a_value_that_says_nothing_is_replaced_and_all_else_stays() {
    let value = SOURCE.address();
    let around = |element: &str| description(&format!("<a/> {element} <b/>"));
    let own = format!(
        "<Iptc4xmpExt:DigitalSourceType xmlns:Iptc4xmpExt=\"{EXTENSION}\">{value}\
         </Iptc4xmpExt:DigitalSourceType>"
    );
    for element in [
        "<i:DigitalSourceType/>",
        "<i:DigitalSourceType></i:DigitalSourceType>",
        "<i:DigitalSourceType>Trained algorithmic media</i:DigitalSourceType >",
        "<i:DigitalSourceType>http://a/trainedAlgorithmicMedia/</i:DigitalSourceType>",
        "<i:DigitalSourceType r:resource=''/>",
        "<i:DigitalSourceType r:resource='a b'></i:DigitalSourceType>",
        "<i:DigitalSourceType><r:Bag><r:li/></r:Bag></i:DigitalSourceType>",
    ] {
        let result = extended(around(element).as_bytes());
        assert_eq!(result, around(&own), "{element}");
        let xmp = read(result.as_bytes()).unwrap();
        assert_eq!(xmp.source_type.as_deref(), Some(SOURCE.as_str()));
    }
    let empty = |quotes: &str| {
        let before = "<r:Description a='>' about=' i:DigitalSourceType=\"\"'";
        rdf(&format!(
            "{before}\n i:DigitalSourceType = {quotes} b='c'/>"
        ))
    };
    for (name, packet, expected) in [
        ("a space", empty("' '"), empty(&format!("'{value}'"))),
        ("words", empty("\"a b\""), empty(&format!("\"{value}\""))),
        ("quotes", empty("\"\""), empty(&format!("\"{value}\""))),
        ("apostrophes", empty("''"), empty(&format!("'{value}'"))),
        (
            "a mark before all",
            format!("\u{feff}{}", empty("''")),
            format!("\u{feff}{}", empty(&format!("'{value}'"))),
        ),
    ] {
        assert_eq!(extended(packet.as_bytes()), expected, "{name}");
        let xmp = read(expected.as_bytes()).unwrap();
        assert_eq!(xmp.source_type.as_deref(), Some(SOURCE.as_str()), "{name}");
    }
    let attribute = "<r:Description i:DigitalSourceType=''/>";
    let as_element = "<r:Description><i:DigitalSourceType/></r:Description>";
    for (name, packet) in [
        ("two of them", rdf(&attribute.repeat(2))),
        (
            "one of them an element",
            rdf(&[attribute, as_element].concat()),
        ),
    ] {
        let xmp = read(packet.as_bytes()).unwrap();
        assert_eq!((xmp.source_type, xmp.room), (None, None), "{name}");
    }
}

#[test]
fn a_packet_of_ours_is_read_and_may_be_extended_no_more() {
    for source in SourceType::ALL {
        let packet = minimal(source);
        let xmp = read(packet.as_bytes()).unwrap();
        assert_eq!(xmp.source_type.as_deref(), Some(source.as_str()));
        assert_eq!(xmp.room, None);
        assert!(packet.contains(&format!("=\"{}\"", source.address())));
    }
}
