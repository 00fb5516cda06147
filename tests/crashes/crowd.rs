//! Many users at once, who go on through every crash until they are told to
//! stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;

use crate::acts::Act;
use crate::user::User;
use crate::world::World;

pub struct Crowd {
    users: Vec<JoinHandle<User>>,
    stop: Arc<AtomicBool>,
}

impl Crowd {
    pub fn start(world: &World, users: u64, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let users = (0..users)
            .map(|number| {
                let user = User::new(&format!("user {number}"), world);
                let mut random = StdRng::seed_from_u64(seed.wrapping_add(number));
                let acts = move || Act::random(&mut random);
                tokio::spawn(go_on(user, acts, Arc::clone(&stop)))
            })
            .collect();
        Self { users, stop }
    }

    /// So many more, who do this again and again.
    pub fn with(mut self, world: &World, users: u64, act: &Act) -> Self {
        for number in 0..users {
            let user = User::new(&format!("other user {number}"), world);
            let act = act.clone();
            let acts = move || act.clone();
            self.users
                .push(tokio::spawn(go_on(user, acts, Arc::clone(&self.stop))));
        }
        self
    }

    /// The users, once each has finished what it is at, and one thing more.
    pub async fn stop(self) -> Vec<User> {
        self.stop.store(true, Ordering::Relaxed);
        let mut users = Vec::new();
        for user in self.users {
            users.push(user.await.unwrap());
        }
        users
    }
}

async fn go_on(mut user: User, mut acts: impl FnMut() -> Act, stop: Arc<AtomicBool>) -> User {
    while !stop.load(Ordering::Relaxed) {
        user.act(&acts()).await;
    }
    user.act(&Act::refine("echo it")).await;
    user
}
