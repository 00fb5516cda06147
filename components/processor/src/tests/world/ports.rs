//! What the processor calls, as the world has it.

use std::time::Duration;

use concept_refinement_domain::capability::{
    CapabilityError, Fenced, Finished, ImageInfo, ImageKind, Lease, NewImage, RefinedImage, Stored,
    StoredOrNot, TaskFailure,
};
use concept_refinement_domain::image::metadata::SourceType;
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::partial_edit::Region;
use concept_refinement_domain::provenance::original_had_credentials;
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;

use super::chunks::{Chunks, Then, chunks};
use super::held::{Held, no_room};
use super::{GIF, ID, MASK, Page, SHA256, Script, World, refined_image};
use crate::contents::Contents;
use crate::ports::{
    Answer, Clock, Composite, Failure, ImageOrLocation, Images, ModelError, ModelRequest, Part,
    Ports, Purpose, Random, Response, Rest, View,
};
use crate::reason::Reason;

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.time.now.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.time.sleep(duration).await;
    }
}

impl Random for World {
    fn random(&self) -> u64 {
        1 << 63
    }
}

const NOTE: &str = "One thing was left as it was.";

fn answer(length: Option<u64>, bytes: &'static [u8]) -> Answer<Chunks> {
    Answer {
        image: ImageOrLocation::Image {
            length,
            contents: chunks(bytes),
        },
        notes: vec![NOTE.to_owned()],
        source_type: SourceType::CompositeWithTrainedAlgorithmicMedia,
    }
}

impl Ports for World {
    type Blob = Held;

    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>, CapabilityError> {
        self.renewals.set(self.renewals.get() + 1);
        if self.lose_lease_after.get() == Some(self.renewals.get()) {
            self.lose_lease();
        }
        self.call("renew", |store, now| store.renew(lease, now))
    }

    async fn finish(
        &self,
        lease: &Lease,
        image: RefinedImage,
    ) -> Result<Finished, CapabilityError> {
        if let Some(error) = self.finish_error.borrow().clone() {
            return Err(error);
        }
        self.call("finish", |store, now| store.finish(lease, image, now))
    }

    async fn fail(&self, lease: &Lease, failure: TaskFailure) -> Result<Fenced, CapabilityError> {
        self.call("fail", |store, now| store.fail(lease, &failure, now))
    }

    async fn reserve(&self, purpose: Purpose, length: u64) -> Result<Held, CapabilityError> {
        let room = match purpose {
            Purpose::Original => self.room.get(),
            Purpose::ModelAnswer => {
                self.log.borrow_mut().push(format!("reserve {length}"));
                self.sleep(self.wait_for_room.get()).await;
                length as usize
            }
        };
        let held = Held {
            bytes: Vec::new(),
            room,
            transfer: None,
        };
        match purpose {
            Purpose::Original if length as usize > room => Err(no_room()),
            Purpose::Original | Purpose::ModelAnswer => Ok(held),
        }
    }

    async fn put(
        &self,
        image: NewImage,
        contents: &Contents<Self::Blob>,
    ) -> Result<StoredOrNot, CapabilityError> {
        self.image_store_works()?;
        let path = ImagePath::of(&image).unwrap().to_string();
        let bytes = contents.blob().bytes.clone();
        self.images
            .borrow_mut()
            .insert(path.clone(), (image, bytes));
        Ok(StoredOrNot::Stored(Stored {
            url: format!("/api/images/{path}"),
            path,
            sha256: Some(SHA256.to_owned()),
        }))
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        Ok(self.image(path).await?.map(|(info, _)| info))
    }

    async fn image(&self, path: &str) -> Result<Option<(ImageInfo, Chunks)>, CapabilityError> {
        self.image_store_works()?;
        Ok(self.images.borrow().get(path).map(|(image, bytes)| {
            let info = ImageInfo {
                path: path.to_owned(),
                kind: ImageKind::Upload,
                owner: image.owner.clone(),
                media_type: image.media_type.clone(),
                size: image.length.longest(),
                etag: "\"x\"".to_owned(),
                sha256: Some(SHA256.to_owned()),
                created_at: self.now(),
                original_had_credentials: original_had_credentials(&image.metadata),
            };
            let mut contents = chunks(bytes);
            contents.then = Then::EndSlowly(self.image_pace.get(), self.time.clone());
            (info, contents)
        }))
    }

    async fn delete_image(&self, path: &str) -> Result<(), CapabilityError> {
        self.images.borrow_mut().remove(path);
        self.deleted.borrow_mut().push(path.to_owned());
        Ok(())
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        Ok(format!("{origin}/api/images/{path}?signature=x"))
    }

    async fn began(&self, _: &Lease, stage: Stage) {
        self.stages.borrow_mut().push(stage);
    }

    async fn refine(
        &self,
        request: ModelRequest,
        Images { image, mask }: &Images<'_, Self::Blob>,
    ) -> Result<Answer<Chunks>, ModelError> {
        if let Some(mask) = mask {
            assert_eq!(mask.blob().bytes, MASK);
            self.log.borrow_mut().push("refine".to_owned());
        }
        let asked = (request, image.blob().bytes.clone());
        self.asked.borrow_mut().push(asked);
        if let Some(attempt) = self.late_image.take() {
            let image = refined_image(ID, attempt);
            let path = ImagePath::of(&image).unwrap().to_string();
            self.images.borrow_mut().insert(path, (image, GIF.to_vec()));
        }
        let script = self.model.borrow_mut().pop_front();
        match script.expect("the model is asked too often") {
            Script::Answer(bytes) => Ok(answer(None, bytes)),
            Script::Declare(bytes, length) => Ok(answer(Some(length), bytes)),
            Script::Location(url) => Ok(Answer {
                image: ImageOrLocation::Location(url.to_owned()),
                notes: vec![NOTE.to_owned()],
                source_type: SourceType::CompositeWithTrainedAlgorithmicMedia,
            }),
            Script::Unknown => Err(ModelError::Unknown("the provider answered 502".to_owned())),
            Script::Unavailable(retry_after) => Err(ModelError::Unavailable {
                reason: "the provider is overloaded".to_owned(),
                retry_after,
            }),
            Script::Refuse(reason) => Err(ModelError::Final(Reason::refusal(reason))),
            Script::Hang => std::future::pending().await,
        }
    }

    async fn prepare(
        &self,
        original: &Contents<Held>,
        part: &Part<Held>,
        part_only: bool,
    ) -> Result<View<Chunks>, String> {
        let part = match part {
            Part::Region(region) => format!("{}+{}", region.x, region.width),
            Part::Mask(mask) => format!("a mask of {} bytes", mask.blob().bytes.len()),
        };
        let only = if part_only { "only " } else { "" };
        let length = original.blob().bytes.len();
        let line = format!("prepare {only}{part} of {length} bytes");
        self.log.borrow_mut().push(line);
        if let Some(reason) = self.refusal.get() {
            return Err(reason.to_owned());
        }
        Ok(View {
            image: self.view.get().map(chunks),
            mask: chunks(MASK),
            area: Region {
                x: 7,
                y: 0,
                width: 1,
                height: 1,
            },
            result_length: 1_000,
        })
    }

    async fn compose(
        &self,
        _: &Contents<Held>,
        (mask, area): (&Contents<Held>, Region),
        feather: u32,
        answer: &Contents<Held>,
    ) -> Result<Composite<Chunks>, String> {
        assert_eq!(mask.blob().bytes, MASK);
        let line = format!("compose at {} with {feather}", area.x);
        self.log.borrow_mut().push(line);
        Ok(Composite {
            image: chunks(&answer.blob().bytes),
            notes: vec!["It was put together.".to_owned()],
        })
    }

    async fn get(
        &self,
        url: &str,
        purpose: Purpose,
        rest: Option<&Rest>,
        user_agent: &str,
    ) -> Result<Response<Chunks>, Failure> {
        self.user_agents.borrow_mut().insert(user_agent.to_owned());
        let fetched = (url.to_owned(), purpose);
        self.fetched.borrow_mut().push(fetched);
        let offset = rest.map_or(0, |rest| rest.offset);
        self.offsets.borrow_mut().push(offset);
        let before = match purpose {
            Purpose::Original => None,
            Purpose::ModelAnswer => self.before_pages.borrow_mut().pop_front(),
        };
        let page = before.or_else(|| self.pages.borrow().get(url).cloned());
        let mut response = Response {
            status: 200,
            location: None,
            content_length: None,
            is_compressed: false,
            content_range: None,
            etag: None,
            retry_after: None,
            body: chunks(b""),
        };
        let from = |etag: &str| match rest {
            Some(rest) if rest.etag == etag => Some(rest.offset as usize),
            _ => None,
        };
        match page.unwrap_or(Page::Status(404)) {
            Page::Body(bytes) => response.body = chunks(bytes),
            Page::Declare(bytes, length) => {
                response.body = chunks(bytes);
                response.content_length = Some(length);
            }
            Page::File(bytes, etag) | Page::Cut(bytes, etag, _) | Page::Stall(bytes, etag, _)
                if from(etag).is_some() =>
            {
                let from = from(etag).unwrap();
                response.status = 206;
                response.content_range =
                    Some(format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len()));
                response.body = chunks(&bytes[from..]);
            }
            Page::File(bytes, etag) => {
                response.body = chunks(bytes);
                response.content_length = Some(bytes.len() as u64);
                response.etag = Some(etag.to_owned());
            }
            Page::Cut(bytes, etag, at) => {
                response.body = chunks(&bytes[..at]);
                response.content_length = Some(bytes.len() as u64);
                response.etag = Some(etag.to_owned());
            }
            Page::Stall(bytes, etag, at) => {
                response.body = chunks(&bytes[..at]);
                response.body.then = Then::Nothing;
                response.content_length = Some(bytes.len() as u64);
                response.etag = Some(etag.to_owned());
            }
            Page::Impatient(bytes) => {
                response.body = chunks(bytes);
                response.body.then = Then::EndBy(self.now(), self.time.clone());
                response.content_length = Some(bytes.len() as u64);
            }
            Page::Status(status) => response.status = status,
            Page::Busy(status, seconds) => {
                response.status = status;
                response.retry_after = Some(seconds.to_owned());
            }
            Page::Redirect(location) => {
                response.status = 302;
                response.location = Some(location.to_owned());
            }
            Page::Encoded(bytes) => {
                response.body = chunks(bytes);
                response.is_compressed = true;
            }
            Page::Part(status, range, bytes) => {
                response.status = status;
                response.content_range = range.map(str::to_owned);
                response.body = chunks(bytes);
            }
            Page::Rest(bytes, from, etag, is_compressed) => {
                response.status = 206;
                response.content_range = Some(format!("bytes {from}-"));
                response.body = chunks(&bytes[from..]);
                response.etag = Some(etag.to_owned());
                response.is_compressed = is_compressed;
            }
            Page::Refuse(error) => return Err(error),
            Page::Silence => response.body.then = Then::Nothing,
        }
        Ok(response)
    }
}
