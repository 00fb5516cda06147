//! The exports; each calls the store. Streams are written by a spawned task while the
//! caller reads.

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::convert::Convert;
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::webhook::Redelivery;
use concept_refinement_guest::bindings::types;
use concept_refinement_guest::{Clock as _, Imports, Incoming};
use wit_bindgen::{StreamReader, StreamResult};

use super::delivering::deliver;
use super::exports::concept::refinement::{
    concept_store, health, image_store, payments, progress, receipts, settings, task_store, usage,
    webhook_store,
};
use super::{Component, generated};
use crate::images::Reading;
use crate::log;
use crate::payments::Beginning;
use crate::ports::{Fault, Platform};
use crate::store::Store;

type Answer<T> = Result<T, types::Error>;

fn store<P: Platform>() -> Store<P, Imports> {
    Store::default()
}

/// The error for the caller; the details go to the log.
fn to_wit_error(fault: Fault) -> types::Error {
    log::warn(format_args!("{fault}"));
    CapabilityError::from(fault).convert()
}

/// Methods that only call the store, one line each: its answer is converted.
macro_rules! forward {
    (
        |$store:ident|
        $($method:ident($($argument:ident: $type:ty),*) -> $answer:ty = $call:expr;)+
    ) => { $(
        async fn $method($($argument: $type),*) -> Answer<$answer> {
            let $store = store::<P>();
            answer($call.await)
        }
    )+ };
}

impl<P: Platform + 'static> task_store::Guest for Component<P> {
    forward! { |store|
        submit(new_task: types::NewTask) -> types::Submission = store.submit(new_task.convert());
        renew(lease: types::Lease) -> Option<types::Lease> = store.renew(&lease.convert());
        release(lease: types::Lease) -> types::Fenced = store.release(&lease.convert());
        list(
            user_id: String, status: Option<types::Status>, limit: u32,
            after: Option<types::Position>
        ) -> types::TaskPage = store.list(&user_id, status.convert(), limit, after.convert());
        delete(user_id: String, id: String) -> bool = store.delete(&user_id, &id);
        erase_user(user_id: String, limit: u32) -> types::Erased =
            store.erase_user(&user_id, limit);
        used(user_id: String, window: types::Window) -> u32 =
            store.used(&user_id, window.convert());
        get_spending(user_id: String, window: types::Window) -> types::Spending =
            store.spending(&user_id, window.convert());
    }

    /// Does nothing, since data never expires here.
    async fn renew_session(_: String, _: u64, _: bool) -> Answer<()> {
        Ok(())
    }

    async fn withdraw(id: String, error_message: String) -> Answer<types::Fenced> {
        let withdrawn = store::<P>().withdraw(&id, &error_message).await;
        deliver::<P>(id);
        answer(withdrawn)
    }

    async fn claim(id: String, user_id: Option<String>) -> Answer<Option<types::Claimed>> {
        let claimed = store::<P>().claim(&id, user_id.as_deref()).await;
        if let Ok(None) = &claimed {
            // The task may have failed because its workers died too often.
            deliver::<P>(id);
        }
        answer(claimed)
    }

    async fn finish(lease: types::Lease, image: types::RefinedImage) -> Answer<types::Finished> {
        let (lease, image) = (lease.convert(), image.convert());
        let finished = store::<P>().finish(&lease, image).await;
        deliver::<P>(lease.task_id);
        answer(finished)
    }

    async fn fail(lease: types::Lease, failure: types::TaskFailure) -> Answer<types::Fenced> {
        let (lease, failure) = (lease.convert(), failure.convert());
        let failed = store::<P>().fail(&lease, &failure).await;
        deliver::<P>(lease.task_id);
        answer(failed)
    }

    async fn get(user_id: String, id: String) -> Answer<Option<types::Task>> {
        let store = store::<P>();
        let found = store.find_now(&user_id, &id).await;
        if let Ok(Some((task, entry))) = &found
            && entry.is_due(task, store.machine.now())
        {
            deliver::<P>(id);
        }
        answer(found.map(|found| found.map(|(task, _)| task)))
    }

    async fn cancel(user_id: String, id: String) -> Answer<Option<types::Cancellation>> {
        let cancelled = store::<P>().cancel(&user_id, &id).await;
        deliver::<P>(id);
        answer(cancelled)
    }

    async fn watch(user_id: String, id: String) -> Answer<Option<StreamReader<types::Change>>> {
        let watch = store::<P>()
            .watch(&user_id, &id)
            .await
            .map_err(to_wit_error)?;
        let Some(mut watch) = watch else {
            return Ok(None);
        };
        let (mut writer, reader) = generated::wit_stream::new();
        wit_bindgen::spawn(async move {
            let store = store::<P>();
            while !watch.is_finished {
                // An empty write shows whether the reader is still there.
                let news = match store.poll(&mut watch).await {
                    Ok(change) => Vec::from_iter(change.convert()),
                    Err(fault) => return log::warn(format_args!("a watch ends: {fault}")),
                };
                let is_silent = news.is_empty();
                let (result, _) = writer.write(news).await;
                if matches!(result, StreamResult::Dropped) {
                    return;
                }
                if is_silent {
                    store.machine.sleep(watch.pause()).await;
                }
            }
        });
        Ok(Some(reader))
    }
}

impl<P: Platform> concept_store::Guest for Component<P> {
    forward! { |store|
        get(user_id: String, id: String) -> Option<types::Concept> = store.concept(&user_id, &id);
        list(user_id: String, limit: u32, after: Option<types::Position>) -> types::ConceptPage =
            store.concepts(&user_id, limit, after.convert());
        children(user_id: String, id: String, limit: u32) -> Vec<types::Concept> =
            store.children(&user_id, &id, limit);
        find_image(sha256: String) -> Option<types::Timestamp> = store.find_image(&sha256);
        delete(user_id: String, id: String) -> Option<String> =
            store.delete_concept(&user_id, &id);
    }
}

impl<P: Platform + 'static> webhook_store::Guest for Component<P> {
    async fn get(user_id: String, task_id: String) -> Answer<Option<types::WebhookDelivery>> {
        let webhook = store::<P>().webhook(&user_id, &task_id).await;
        if let Ok(Some(_)) = &webhook {
            deliver::<P>(task_id);
        }
        answer(webhook)
    }

    async fn redeliver(user_id: String, task_id: String) -> Answer<types::Redelivery> {
        let redelivery = store::<P>().redeliver(&user_id, &task_id).await;
        if let Ok(Redelivery::Requested) = &redelivery {
            deliver::<P>(task_id);
        }
        answer(redelivery)
    }
}

impl<P: Platform + 'static> image_store::Guest for Component<P> {
    forward! { |store|
        has_uploads(owner: String) -> bool = store.has_uploads(&owner);
        delete_uploads(owner: String, limit: u32) -> bool = store.delete_uploads(&owner, limit);
        stat(path: String) -> Option<types::ImageInfo> = store.stat_image(&path);
        delete(path: String) -> () = store.delete_image(&path);
        resolve(url: String, origin: String) -> Option<types::Resolved> =
            store.resolve(&url, &origin);
        put(image: types::NewImage, contents: StreamReader<u8>) -> types::StoredOrNot =
            store.put_image(image.convert(), &mut Incoming::from(contents));
    }

    async fn get(
        path: String,
        range: Option<types::ByteRange>,
    ) -> Answer<Option<(types::ImageInfo, StreamReader<u8>)>> {
        let range = range.convert();
        let found = store::<P>().get_image(&path, range).await;
        let found = found.map_err(|error| error.convert())?;
        Ok(found.map(|(info, reading)| (info.convert(), outgoing(store::<P>(), reading))))
    }

    async fn sign(path: String, origin: String) -> Answer<String> {
        store::<P>().sign(&path, &origin).await.convert()
    }
}

impl<P: Platform> progress::Guest for Component<P> {
    async fn began(lease: types::Lease, stage: types::Stage) {
        store::<P>().began(&lease.convert(), stage.convert()).await;
    }
}

impl<P: Platform> receipts::Guest for Component<P> {
    forward! { |store|
        put(key: String, receipt: Vec<u8>) -> () = store.keep_receipt(&key, &receipt);
    }
}

impl<P: Platform> usage::Guest for Component<P> {
    forward! { |store|
        add(key: String, usage: types::Usage) -> () = store.add_usage(&key, &usage.convert());
    }
}

impl<P: Platform> payments::Guest for Component<P> {
    forward! { |store|
        is_forbidden(key: String) -> bool = store.is_forbidden(&key);
        not_accepted(key: String) -> () = store.call_not_accepted(&key);
    }

    async fn begin(key: String, price: Option<u64>) -> Answer<payments::Beginning> {
        let began = store::<P>().begin_call(&key, price.map(MicroDollars)).await;
        began
            .map_err(to_wit_error)
            .map(|beginning| match beginning {
                Beginning::MayLeave {
                    receipt,
                    receipt_key,
                    is_counted,
                } => payments::Beginning::MayLeave(payments::Permission {
                    receipt,
                    receipt_key,
                    is_counted,
                }),
                Beginning::NotTwice => payments::Beginning::NotTwice,
            })
    }
}

impl<P: Platform> settings::Guest for Component<P> {
    async fn get(name: String) -> Option<String> {
        store::<P>().get_setting(&name).await
    }

    async fn get_many(names: Vec<String>) -> Vec<Option<String>> {
        let mut values = Vec::with_capacity(names.len());
        for name in names {
            values.push(Self::get(name).await);
        }
        values
    }
}

impl<P: Platform> health::Guest for Component<P> {
    async fn check() -> Vec<types::CapabilityState> {
        store::<P>().check().await.convert()
    }

    async fn model() -> String {
        store::<P>().model().await
    }
}

/// Streams an image to the caller. If reading fails, the stream ends early, which the
/// caller notices by the size.
fn outgoing<P: Platform + 'static>(
    store: Store<P, Imports>,
    mut reading: Reading,
) -> StreamReader<u8> {
    let (mut writer, reader) = generated::wit_stream::new();
    wit_bindgen::spawn(async move {
        loop {
            match store.read(&mut reading).await {
                Ok(Some(chunk)) => {
                    if !writer.write_all(chunk).await.is_empty() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(fault) => return log::warn(format_args!("an image ends early: {fault}")),
            }
        }
    });
    reader
}

fn answer<T: Convert<U>, U>(answer: Result<T, Fault>) -> Answer<U> {
    answer.map(Convert::convert).map_err(to_wit_error)
}
