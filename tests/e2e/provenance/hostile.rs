//! Files that are made to take memory, time or a wrong turn, through the doors. What comes
//! of each is in the tables of the domain.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::{SOURCE_TYPE, tags};
use concept_refinement_tests::pictures::{self, Picture};

use super::{concept, image};
use crate::shared::local;

const CHUNKS: usize = 100_000;

/// A directory whose entries lie outside of it, and are as many as can be said.
const LYING_EXIF: &[u8] = b"MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03\xff\xff\xff\xff\xff\xff\xff\xff";

fn png_chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let checked = [kind, content].concat();
    [
        &length[..],
        &checked,
        &crc32fast::hash(&checked).to_be_bytes(),
    ]
    .concat()
}

/// With this behind its first bytes.
fn with(picture: Picture, at: usize, more: &[u8]) -> Picture {
    let (before, after) = picture.bytes.split_at(at);
    Picture {
        bytes: [before, more, after].concat(),
        ..picture
    }
}

#[tokio::test]
async fn files_with_too_much_in_them_are_refined_as_others_are() {
    let text = png_chunk(b"tEXt", b"Comment\0hush").repeat(CHUNKS);
    let lying = [
        png_chunk(b"eXIf", LYING_EXIF),
        // A compressed packet that is none.
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0\xff\xff\xff\xff"),
    ];
    let png = [text, lying.concat()].concat();
    let app1 = [b"Exif\0\0", LYING_EXIF].concat();
    let length = u16::try_from(app1.len() + 2).unwrap().to_be_bytes();
    let exif = [b"\xff\xe1", &length[..], &app1].concat();
    let comments = [exif, b"\xff\xfe\0\x06hush".repeat(CHUNKS)].concat();
    let comment = b"!\xfe\x04hush\0".repeat(CHUNKS);
    for picture in [
        // Behind IHDR, behind the start of the image, behind the table of colours.
        with(pictures::png(40, 30), 33, &png),
        with(pictures::jpeg(40, 30), 2, &comments),
        {
            let gif = pictures::gif(40, 30);
            let colors = match gif.bytes[10] {
                flags if flags & 0x80 != 0 => 3 << ((flags & 7) + 1),
                _ => 0,
            };
            with(gif, 13 + colors, &comment)
        },
    ] {
        let client = Client::session(local().url()).await;
        let original = client.uploaded(&picture).await;
        let task = client.refined(&original, "make it lighter").await;
        let concept = concept(&client, &task).await;
        assert_eq!(concept["provenance"]["mark"], "xmp", "{concept}");
        let stored = image(&client, &concept).await;
        assert!(tags(&stored).contains_key(SOURCE_TYPE));
        assert!(stored.len() < picture.bytes.len() / 10);
    }
}
