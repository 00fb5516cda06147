//! The description of the operators' API, and the door measured by it.
//!
//! All other tests measure it too: their client judges every answer.

use std::collections::BTreeSet;

use concept_refinement_tests::client::OPERATORS;
use reqwest::Method;

use super::{NOTHING, operator, shared};

#[tokio::test]
async fn the_service_serves_it_and_answers_to_all_of_it() {
    let operator = operator(shared()).await;
    let described = operator
        .without("authorization")
        .get("/admin/v1/openapi.json")
        .await;
    assert_eq!(described.status, 200);
    assert_eq!(described.header("content-type"), Some("application/json"));
    assert_eq!(&described.json(), OPERATORS.json());
    let mut names = BTreeSet::new();
    for operation in OPERATORS.operations() {
        let path = operation.path.replace("{id}", NOTHING);
        let method = Method::from_bytes(operation.method.to_uppercase().as_bytes()).unwrap();
        // Whatever it lacks, it is known, and its client judges the answer.
        let answer = operator.send(method.clone(), &path, "").await;
        assert_ne!(answer.status, 405, "{method} {path}");
        let is_unknown = answer.status == 404 && !path.contains(NOTHING);
        assert!(!is_unknown, "{method} {path}");
        let anybody = operator.without("authorization");
        assert_eq!(anybody.send(method.clone(), &path, "").await.status, 401);
        let name = operation.object["operationId"].as_str();
        assert!(
            names.insert(name.unwrap_or_else(|| panic!("{method} {path}"))),
            "{name:?} twice"
        );
    }
    assert!(names.len() > 10, "{names:?}");
}
