//! Limits, and bodies that try to exceed them.

use super::*;

#[test]
fn a_form_has_64_parts() {
    let of = |parts: usize| format!("{}--b--", part("x", "1").repeat(parts));
    assert_eq!(
        fields("64", of(64).as_bytes()).map(|fields| fields.len()),
        Ok(64)
    );
    assert_eq!(fields("65", of(65).as_bytes()), Err(Fault::TooManyParts));
}

#[test]
fn no_part_behind_the_64th_is_read() {
    let mut form = form(Chunks::of(part("x", "1").repeat(10_000).as_bytes(), &[100]));
    assert_eq!(read(&mut form), Err(Fault::TooManyParts));
    assert!(form.body.0.len() > 5_000);
}

#[test]
fn a_head_has_8_kib() {
    let of = |length: usize| {
        let head = "\r\nContent-Disposition: form-data; name=x\r\nX: ";
        let filler = "y".repeat(length - head.len() - 4);
        format!("--b{head}{filler}\r\n\r\n1\r\n--b--")
    };
    assert_eq!(
        fields("8192", of(8192).as_bytes()),
        Ok(vec![field("x", "1")])
    );
    assert_eq!(fields("8193", of(8193).as_bytes()), Err(Fault::LongHead));
}

#[test]
fn a_head_without_an_end_is_not_held() {
    for (name, filler) in [("a line", "x"), ("lines", "x: y\r\n"), ("padding", " ")] {
        let body = format!("--b{}", filler.repeat(200_000));
        let mut form = form(Chunks::of(body.as_bytes(), &[1000]));
        assert_eq!(read(&mut form), Err(Fault::LongHead), "{name}");
        assert!(form.body.0.len() > 190, "{name}");
    }
}

#[test]
fn a_preamble_has_8_kib() {
    let of = |length: usize| format!("{}\r\n{}--b--", "-".repeat(length), part("x", "1"));
    assert_eq!(
        fields("8192", of(8192).as_bytes()),
        Ok(vec![field("x", "1")])
    );
    let fault = Fault::Malformed("the form begins with something else");
    assert_eq!(fields("8193", of(8193).as_bytes()), Err(fault));
    let mut endless = form(Chunks::of(&vec![b'x'; 1_000_000], &[1000]));
    assert_eq!(read(&mut endless), Err(fault));
    assert!(endless.body.0.len() > 980);
}

/// In each step a piece goes out, and what is searched is a chunk and less than a delimiter.
#[test]
fn what_is_nearly_a_delimiter_is_read_in_linear_time() {
    let boundary = "b".repeat(70);
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let nearly = &boundary[1..];
    let cases = [
        (
            "delimiters without their last byte",
            format!("\r\n--{nearly}"),
        ),
        ("begins of delimiters", "\r\n--".into()),
        ("line ends", "\r\n".into()),
        ("CR", "\r".into()),
        ("the boundary", boundary.clone()),
    ];
    for (name, filler) in cases {
        for size in [1, 61, 1_000_000] {
            let length = if size == 1 { 50_000 } else { 1_000_000 };
            let content = filler.repeat(length / filler.len());
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=x\r\n\r\n");
            let body = format!("{head}{content}\r\n--{boundary}--");
            let chunks = Chunks::of(body.as_bytes(), &[size]);
            let most = chunks.0.len() + 2;
            let mut form = Multipart::new(&content_type, chunks).unwrap();
            let read = async {
                form.next().await.unwrap().unwrap();
                let (mut steps, mut read) = (0, 0);
                while let Some(chunk) = form.chunk().await.unwrap() {
                    assert!(form.held.len() < form.delimiter.len() + 2, "{name}");
                    read += chunk.len();
                    steps += 1;
                }
                assert!(steps <= most, "{name}: {steps} steps");
                assert_eq!(read, content.len(), "{name}");
                form.next().await.unwrap()
            };
            assert_eq!(read.now_or_never(), Some(None), "{name}");
        }
    }
}
