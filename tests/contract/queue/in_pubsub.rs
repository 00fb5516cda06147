//! The queue in Google Pub/Sub, whose messages are pulled or pushed, and what only
//! one beyond the process can go through.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_capability::queue::pushes::Pushes;
use concept_refinement_pubsub::{PubSubQueue, Target};
use concept_refinement_tests::black_hole::BlackHole;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::network;
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::pubsub::PubSub;
use tokio::runtime::Handle;

use super::{QueueBackend, RETURN, assert_away, message};

static PUBSUB: LazyLock<PubSub> = LazyLock::new(PubSub::start);

pub struct Pulled(Arc<dyn TaskQueue>);

pub struct Pushed(Arc<dyn TaskQueue>);

impl QueueBackend for Pulled {
    fn start() -> Self {
        let (url, subscription) = PUBSUB.topic();
        let opened = open(&PUBSUB, &url, Some(&subscription));
        let queue = tokio::task::block_in_place(|| Handle::current().block_on(opened));
        Self(Arc::new(queue.unwrap()))
    }

    fn queue(&self) -> Arc<dyn TaskQueue> {
        self.0.clone()
    }
}

impl QueueBackend for Pushed {
    fn start() -> Self {
        let (url, subscription) = PUBSUB.topic();
        let opened = open(&PUBSUB, &url, None);
        let queue = tokio::task::block_in_place(|| Handle::current().block_on(opened));
        let pushes = Arc::new(Pushes::new(Arc::default()));
        let queue = pushes.beside(Arc::new(queue.unwrap()));
        let sink = move |message| {
            let pushes = Arc::clone(&pushes);
            Box::pin(async move { pushes.deliver(message).await }) as _
        };
        PUBSUB.push_into(&subscription, Arc::new(sink));
        Self(queue)
    }

    fn queue(&self) -> Arc<dyn TaskQueue> {
        self.0.clone()
    }
}

pub async fn open(
    pubsub: &PubSub,
    url: &str,
    subscription: Option<&str>,
) -> Result<PubSubQueue, String> {
    let target = Target::parse(url, &pubsub.endpoint(), subscription).unwrap();
    let opened = PubSubQueue::open(target).await;
    opened.map_err(|error| error.to_string())
}

async fn assert_back(queue: &PubSubQueue) {
    super::assert_back(queue).await;
    let received = eventually("a message is delivered", RETURN, async || {
        queue.receive().await.ok()
    });
    received.await.ack().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_at_the_start_stops_nothing() {
    let gone = PubSub::start();
    let address = gone.address();
    let target = Target::parse("pubsub://p/t", &gone.endpoint(), None).unwrap();
    drop(gone);
    let queue = eventually("nothing listens any more", RETURN, async || {
        let queue = PubSubQueue::open(target.clone()).await.unwrap();
        queue.check().await.is_err().then_some(queue)
    })
    .await;
    assert_away(&queue).await;
    // It has no topic of this name, but answers.
    let back = PubSub::at(address);
    back.fail(Some(403));
    eventually("the service is seen again", RETURN, async || {
        queue.check().await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_or_hangs_fails_calls_and_comes_back() {
    let pubsub = PubSub::start();
    let (url, subscription) = pubsub.topic();
    let queue = open(&pubsub, &url, Some(&subscription)).await.unwrap();
    pubsub.fail(Some(503));
    assert_away(&queue).await;
    pubsub.fail(None);
    assert_back(&queue).await;
    pubsub.hang(true);
    assert_away(&queue).await;
    pubsub.hang(false);
    assert_back(&queue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_network_does_calls_fail_soon_and_work_again() {
    for mode in [Mode::Refuse, Mode::Reset, Mode::Hang, Mode::OneWay] {
        let proxy = Proxy::to(PUBSUB.address());
        let (url, subscription) = PUBSUB.topic();
        let endpoint = format!("http://{}", proxy.address());
        let target = Target::parse(&url, &endpoint, Some(&subscription)).unwrap();
        let queue = PubSubQueue::open(target).await.unwrap();
        assert_back(&queue).await;
        proxy.set(mode);
        assert_away(&queue).await;
        proxy.set(Mode::Pass);
        assert_back(&queue).await;
    }
}

/// Who may read what there is, or is taken for it, need not be allowed to publish and to pull.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_publish_or_pull_is_told_by_checks_until_one_is_allowed() {
    let pubsub = PubSub::start();
    let (url, subscription) = pubsub.topic();
    let publisher = open(&pubsub, &url, None).await.unwrap();
    let puller = open(&pubsub, &url, Some(&subscription)).await.unwrap();
    pubsub.fail(Some(403));
    for queue in [&publisher, &puller] {
        assert_eq!(queue.check().await, Ok(()));
    }
    let refused = publisher.publish(message().1).await.unwrap_err();
    assert_eq!(publisher.check().await, Err(refused));
    let refused = puller.receive().await.err().unwrap();
    assert_eq!(puller.check().await, Err(refused));

    pubsub.fail(None);
    publisher.publish(message().1).await.unwrap();
    assert_eq!(publisher.check().await, Ok(()));
    puller.receive().await.unwrap().ack().await;
    assert_eq!(puller.check().await, Ok(()));
}

/// As where IPv6 leads nowhere: the next address is tried beside it.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_silent_keeps_no_other_waiting() {
    if !network::is_inside("queue::in_pubsub::an_address_that_is_silent_keeps_no_other_waiting") {
        return;
    }
    network::serve_names(|_| Some(vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]));
    let pubsub = PubSub::start();
    let port = pubsub.address().port();
    let silent = BlackHole::new((Ipv6Addr::LOCALHOST, port).into()).await;
    let _silent = silent.expect("this machine has no IPv6, which this test needs");
    let (url, _) = pubsub.topic();
    let endpoint = format!("http://pubsub.test:{port}");
    let queue = PubSubQueue::open(Target::parse(&url, &endpoint, None).unwrap()).await;
    let queue = queue.unwrap();
    assert_eq!(queue.check().await, Ok(()));
    queue.publish(message().1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_told() {
    let pubsub = PubSub::start();
    let (url, subscription) = pubsub.topic();
    for (url, subscription, missing) in [
        ("pubsub://p/nowhere", None, "projects/p/topics/nowhere"),
        (
            url.as_str(),
            Some("nowhere"),
            "projects/p/subscriptions/nowhere",
        ),
    ] {
        let refused = open(&pubsub, url, subscription).await.err().unwrap();
        let expected = format!("Pub/Sub at 127.0.0.1 cannot be used: {missing} does not exist");
        assert_eq!(refused, expected);
    }
    open(&pubsub, &url, Some(&subscription)).await.unwrap();
}

/// Who works for longer than the deadline of the subscription (10 s).
#[tokio::test(flavor = "multi_thread")]
async fn who_is_at_work_for_long_has_the_message_alone() {
    let (url, subscription) = PUBSUB.topic();
    let host = open(&PUBSUB, &url, Some(&subscription)).await.unwrap();
    let other = open(&PUBSUB, &url, Some(&subscription)).await.unwrap();
    let (id, message) = message();
    host.publish(message).await.unwrap();
    let delivery = host.receive().await.unwrap();
    assert_eq!(delivery.work().task_id(), Some(&*id));
    let doubled = tokio::time::timeout(Duration::from_secs(14), other.receive()).await;
    assert!(doubled.is_err(), "it was delivered twice");
    delivery.nack(Duration::ZERO).await;
    other.receive().await.unwrap().ack().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credentials_are_sent_without_tls() {
    let pubsub = PubSub::start();
    let (url, subscription) = pubsub.topic();
    let queue = open(&pubsub, &url, Some(&subscription)).await.unwrap();
    queue.publish(message().1).await.unwrap();
    queue.receive().await.unwrap().ack().await;
    assert_eq!(pubsub.authorizations(), 0);
}
