//! Any form, in any chunks.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::tests::chunks::sizes;

/// Pieces of forms with the boundary `b`.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"--",
    b"b",
    b"\r\n--b",
    b"\r\n--b\r\n",
    b"\r\n--b--",
    b"\r\n\r\n",
    b"\r",
    b"\n",
    b" ",
    b":",
    b"\"",
    b"\\",
    b"\xff",
    b"Content-Disposition: form-data; name=\"x\"",
    b"Content-Disposition: form-data; name=\"x\"\r\n\r\n",
    b"; filename=\"",
    b"Content-Type: image/png",
];

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => select(PIECES).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..9),
    ];
    vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

/// Text that needs no escape in a name.
fn name() -> impl Strategy<Value = String> {
    "[^\\pC\"\\\\%]{0,9}"
}

/// Content in which the delimiter does not stand.
fn content() -> impl Strategy<Value = Vec<u8>> {
    bytes().prop_filter("a delimiter", |content| {
        memmem::find(&[b"\r\n", &content[..], b"\r\n"].concat(), b"\r\n--b").is_none()
    })
}

proptest! {
    #[test]
    fn parts_come_out_as_they_went_in(
        parts in vec((name(), proptest::option::of(name()), content()), 0..6),
        preamble in "[^-\r\n]{0,9}",
        sizes in sizes(),
    ) {
        let mut body = preamble.into_bytes();
        for (name, file_name, content) in &parts {
            let file_name = file_name.iter().map(|name| format!("; filename=\"{name}\""));
            let file_name: String = file_name.collect();
            let disposition = format!("Content-Disposition: form-data; name=\"{name}\"{file_name}");
            body.extend(format!("\r\n--b\r\n{disposition}\r\n\r\n").bytes());
            body.extend(content);
        }
        body.extend(b"\r\n--b--\r\n");
        prop_assert_eq!(read(&mut form(Chunks::of(&body, &sizes))), Ok(parts));
    }

    #[test]
    fn any_bytes_are_read_alike_in_any_chunks(body in bytes(), sizes in sizes()) {
        let whole = read(&mut form(Chunks::of(&body, &[body.len().max(1)])));
        prop_assert_eq!(read(&mut form(Chunks::of(&body, &sizes))), whole);
    }

    #[test]
    fn what_is_held_is_bounded(body in bytes(), sizes in sizes()) {
        let most = sizes.iter().max().copied().unwrap_or_default();
        let mut form = form(Chunks::of(&body, &sizes));
        let delimiter = form.delimiter.len();
        let read = async {
            while let Ok(Some(_)) = form.next().await {
                prop_assert!(form.held.len() <= most, "behind a head");
                while let Ok(Some(chunk)) = form.chunk().await {
                    let is_begin = form.delimiter.starts_with(&form.held);
                    let is_end = form.state == State::Delimiter && form.held.len() <= most;
                    prop_assert!(is_begin || is_end, "in a part");
                    prop_assert!(chunk.len() < most + delimiter, "passed on");
                }
            }
            Ok(())
        };
        read.now_or_never().expect("the body is there")?;
    }
}
