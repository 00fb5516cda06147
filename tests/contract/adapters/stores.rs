//! The stores of the suite over the exports of an adapter.
//!
//! What only a host offers is not called by the promises of `wit/`.

use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, Claimed, ConceptPage, Deleted, Fenced, ImageInfo, ImageKind, Lease,
    NewImage, NewTask, Position, Resolved, StoredOrNot, Submission, TaskPage,
};
use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::task::{Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_host::capability::Answer;
use concept_refinement_host::capability::concepts::Concepts;
use concept_refinement_host::capability::images::{Contents, ImageStore, Images};
use concept_refinement_host::capability::tasks::{
    Changes, Expired, Leases, Maintenance, Tally, Tasks,
};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use wasmtime::component::StreamReader;

use super::bindings::exports::concept::refinement::image_store;
use super::instances::Instances;
use super::streams::{self, Chunks};

const HOST_ONLY: &str = "only a host offers this";

impl Tasks for Instances {
    fn submit(&self, task: NewTask) -> Answer<'_, Submission> {
        Box::pin(async move {
            let submission = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_submit(accessor, task.into()))
            });
            Ok(submission.await?.into())
        })
    }

    fn withdraw<'a>(&'a self, id: &'a str, error_message: &'a str) -> Answer<'a, Fenced> {
        let (id, error_message) = (id.to_owned(), error_message.to_owned());
        Box::pin(async move {
            let fenced = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_withdraw(accessor, id, error_message))
            });
            Ok(fenced.await?.into())
        })
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Task>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        Box::pin(async move {
            let task = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_get(accessor, user_id, id))
            });
            Ok(task.await?.map(Into::into))
        })
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, TaskPage> {
        let user_id = user_id.to_owned();
        let (status, after) = (status.map(Into::into), after.map(Into::into));
        Box::pin(async move {
            let page = self.ask(move |accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_list(accessor, user_id, status, limit, after))
            });
            Ok(page.await?.into())
        })
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Deleted>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        Box::pin(async move {
            let deleted = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_delete(accessor, user_id, id))
            });
            Ok(deleted.await?.map(Into::into))
        })
    }

    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Changes>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        Box::pin(self.open(|accessor, adapter, answer| {
            Box::pin(async move {
                let store = adapter.concept_refinement_task_store();
                let changes = match store.call_watch(accessor, user_id, id).await? {
                    Ok(changes) => changes,
                    Err(error) => {
                        let _ = answer.send(Err(error.into()));
                        return Ok(());
                    }
                };
                let Some(changes) = changes else {
                    let _ = answer.send(Ok(None));
                    return Ok(());
                };
                let (changes, drained) = accessor.with(|access| streams::items(changes, access))?;
                let changes: Changes = changes.map(Into::into).boxed();
                let _ = answer.send(Ok(Some(changes)));
                let _ = drained.await;
                Ok(())
            })
        }))
    }
}

impl Leases for Instances {
    fn claim<'a>(&'a self, id: &'a str, user_id: Option<&'a str>) -> Answer<'a, Option<Claimed>> {
        let (id, user_id) = (id.to_owned(), user_id.map(str::to_owned));
        Box::pin(async move {
            let claimed = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_claim(accessor, id, user_id))
            });
            Ok(claimed.await?.map(Into::into))
        })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Lease>> {
        let lease = lease.clone();
        Box::pin(async move {
            let renewed = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_renew(accessor, lease.into()))
            });
            Ok(renewed.await?.map(Into::into))
        })
    }

    fn checkpoint<'a>(&'a self, lease: &'a Lease, image_path: &'a str) -> Answer<'a, Fenced> {
        let (lease, image_path) = (lease.clone(), image_path.to_owned());
        Box::pin(async move {
            let fenced = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_checkpoint(accessor, lease.into(), image_path))
            });
            Ok(fenced.await?.into())
        })
    }

    fn put_concept<'a>(
        &'a self,
        lease: &'a Lease,
        concept: NewConcept,
    ) -> Answer<'a, Option<String>> {
        let lease = lease.clone();
        Box::pin(self.ask(|accessor, adapter| {
            let store = adapter.concept_refinement_concept_store();
            Box::pin(store.call_put(accessor, lease.into(), concept.into()))
        }))
    }

    fn complete<'a>(&'a self, lease: &'a Lease, result_id: &'a str) -> Answer<'a, Fenced> {
        let (lease, result_id) = (lease.clone(), result_id.to_owned());
        Box::pin(async move {
            let fenced = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_complete(accessor, lease.into(), result_id))
            });
            Ok(fenced.await?.into())
        })
    }

    fn fail<'a>(&'a self, lease: &'a Lease, error_message: &'a str) -> Answer<'a, Fenced> {
        let (lease, error_message) = (lease.clone(), error_message.to_owned());
        Box::pin(async move {
            let fenced = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_fail(accessor, lease.into(), error_message))
            });
            Ok(fenced.await?.into())
        })
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Fenced> {
        let lease = lease.clone();
        Box::pin(async move {
            let fenced = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_task_store();
                Box::pin(store.call_release(accessor, lease.into()))
            });
            Ok(fenced.await?.into())
        })
    }

    fn progress<'a>(&'a self, lease: &'a Lease, stage: Stage) -> Answer<'a, ()> {
        let lease = lease.clone();
        Box::pin(self.open(move |accessor, adapter, answer| {
            Box::pin(async move {
                let progress = adapter.concept_refinement_progress();
                progress
                    .call_began(accessor, lease.into(), stage.into())
                    .await?;
                let _ = answer.send(Ok(()));
                Ok(())
            })
        }))
    }

    fn deletion(&self, _: &str) -> BoxFuture<'static, ()> {
        panic!("{HOST_ONLY}")
    }
}

impl Maintenance for Instances {
    fn due(&self, _: u32) -> Answer<'_, Vec<Task>> {
        panic!("{HOST_ONLY}")
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        panic!("{HOST_ONLY}")
    }

    fn recover(&self) -> Answer<'_, u32> {
        panic!("{HOST_ONLY}")
    }

    fn unreferenced(&self, _: Vec<String>) -> Answer<'_, Vec<String>> {
        panic!("{HOST_ONLY}")
    }

    fn expire(&self, _: Timestamp, _: u32) -> Answer<'_, Expired> {
        panic!("{HOST_ONLY}")
    }

    fn tally(&self) -> Answer<'_, Tally> {
        panic!("{HOST_ONLY}")
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(self.checked("tasks"))
    }
}

impl Concepts for Instances {
    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Concept>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        Box::pin(async move {
            let concept = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_concept_store();
                Box::pin(store.call_get(accessor, user_id, id))
            });
            Ok(concept.await?.map(Into::into))
        })
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, ConceptPage> {
        let (user_id, after) = (user_id.to_owned(), after.map(Into::into));
        Box::pin(async move {
            let page = self.ask(move |accessor, adapter| {
                let store = adapter.concept_refinement_concept_store();
                Box::pin(store.call_list(accessor, user_id, limit, after))
            });
            Ok(page.await?.into())
        })
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<String>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        Box::pin(self.ask(|accessor, adapter| {
            let store = adapter.concept_refinement_concept_store();
            Box::pin(store.call_delete(accessor, user_id, id))
        }))
    }
}

impl ImageStore for Instances {
    /// Whoever goes away, or cannot send the rest, ends the contents early.
    fn put(&self, image: NewImage, mut contents: Contents) -> Answer<'_, StoredOrNot> {
        Box::pin(async move {
            let (sender, chunks) = mpsc::channel(1);
            let stored = self.ask(|accessor, adapter| {
                Box::pin(async move {
                    let contents =
                        accessor.with(|access| StreamReader::new(access, Chunks(chunks)))?;
                    let store = adapter.concept_refinement_image_store();
                    store.call_put(accessor, image.into(), contents).await
                })
            });
            let send = async {
                let sender = sender;
                while let Some(chunk) = contents.next().await {
                    if sender.send(chunk?).await.is_err() {
                        break;
                    }
                }
                Ok::<_, CapabilityError>(())
            };
            tokio::pin!(stored);
            let stored = tokio::select! {
                stored = &mut stored => stored,
                sent = send => {
                    let stored = stored.await;
                    sent?;
                    stored
                }
            };
            Ok(stored?.into())
        })
    }

    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>> {
        let path = path.to_owned();
        Box::pin(async move {
            let info = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_image_store();
                Box::pin(store.call_stat(accessor, path))
            });
            Ok(info.await?.map(Into::into))
        })
    }

    fn get<'a>(
        &'a self,
        path: &'a str,
        range: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        let path = path.to_owned();
        let range = range.map(|range| image_store::Range {
            offset: range.offset,
            length: range.length,
        });
        Box::pin(self.open(move |accessor, adapter, answer| {
            Box::pin(async move {
                let store = adapter.concept_refinement_image_store();
                let image = match store.call_get(accessor, path, range).await? {
                    Ok(image) => image,
                    Err(error) => {
                        let _ = answer.send(Err(error.into()));
                        return Ok(());
                    }
                };
                let Some((info, contents)) = image else {
                    let _ = answer.send(Ok(None));
                    return Ok(());
                };
                let (contents, drained) =
                    accessor.with(|access| streams::bytes(contents, access))?;
                let contents: Contents = contents.map(Ok).boxed();
                let _ = answer.send(Ok(Some((info.into(), contents))));
                let _ = drained.await;
                Ok(())
            })
        }))
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        let path = path.to_owned();
        Box::pin(self.ask(|accessor, adapter| {
            let store = adapter.concept_refinement_image_store();
            Box::pin(store.call_delete(accessor, path))
        }))
    }

    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String> {
        let (path, origin) = (path.to_owned(), origin.to_owned());
        Box::pin(self.ask(|accessor, adapter| {
            let store = adapter.concept_refinement_image_store();
            Box::pin(store.call_sign(accessor, path, origin))
        }))
    }

    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>> {
        let (url, origin) = (url.to_owned(), origin.to_owned());
        Box::pin(async move {
            let resolved = self.ask(|accessor, adapter| {
                let store = adapter.concept_refinement_image_store();
                Box::pin(store.call_resolve(accessor, url, origin))
            });
            Ok(resolved.await?.map(Into::into))
        })
    }

    fn list(&self, _: ImageKind) -> Answer<'_, Images> {
        panic!("{HOST_ONLY}")
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(self.checked("images"))
    }
}

impl Instances {
    pub async fn setting(&self, name: &str) -> Option<String> {
        let name = name.to_owned();
        self.open(|accessor, adapter, answer| {
            Box::pin(async move {
                let settings = adapter.concept_refinement_settings();
                let _ = answer.send(settings.call_get(accessor, name).await?);
                Ok(())
            })
        })
        .await
    }

    /// What the adapter's health says of a capability.
    async fn checked(&self, name: &'static str) -> Result<(), CapabilityError> {
        let states = self.ask(|accessor, adapter| {
            Box::pin(async move {
                let health = adapter.concept_refinement_health();
                Ok(Ok(health.call_check(accessor).await?))
            })
        });
        let state = states.await?.into_iter().find(|state| state.name == name);
        let state = state.unwrap_or_else(|| panic!("nothing is said of {name}"));
        match state.problem {
            None => Ok(()),
            Some(problem) => Err(CapabilityError::unavailable(problem)),
        }
    }
}
