//! A first visit, and the next one.

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::token;
use serde_json::{Value, json};

use crate::tab::Tab;
use crate::world::{closed, local, narrow, scripted};

impl Tab {
    /// Answers other than success, by status and address.
    fn refusals(&self) -> Vec<String> {
        let answers = self.events("Network.responseReceived");
        let answers = answers.iter().map(|answer| &answer["response"]);
        let refused = answers.filter(|answer| answer["status"].as_u64().unwrap() >= 400);
        let told = |answer: &Value| format!("{} {}", answer["status"], answer["url"]);
        refused.map(told).collect()
    }

    fn sessions(&self) -> usize {
        let requests = self.events("Network.requestWillBeSent");
        let urls = requests
            .iter()
            .filter_map(|sent| sent["request"]["url"].as_str());
        urls.filter(|url| url.ends_with("/api/auth/session"))
            .count()
    }

    /// Nothing was refused, and the browser has nothing to complain of.
    #[track_caller]
    fn is_at_peace(&self) {
        assert_eq!(self.refusals(), [""; 0]);
        assert!(self.events("Log.entryAdded").is_empty());
    }
}

#[tokio::test]
async fn a_first_visit_asks_for_nothing_that_is_refused() {
    let tab = Tab::open(local()).await;
    tab.sees("compose").await;
    tab.reads("quota", "10 of 10 refinements left, resets ")
        .await;
    tab.is_at_peace();
    assert_eq!(tab.sessions(), 1);
    tab.reload().await;
    tab.reads("quota", "10 of 10 refinements left, resets ")
        .await;
    tab.is_at_peace();
    assert_eq!(tab.sessions(), 1, "it is remembered");

    // The same user, though the page has forgotten the session.
    tab.refines(&pictures::png(32, 32), "a bit warmer").await;
    tab.run("localStorage.clear()").await;
    tab.go("/").await;
    tab.counts("#tiles li", 1).await;
    tab.reads("history", "deleted about 60 days after your last visit")
        .await;
    tab.is_at_peace();
}

/// One attempt: each would make a user, and count against the address that it comes from.
#[tokio::test]
async fn who_keeps_no_cookies_is_told_so_and_asks_for_one_session() {
    let tab = Tab::blank(scripted()).await;
    // As browsers behave that block cookies.
    let script = "const real = fetch; \
        window.fetch = (path, options) => real(path, {...options, credentials: 'omit'}); \
        Object.defineProperty(window, 'localStorage', {get() { throw new DOMException(); }})";
    tab.call(
        "Page.addScriptToEvaluateOnNewDocument",
        json!({"source": script}),
    )
    .await;
    tab.go("/").await;
    tab.reads("missing-title", "This page needs cookies").await;
    tab.reads("missing-text", "Allow cookies for this site")
        .await;
    tab.is_for_everyone("no cookies").await;
    // Nor does it ask when somebody comes back to it.
    let refused = tab.refusals().len();
    tab.run("document.dispatchEvent(new Event('visibilitychange'))")
        .await;
    eventually("two refusals", SOON, async || {
        (tab.refusals().len() >= refused + 2).then_some(())
    })
    .await;
    assert_eq!(tab.sessions(), 1);
}

/// A refusal by any other name tells that the session is known.
#[tokio::test]
async fn a_session_that_is_lost_again_is_replaced_again() {
    let tab = Tab::open(scripted()).await;
    let urls = json!({"urls": ["*/api/quota", "*/api/usage"]});
    tab.call("Network.setBlockedURLs", urls).await;
    for sessions in 2..4 {
        let cookie = json!({"name": "session", "url": scripted().url()});
        tab.call("Network.deleteCookies", cookie).await;
        tab.run("history.pushState(null, '', '/?task=none'); dispatchEvent(new Event('popstate'))")
            .await;
        eventually("another session", SOON, async || {
            (tab.sessions() == sessions).then_some(())
        })
        .await;
        tab.reads("missing-title", "Nothing to see here").await;
    }
}

/// Who has an account has no session to lose.
#[tokio::test]
async fn only_a_removal_that_happens_is_told() {
    let tab = Tab::open(narrow()).await;
    tab.refines(&pictures::png(40, 25), "echo it").await;
    tab.reads("history", "your session lasts 30 days").await;
    tab.hides("retention").await;

    let tab = Tab::open(closed()).await;
    tab.presents(&token("who has an account")).await;
    tab.sees("compose").await;
    tab.refines(&pictures::png(8, 8), "echo it").await;
    tab.sees("history").await;
    tab.hides("lasting").await;
}

#[tokio::test]
async fn what_an_image_may_be_and_what_refines_it_is_told_beforehand() {
    let tab = Tab::open(local()).await;
    tab.reads(
        "file-hint",
        "PNG, JPEG, WebP or GIF, up to 20 MiB and 50 million pixels.",
    )
    .await;
    tab.reads("model", "The local model edits images by rules")
        .await;
    let tab = Tab::open(scripted()).await;
    tab.reads("file-hint", "up to 1 MiB and 50 million pixels.")
        .await;
}

/// The new user has no such upload.
#[tokio::test]
async fn an_image_is_uploaded_again_if_the_session_is_lost() {
    let tab = Tab::open(scripted()).await;
    tab.uploads(&pictures::png(20, 10)).await;
    // Clocks of browsers are too coarse to tell what came first.
    tab.run("performance.now = () => 0").await;
    let cookie = json!({"name": "session", "url": scripted().url()});
    tab.call("Network.deleteCookies", cookie).await;
    tab.asks("echo it").await;
    tab.is_done().await;
    assert_eq!(tab.natural_size("before").await, json!([20, 10]));
}

#[tokio::test]
async fn an_address_that_leads_nowhere_leads_back() {
    let tab = Tab::blank(local()).await;
    let url = format!("{}/nothing/here", local().url());
    tab.call("Page.navigate", json!({"url": url})).await;
    tab.until("document.querySelector('h1')?.textContent === 'There is nothing at this address'")
        .await;
    assert!(tab.refusals().iter().any(|told| told.starts_with("404 ")));
    tab.is_for_everyone("nothing here").await;
    // It leads to another page, so nothing of this one can tell of the click.
    tab.value("void document.querySelector('a.primary').click()")
        .await;
    tab.sees("compose").await;
}

#[tokio::test]
async fn who_needs_a_token_is_asked_for_it_and_refused_nothing() {
    let tab = Tab::open(closed()).await;
    tab.sees("signin").await;
    tab.reads("quota", "10 refinements a month").await;
    tab.is_at_peace();
    assert_eq!(tab.sessions(), 0);
}

#[tokio::test]
async fn what_the_model_did_not_understand_is_told() {
    let tab = Tab::open(local()).await;
    tab.refines(&pictures::png(64, 48), "a bit warmer, with sparkles")
        .await;
    tab.reads("notes", "Not understood: sparkles.").await;
    tab.reads("result-title", "Refined, with differences:")
        .await;
    tab.reads("status", "Not understood: sparkles.").await;
    let is_above = "document.getElementById('notes').getBoundingClientRect().bottom \
        < document.getElementById('download').getBoundingClientRect().top";
    assert_eq!(tab.value(is_above).await, true);
    tab.is_for_everyone("a result with a note").await;
    tab.is_at_peace();

    let tab = Tab::open(scripted()).await;
    tab.refines(&pictures::png(8, 8), "note 8 times").await;
    tab.reads("notes", "Note 8.").await;
    tab.is_for_everyone("eight notes").await;
    // The next one has none.
    tab.click("#revise").await;
    tab.asks("echo it").await;
    tab.is_done().await;
    assert_eq!(tab.text("result-title").await, "Refined");
    tab.hides("notes").await;
}
