//! What a package repeats by itself: whatever went wrong on the way, there is one task, and
//! its model was asked once.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::gateway::Gateway;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::stand_in::StandIn as _;
use concept_refinement_tests::stand_in::replicate::{Replicate, created, prediction};
use concept_refinement_tests::tokens::token;
use serde_json::{Value, json};

use super::program::{Call, Sdk, file};
use super::{image, tasks};
use crate::shared::new_name;

/// The prediction, and where it is.
const ID: &str = "gm3qorzdhgbfurvjtvhg6dckhu";
const AT: &str = "/v1/predictions/gm3qorzdhgbfurvjtvhg6dckhu";

/// A provider that works for as long as a test wants it to, and whose work outlives the
/// service.
struct Work {
    provider: Provider,
    prompt: String,
    picture: pictures::Picture,
}

impl Work {
    fn start() -> Self {
        let provider = Provider::start();
        let prompt = provider.prompt([created(&prediction(ID, "starting", Value::Null))]);
        let running = prediction(ID, "processing", Value::Null);
        provider.serve_at(AT, Reply::json(200, &running));
        Self {
            provider,
            prompt,
            picture: pictures::png(50, 40),
        }
    }

    fn launch(&self) -> Launch {
        Replicate.launch(&self.provider.url()).with_tokens()
    }

    async fn is_under_way(&self) {
        eventually("the provider is at work", SOON, async || {
            (self.provider.times(AT) > 0).then_some(())
        })
        .await;
    }

    fn end(&self) {
        let url = self.provider.serve(Reply::picture(&self.picture));
        let ended = prediction(ID, "succeeded", json!(url));
        self.provider.serve_at(AT, Reply::json(200, &ended));
    }

    /// The call that is under way succeeds, and nothing was done twice.
    async fn assert_once(&self, sdk: &mut Sdk, client: &Client) {
        let made = sdk.end().await;
        assert!(made["error"].is_null(), "{}: {made}", sdk.name);
        let made = image(&made["answer"]["data"][0]);
        assert!(made == marked(&self.picture), "{}", sdk.name);
        let tasks = tasks(client).await;
        assert_eq!(tasks.len(), 1, "{}", sdk.name);
        assert_eq!(tasks[0]["status"], "completed", "{}", sdk.name);
        assert_eq!(self.provider.times(&self.prompt), 1, "{}", sdk.name);
    }
}

/// A call of a new user, whose repeats are enough for a restart.
fn call(url: &str, work: &Work) -> (Call, Client) {
    let user = new_name();
    let picture = file(&pictures::png(40, 30));
    let fields = json!({"prompt": work.prompt});
    let call = Call::edit(url, &token(&user), &picture, &fields);
    let client = Client::user(url, &user);
    (call.with("retries", &json!(6)), client)
}

#[tokio::test]
async fn an_answer_that_did_not_arrive_is_given_again() {
    for mut sdk in Sdk::both() {
        let work = Work::start();
        let service = work.launch().start();
        let gateway = Gateway::to(&service);
        gateway.answer_next(Reply::status(500));
        let (call, client) = call(&gateway.url(), &work);
        sdk.begin(&call);
        work.is_under_way().await;
        work.end();
        work.assert_once(&mut sdk, &client.at(service.url())).await;
        let asked = gateway.asked();
        let of_edits = asked.iter().filter(|asked| asked.method == "POST");
        let counts: Vec<_> = of_edits
            .map(|asked| asked.header("x-stainless-retry-count"))
            .collect();
        assert_eq!(counts, [Some("0"), Some("1")], "{}", sdk.name);
    }
}

#[tokio::test]
async fn a_connection_that_broke_is_made_again() {
    for mut sdk in Sdk::both() {
        let work = Work::start();
        let service = work.launch().start();
        let address = service.url().trim_start_matches("http://");
        let proxy = Proxy::to(address.parse().unwrap());
        let (call, client) = call(&format!("http://{}", proxy.address()), &work);
        sdk.begin(&call);
        work.is_under_way().await;
        let connections = proxy.connections();
        proxy.set(Mode::Reset);
        eventually("the call is repeated", SOON, async || {
            (proxy.connections() > connections).then_some(())
        })
        .await;
        proxy.set(Mode::Pass);
        work.end();
        work.assert_once(&mut sdk, &client.at(service.url())).await;
    }
}

#[tokio::test]
async fn a_service_that_was_killed_goes_on_with_the_task() {
    for mut sdk in Sdk::both() {
        let work = Work::start();
        let launch = work.launch();
        let service = launch.start();
        let launch = launch.at(&service);
        let (call, client) = call(service.url(), &work);
        sdk.begin(&call);
        work.is_under_way().await;
        drop(service.kill());
        let _service: Service = launch.start();
        work.end();
        work.assert_once(&mut sdk, &client.reconnected()).await;
    }
}
