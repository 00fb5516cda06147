//! The queue in NATS JetStream, and what only one beyond the process can go
//! through: its server away, killed, wiped or hanging.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use concept_refinement_capability::queue::{Delivery, TaskQueue, Work};
use concept_refinement_domain::capability::{CapabilityError, ErrorKind};
use concept_refinement_domain::message::parse;
use concept_refinement_nats::{Address, NatsQueue};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::nats::NatsServer;
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::reaper::scratch;
use futures::future::{join, join_all};
use serde_json::json;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::{FAULT, QueueBackend, assert_away, assert_back, message};

pub struct InNats(Arc<NatsQueue>);

impl QueueBackend for InNats {
    fn start() -> Self {
        static SERVER: LazyLock<NatsServer> = LazyLock::new(NatsServer::start);
        let url = SERVER.new_url();
        let opened = open(&url);
        let queue = tokio::task::block_in_place(|| Handle::current().block_on(opened));
        Self(Arc::new(queue.unwrap()))
    }

    fn queue(&self) -> Arc<dyn TaskQueue> {
        self.0.clone()
    }
}

async fn open(url: &str) -> Result<NatsQueue, String> {
    let opened = NatsQueue::open(Address::parse(url).unwrap()).await;
    opened.map_err(|error| error.to_string())
}

async fn publish(queue: &impl TaskQueue) -> String {
    let (id, message) = message();
    queue.publish(message).await.unwrap();
    id
}

/// The next one, which has to come.
async fn receive(queue: &impl TaskQueue) -> Delivery {
    let received = async {
        loop {
            // A fault is told, and the worker receives again.
            if let Ok(delivery) = queue.receive().await {
                return delivery;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let received = tokio::time::timeout(Duration::from_secs(60), received).await;
    received.expect("nothing was delivered")
}

/// The message of this task, which has to come. Others may come before it: one that
/// was published in vain, as far as its publisher knows, or one more time.
async fn receive_task(queue: &impl TaskQueue, id: &str) -> Delivery {
    loop {
        let delivery = receive(queue).await;
        if delivery.work().task_id() == Some(id) {
            return delivery;
        }
        delivery.ack().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_at_the_start_stops_nothing() {
    let mut server = NatsServer::away();
    let begin = Instant::now();
    let queue = open(&server.new_url()).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_away(&queue).await;
    let error = queue.receive().await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    server.restart();
    assert_back(&queue).await;
    receive(&queue).await.ack().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_outlives_the_server() {
    let mut server = NatsServer::start();
    let queue = Arc::new(open(&server.new_url()).await.unwrap());
    let (first, second) = (publish(&*queue).await, publish(&*queue).await);
    let under_way = receive(&*queue).await;
    assert_eq!(under_way.work().task_id(), Some(&*first));
    server.kill();
    assert_away(&*queue).await;
    // Whoever waits meanwhile is told, or served later.
    let waiting = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { receive_task(&*queue, &second).await }
    });
    server.restart();
    assert_back(&*queue).await;
    let delivery = waiting.await.unwrap();
    delivery.ack().await;
    under_way.ack().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_its_data_is_made_use_of_again() {
    let mut server = NatsServer::start();
    let queue = open(&server.new_url()).await.unwrap();
    publish(&queue).await;
    server.wipe();
    server.restart();
    assert_back(&queue).await;
    receive(&queue).await.ack().await;
    let id = publish(&queue).await;
    let delivery = receive(&queue).await;
    assert_eq!(delivery.work().task_id(), Some(&*id));
    delivery.ack().await;
}

/// While the server and the connections to it live on.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_is_made_again() {
    let server = NatsServer::start();
    for deleted in ["STREAM.DELETE.tasks", "CONSUMER.DELETE.tasks.workers"] {
        let queue = open(&format!("{}?stream=tasks", server.url()))
            .await
            .unwrap();
        let mut waiting = queue.receive();
        let pending = tokio::time::timeout(Duration::from_millis(300), &mut waiting);
        assert!(pending.await.is_err(), "{deleted}");
        let answer = server.ask(deleted, &json!({}));
        assert_eq!(answer["success"], true, "{deleted}: {answer}");
        let id = publish(&queue).await;
        let delivery = tokio::time::timeout(SOON, waiting).await.unwrap();
        let delivery = match delivery {
            Ok(delivery) if delivery.work().task_id() == Some(&*id) => delivery,
            _ => receive_task(&queue, &id).await,
        };
        delivery.ack().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_fails_calls_and_comes_back() {
    let server = NatsServer::start();
    let queue = open(&server.new_url()).await.unwrap();
    publish(&queue).await;
    let under_way = receive(&queue).await;
    server.pause();
    assert_away(&queue).await;
    // An answer waits no longer than a call.
    let begin = Instant::now();
    under_way.ack().await;
    assert!(begin.elapsed() < FAULT, "{:?}", begin.elapsed());
    server.resume();
    assert_back(&queue).await;
    receive(&queue).await.ack().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_network_does_calls_fail_soon_and_work_again() {
    let server = NatsServer::start();
    for mode in [Mode::Refuse, Mode::Reset, Mode::Hang, Mode::OneWay] {
        let proxy = Proxy::to(server.address());
        let url = format!("nats://{}?stream={mode:?}", proxy.address());
        let queue = open(&url).await.unwrap();
        publish(&queue).await;
        let under_way = receive(&queue).await;
        proxy.set(mode);
        assert_away(&queue).await;
        proxy.set(Mode::Pass);
        assert_back(&queue).await;
        receive(&queue).await.ack().await;
        under_way.ack().await;
    }
}

/// Beyond the consumer's ack wait of 30 s.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_at_work_for_long_has_the_message_alone() {
    let server = NatsServer::start();
    let url = server.new_url();
    let (host, other) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    let id = publish(&host).await;
    let delivery = receive(&host).await;
    assert_eq!(delivery.work().task_id(), Some(&*id));
    let doubled = tokio::time::timeout(Duration::from_secs(35), other.receive()).await;
    assert!(doubled.is_err(), "it was delivered twice");
    delivery.nack(Duration::ZERO).await;
    receive(&other).await.ack().await;
}

/// A second host gets what the first has no receiver for.
#[tokio::test(flavor = "multi_thread")]
async fn no_host_fetches_more_than_its_receivers_wait_for() {
    let server = NatsServer::start();
    let url = format!("{}?stream=tasks", server.url());
    let (busy, other) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    for _ in 0..10 {
        publish(&busy).await;
    }
    let first = receive(&busy).await;
    let info = server.ask("CONSUMER.INFO.tasks.workers", &json!({}));
    assert_eq!(info["num_ack_pending"], 1, "{info}");
    assert_eq!(info["num_waiting"], 0, "{info}");
    for _ in 1..10 {
        let delivery = tokio::time::timeout(Duration::from_secs(5), other.receive());
        delivery.await.unwrap().unwrap().ack().await;
    }
    first.ack().await;
}

/// However many receivers of one host wait.
#[tokio::test(flavor = "multi_thread")]
async fn hosts_take_turns() {
    const RECEIVERS: usize = 8;
    let server = NatsServer::start();
    let url = format!("{}?stream=tasks", server.url());
    let (one, other) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    let shares = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let receive = async |queue: &NatsQueue, share: &AtomicUsize| {
        let delivery = queue.receive().await.unwrap();
        share.fetch_add(1, Ordering::Relaxed);
        delivery.ack().await;
    };
    let all = |queue, share| join_all((0..RECEIVERS).map(move |_| receive(queue, share)));
    let publications = async {
        eventually("both hosts wait", SOON, async || {
            let info = server.ask("CONSUMER.INFO.tasks.workers", &json!({}));
            (info["num_waiting"] == 4).then_some(())
        })
        .await;
        for _ in 0..RECEIVERS {
            publish(&one).await;
        }
        let shares = || shares.each_ref().map(|share| share.load(Ordering::Relaxed));
        eventually("all are delivered", SOON, async || {
            (shares().iter().sum::<usize>() == RECEIVERS).then_some(())
        })
        .await;
        shares()
    };
    let shares = tokio::select! {
        shares = publications => shares,
        _ = join(all(&one, &shares[0]), all(&other, &shares[1])) => panic!("too many"),
    };
    assert!(shares.iter().all(|share| *share >= 2), "{shares:?}");
}

/// Its connection stays, and what it is sent is hidden from others for the ack wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_hangs_is_soon_sent_no_more_messages() {
    let server = NatsServer::start();
    let url = format!("{}?stream=tasks", server.url());
    let other = open(&url).await.unwrap();
    let waits_for = |messages: u64| {
        let info = server.ask("CONSUMER.INFO.tasks.workers", &json!({}));
        (info["num_waiting"] == messages).then_some(())
    };
    let (hang, hangs) = oneshot::channel();
    let (end, ends) = mpsc::channel::<()>();
    let host = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let queue = open(&url).await.unwrap();
            tokio::select! {
                _ = queue.receive() => panic!("nothing was published"),
                _ = hangs => {}
            }
            // Nothing else in this runtime goes on meanwhile.
            let _ = ends.recv();
        });
    });
    eventually("it waits for a message", SOON, async || waits_for(1)).await;
    hang.send(()).unwrap();
    let limit = Duration::from_secs(15);
    eventually("its fetch expires", limit, async || waits_for(0)).await;
    let id = publish(&other).await;
    let delivery = receive(&other).await;
    assert_eq!(delivery.work().task_id(), Some(&*id));
    delivery.ack().await;
    drop(end);
    host.join().unwrap();
}

/// What is published again within JetStream's window for duplicates is no
/// duplicate.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_twice_is_delivered_twice() {
    let server = NatsServer::start();
    let queue = open(&server.new_url()).await.unwrap();
    let (_, message) = message();
    for _ in 0..2 {
        queue.publish(message.clone()).await.unwrap();
    }
    for _ in 0..2 {
        let delivery = receive(&queue).await;
        assert_eq!(*delivery.work(), Work::Message(parse(&message)));
        delivery.ack().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_published_is_delivered_as_it_is() {
    let server = NatsServer::start();
    let queue = open(&server.new_url()).await.unwrap();
    for message in [&b""[..], b"no message", b"{\"task_id\":\"a\"}", &[0xFF; 64]] {
        queue.publish(message.to_owned()).await.unwrap();
        let delivery = receive(&queue).await;
        assert_eq!(*delivery.work(), Work::Message(parse(message)));
        delivery.ack().await;
    }
    let error = queue.publish(vec![b' '; 2 << 20]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

/// Any delay that a worker asks for must not overflow.
#[tokio::test(flavor = "multi_thread")]
async fn no_delay_is_too_long() {
    let server = NatsServer::start();
    let queue = open(&server.new_url()).await.unwrap();
    publish(&queue).await;
    receive(&queue).await.nack(Duration::MAX).await;
    let other = publish(&queue).await;
    let delivery = receive(&queue).await;
    assert_eq!(delivery.work().task_id(), Some(&*other));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_refuses_what_is_one_too_many() {
    let server = NatsServer::start();
    let stream = json!({
        "name": "small", "subjects": ["small.tasks"], "retention": "workqueue",
        "storage": "file", "discard": "new", "max_msgs": 2,
    });
    let made = server.ask("STREAM.CREATE.small", &stream);
    assert_eq!(made["error"], json!(null), "{made}");
    let queue = open(&format!("{}?stream=small", server.url()))
        .await
        .unwrap();
    for held in 0..2 {
        assert_eq!(queue.length().await, Ok(Some(held)));
        publish(&queue).await;
    }
    let refused: CapabilityError = queue.publish(message().1).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Full);
    assert_eq!(queue.check().await, Err(refused));
    receive(&queue).await.ack().await;
    eventually("there is room again", SOON, async || {
        queue.check().await.ok()
    })
    .await;
    publish(&queue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_it_has_to_be_is_told() {
    let server = NatsServer::start();
    let stream = |name: &str| {
        json!({
            "name": name, "subjects": [format!("{name}.tasks")], "retention": "workqueue",
            "storage": "file", "discard": "new",
        })
    };
    let with = |name: &str, field: &str, value: serde_json::Value| {
        let mut stream = stream(name);
        stream[field] = value;
        stream
    };
    let cases = [
        (
            with("a", "retention", json!("limits")),
            "retention workqueue",
        ),
        // So that the queue cannot make its own.
        (with("other", "subjects", json!(["e.tasks"])), "overlap"),
    ];
    for ((stream, expected), asked) in cases.iter().zip(["a", "e"]) {
        let name = stream["name"].as_str().unwrap();
        let made = server.ask(&format!("STREAM.CREATE.{name}"), stream);
        assert_eq!(made["error"], json!(null), "{made}");
        let refused = open(&format!("{}?stream={asked}", server.url())).await;
        let refused = refused.err().unwrap();
        assert!(refused.contains(expected), "{refused}");
        assert!(refused.starts_with("NATS at 127.0.0.1:"), "{refused}");
    }
    server.ask("STREAM.CREATE.f", &stream("f"));
    let refused = open(&format!("{}?stream=f&replicas=3", server.url())).await;
    assert!(refused.err().unwrap().contains("3 replicas"));
    let refused = open(&format!("{}?stream=g&replicas=3", server.url())).await;
    assert!(refused.err().unwrap().contains("non-clustered"));
    let consumer = json!({
        "stream_name": "f", "action": "create",
        "config": {
            "durable_name": "workers", "ack_policy": "explicit", "ack_wait": 30_000_000_000_u64,
            "max_ack_pending": 1000, "deliver_policy": "all", "replay_policy": "instant",
        },
    });
    let made = server.ask("CONSUMER.CREATE.f.workers", &consumer);
    assert_eq!(made["error"], json!(null), "{made}");
    let refused = open(&format!("{}?stream=f", server.url())).await;
    let refused = refused.err().unwrap();
    assert!(refused.contains("max ack pending -1"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_is_told_so_without_a_secret() {
    let server = NatsServer::with(&["--user", "ada", "--pass", "correct horse"]);
    let address = server.address();
    for (login, is_let_in) in [
        ("ada:correct%20horse@", true),
        ("ada:hunter2@", false),
        ("hunter2@", false),
        ("", false),
    ] {
        let opened = open(&format!("nats://{login}{address}")).await;
        match opened {
            Ok(_) => assert!(is_let_in, "{login}"),
            Err(refused) => {
                assert!(!is_let_in, "{login}: {refused}");
                assert!(refused.contains("authorization violation"), "{refused}");
                assert!(!refused.contains("hunter2"), "{refused}");
            }
        }
    }
}

/// Who may look at the stream need not be allowed to publish and to fetch.
#[tokio::test(flavor = "multi_thread")]
async fn a_publish_or_fetch_that_is_not_allowed_is_told_by_checks() {
    const RIGHTS: &str = r#"
        jetstream {}
        authorization {
            users: [
                {
                    user: fetcher, password: a
                    permissions: { publish: { deny: ["shared.tasks"] } }
                }
                {
                    user: publisher, password: a
                    permissions: { publish: { deny: ["$JS.API.CONSUMER.MSG.NEXT.>"] } }
                }
            ]
        }"#;
    let file = scratch("rights").join("nats.conf");
    std::fs::write(&file, RIGHTS).unwrap();
    let server = NatsServer::with(&["--config", &file.display().to_string()]);
    let url = |user: &str| format!("nats://{user}:a@{}?stream=shared", server.address());
    let fetcher = open(&url("fetcher")).await.unwrap();
    let publisher = open(&url("publisher")).await.unwrap();
    for queue in [&fetcher, &publisher] {
        assert_eq!(queue.check().await, Ok(()));
    }
    let refused = fetcher.publish(message().1).await.unwrap_err();
    assert_eq!(fetcher.check().await, Err(refused));
    let id = publish(&publisher).await;
    let told = eventually("the refusal is told", SOON, async || {
        publisher.check().await.err()
    });
    tokio::select! {
        _ = publisher.receive() => panic!("it was allowed to fetch"),
        refused = told => assert_eq!(refused.kind, ErrorKind::Unavailable),
    }
    receive_task(&fetcher, &id).await.ack().await;
}

/// Through a leaf node it is named by its domain, and where it is another account's by
/// what its subjects were imported as.
#[tokio::test(flavor = "multi_thread")]
async fn jetstream_of_another_domain_or_account_is_asked_by_its_name() {
    const ACCOUNTS: &str = r#"
        jetstream { domain: hub }
        accounts {
            OWNER {
                jetstream: enabled
                users: [{ user: owner, password: a }]
                exports: [
                    { service: "$JS.API.>", response: stream }
                    { service: "$JS.ACK.>" }
                    { service: "shared.tasks" }
                ]
            }
            GUEST {
                users: [{ user: guest, password: a }]
                imports: [
                    { service: { account: OWNER, subject: "$JS.API.>" }, to: "JS.owner.API.>" }
                    { service: { account: OWNER, subject: "$JS.ACK.>" } }
                    { service: { account: OWNER, subject: "shared.tasks" } }
                ]
            }
            HALF {
                users: [{ user: half, password: a }]
                imports: [
                    { service: { account: OWNER, subject: "$JS.API.>" }, to: "JS.owner.API.>" }
                    { service: { account: OWNER, subject: "$JS.ACK.>" } }
                ]
            }
        }"#;
    let file = scratch("accounts").join("nats.conf");
    std::fs::write(&file, ACCOUNTS).unwrap();
    let server = NatsServer::with(&["--config", &file.display().to_string()]);
    let address = server.address();
    for (login, options) in [
        ("owner:a", "domain=hub"),
        ("guest:a", "api_prefix=JS.owner.API"),
    ] {
        let url = format!("nats://{login}@{address}?stream=shared&{options}");
        let queue = open(&url).await.unwrap();
        let id = publish(&queue).await;
        let delivery = receive(&queue).await;
        assert_eq!(delivery.work().task_id(), Some(&*id), "{options}");
        delivery.ack().await;
        eventually("the answer arrives", SOON, async || {
            (queue.length().await == Ok(Some(0))).then_some(())
        })
        .await;
    }
    for url in [
        format!("nats://owner:a@{address}?domain=elsewhere"),
        format!("nats://guest:a@{address}"),
    ] {
        let queue = open(&url).await.unwrap();
        assert!(queue.check().await.is_err(), "{url}");
    }
    // Of what it needs, the subject of the messages was not imported.
    let half = format!("nats://half:a@{address}?stream=shared&api_prefix=JS.owner.API");
    let half = open(&half).await.unwrap();
    assert_eq!(half.check().await, Ok(()));
    let refused = half.publish(message().1).await.unwrap_err();
    assert_eq!(half.check().await, Err(refused));
}

/// One of several is enough.
#[tokio::test(flavor = "multi_thread")]
async fn another_server_of_the_list_is_taken() {
    let (server, away) = (NatsServer::start(), NatsServer::away());
    let url = format!("nats://{},{}", away.address(), server.address());
    let queue = open(&url).await.unwrap();
    publish(&queue).await;
    receive(&queue).await.ack().await;
}
