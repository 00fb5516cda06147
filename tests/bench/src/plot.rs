//! Draws the figures for `docs/costs.md` as bars, each group with its own
//! scale. Without a background, in colours that work on light and dark pages.

use std::fmt::Write as _;

use crate::figures::{Figure, number};

/// In pixels.
const WIDTH: f64 = 800.0;
const LABELS: f64 = 230.0;
const BARS: f64 = 400.0;
const LINE: f64 = 20.0;
const BAR: f64 = 11.0;
const HEAD: f64 = 34.0;
const GAP: f64 = 14.0;
/// What a value takes beside its bar.
const VALUE: f64 = 110.0;

const OURS: &str = "#3b82c4";
const NATIVE: &str = "#9a9a9a";
const TARGET: &str = "#d9822b";
const TEXT: &str = "#808080";

/// Bars with one unit and one scale.
struct Chart<'a> {
    title: &'static str,
    unit: &'static str,
    bars: Vec<Bar<'a>>,
}

struct Bar<'a> {
    name: &'a str,
    ours: f64,
    native: Option<f64>,
    /// A value that ours should not be beyond.
    target: Option<f64>,
}

/// What is shown, in this order: figures of a group and a unit.
const CHARTS: [(&str, &str, &str); 6] = [
    ("API", "requests/s", "Requests a second, 32 connections"),
    ("API", "µs", "Processor time of the server a request, µs"),
    (
        "pipeline",
        "ms",
        "Pipeline, by the size of the original, ms",
    ),
    ("task", "ms", "A task with an instant model, ms"),
    ("memory", "MB", "Resident memory, MB"),
    ("start", "ms", "Start to first answer, ms"),
];

pub fn draw(figures: &[Figure]) -> String {
    let charts = CHARTS.iter().filter_map(|(group, unit, title)| {
        let of_it = |figure: &&Figure| figure.group == *group && figure.unit == *unit;
        let bars: Vec<Bar> = figures.iter().filter(of_it).map(Bar::of).collect();
        (!bars.is_empty()).then_some(Chart { title, unit, bars })
    });
    let mut body = String::new();
    let mut top = 8.0;
    legend(&mut body, top);
    top += LINE;
    for chart in charts {
        top = chart.draw(&mut body, top);
    }
    let style = format!(
        "text{{font:12px system-ui,sans-serif;fill:{TEXT}}}.h{{font-weight:600;font-size:13px}}"
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" \
         width=\"{WIDTH}\" height=\"{top}\" role=\"img\" \
         aria-label=\"What the service costs, beside native code\">\n\
         <style>{style}</style>\n{body}</svg>\n"
    )
}

impl<'a> Bar<'a> {
    fn of(figure: &'a Figure) -> Self {
        Self {
            name: &figure.name,
            ours: figure.value,
            native: figure.native,
            target: figure.bound(),
        }
    }

    fn largest(&self) -> f64 {
        let others = [self.native, self.target];
        others.into_iter().flatten().fold(self.ours, f64::max)
    }
}

impl Chart<'_> {
    /// Answers where the next begins.
    fn draw(&self, svg: &mut String, top: f64) -> f64 {
        let largest = self.bars.iter().map(Bar::largest).fold(0.0, f64::max);
        let scale = BARS / largest;
        let mut top = top + HEAD;
        text(svg, 0.0, top - 10.0, "class=\"h\"", self.title);
        for bar in &self.bars {
            text(svg, 0.0, top + BAR - 1.0, "", bar.name);
            let tick = bar.target.map(|target| target * scale);
            let values = [(Some(bar.ours), OURS, tick), (bar.native, NATIVE, None)];
            for (value, colour, tick) in values {
                let Some(value) = value else { continue };
                let width = (value * scale).max(1.0);
                rectangle(svg, top, width, colour);
                // The value stands beside the tick, not under it.
                let end = tick
                    .filter(|tick| (width..width + VALUE).contains(tick))
                    .unwrap_or(width);
                let shown = format!("{} {}", number(value), self.unit);
                text(svg, LABELS + end + 6.0, top + BAR - 1.0, "", &shown);
                if let Some(tick) = tick {
                    let _ = writeln!(
                        svg,
                        "<path d=\"M{:.1} {:.1}v{}\" stroke=\"{TARGET}\" stroke-width=\"2\"/>",
                        LABELS + tick,
                        top - 2.0,
                        BAR + 4.0,
                    );
                }
                top += LINE - 4.0;
            }
            top += 4.0;
        }
        top + GAP - HEAD / 2.0
    }
}

fn legend(svg: &mut String, top: f64) {
    let mut x = LABELS;
    for (colour, name) in [(OURS, "components"), (NATIVE, "native"), (TARGET, "target")] {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{top}\" width=\"11\" height=\"11\" rx=\"2\" fill=\"{colour}\"/>"
        );
        text(svg, x + 17.0, top + 10.0, "", name);
        x += 110.0;
    }
}

fn rectangle(svg: &mut String, top: f64, width: f64, colour: &str) {
    let _ = writeln!(
        svg,
        "<rect x=\"{LABELS}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\" \
         fill=\"{colour}\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, attributes: &str, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{text}</text>"
    );
}
