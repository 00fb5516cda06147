//! Edits of a part: it is drawn or said in numbers, sent, and nothing else changes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use image::RgbaImage;
use serde_json::{Value, json};

use crate::tab::{PHONE, Tab};
use crate::world::{local, origin, scripted};

const OPEN: &str = "#part summary";

impl Tab {
    /// Drags over the image, between places in parts of its size.
    async fn drags(&self, way: &[(f64, f64)]) {
        self.run("document.getElementById('stage').scrollIntoView({behavior: 'instant'})")
            .await;
        let [x, y, width, height] = self.place("area").await;
        let at = |(across, down): (f64, f64)| (x + across * width, y + down * height);
        let (begin, end) = (at(way[0]), at(way[way.len() - 1]));
        self.mouse("mousePressed", begin.0, begin.1).await;
        for place in way {
            let (x, y) = at(*place);
            self.mouse("mouseMoved", x, y).await;
        }
        self.mouse("mouseReleased", end.0, end.1).await;
    }

    /// The last refinement that was asked for, as it was sent.
    pub async fn sent(&self) -> Value {
        let bodies = async || {
            let requests = self.events("Network.requestWillBeSent");
            let refine = requests
                .iter()
                .rev()
                .map(|event| &event["request"])
                .find(|request| {
                    let url = request["url"].as_str().unwrap();
                    url.ends_with("/api/concepts/refine")
                })?;
            serde_json::from_str(refine["postData"].as_str()?).ok()
        };
        eventually("a refinement is asked for", SOON, bodies).await
    }

    /// The pixels of an image of the service.
    async fn pixels(&self, url: &str) -> RgbaImage {
        let url = json!(url);
        let script = format!(
            "fetch({url}).then((answer) => answer.blob()).then((blob) => new Promise((done) => {{ \
             const reader = new FileReader(); \
             reader.onload = () => done(reader.result.split(',')[1]); \
             reader.readAsDataURL(blob); }}))"
        );
        let bytes = self.value(&script).await;
        let bytes = STANDARD.decode(bytes.as_str().unwrap()).unwrap();
        pictures::decode(&bytes).to_rgba8()
    }

    /// Before and after, of the result on show.
    async fn both(&self) -> (RgbaImage, RgbaImage) {
        let [before, after] =
            ["before", "after"].map(|id| format!("document.getElementById('{id}').src"));
        let before = self.value(&before).await;
        let after = self.value(&after).await;
        (
            self.pixels(before.as_str().unwrap()).await,
            self.pixels(after.as_str().unwrap()).await,
        )
    }
}

/// The rectangle around the pixels that differ: left, top, right, bottom.
fn changed(before: &RgbaImage, after: &RgbaImage) -> [u32; 4] {
    assert_eq!(before.dimensions(), after.dimensions());
    let pairs = before.enumerate_pixels().zip(after.pixels());
    let differing = pairs.filter(|((_, _, one), other)| one != other);
    differing.fold([u32::MAX, u32::MAX, 0, 0], |box_, ((x, y, _), _)| {
        let [left, top, right, bottom] = box_;
        [left.min(x), top.min(y), right.max(x), bottom.max(y)]
    })
}

#[tokio::test]
async fn a_rectangle_is_drawn_and_nothing_else_changes() {
    let tab = Tab::open(local()).await;
    tab.uploads(&pictures::png(320, 200)).await;
    tab.click(OPEN).await;
    tab.drags(&[(0.25, 0.25), (0.5, 0.5), (0.75, 0.75)]).await;
    tab.reads("part-state", "Marked: ").await;
    tab.is_for_everyone("a rectangle").await;
    let numbers = "['x', 'y', 'width', 'height'].map((id) => \
        Number(document.getElementById(id).value))";
    let [x, y, width, height] = {
        let numbers = tab.value(numbers).await;
        [0, 1, 2, 3].map(|at| numbers[at].as_u64().unwrap())
    };
    assert!(x.abs_diff(80) < 3 && y.abs_diff(50) < 3, "{x}, {y}");
    assert!(
        width.abs_diff(161) < 3 && height.abs_diff(101) < 3,
        "{width} × {height}"
    );
    tab.asks("lighter").await;
    tab.is_done().await;
    let sent = tab.sent().await;
    let region = json!({"x": x, "y": y, "width": width, "height": height});
    assert_eq!(sent["region"], region, "{sent}");
    for field in [
        "mask_url",
        "mask_feather",
        "region_only",
        "strength",
        "seed",
    ] {
        assert_eq!(sent[field], Value::Null, "{sent}");
    }
    let words = format!("{width} × {height} pixels at {x}, {y}");
    tab.reads("facts", &words).await;
    let (before, after) = tab.both().await;
    let [left, top, right, bottom] = changed(&before, &after).map(u64::from);
    assert!(left >= x && top >= y && right < x + width && bottom < y + height);
    assert!(right - left > width / 2 && bottom - top > height / 2);

    // The same again, with other words.
    tab.click("#revise").await;
    tab.sees("part-state").await;
    assert_eq!(tab.value(numbers).await, json!([x, y, width, height]));
}

#[tokio::test]
async fn what_is_brushed_and_not_erased_is_a_mask() {
    let tab = Tab::open(local()).await;
    tab.uploads(&pictures::png(320, 200)).await;
    tab.click(OPEN).await;
    tab.click("#tools [value=brush]").await;
    tab.run("brush.value = 10; brush.dispatchEvent(new Event('input'))")
        .await;
    tab.drags(&[(0.1, 0.3), (0.3, 0.3), (0.6, 0.3)]).await;
    tab.click("#tools [value=eraser]").await;
    tab.drags(&[(0.6, 0.1), (0.6, 0.5)]).await;
    tab.write("feather", "2").await;
    tab.click("#only").await;
    tab.is_for_everyone("brushed").await;
    tab.asks("lighter").await;
    tab.is_done().await;
    let sent = tab.sent().await;
    assert_eq!(sent["region"], Value::Null, "{sent}");
    assert_eq!(sent["mask_feather"], 2, "{sent}");
    assert_eq!(sent["region_only"], true, "{sent}");
    assert!(sent["mask_url"].as_str().unwrap().contains("/api/images/"));
    let (before, after) = tab.both().await;
    // A stroke from 32 to 192 at 60, 32 wide; the eraser took what is beyond 176.
    let [left, top, right, bottom] = changed(&before, &after);
    assert!(
        (14..=20).contains(&left) && (170..=177).contains(&right),
        "{left} {right}"
    );
    assert!(
        (42..=48).contains(&top) && (71..=78).contains(&bottom),
        "{top} {bottom}"
    );

    // The mask is not kept, but what was drawn is.
    let mask = format!(
        "fetch({}).then((answer) => answer.status)",
        sent["mask_url"]
    );
    let gone = async || (tab.value(&mask).await == 404).then_some(());
    eventually("the mask is deleted", SOON, gone).await;
    tab.click("#revise").await;
    tab.reads("part-state", "Marked: what was drawn.").await;
    // Elsewhere it has to be drawn anew.
    tab.go("/").await;
    tab.click("#tiles a").await;
    tab.is_done().await;
    tab.reads("facts", "what was drawn").await;
    tab.click("#revise").await;
    // This is said where the whole image would be sent, not only at the tools.
    tab.reads("mask-lost", "Mark the part again").await;
    let between = "document.getElementById('submit').getBoundingClientRect().top \
        - document.getElementById('mask-lost').getBoundingClientRect().bottom";
    let between = tab.value(between).await.as_f64().unwrap();
    assert!((0.0..60.0).contains(&between), "{between}");
    // What marks nothing leaves it there.
    tab.run("document.getElementById('unmark').click()").await;
    tab.reads("mask-lost", "Mark the part again").await;
    for (id, number) in [("width", "30"), ("height", "40")] {
        tab.write(id, number).await;
    }
    tab.hides("mask-lost").await;
}

#[tokio::test]
async fn a_rectangle_is_said_in_numbers() {
    let tab = Tab::open(scripted()).await;
    tab.uploads(&pictures::png(100, 80)).await;
    tab.run(&format!("document.querySelector('{OPEN}').focus()"))
        .await;
    tab.press("Enter").await;
    for (id, number) in [("x", "10"), ("y", "20"), ("width", "30"), ("height", "40")] {
        tab.write(id, number).await;
    }
    // By arrow keys too; what is marked follows.
    tab.press("ArrowDown").await;
    tab.reads("part-state", "Marked: 30 × 39 pixels at 10, 20.")
        .await;
    // Lines inside, an outline around, and nothing beyond.
    let marked = "(() => { \
        const area = document.getElementById('area'); \
        const copy = new OffscreenCanvas(area.width, area.height); \
        const context = copy.getContext('2d', {willReadFrequently: true}); \
        context.drawImage(area, 0, 0); \
        return [[12, 22, 10, 10], [30, 48, 10, 10], [8, 30, 2, 2], [30, 60, 2, 2], \
        [48, 30, 10, 10], [30, 66, 10, 10]].map((part) => \
        context.getImageData(...part).data.some((value, at) => at % 4 === 3 && value > 99)); })()";
    let expected = json!([true, true, true, true, false, false]);
    assert_eq!(tab.value(marked).await, expected);
    tab.click("#unmark").await;
    tab.reads("part-state", "Draw on the image, or enter numbers.")
        .await;
    tab.click("#undo").await;
    tab.reads("part-state", "Marked: 30 × 39 pixels at 10, 20.")
        .await;
    tab.click("#details summary").await;
    tab.run("strength.value = 0.4; strength.dispatchEvent(new Event('input'))")
        .await;
    tab.reads("strength-value", "0.4").await;
    tab.asks("echo it").await;
    tab.is_done().await;
    let sent = tab.sent().await;
    let region = json!({"x": 10, "y": 20, "width": 30, "height": 39});
    assert_eq!(sent["region"], region);
    assert_eq!(sent["strength"], 0.4);
    tab.reads("facts", "0.4").await;
}

#[tokio::test]
async fn a_part_of_an_image_that_cannot_be_shown_is_said_in_numbers() {
    let tab = Tab::open(scripted()).await;
    let page = Reply::status(404);
    tab.write("address", &origin().serve(page)).await;
    tab.press("Enter").await;
    tab.reads("no-picture", "No preview.").await;
    tab.click(OPEN).await;
    for id in ["tools", "area"] {
        tab.until(&format!(
            "!document.getElementById('{id}').checkVisibility()"
        ))
        .await;
    }
    for (id, number) in [("width", "30"), ("height", "40")] {
        tab.write(id, number).await;
    }
    tab.is_for_everyone("numbers only").await;
    tab.asks("echo it").await;
    let sent = tab.sent().await;
    assert_eq!(
        sent["region"],
        json!({"x": 0, "y": 0, "width": 30, "height": 40})
    );
}

/// What the service says of a part stands beside its controls.
#[tokio::test]
async fn a_part_outside_of_the_image_is_told() {
    let tab = Tab::open(local()).await;
    tab.uploads(&pictures::png(100, 80)).await;
    tab.click(OPEN).await;
    for (id, number) in [("x", "200"), ("width", "30"), ("height", "40")] {
        tab.write(id, number).await;
    }
    tab.asks("lighter").await;
    tab.reads(
        "part-error",
        "the region lies outside of the image, 100 × 80.",
    )
    .await;
    tab.write("x", "20").await;
    tab.write("feather", "65").await;
    tab.click("#submit").await;
    tab.reads(
        "part-error",
        "The soft edge must be a whole number from 0 to 64.",
    )
    .await;
    tab.write("feather", "64").await;
    tab.click("#submit").await;
    tab.is_done().await;
}

/// By touch, and on a narrow screen.
#[tokio::test]
async fn a_finger_draws() {
    let tab = Tab::blank(scripted()).await;
    tab.looks(PHONE, true).await;
    tab.go("/").await;
    tab.uploads(&pictures::jpeg(600, 300)).await;
    tab.click(OPEN).await;
    tab.run("document.getElementById('stage').scrollIntoView({behavior: 'instant'})")
        .await;
    let [x, y, width, height] = tab.place("area").await;
    for (kind, part) in [("touchStart", 0.2), ("touchMove", 0.5), ("touchMove", 0.8)] {
        let points = json!([{"x": x + part * width, "y": y + part * height}]);
        tab.call(
            "Input.dispatchTouchEvent",
            json!({"type": kind, "touchPoints": points}),
        )
        .await;
    }
    tab.call(
        "Input.dispatchTouchEvent",
        json!({"type": "touchEnd", "touchPoints": []}),
    )
    .await;
    tab.reads("part-state", "Marked: ").await;
    let across = tab.property("width", "valueAsNumber").await;
    assert!(
        across
            .as_f64()
            .is_some_and(|across| (across - 360.0).abs() < 10.0),
        "{across}"
    );
    tab.looks((360, 740), true).await;
    assert_eq!(tab.hidden_width().await, 0);
}
