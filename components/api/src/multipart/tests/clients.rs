//! What clients send, byte for byte as they were seen to.

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

struct Client {
    name: &'static str,
    content_type: &'static str,
    /// Lines of the body; the image, whose bytes have a line end of their own, is one.
    lines: &'static [&'static [u8]],
    fields: Vec<Field>,
}

#[test]
fn what_clients_send_is_read() {
    let prompt = || field("prompt", "A lake");
    let clients = [
        Client {
            name: "openai-python 3.57, which uses httpx",
            content_type: "multipart/form-data; boundary=21a48b65e5bf6ada528f6b40eb5ea927",
            lines: &[
                b"--21a48b65e5bf6ada528f6b40eb5ea927",
                b"Content-Disposition: form-data; name=\"prompt\"",
                b"",
                b"A lake",
                b"--21a48b65e5bf6ada528f6b40eb5ea927",
                b"Content-Disposition: form-data; name=\"model\"",
                b"",
                b"local",
                b"--21a48b65e5bf6ada528f6b40eb5ea927",
                b"Content-Disposition: form-data; name=\"n\"",
                b"",
                b"1",
                b"--21a48b65e5bf6ada528f6b40eb5ea927",
                b"Content-Disposition: form-data; name=\"image\"; filename=\"a.png\"",
                b"Content-Type: image/png",
                b"",
                PNG,
                b"--21a48b65e5bf6ada528f6b40eb5ea927--",
                b"",
            ],
            fields: vec![
                prompt(),
                field("model", "local"),
                field("n", "1"),
                file("image", "a.png", PNG),
            ],
        },
        Client {
            name: "openai-python 3.57 with a list of images",
            content_type: "multipart/form-data; boundary=2af97d4d0cc8ec65f7ae7aefde644334",
            lines: &[
                b"--2af97d4d0cc8ec65f7ae7aefde644334",
                b"Content-Disposition: form-data; name=\"prompt\"",
                b"",
                b"A lake",
                b"--2af97d4d0cc8ec65f7ae7aefde644334",
                b"Content-Disposition: form-data; name=\"model\"",
                b"",
                b"local",
                b"--2af97d4d0cc8ec65f7ae7aefde644334",
                b"Content-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"",
                b"Content-Type: image/png",
                b"",
                PNG,
                b"--2af97d4d0cc8ec65f7ae7aefde644334--",
                b"",
            ],
            fields: vec![prompt(), field("model", "local"), file("image[]", "a.png", PNG)],
        },
        Client {
            name: "httpx 0.28",
            content_type: "multipart/form-data; boundary=fb027709a0439424bdff1ba8f2a86544",
            lines: &[
                b"--fb027709a0439424bdff1ba8f2a86544",
                b"Content-Disposition: form-data; name=\"prompt\"",
                b"",
                b"A lake",
                b"--fb027709a0439424bdff1ba8f2a86544",
                b"Content-Disposition: form-data; name=\"image[]\"; filename=\"a %22\xc3\xbc%22.png\"",
                b"Content-Type: image/png",
                b"",
                PNG,
                b"--fb027709a0439424bdff1ba8f2a86544--",
                b"",
            ],
            fields: vec![prompt(), file("image[]", "a \"\u{fc}\".png", PNG)],
        },
        Client {
            name: "requests 2.34",
            content_type: "multipart/form-data; boundary=7d8f82bbc6b9044922ca4f61a6cc570e",
            lines: &[
                b"--7d8f82bbc6b9044922ca4f61a6cc570e",
                b"Content-Disposition: form-data; name=\"prompt\"",
                b"",
                b"A lake",
                b"--7d8f82bbc6b9044922ca4f61a6cc570e",
                b"Content-Disposition: form-data; name=\"image\"; filename=\"\xc3\xbc.png\"",
                b"Content-Type: image/png",
                b"",
                PNG,
                b"--7d8f82bbc6b9044922ca4f61a6cc570e--",
                b"",
            ],
            fields: vec![prompt(), file("image", "\u{fc}.png", PNG)],
        },
        Client {
            name: "openai-node, which uses undici",
            content_type: "multipart/form-data; boundary=----formdata-undici-034307846645",
            lines: &[
                b"------formdata-undici-034307846645",
                b"Content-Disposition: form-data; name=\"image\"; filename=\"a %22b%22.png\"",
                b"Content-Type: image/png",
                b"",
                PNG,
                b"------formdata-undici-034307846645",
                b"Content-Disposition: form-data; name=\"prompt\"",
                b"",
                b"A",
                b"lake",
                b"------formdata-undici-034307846645",
                b"Content-Disposition: form-data; name=\"model\"",
                b"",
                b"local",
                b"------formdata-undici-034307846645--",
                b"",
            ],
            fields: vec![
                file("image", "a \"b\".png", PNG),
                field("prompt", "A\r\nlake"),
                field("model", "local"),
            ],
        },
        Client {
            name: "aiohttp 3.14",
            content_type: "multipart/form-data; boundary=b722b9ff4a154a41a08370c48c1959ce",
            lines: &[
                b"--b722b9ff4a154a41a08370c48c1959ce",
                b"Content-Type: text/plain; charset=utf-8",
                b"Content-Disposition: form-data; name=\"prompt\"",
                b"",
                b"A lake",
                b"--b722b9ff4a154a41a08370c48c1959ce",
                b"Content-Type: image/png",
                b"Content-Disposition: form-data; name=\"image\"; filename=\"a%20%22b%22.png\"",
                b"",
                PNG,
                b"--b722b9ff4a154a41a08370c48c1959ce--",
                b"",
            ],
            fields: vec![prompt(), file("image", "a%20\"b\".png", PNG)],
        },
        Client {
            name: "Open WebUI, which uses aiohttp with files",
            content_type: "multipart/form-data; boundary=b1e9430d47714b568ed91d500c893800",
            lines: &[
                b"--b1e9430d47714b568ed91d500c893800",
                b"Content-Type: text/plain; charset=utf-8",
                b"Content-Disposition: form-data; name=\"prompt\"",
                b"",
                b"A lake",
                b"--b1e9430d47714b568ed91d500c893800",
                b"Content-Type: image/png",
                b"Content-Disposition: form-data; name=\"image[]\"; filename=\"1c7.png\"",
                b"",
                PNG,
                b"--b1e9430d47714b568ed91d500c893800--",
                b"",
            ],
            fields: vec![prompt(), file("image[]", "1c7.png", PNG)],
        },
        Client {
            name: "curl",
            content_type: "multipart/form-data; boundary=------------------------2c288885a6b06f96",
            lines: &[
                b"--------------------------2c288885a6b06f96",
                b"Content-Disposition: form-data; name=\"prompt\"",
                b"",
                b"A lake",
                b"--------------------------2c288885a6b06f96",
                b"Content-Disposition: form-data; name=\"image\"; filename=\"a%22b.png\"",
                b"Content-Type: image/png",
                b"",
                PNG,
                b"--------------------------2c288885a6b06f96--",
                b"",
            ],
            fields: vec![prompt(), file("image", "a\"b.png", PNG)],
        },
        Client {
            name: "curl --form-escape",
            content_type: "multipart/form-data; boundary=------------------------7502161e3f03f607",
            lines: &[
                b"--------------------------7502161e3f03f607",
                b"Content-Disposition: form-data; name=\"prompt\"",
                b"",
                b"A lake",
                b"--------------------------7502161e3f03f607",
                b"Content-Disposition: form-data; name=\"image\"; filename=\"a\\\"b\\\\c.png\"",
                b"Content-Type: image/png",
                b"",
                PNG,
                b"--------------------------7502161e3f03f607--",
                b"",
            ],
            fields: vec![prompt(), file("image", "a\"b\\c.png", PNG)],
        },
        Client {
            name: "LibreChat, which uses axios with form-data",
            content_type: "multipart/form-data; \
                           boundary=--------------------------707a1f817a8b120101fd0ccd",
            lines: &[
                b"----------------------------707a1f817a8b120101fd0ccd",
                b"Content-Disposition: form-data; name=\"prompt\"",
                b"",
                b"A lake",
                b"----------------------------707a1f817a8b120101fd0ccd",
                b"Content-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"",
                b"Content-Type: image/png",
                b"",
                PNG,
                b"----------------------------707a1f817a8b120101fd0ccd--",
                b"",
            ],
            fields: vec![prompt(), file("image[]", "a.png", PNG)],
        },
    ];
    for client in clients {
        let body = client.lines.join(&b"\r\n"[..]);
        for size in [1, 13, body.len()] {
            let body = Chunks::of(&body, &[size]);
            let mut form = Multipart::new(client.content_type, body).expect(client.name);
            assert_eq!(
                read(&mut form).as_ref(),
                Ok(&client.fields),
                "{}",
                client.name
            );
        }
    }
}
