//! People who submit, look, lose patience, repeat and delete.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::capability::{CapabilityError, NewTask};
use concept_refinement_domain::task::{Refinement, Task};
use futures::channel::oneshot;
use futures::future::{Either, LocalBoxFuture, select};

use crate::api::{self, Reply};
use crate::oracle::Invariant;
use crate::process::Process;
use crate::random::Random;
use crate::scheduler::OUTSIDE;
use crate::source;
use crate::world::World;

/// Then a client gives a request up.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);

type Work<T> = LocalBoxFuture<'static, Result<T, CapabilityError>>;

pub struct User {
    world: Rc<World>,
    name: String,
    random: Random,
    /// A refined image, to be refined further.
    last: RefCell<Option<String>>,
}

/// What is asked for, again and again until there is an answer.
#[derive(Clone)]
struct Wish {
    number: u32,
    url: String,
    own_image: Option<String>,
    key: Option<String>,
}

/// Lets all of them come.
pub fn start(world: &Rc<World>) {
    for number in 0..world.settings.users {
        let user = User {
            world: Rc::clone(world),
            name: format!("user-{number}"),
            random: Random::new(world.settings.seed, 100 + number as u64),
            last: RefCell::default(),
        };
        let world = Rc::clone(world);
        world.clone().scheduler.spawn(OUTSIDE, async move {
            match world.settings.wild {
                Some(_) => user.come_and_go().await,
                None => user.wait_for_one().await,
            }
            world.users_gone.set(world.users_gone.get() + 1);
        });
    }
}

impl User {
    async fn wait_for_one(&self) {
        let wish = Wish {
            number: 1,
            url: source::FINE.to_owned(),
            own_image: None,
            key: Some("key".to_owned()),
        };
        let id = loop {
            match self.submit(wish.clone()).await {
                Some(Reply::Accepted(id) | Reply::Active(id)) => break id,
                Some(Reply::Refused) => return,
                None => self.sleep(Duration::from_secs(1)).await,
            }
        };
        self.wait_until_final(&id, 1_000).await;
    }

    async fn come_and_go(&self) {
        let mut number = 0;
        while !self.world.is_calm() {
            number += 1;
            let wish = self.wish(number);
            if let Some(id) = self.submit_somehow(&wish).await {
                self.mind(&id).await;
            }
            if self.random.chance(0.2) {
                // Long after, or while it is still worked on.
                self.submit(wish).await;
            }
            self.sleep(self.random.millis(0, 20_000)).await;
        }
    }

    fn wish(&self, number: u32) -> Wish {
        let url = match self.random.below(20) {
            0 => source::MISSING,
            1 => source::CUT,
            2 => source::SLOW,
            3 => source::SILENT,
            _ => source::FINE,
        };
        let last = self.last.borrow().clone();
        let own_image = last.filter(|_| self.random.chance(0.3));
        Wish {
            number,
            url: own_image.clone().unwrap_or_else(|| url.to_owned()),
            own_image,
            key: self.random.chance(0.6).then(|| format!("key-{number}")),
        }
    }

    /// Repeats what was not answered.
    async fn submit_somehow(&self, wish: &Wish) -> Option<String> {
        for _ in 0..8 {
            match self.submit(wish.clone()).await {
                Some(Reply::Accepted(id) | Reply::Active(id)) => return Some(id),
                Some(Reply::Refused) => return None,
                None => self.sleep(self.random.millis(0, 4_000)).await,
            }
        }
        None
    }

    /// Looks at a task for a while, or deletes it, or what came of it.
    async fn mind(&self, id: &str) {
        if self.random.chance(0.2) {
            self.sleep(self.random.millis(0, 15_000)).await;
            self.delete(id).await;
            return;
        }
        let looks = self.random.below(30);
        let task = self.wait_until_final(id, looks).await;
        let (concept, image) = task
            .map(|task| (task.result_id, task.image_path))
            .unwrap_or_default();
        *self.last.borrow_mut() = image.or(self.last.take());
        if let Some(concept) = concept.filter(|_| self.random.chance(0.4)) {
            self.delete_concept(&concept).await;
        }
        if self.random.chance(0.1) {
            self.delete(id).await;
        }
    }

    async fn submit(&self, wish: Wish) -> Option<Reply> {
        let world = &self.world;
        let new = NewTask {
            id: format!("0190c0de-0000-7000-8000-{:012}", world.serial()),
            refinement: Refinement {
                original_image_url: wish.url,
                refinement_prompt: format!("Make it lighter, {}", wish.number),
                logo_description: None,
                theme_description: None,
            },
            user_id: self.name.clone(),
            is_anonymous: false,
            original_path: wish.own_image,
            original_found: true,
            idempotency_key: wish.key,
            quota: world.settings.quota,
        };
        let reply = self
            .request(move |world, process| {
                Box::pin(async move { api::submit(&world, &process, new).await })
            })
            .await;
        if let Some(Reply::Accepted(id) | Reply::Active(id)) = &reply {
            let mut oracle = world.oracle.borrow_mut();
            let owner = oracle.tasks().get(id).map(|task| task.user.clone());
            oracle.require(
                owner.as_ref() == Some(&self.name),
                Invariant::NothingLost,
                || format!("{} was told of {id}, which is of {owner:?}", self.name),
            );
        }
        reply
    }

    async fn wait_until_final(&self, id: &str, looks: usize) -> Option<Task> {
        for _ in 0..looks {
            let (name, id) = (self.name.clone(), id.to_owned());
            let task = self
                .request(move |world, process| {
                    Box::pin(async move { api::read(&world, &process, &name, &id).await })
                })
                .await;
            match task {
                Some(Some(task)) if task.status.is_final() => return Some(task),
                Some(None) => return None,
                Some(Some(_)) | None => self.sleep(Duration::from_secs(2)).await,
            }
        }
        None
    }

    async fn delete(&self, id: &str) {
        let (name, id) = (&self.name, id.to_owned());
        self.insist(|| {
            let (name, id) = (name.clone(), id.clone());
            move |world, process| {
                Box::pin(async move { api::delete(&world, &process, &name, &id).await })
            }
        })
        .await;
    }

    async fn delete_concept(&self, id: &str) {
        let (name, id) = (&self.name, id.to_owned());
        self.insist(|| {
            let (name, id) = (name.clone(), id.clone());
            move |world, process| {
                Box::pin(async move { api::delete_concept(&world, &process, &name, &id).await })
            }
        })
        .await;
    }

    /// Repeats until it is done.
    async fn insist<W>(&self, mut work: impl FnMut() -> W)
    where
        W: FnOnce(Rc<World>, Rc<Process>) -> Work<()>,
    {
        while self.request(work()).await.is_none() {
            self.sleep(self.random.millis(100, 4_000)).await;
        }
    }

    /// To any process. None: there was no answer, or none that helps.
    async fn request<T: 'static>(
        &self,
        work: impl FnOnce(Rc<World>, Rc<Process>) -> Work<T>,
    ) -> Option<T> {
        let process = self.process()?;
        let world = &self.world;
        let work = work(Rc::clone(world), Rc::clone(&process));
        let (answer, answered) = oneshot::channel();
        world.scheduler.spawn(process.group, async move {
            // Whoever asked may have left.
            let _ = answer.send(work.await);
        });
        let timeout = pin!(world.scheduler.sleep(CLIENT_TIMEOUT));
        let Either::Left((Ok(answer), _)) = select(answered, timeout).await else {
            return None;
        };
        let is_lost = world.settings.wild.is_some() && !world.is_calm() && self.random.chance(0.03);
        answer.ok().filter(|_| !is_lost)
    }

    fn process(&self) -> Option<Rc<Process>> {
        let processes = self.world.processes.borrow();
        let up: Vec<_> = processes
            .values()
            .filter(|process| process.is_up.get())
            .collect();
        if up.is_empty() {
            return None;
        }
        Some(Rc::clone(up[self.random.below(up.len())]))
    }

    async fn sleep(&self, duration: Duration) {
        self.world.scheduler.sleep(duration).await;
    }
}
