//! The stream and its consumer: created if they do not exist, otherwise checked.

use std::error::Error;
use std::time::Duration;

use async_nats::jetstream::consumer::{self, AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{
    ConsumerInfoErrorKind, CreateStreamError, CreateStreamErrorKind, GetStreamError,
    GetStreamErrorKind, RequestError, RequestErrorKind,
};
use async_nats::jetstream::stream::{
    self, ConsumerError, ConsumerErrorKind, DiscardPolicy, RetentionPolicy, StorageType,
};
use async_nats::jetstream::{Context, ErrorCode};

use super::address::Address;
use super::fault::Fault;

/// The name of the consumer, which all workers share.
const CONSUMER: &str = "workers";

/// How long a message belongs to a worker without a progress report.
const ACK_WAIT: Duration = Duration::from_secs(30);

/// Limit of messages in the stream. Further ones are refused, since tasks are published
/// again from time to time while there are no workers.
const CAPACITY: i64 = 1_000_000;

/// Limit of waiting fetches over all hosts; each has two.
const MAX_WAITING: i64 = 8192;

/// Nobody listens where JetStream is asked.
const NO_JETSTREAM: &str =
    "JetStream does not answer: the server may run without it, or in another domain";

/// Creates the missing ones.
pub(super) async fn ensure(context: &Context, address: &Address) -> Result<PullConsumer, Fault> {
    let stream = context.get_or_create_stream(stream_config(address)).await;
    let stream = stream.map_err(|error| of_stream(&error))?;
    judge_stream(&stream.cached_info().config, address)?;
    let consumer = stream.get_or_create_consumer(CONSUMER, consumer_config());
    let consumer = consumer.await.map_err(|error| match error.kind() {
        // It is a push consumer.
        ConsumerErrorKind::InvalidConsumerType => unfit_consumer(address, "no deliver subject"),
        _ => of_consumer(&error),
    })?;
    judge_consumer(&consumer.cached_info().config, address)?;
    Ok(consumer)
}

/// How full the stream is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// It has room, and holds this many messages.
    Room(u64),
    /// It refuses further messages.
    Full,
}

/// The same without creating anything. None: it does not exist.
pub(super) async fn find(context: &Context, address: &Address) -> Result<Option<Fill>, Fault> {
    let stream = match context.get_stream(&address.stream).await {
        Ok(stream) => stream,
        Err(error) => {
            return match error.kind() {
                GetStreamErrorKind::JetStream(refused)
                    if refused.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    Ok(None)
                }
                _ => Err(of_search(error)),
            };
        }
    };
    let info = stream.cached_info();
    judge_stream(&info.config, address)?;
    match stream.consumer_info(CONSUMER).await {
        Ok(found) => judge_consumer(&found.config, address).map(|()| Some(fill(info))),
        Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::other(error)),
    }
}

/// Limits that are not positive mean that there is no limit.
fn fill(info: &stream::Info) -> Fill {
    let (state, config) = (&info.state, &info.config);
    let is_reached = |used: u64, limit: i64| limit > 0 && used >= limit.unsigned_abs();
    match is_reached(state.messages, config.max_messages)
        || is_reached(state.bytes, config.max_bytes)
    {
        true => Fill::Full,
        false => Fill::Room(state.messages),
    }
}

fn stream_config(address: &Address) -> stream::Config {
    stream::Config {
        name: address.stream.clone(),
        subjects: vec![address.subject()],
        retention: RetentionPolicy::WorkQueue,
        // Refuse new messages when full: discarding old ones would go unnoticed.
        discard: DiscardPolicy::New,
        max_messages: CAPACITY,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        storage: StorageType::File,
        num_replicas: address.replicas,
        description: Some("Tasks that workers are to look at".to_owned()),
        ..stream::Config::default()
    }
}

fn consumer_config() -> pull::Config {
    pull::Config {
        durable_name: Some(CONSUMER.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        // The task store decides when a task fails for good.
        max_deliver: -1,
        // Once a limit was reached, all workers would silently stall.
        max_ack_pending: -1,
        max_waiting: MAX_WAITING,
        ..pull::Config::default()
    }
}

fn judge_stream(found: &stream::Config, address: &Address) -> Result<(), Fault> {
    let subject = address.subject();
    let expected = match found {
        found if !found.subjects.contains(&subject) => format!("the subject {subject}"),
        found if found.retention != RetentionPolicy::WorkQueue => {
            "the retention workqueue".to_owned()
        }
        found if found.discard != DiscardPolicy::New => "the discard policy new".to_owned(),
        found if found.storage != StorageType::File => "the storage file".to_owned(),
        found if found.no_ack => "acknowledgements".to_owned(),
        found if found.num_replicas < address.replicas => {
            format!("{} replicas", address.replicas)
        }
        _ => return Ok(()),
    };
    Err(Fault::Unfit(format!(
        "its stream {} must have {expected}: change it, or name another one by ?stream=",
        address.stream
    )))
}

fn judge_consumer(found: &consumer::Config, address: &Address) -> Result<(), Fault> {
    let expected = match found {
        found if found.deliver_subject.is_some() => "no deliver subject",
        found if found.ack_policy != AckPolicy::Explicit => "the ack policy explicit",
        found if found.ack_wait != ACK_WAIT => "an ack wait of 30s",
        found if found.max_deliver > 0 => "no limit of deliveries (max deliver -1)",
        found if found.max_ack_pending > 0 => {
            "no limit of unanswered messages (max ack pending -1)"
        }
        found if !found.filter_subject.is_empty() || !found.filter_subjects.is_empty() => {
            "no filter"
        }
        _ => return Ok(()),
    };
    Err(unfit_consumer(address, expected))
}

fn unfit_consumer(address: &Address, expected: &str) -> Fault {
    Fault::Unfit(format!(
        "the consumer {CONSUMER} of its stream {} must have {expected}: delete it, and it is made \
         as it has to be",
        address.stream
    ))
}

fn of_stream(error: &CreateStreamError) -> Fault {
    match error.kind() {
        CreateStreamErrorKind::JetStream(refused) => judged("the stream", &refused),
        CreateStreamErrorKind::TimedOut => Fault::Silent,
        CreateStreamErrorKind::JetStreamUnavailable => Fault::Other(NO_JETSTREAM.to_owned()),
        _ => Fault::other(error),
    }
}

fn of_search(error: GetStreamError) -> Fault {
    let request = error.source().and_then(<dyn Error>::downcast_ref);
    match request.map(RequestError::kind) {
        Some(RequestErrorKind::NoResponders) => Fault::Other(NO_JETSTREAM.to_owned()),
        _ => Fault::other(error),
    }
}

fn of_consumer(error: &ConsumerError) -> Fault {
    match error.kind() {
        ConsumerErrorKind::JetStream(refused) => judged("the consumer", &refused),
        ConsumerErrorKind::TimedOut => Fault::Silent,
        _ => Fault::other(error),
    }
}

/// A status of 500 or more means that the server cannot do this at the moment, or, without a
/// cluster, that it cannot keep copies.
fn judged(what: &str, refused: &async_nats::jetstream::Error) -> Fault {
    match (refused.code(), refused.error_code()) {
        (404, _) => Fault::NoStream,
        (400..500, _) | (_, ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED) => {
            Fault::Unfit(format!("it refuses to make {what}: {refused}"))
        }
        _ => Fault::other(refused),
    }
}

#[cfg(test)]
mod tests {
    use async_nats::jetstream::consumer::IntoConsumerConfig as _;

    use super::*;

    fn address() -> Address {
        Address::parse("nats://host").unwrap()
    }

    #[test]
    fn what_is_made_here_is_fit() {
        let address = address();
        assert!(judge_stream(&stream_config(&address), &address).is_ok());
        let consumer = consumer_config().into_consumer_config();
        assert!(judge_consumer(&consumer, &address).is_ok());
    }

    #[test]
    fn a_stream_that_is_not_fit_is_told_by_what_it_lacks() {
        type Change = fn(&mut stream::Config);
        let changes: [(&str, Change); 5] = [
            ("subject", |config| config.subjects.clear()),
            ("retention", |config| {
                config.retention = RetentionPolicy::Limits
            }),
            ("discard", |config| config.discard = DiscardPolicy::Old),
            ("storage", |config| config.storage = StorageType::Memory),
            ("acknowledgements", |config| config.no_ack = true),
        ];
        for (lacking, change) in changes {
            let mut config = stream_config(&address());
            change(&mut config);
            let unfit = judge_stream(&config, &address()).unwrap_err().to_string();
            assert!(unfit.contains(lacking), "{unfit}");
        }
    }

    #[test]
    fn a_consumer_that_is_not_fit_is_told_by_what_it_lacks() {
        type Change = fn(&mut consumer::Config);
        let changes: [(&str, Change); 6] = [
            ("no deliver subject", |config| {
                config.deliver_subject = Some("a".into());
            }),
            ("ack policy", |config| config.ack_policy = AckPolicy::None),
            ("30s", |config| config.ack_wait = Duration::from_secs(5)),
            ("deliveries", |config| config.max_deliver = 5),
            ("unanswered", |config| config.max_ack_pending = 1000),
            ("no filter", |config| config.filter_subject = "a".into()),
        ];
        for (lacking, change) in changes {
            let mut config = consumer_config().into_consumer_config();
            change(&mut config);
            let unfit = judge_consumer(&config, &address()).unwrap_err();
            assert!(unfit.to_string().contains(lacking), "{unfit}");
        }
    }
}
