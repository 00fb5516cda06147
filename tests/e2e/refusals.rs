//! Refusals that depend on how a service is set up or what state its store is
//! in. Those that are the same everywhere stand in the platforms' suite.

use concept_refinement_tests::pictures;
use concept_refinement_tests::refusals::{Row, check};

use crate::shared::{new_user, scripted_launch};

/// A store that is in the way of itself: what cannot be reached is no fault of
/// who asks, and its inside is not told.
#[tokio::test]
async fn what_cannot_be_reached_is_told_as_such() {
    let launch = scripted_launch().embedded();
    let service = launch.start();
    let user = new_user(&service);
    let image = user.uploaded(&pictures::png(8, 8)).await;
    let images = launch.data().join("images");
    std::fs::rename(&images, launch.data().join("elsewhere")).unwrap();
    std::fs::write(&images, "in the way").unwrap();
    check(
        [
            Row::upload("an upload", &user, pictures::png(8, 8).bytes),
            Row::get("an image", &user, image),
        ]
        .map(|row| row.is(503, "SERVICE_UNAVAILABLE")),
    )
    .await;
}
