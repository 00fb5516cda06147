//! A tab of a new visitor, and what a visitor does in it.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures::Picture;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::Service;
use serde_json::{Value, json};

use crate::browser::Browser;

/// Between two looks at the page.
const LOOK: Duration = Duration::from_millis(15);

pub const DESK: (u32, u32) = (1280, 860);
pub const PHONE: (u32, u32) = (390, 844);

/// A tab with cookies and storage of its own, in which nothing may go wrong that the browser
/// complains of.
pub struct Tab {
    browser: &'static Browser,
    context: String,
    session: String,
    base: String,
    may_complain: Cell<bool>,
}

impl Tab {
    /// At the page of a service, on a desk and in the light.
    pub async fn open(service: &Service) -> Self {
        let tab = Self::blank(service).await;
        tab.go("/").await;
        tab
    }

    /// Nowhere yet.
    pub async fn blank(service: &Service) -> Self {
        let browser = Browser::shared();
        let context = browser
            .call(None, "Target.createBrowserContext", json!({}))
            .await;
        let context = text(&context["browserContextId"]);
        let parameters = json!({"url": "about:blank", "browserContextId": context});
        let target = browser.call(None, "Target.createTarget", parameters).await;
        let parameters = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser
            .call(None, "Target.attachToTarget", parameters)
            .await;
        let tab = Self {
            browser,
            context,
            session: text(&session["sessionId"]),
            base: service.url().to_owned(),
            may_complain: Cell::new(false),
        };
        for domain in ["Page", "Runtime", "Log", "DOM", "Network"] {
            tab.call(&format!("{domain}.enable"), json!({})).await;
        }
        tab.looks(DESK, false).await;
        tab
    }

    pub async fn call(&self, method: &str, parameters: Value) -> Value {
        self.browser
            .call(Some(&self.session), method, parameters)
            .await
    }

    pub fn events(&self, method: &str) -> Vec<Value> {
        self.browser.events(&self.session, method)
    }

    /// The size of the window, and whether it is dark. Nothing moves that need
    /// not.
    pub async fn looks(&self, (width, height): (u32, u32), is_dark: bool) {
        let is_phone = width < 600;
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone});
        self.call("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        let scheme = if is_dark { "dark" } else { "light" };
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}))
            .await;
    }

    /// Goes to a path of the service, by its address, and waits until the page
    /// knows its visitor.
    pub async fn go(&self, path: &str) {
        let url = format!("{}{path}", self.base);
        self.call("Page.navigate", json!({"url": url})).await;
        self.is_there().await;
    }

    /// Goes to a task.
    pub async fn opens(&self, task: &Value) {
        let path = format!("/?task={}", text(&task["task_id"]));
        self.go(&path).await;
    }

    pub async fn reload(&self) {
        self.run("window.isOld = true").await;
        self.call("Page.reload", json!({})).await;
        self.until("!window.isOld").await;
        self.is_there().await;
    }

    /// Its scripts have run, and who is there is known or asked for.
    async fn is_there(&self) {
        self.until("document.readyState === 'complete' && document.querySelector('.chip')")
            .await;
        self.until("!document.querySelector('[aria-busy]')").await;
    }

    /// The value of an expression of JavaScript, awaited.
    pub async fn value(&self, expression: &str) -> Value {
        self.evaluate(expression)
            .await
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    pub async fn run(&self, script: &str) {
        self.value(&format!("{{ {script} }}; 0")).await;
    }

    async fn evaluate(&self, expression: &str) -> Result<Value, String> {
        let parameters =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", parameters).await;
        match answer.get("exceptionDetails") {
            Some(details) => Err(details.to_string()),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Waits until a condition in JavaScript holds.
    pub async fn until(&self, condition: &str) {
        let begin = Instant::now();
        let expression = format!("Boolean({condition})");
        loop {
            // While it goes elsewhere there is nothing to look at.
            if self.evaluate(&expression).await == Ok(json!(true)) {
                return;
            }
            if begin.elapsed() > SOON {
                let seen = self.evaluate("document.body?.innerText").await;
                let picture = std::env::temp_dir().join("concept-refinement-browser.png");
                self.picture(&picture).await;
                panic!(
                    "not so within {SOON:?}: {condition}\n{seen:?}\nerrors: {:?}\npicture: {}",
                    self.errors(),
                    picture.display(),
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until an element can be seen.
    pub async fn sees(&self, id: &str) {
        self.until(&format!(
            "document.getElementById('{id}')?.checkVisibility()"
        ))
        .await;
    }

    /// Waits until an element is hidden.
    pub async fn hides(&self, id: &str) {
        let hidden = format!("document.getElementById('{id}').hidden");
        self.until(&hidden).await;
    }

    /// Waits until an image of this width is loaded.
    pub async fn shows_image(&self, id: &str, width: u32) {
        let shown = format!("document.getElementById('{id}').naturalWidth === {width}");
        self.until(&shown).await;
    }

    /// Waits until there are so many elements.
    pub async fn counts(&self, selector: &str, count: usize) {
        let counted = format!("document.querySelectorAll('{selector}').length === {count}");
        self.until(&counted).await;
    }

    /// Waits until a visible element says this, among other things.
    pub async fn reads(&self, id: &str, words: &str) {
        self.until(&format!(
            "document.getElementById('{id}')?.checkVisibility() \
             && document.getElementById('{id}').textContent.includes({})",
            json!(words)
        ))
        .await;
    }

    /// Waits until an element has the focus.
    pub async fn has_focus_on(&self, id: &str) {
        self.until(&format!("document.activeElement.id === '{id}'"))
            .await;
    }

    /// Where an element is: its left and top, its width and height.
    pub async fn place(&self, id: &str) -> [f64; 4] {
        let place = format!(
            "(({{x, y, width, height}}) => [x, y, width, height])\
             (document.getElementById('{id}').getBoundingClientRect())"
        );
        let place = self.value(&place).await;
        [0, 1, 2, 3].map(|at| place[at].as_f64().unwrap())
    }

    /// What an element has of this name.
    pub async fn property(&self, id: &str, name: &str) -> Value {
        let property = format!("document.getElementById('{id}').{name}");
        self.value(&property).await
    }

    pub async fn text(&self, id: &str) -> String {
        text(&self.property(id, "textContent").await)
    }

    /// Clicks the middle of an element. If the page moves under the pointer,
    /// tries again until the element is hit.
    pub async fn click(&self, selector: &str) {
        let selector = json!(selector);
        let aim = format!(
            "(() => {{ const element = document.querySelector({selector}); \
             if (!element?.checkVisibility()) return null; \
             window.isHit = false; \
             const hit = () => {{ window.isHit = true; }}; \
             element.addEventListener('click', hit, {{once: true, capture: true}}); \
             element.scrollIntoView({{block: 'center', behavior: 'instant'}}); \
             const {{x, y, width, height}} = element.getBoundingClientRect(); \
             return [x + width / 2, y + height / 2]; }})()"
        );
        eventually(&format!("a click on {selector}"), SOON, async || {
            let at = self.value(&aim).await;
            let (x, y) = (at[0].as_f64()?, at[1].as_f64()?);
            // While the layout moves, a click could hit another element.
            if self.value(&aim).await != at {
                return None;
            }
            for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
                self.mouse(kind, x, y).await;
            }
            (self.value("window.isHit").await == true).then_some(())
        })
        .await;
    }

    /// The left button is down between pressed and released.
    pub async fn mouse(&self, kind: &str, x: f64, y: f64) {
        let event = json!({
            "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1,
        });
        self.call("Input.dispatchMouseEvent", event).await;
    }

    /// Presses a key by its name: `Tab`, `Enter`, `ArrowLeft`.
    pub async fn press(&self, key: &str) {
        self.press_with(key, 0).await;
    }

    /// With Control (2) or Shift (8).
    pub async fn press_with(&self, key: &str, modifiers: u32) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "End" => (35, ""),
            "Home" => (36, ""),
            "ArrowLeft" => (37, ""),
            "ArrowRight" => (39, ""),
            "ArrowDown" => (40, ""),
            "j" => (74, "j"),
            "k" => (75, "k"),
            other => panic!("{other} is no key of these tests"),
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code,
                "modifiers": modifiers, "text": text,
            });
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Types into whatever has the focus.
    pub async fn types(&self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Replaces what a field says.
    pub async fn write(&self, id: &str, text: &str) {
        self.run(&format!(
            "document.getElementById('{id}').focus(); document.getElementById('{id}').select()"
        ))
        .await;
        self.types(text).await;
    }

    /// Gives a token to a page that asks for one.
    pub async fn presents(&self, token: &str) {
        self.write("token", token).await;
        self.press("Enter").await;
    }

    /// Chooses a file, as the dialog of the system would.
    pub async fn choose(&self, file: &Path) {
        self.choose_in("#file", file).await;
    }

    /// The same in another field.
    pub async fn choose_in(&self, selector: &str, file: &Path) {
        let document = self.call("DOM.getDocument", json!({})).await;
        let query = json!({"nodeId": document["root"]["nodeId"], "selector": selector});
        let node = self.call("DOM.querySelector", query).await;
        let files = json!({"nodeId": node["nodeId"], "files": [file.to_str().unwrap()]});
        self.call("DOM.setFileInputFiles", files).await;
    }

    /// Chooses a picture and waits until it has arrived.
    pub async fn uploads(&self, picture: &Picture) {
        self.choose(&file(picture)).await;
        self.reads("status", "The image is uploaded.").await;
        self.until("document.getElementById('picture').naturalWidth > 0")
            .await;
    }

    /// Asks for a refinement of what was chosen.
    pub async fn asks(&self, prompt: &str) {
        self.write("prompt", prompt).await;
        self.click("#submit").await;
    }

    /// Uploads a picture, and has it refined.
    pub async fn refines(&self, picture: &Picture, prompt: &str) {
        self.uploads(picture).await;
        self.asks(prompt).await;
        self.is_done().await;
    }

    /// Asks for a refinement of this address, and sees it under way.
    pub async fn begins(&self, url: &str, prompt: &str) {
        self.write("address", url).await;
        self.asks(prompt).await;
        self.sees("watching").await;
    }

    /// Has a refinement made without the page's knowing, by its cookie.
    pub async fn has_done(&self, original: &str, prompt: &str) -> Value {
        let wish = json!({"original_image_url": original, "refinement_prompt": prompt});
        let script = format!(
            "(async () => {{ \
             const made = await fetch('/api/concepts/refine', {{method: 'POST', \
             headers: {{'Content-Type': 'application/json'}}, body: {} }}); \
             let task = await made.json(); \
             while (['pending', 'processing'].includes(task.status)) \
             task = await (await fetch(`/api/tasks/${{task.task_id}}`)).json(); \
             return task; }})()",
            json!(wish.to_string())
        );
        self.value(&script).await
    }

    /// Waits for a result with both of its pictures.
    pub async fn is_done(&self) {
        self.sees("result").await;
        self.sees("split").await;
    }

    /// Waits until this step is the one under way.
    pub async fn is_at(&self, step: &str) {
        self.until(&format!(
            "document.querySelector('#steps [aria-current]')?.checkVisibility() \
             && document.querySelector('#steps [aria-current]').dataset.step === '{step}'"
        ))
        .await;
    }

    pub async fn path(&self) -> String {
        text(&self.value("location.pathname + location.search").await)
    }

    /// The width and height that an image on show has by itself.
    pub async fn natural_size(&self, id: &str) -> Value {
        self.value(&format!(
            "[document.getElementById('{id}').naturalWidth, document.getElementById('{id}').naturalHeight]"
        ))
        .await
    }

    /// What the browser complained of, but for answers other than success, which
    /// it logs too.
    pub fn errors(&self) -> Vec<Value> {
        let exceptions = self.events("Runtime.exceptionThrown");
        let calls = self.events("Runtime.consoleAPICalled");
        let entries = self.events("Log.entryAdded");
        let entries = entries
            .into_iter()
            .filter(|entry| entry["entry"]["source"] != "network");
        exceptions.into_iter().chain(calls).chain(entries).collect()
    }

    /// What the browser complains of in this one does not matter.
    pub fn may_complain(&self) {
        self.may_complain.set(true);
    }

    /// A picture of the window.
    pub async fn picture(&self, path: &Path) {
        let format = path.extension().unwrap().to_str().unwrap();
        let parameters = json!({"format": format, "quality": 90});
        let parameters = match format {
            "png" => json!({"format": "png"}),
            _ => parameters,
        };
        let shot = self.call("Page.captureScreenshot", parameters).await;
        let bytes = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        let errors = self.errors();
        let parameters = json!({"browserContextId": self.context});
        self.browser
            .tell("Target.disposeBrowserContext", parameters);
        // A test that fails says why by itself.
        if !self.may_complain.get() && !std::thread::panicking() {
            assert!(errors.is_empty(), "{errors:?}");
        }
    }
}

/// A file with a picture.
pub fn file(picture: &Picture) -> PathBuf {
    let (_, extension) = picture.media_type.split_once('/').unwrap();
    file_of(&format!("picture.{extension}"), &picture.bytes)
}

pub fn file_of(name: &str, bytes: &[u8]) -> PathBuf {
    let path = scratch("file").join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
