//! Where the service gives no sessions of its own: a token is pasted, and kept
//! for as long as the tab lives.

use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::{now, token, with_claim};
use serde_json::json;

use crate::tab::Tab;
use crate::world::closed;

#[tokio::test]
async fn a_token_opens_the_page_until_it_is_forgotten() {
    let tab = Tab::open(closed()).await;
    tab.sees("signin").await;
    tab.is_for_everyone("sign in").await;
    let expired = with_claim("nobody", "exp", json!(now() - 3600));
    for (wrong, words) in [("two words", "one word"), (&expired, "not accepted")] {
        tab.presents(wrong).await;
        tab.reads("token-error", words).await;
        tab.sees("signin").await;
    }
    tab.presents(&format!("Bearer {}", token("somebody"))).await;
    tab.sees("compose").await;
    tab.refines(&pictures::png(48, 32), "echo it").await;
    assert_eq!(tab.natural_size("before").await, json!([48, 32]));
    tab.reload().await;
    tab.is_done().await;
    tab.counts("#tiles li", 1).await;

    tab.click("#signout").await;
    tab.sees("signin").await;
    let kept = tab
        .value("JSON.stringify([sessionStorage, localStorage])")
        .await;
    assert_eq!(kept, "[{},{}]");
    tab.reload().await;
    tab.sees("signin").await;
}

/// An image's address is signed for an hour. After that a cookie would do, but
/// here is none: so the page asks for it with its token.
#[tokio::test]
async fn images_are_shown_whose_signature_is_gone() {
    let tab = Tab::open(closed()).await;
    tab.presents(&token("somebody else")).await;
    tab.sees("compose").await;
    tab.refines(&pictures::png(48, 32), "echo it").await;
    let unsigned = tab
        .value("document.getElementById('before').src.split('?')[0]")
        .await;
    tab.click("#another").await;
    tab.sees("empty").await;
    tab.write("address", unsigned.as_str().unwrap()).await;
    tab.press("Enter").await;
    tab.until("document.getElementById('picture').src.startsWith('blob:')")
        .await;
    tab.shows_image("picture", 48).await;
}

#[tokio::test]
async fn stages_are_seen_with_a_token_too() {
    let tab = Tab::open(closed()).await;
    tab.presents(&token("a watcher")).await;
    tab.sees("compose").await;
    tab.uploads(&pictures::png(48, 32)).await;
    tab.asks("wait 4000ms").await;
    tab.is_at("refining").await;
    tab.reload().await;
    tab.is_at("refining").await;
    tab.is_done().await;
}

/// Events come in pieces of any size, break off, and go on where they were left.
#[tokio::test]
async fn events_are_read_with_a_token_as_a_browser_reads_them() {
    let tab = Tab::open(closed()).await;
    tab.may_complain();
    let script = r#"(async () => {
        const { TokenEvents } = await import('/page/events.js');
        const original = window.fetch;
        const type = { 'Content-Type': 'text/event-stream' };
        const bytes = new TextEncoder().encode(
            'retry: 5\n\n: nothing\n\nevent: task\r\nid: 7\r\ndata: ä\r\n\r\n'
            + 'event: progress\ndata: 1\ndata:2\n\nevent: empty\n\nevent: task\ndata: lost\n');
        const pieces = new ReadableStream({ start(to) {
            for (const byte of bytes) to.enqueue(Uint8Array.of(byte));
            to.close();
        } });
        const answers = [
            () => new Response(pieces, { headers: type }),
            () => { throw new TypeError('no connection'); },
            () => new Response('event: task\ndata: end\n\n', { headers: type }),
            () => new Response(null, { status: 204 }),
        ];
        const seen = [];
        window.fetch = async (path, { headers }) => {
            seen.push(`asked ${path} ${headers['Last-Event-ID'] ?? ''}`);
            return answers.shift()();
        };
        sessionStorage.clear();
        const events = new TokenEvents('/there');
        for (const name of ['task', 'progress', 'empty']) {
            events.addEventListener(name, ({ data, lastEventId }) => seen.push([name, data, lastEventId]));
        }
        await new Promise((resolve) => events.addEventListener('error', () => {
            seen.push(events.readyState);
            if (events.readyState === EventSource.CLOSED) resolve();
        }));
        window.fetch = original;
        return seen;
    })()"#;
    let expected = json!([
        "asked /there ",
        ["task", "ä", "7"],
        ["progress", "1\n2", "7"],
        0,
        "asked /there 7",
        0,
        "asked /there 7",
        ["task", "end", "7"],
        0,
        "asked /there 7",
        2,
    ]);
    assert_eq!(tab.value(script).await, expected);
}
