//! Who leaves keeps its task.

use concept_refinement_tests::attacks::Attacker;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::openai::Form;
use concept_refinement_tests::pictures;

use super::{head, no_uploads, tasks};
use crate::shared::{new_name, scripted_launch};

#[tokio::test]
async fn the_task_of_who_leaves_is_completed_and_its_upload_goes() {
    let launch = scripted_launch();
    let service = launch.start();
    let user = new_name();
    let client = Client::user(service.url(), &user);
    let form = Form::edit(&pictures::png(40, 30), "wait 300ms").bytes();
    let request = [head(&user, form.len()).as_bytes(), &form].concat();
    let connection = Attacker::new(&service, 1).connection(&request).await;
    let task = eventually("there is a task", SOON, async || {
        tasks(&client).await.first().cloned()
    })
    .await;
    drop(connection);
    let task = client.finished(task["task_id"].as_str().unwrap()).await;
    assert_eq!(task["status"], "completed", "{task}");
    no_uploads(&launch.data()).await;
    assert_eq!(tasks(&client).await.len(), 1);
}
