//! A ComfyUI server: an upload, a workflow that is queued under the task's id, its history,
//! and a view of what it saved.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::shop::{Shop, Work};
use super::{BadAnswer, Body, Edit, KeyRule, Mask, Memory, Refinement, StandIn};
use crate::pictures::Picture;
use crate::provider::{Asked, Provider};
use crate::server::Reply;

pub struct ComfyUi;

/// How each upload is called on the server.
const UPLOADED: &str = "original.png";

/// In the API format.
fn workflow(image: &str, mask: &str, prompt: &str, denoise: Value) -> Value {
    json!({
        "3": {"class_type": "KSampler", "inputs": {"denoise": denoise, "model": ["4", 0]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": prompt, "clip": ["4", 1]}},
        "10": {"class_type": "LoadImage", "inputs": {"image": image}},
        "11": {"class_type": "LoadImageMask", "inputs": {"image": mask, "channel": "red"}},
    })
}

/// A workflow was queued, which runs under this name.
pub fn queued(id: &str) -> Reply {
    Reply::json(
        200,
        &json!({"prompt_id": id, "number": 3, "node_errors": {}}),
    )
}

/// It saved this file.
pub fn ended(id: &str, filename: &str) -> Reply {
    let json = json!({id: {
        "prompt": [3, id, {}, {}, ["9"]],
        "outputs": {"9": {"images": [
            {"filename": filename, "subfolder": "a b", "type": "output"},
        ]}},
        "status": {"status_str": "success", "completed": true, "messages": []},
    }});
    Reply::json(200, &json)
}

/// It failed.
pub fn failed(id: &str) -> Reply {
    let json = json!({id: {
        "outputs": {},
        "status": {"status_str": "error", "completed": false, "messages": [
            ["execution_error", {"exception_message": "CUDA out of memory.\nTraceback"}],
        ]},
    }});
    Reply::json(200, &json)
}

/// What was uploaded for a task's run under a name that goes on so.
fn uploaded(provider: &Provider, asked: &Asked, rest: &str) -> Vec<u8> {
    let task = asked.json()["prompt_id"].as_str().unwrap().to_owned();
    let filename = format!("filename=\"concept-refinement-{task}{rest}");
    let uploads = provider.asked("/upload/image").into_iter();
    let mut files = uploads.flat_map(|upload| upload.form());
    let file = files.find(|part| part.disposition.contains(&filename));
    file.unwrap().contents
}

impl StandIn for ComfyUi {
    fn label(&self) -> &'static str {
        "comfyui"
    }

    /// Of a proxy before it.
    fn key(&self) -> &'static str {
        "cu-hush-1234"
    }

    fn key_rule(&self) -> KeyRule {
        KeyRule::Nowhere
    }

    fn request_line(&self, _: &str) -> (&'static str, String) {
        ("POST", "/prompt".to_owned())
    }

    fn answers_at_once(&self) -> bool {
        false
    }

    fn settings(&self, directory: &Path) -> Vec<(&'static str, String)> {
        let file = directory.join("workflow.json");
        let workflow = workflow(
            "{{image}}",
            "{{mask}}",
            "a logo, {{prompt}}",
            json!("{{strength}}"),
        );
        fs::write(&file, workflow.to_string()).unwrap();
        vec![("model-workflow", file.display().to_string())]
    }

    fn prepare(&self, provider: &Provider) {
        provider.serve_below("/history/", Reply::json(200, &json!({})));
        let queue = json!({"queue_running": [], "queue_pending": []});
        provider.serve_at("/queue", Reply::json(200, &queue));
        let upload = json!({"name": UPLOADED, "subfolder": "", "type": "input"});
        provider.serve_at("/upload/image", Reply::json(200, &upload));
    }

    fn success(&self, provider: &Provider, picture: &Picture) -> Reply {
        let number = provider.name();
        let id = format!("run{number}");
        provider.serve_at(
            &format!("/history/{id}"),
            ended(&id, &format!("{number}.png")),
        );
        provider.serve_at(
            &format!("/view?filename={number}%2Epng&subfolder=a%20b&type=output"),
            Reply::picture(picture),
        );
        queued(&id)
    }

    fn forms(&self, provider: &Provider, picture: &Picture) -> Vec<(&'static str, Reply)> {
        vec![("a file", self.success(provider, picture))]
    }

    fn bad_answers(&self, provider: &Provider, _: &str) -> Vec<BadAnswer> {
        provider.serve_at("/history/broken", failed("broken"));
        let empty = json!({"empty": {"outputs": {}}});
        provider.serve_at("/history/empty", Reply::json(200, &empty));
        provider.serve_at("/history/noimage", ended("noimage", "1.txt"));
        provider.serve_at(
            "/view?filename=1%2Etxt&subfolder=a%20b&type=output",
            Reply::ok("text/plain", b"no image"),
        );
        let cases = [
            (
                "a run that failed",
                "broken",
                1,
                "the provider could not refine the image: CUDA out of memory",
            ),
            (
                "a run without an image",
                "empty",
                1,
                "the provider's workflow saved no image",
            ),
            (
                "a run that is forgotten",
                "forgotten",
                3,
                "the provider lost the refinement",
            ),
            (
                "what is no image",
                "noimage",
                1,
                "the provider's answer is not an image",
            ),
        ];
        let cases = cases
            .map(|(name, id, times, sentence)| BadAnswer::of(name, queued(id), times, sentence));
        cases.into()
    }

    fn original(&self, provider: &Provider, asked: &Asked) -> Vec<u8> {
        uploaded(provider, asked, ".")
    }

    fn body(&self, refinement: &Refinement) -> Body {
        let prompt = format!("a logo, {}", refinement.prompt);
        // Without a mask the original is what the workflow gets for it.
        let workflow = workflow(UPLOADED, UPLOADED, &prompt, json!(0.7));
        Body::Json(json!({"prompt": workflow, "prompt_id": refinement.task}))
    }

    /// It gets what its workflow has an input for.
    fn edit(&self, provider: &Provider, asked: &Asked) -> Edit {
        let workflow = asked.json()["prompt"].clone();
        Edit {
            strength: Some(workflow["3"]["inputs"]["denoise"].as_f64().unwrap()),
            seed: None,
            mask: Some(Mask::white(uploaded(provider, asked, "-mask."))),
        }
    }

    fn memory(&self) -> Memory {
        Memory::ByOurNames
    }

    fn under_load(&self, shop: &Shop, asked: &Asked) -> Reply {
        let dice = shop.dice();
        if asked.method == "GET" && dice < 15 && !asked.path.starts_with("/view") {
            return Reply::status(503);
        }
        let mut works = shop.works();
        if let Some(id) = asked.path.strip_prefix("/history/") {
            let id = id.replace("%2D", "-");
            return match works.get_mut(&id) {
                Some(work) if work.looks > 1 => ended(&id, "1.png"),
                Some(work) => {
                    work.looks += 1;
                    Reply::json(200, &json!({}))
                }
                None => Reply::json(200, &json!({})),
            };
        }
        match asked.path.as_str() {
            "/queue" => {
                let running = works.iter().filter(|(_, work)| work.looks <= 1);
                let running: Vec<_> = running.map(|(id, _)| json!([1, id, {}, {}, []])).collect();
                let queue = json!({"queue_running": running, "queue_pending": []});
                Reply::json(200, &queue)
            }
            "/upload/image" => {
                let upload = json!({"name": UPLOADED, "subfolder": "", "type": "input"});
                Reply::json(200, &upload)
            }
            "/prompt" => {
                let prompt = asked.key();
                shop.make(&prompt);
                let id = asked.json()["prompt_id"].as_str().unwrap().to_owned();
                works.insert(id.clone(), Work::of(&prompt));
                match dice {
                    0..20 => queued(&id).without_end(10),
                    _ => queued(&id),
                }
            }
            _ if dice < 15 => Reply::status(503),
            _ => Reply::picture(&shop.picture),
        }
    }
}
