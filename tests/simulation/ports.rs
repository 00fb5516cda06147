//! What the pipeline is given: calls that can be cut off at each point.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::capability::{
    CapabilityError, Claimed, Fenced, ImageInfo, ImageKind, Lease, NewImage, Stored, StoredOrNot,
};
use concept_refinement_domain::concept::NewConcept;
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_processor::contents::Contents;
use concept_refinement_processor::ports::{
    Answer, Clock, ConceptStore, FetchError, Http, ImageModel, ImageStore, ModelError,
    ModelRequest, Progress, Purpose, Random, Response, TaskStore,
};

use crate::faults::Side;
use crate::flaws::Flaw;
use crate::images::picture;
use crate::model::Mood;
use crate::oracle::Write;
use crate::process::Process;
use crate::source::{self, Pieces};
use crate::world::World;

/// Of one message.
pub struct Ports {
    world: Rc<World>,
    process: Rc<Process>,
    claimed: RefCell<Option<Lease>>,
}

impl Ports {
    pub fn new(world: &Rc<World>, process: &Rc<Process>) -> Self {
        Self {
            world: Rc::clone(world),
            process: Rc::clone(process),
            claimed: RefCell::default(),
        }
    }

    /// The claim that the pipeline was answered.
    pub fn claimed(&self) -> Option<Lease> {
        self.claimed.borrow().clone()
    }

    async fn call<T: std::fmt::Debug>(
        &self,
        name: &str,
        task: &str,
        effect: impl FnOnce() -> Result<T, CapabilityError>,
    ) -> Result<T, CapabilityError> {
        self.world
            .call(&self.process, name, Some(task), effect)
            .await
    }

    async fn write(
        &self,
        name: &str,
        lease: &Lease,
        write: Write<'_>,
    ) -> Result<Fenced, CapabilityError> {
        let effect = || self.world.store.write(&write, lease);
        self.call(name, &lease.task_id, effect).await
    }

    async fn point(&self, name: &str, side: Side) -> Result<(), CapabilityError> {
        let lease = self.claimed();
        let task = lease.as_ref().map(|lease| lease.task_id.as_str());
        self.world.point(&self.process, name, task, side).await
    }

    /// The task that is worked on.
    fn task(&self) -> String {
        self.claimed()
            .map_or_else(String::new, |lease| lease.task_id)
    }
}

impl TaskStore for Ports {
    async fn claim(
        &self,
        task_id: &str,
        user_id: Option<&str>,
    ) -> Result<Option<Claimed>, CapabilityError> {
        let by = self.process.group;
        let effect = || self.world.store.claim(by, task_id, user_id);
        let claimed = self.call("claim", task_id, effect).await?;
        *self.claimed.borrow_mut() = claimed.as_ref().map(|claimed| claimed.lease.clone());
        Ok(claimed)
    }

    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>, CapabilityError> {
        let effect = || self.world.store.renew(lease);
        self.call("renew", &lease.task_id, effect).await
    }

    async fn checkpoint(&self, lease: &Lease, image_path: &str) -> Result<Fenced, CapabilityError> {
        let effect = || {
            self.world.mark(&self.world.noted_at);
            let write = Write::Checkpoint(image_path);
            self.world.store.write(&write, lease)
        };
        self.call("checkpoint", &lease.task_id, effect).await
    }

    async fn complete(&self, lease: &Lease, result_id: &str) -> Result<Fenced, CapabilityError> {
        self.write("complete", lease, Write::Complete(result_id))
            .await
    }

    async fn fail(
        &self,
        lease: &Lease,
        _: Option<Stage>,
        error_message: &str,
    ) -> Result<Fenced, CapabilityError> {
        self.world.note(error_message);
        self.write("fail", lease, Write::Fail(error_message)).await
    }

    async fn release(&self, lease: &Lease) -> Result<Fenced, CapabilityError> {
        self.write("release", lease, Write::Release).await
    }
}

impl ImageStore for Ports {
    type Stream = Pieces;

    /// It can be cut off in the middle as well, which leaves nothing.
    async fn put(
        &self,
        image: NewImage,
        contents: &Contents,
    ) -> Result<StoredOrNot, CapabilityError> {
        self.point("begin an image", Side::Before).await?;
        let effect = || {
            let path = self.world.images.put(&image, contents.pieces().concat());
            let url = format!("/api/images/{path}");
            Ok(StoredOrNot::Stored(Stored { path, url }))
        };
        self.call("put an image", &self.task(), effect).await
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        let effect = || {
            let image = self.world.images.get(path);
            Ok(image.map(|image| ImageInfo {
                path: path.to_owned(),
                kind: ImageKind::Refined,
                owner: image.owner,
                media_type: image.media_type,
                size: image.bytes.len() as u64,
                etag: "\"x\"".to_owned(),
                created_at: self.now(),
            }))
        };
        self.call("stat", &self.task(), effect).await
    }

    async fn get(&self, path: &str) -> Result<Option<(ImageInfo, Pieces)>, CapabilityError> {
        let Some(info) = self.stat(path).await? else {
            return Ok(None);
        };
        let image = self.world.images.get(path);
        let bytes = image.map(|image| image.bytes).unwrap_or_default();
        let pieces = Pieces::new(&self.world.scheduler, &bytes, Duration::ZERO);
        Ok(Some((info, pieces)))
    }

    async fn delete(&self, path: &str) -> Result<(), CapabilityError> {
        let effect = || {
            self.world.remove_image(path);
            Ok(())
        };
        self.call("delete an image", &self.task(), effect).await
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        Ok(format!("{origin}/api/images/{path}?signature=x"))
    }
}

impl ConceptStore for Ports {
    async fn put(
        &self,
        lease: &Lease,
        concept: NewConcept,
    ) -> Result<Option<String>, CapabilityError> {
        let effect = || self.world.store.prepare(lease, concept);
        self.call("put a concept", &lease.task_id, effect).await
    }
}

impl Progress for Ports {
    async fn began(&self, _: &Lease, _: Stage) {
        let _ = self.point("progress", Side::Before).await;
    }
}

impl ImageModel for Ports {
    type Stream = Pieces;

    async fn refine(&self, _: ModelRequest, _: &Contents) -> Result<Answer<Pieces>, ModelError> {
        let lost = |error: CapabilityError| ModelError::Unavailable {
            reason: error.message,
            retry_after: None,
        };
        self.point("ask the model", Side::Before)
            .await
            .map_err(lost)?;
        let Some(lease) = self.claimed() else {
            return Err(ModelError::Refused("Nobody asks.".to_owned()));
        };
        let world = &self.world;
        world.mark(&world.asked_at);
        world.oracle.borrow_mut().asked(&lease);
        if world.settings.flaw == Some(Flaw::ModelAskedTwice) {
            world.oracle.borrow_mut().asked(&lease);
        }
        let mood = match world.settings.wild {
            Some(wild) => Mood::drawn(&world.random, wild.is_model_moody && !world.is_calm()),
            None => Mood::STEADY,
        };
        let wait = match mood {
            Mood::Answers(wait) => wait,
            Mood::Unavailable(retry_after) => {
                world.oracle.borrow_mut().put_off(&lease.task_id);
                return Err(ModelError::Unavailable {
                    reason: "the provider is overloaded".to_owned(),
                    retry_after,
                });
            }
            Mood::Refuses => return Err(ModelError::Refused("not this one".to_owned())),
            Mood::Hangs => pending().await,
        };
        world.scheduler.sleep(wait).await;
        if let Err(error) = self.point("ask the model", Side::After).await {
            world.oracle.borrow_mut().put_off(&lease.task_id);
            return Err(lost(error));
        }
        let bytes = picture(&lease.task_id);
        Ok(Answer::Image {
            length: Some(bytes.len() as u64),
            contents: Pieces::new(&world.scheduler, &bytes, Duration::ZERO),
        })
    }
}

impl Http for Ports {
    type Stream = Pieces;

    async fn get(&self, url: &str, _: Purpose) -> Result<Response<Pieces>, FetchError> {
        let unreachable = |_| FetchError::Unreachable;
        self.point("get", Side::Before).await.map_err(unreachable)?;
        let response = source::answer(&self.world.scheduler, url).await;
        self.point("get", Side::After).await.map_err(unreachable)?;
        response
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        self.process.now(&self.world)
    }

    async fn sleep(&self, duration: Duration) {
        self.world.scheduler.sleep(duration).await;
    }
}

impl Random for Ports {
    fn random(&self) -> u64 {
        (self.world.random.share() * u64::MAX as f64) as u64
    }
}
