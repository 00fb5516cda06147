//! What a component says of itself: name, version, licences and, where it is
//! known, the revision of the source. It stands in custom sections, as other
//! tools write and read them, and is the same wherever the component runs.

use std::env;

use anyhow::{Context as _, bail};

/// Names the revision of the source that is built, if it is set.
const REVISION: &str = "SOURCE_REVISION";

/// How a component begins, as opposed to a core module.
const HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";
const CUSTOM: u8 = 0;
/// The section in which a component and what is in it have names.
const NAMES: &str = "component-name";
/// The part of it that names the component.
const OWN_NAME: u8 = 0;

/// The component with its metadata.
pub fn added(component: &[u8], name: &str) -> anyhow::Result<Vec<u8>> {
    let revision = env::var(REVISION).ok();
    let revision = revision.as_deref().filter(|revision| !revision.is_empty());
    let mut fields = vec![
        ("version", env!("CARGO_PKG_VERSION")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
    ];
    fields.extend(revision.map(|revision| ("revision", revision)));
    with(component, name, &fields)
}

fn with(component: &[u8], name: &str, fields: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
    let mut rest = component
        .strip_prefix(&HEADER)
        .context("this is no component")?;
    let mut output = HEADER.to_vec();
    let mut names: &[u8] = &[];
    while !rest.is_empty() {
        let whole = rest;
        let (id, body) = section(&mut rest).context("a section is cut short")?;
        match custom(id, body) {
            Some((NAMES, old)) => names = without_own_name(old),
            Some((field, _)) if fields.iter().any(|(name, _)| *name == field) => {
                bail!("it has a section {field} already");
            }
            _ => output.extend_from_slice(whole.strip_suffix(rest).unwrap_or_default()),
        }
    }
    let mut text = Vec::new();
    push(&mut text, name.as_bytes());
    let mut named = vec![OWN_NAME];
    push(&mut named, &text);
    named.extend_from_slice(names);
    push_custom(&mut output, NAMES, &named);
    for (field, value) in fields {
        push_custom(&mut output, field, value.as_bytes());
    }
    Ok(output)
}

/// Takes a section, or a part of one: its number and what is in it.
fn section<'a>(from: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (id, rest) = from.split_first()?;
    *from = rest;
    Some((*id, sized(from)?))
}

/// The name of a custom section, and what is in it.
fn custom(id: u8, mut body: &[u8]) -> Option<(&str, &[u8])> {
    let name = sized(&mut body).filter(|_| id == CUSTOM)?;
    Some((std::str::from_utf8(name).ok()?, body))
}

fn without_own_name(names: &[u8]) -> &[u8] {
    let mut rest = names;
    match section(&mut rest) {
        Some((OWN_NAME, _)) => rest,
        _ => names,
    }
}

/// Takes as many bytes as the number before them says.
fn sized<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut length = 0_usize;
    let mut shift = 0;
    loop {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    let (taken, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(taken)
}

fn push_custom(to: &mut Vec<u8>, name: &str, contents: &[u8]) {
    let mut body = Vec::new();
    push(&mut body, name.as_bytes());
    body.extend_from_slice(contents);
    to.push(CUSTOM);
    push(to, &body);
}

/// The bytes, after their number.
fn push(to: &mut Vec<u8>, bytes: &[u8]) {
    let mut length = bytes.len();
    while length > 0x7f {
        to.push(0x80 | u8::try_from(length & 0x7f).unwrap_or_default());
        length >>= 7;
    }
    to.push(u8::try_from(length).unwrap_or_default());
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use wasm_metadata::Payload;

    use super::*;

    const FIELDS: [(&str, &str); 3] = [
        ("version", "1.2.3"),
        ("licenses", "MIT OR Apache-2.0"),
        ("revision", "0123abc"),
    ];

    /// A component with a module, and names: of itself and of the module.
    fn component() -> Vec<u8> {
        let mut component = HEADER.to_vec();
        component.push(1);
        push(&mut component, b"\0asm\x01\0\0\0");
        push_custom(
            &mut component,
            NAMES,
            b"\0\x04\x03old\x01\x06\0\x11\x01\0\x01m",
        );
        push_custom(&mut component, "other", &[7; 300]);
        component
    }

    fn own_name(component: &[u8]) -> Option<String> {
        let read = Payload::from_binary(component).unwrap();
        read.metadata().name.clone()
    }

    #[test]
    fn other_tools_read_what_is_added() {
        for component in [HEADER.to_vec(), component()] {
            let with = with(&component, "a-name", &FIELDS).unwrap();
            let read = Payload::from_binary(&with).unwrap();
            let metadata = read.metadata();
            assert_eq!(metadata.name.as_deref(), Some("a-name"));
            let text = |field: Option<String>| field.unwrap();
            let version = metadata.version.as_ref().map(ToString::to_string);
            assert_eq!(text(version), "1.2.3");
            let licenses = metadata.licenses.as_ref().map(ToString::to_string);
            assert_eq!(text(licenses), "MIT OR Apache-2.0");
            let revision = metadata.revision.as_ref().map(ToString::to_string);
            assert_eq!(text(revision), "0123abc");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        let before = component();
        assert_eq!(own_name(&before).as_deref(), Some("old"));
        let after = with(&before, "a-name", &[]).unwrap();
        assert_eq!(own_name(&after).as_deref(), Some("a-name"));
        for kept in [
            b"\0asm\x01\0\0\0".as_slice(),
            b"\x01\x06\0\x11\x01\0\x01m",
            &[7; 300],
        ] {
            assert!(after.windows(kept.len()).any(|window| window == kept));
        }
    }

    #[test]
    fn what_is_no_component_is_refused() {
        let mut cut = component();
        cut.pop();
        let mut endless = HEADER.to_vec();
        endless.extend([
            CUSTOM, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
        ]);
        for bytes in [b"".to_vec(), b"\0asm\x01\0\0\0".to_vec(), cut, endless] {
            assert!(with(&bytes, "a-name", &FIELDS).is_err());
        }
        let twice = with(&component(), "a-name", &FIELDS).unwrap();
        assert!(with(&twice, "a-name", &FIELDS).is_err());
    }

    #[test]
    fn the_version_and_the_licences_are_the_projects() {
        let added = added(&component(), "a-name").unwrap();
        let read = Payload::from_binary(&added).unwrap();
        let version = read.metadata().version.as_ref().map(ToString::to_string);
        assert_eq!(version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
        let licenses = read.metadata().licenses.as_ref().map(ToString::to_string);
        assert_eq!(licenses.as_deref(), Some("MIT OR Apache-2.0"));
    }
}
