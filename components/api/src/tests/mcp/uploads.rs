//! Images that come in a message.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::tests::service::png;

fn upload(data: &str) -> Call {
    tool(Stateless, "upload_image", json!({"data": data}))
}

fn encoded(image: &[u8]) -> String {
    BASE64_STANDARD.encode(image)
}

fn images(service: &Service) -> usize {
    service.memory.0.borrow().images.len()
}

#[test]
fn an_image_in_base64_is_an_upload() {
    let image = png(2, 3, 100_000);
    let text = encoded(&image);
    for data in [text.clone(), format!("data:image/png;base64,{text}")] {
        let service = Service::new();
        let uploaded = result(&service.send(upload(&data)));
        assert_eq!(uploaded["isError"], false, "{uploaded}");
        let path = uploaded["structuredContent"]["path"].as_str().unwrap();
        let stored = service.send(Call::get(format!("/api/images/{path}")).by("ann"));
        assert_eq!(stored.body, image);
        let url = &uploaded["structuredContent"]["image_url"];
        let arguments = json!({"url": url, "prompt": "x"});
        result(&service.send(tool(WithTasks, "refine_image", arguments)));
        assert_eq!(service.memory.task().original_path.as_deref(), Some(path));
    }
}

/// The largest image is larger than all uploads may be together.
#[test]
fn an_image_counts_as_no_more_than_its_message_can_hold() {
    let service = Service::with(&[("upload-bytes", "7000")]);
    let data = encoded(&png(2, 3, 3000));
    for kept in 1..=2 {
        let uploaded = result(&service.send(upload(&data)));
        assert_eq!(uploaded["isError"], false, "{uploaded}");
        assert_eq!(images(&service), kept);
    }
    let refused = result(&service.send(upload(&data)));
    assert_eq!(
        is_error(&refused),
        "Your uploads may take 7000 bytes together. Delete one first."
    );
}

#[test]
fn what_is_no_image_is_a_result_with_a_sentence_and_leaves_nothing() {
    let whole = png(2, 3, 100);
    let cut = encoded(&whole[..whole.len() - 5]);
    let no_base64 = format!("{}!\\\"", encoded(&whole));
    let not_an_image = "The image cannot be used: ";
    for (name, data, expected) in [
        ("text", encoded(b"hello, I am text"), not_an_image),
        ("cut short", cut, not_an_image),
        ("not base64", no_base64, "An image is not valid base64."),
        (
            "not base64 at all",
            "!".repeat(70_000),
            "An image is not valid base64.",
        ),
        ("nothing", String::new(), "data must be an image in base64."),
        (
            "a data URL that is not base64",
            "data:x,y".into(),
            "data must be an image in base64.",
        ),
        ("too large", encoded(&png(2, 3, 300_000)), not_an_image),
    ] {
        let service = Service::with(&[("max-image-bytes", "200KiB")]);
        let reply = service.send(upload(&data));
        let refused = result(&reply);
        let told = is_error(&refused);
        assert!(told.starts_with(expected), "{name}: {told}");
        assert_eq!(images(&service), 0, "{name}");
    }
    // It is not read for ever.
    let service = Service::with(&[("max-image-bytes", "200KiB")]);
    let endless = upload(&encoded(&png(2, 3, 500_000))).in_pieces(10_000);
    let refused = service.send(endless).is_error(413, "PAYLOAD_TOO_LARGE");
    let told = refused["detail"].as_str().unwrap();
    assert!(told.starts_with(not_an_image), "{told}");
    let service = Service::with(&[("uploads", "0")]);
    let limited = result(&service.send(upload(&encoded(&whole))));
    assert_eq!(
        is_error(&limited),
        "You keep 0 uploads already. Delete one first."
    );
}

#[test]
fn an_image_that_no_tool_asks_for_is_not_kept() {
    let image = encoded(&png(2, 3, 100));
    let mut meta = message(Stateless, "tools/list", json!({}));
    meta["params"]["_meta"]["data"] = json!(image);
    let no_message = json!({"data": image});
    let mut two = message(Stateless, "tools/call", json!({}));
    two["params"]["name"] = json!("upload_image");
    two["params"]["arguments"] = json!({"data": image, "other": {"data": image}});
    let notification = json!({"jsonrpc": "2.0", "method": "x", "params": {"data": image}});
    for (message, status) in [
        (meta, 200),
        (no_message, 400),
        (two, 200),
        (notification, 202),
    ] {
        let service = Service::new();
        let call = match message["method"].is_null() {
            true => Call::post(PATH).by("ann").json(&message),
            false => call(&message),
        };
        assert_eq!(service.send(call).status, status, "{message}");
        assert_eq!(images(&service), 0, "{message}");
    }
}
