use std::cell::{Cell, RefCell};

use futures::FutureExt as _;

use super::*;

/// Models that answer as they are told to, and what is remembered of them.
struct Models {
    answers: RefCell<Vec<Result<&'static str, Failure>>>,
    circuits: RefCell<Vec<Circuit>>,
    now: Cell<Timestamp>,
    asked: RefCell<Vec<u32>>,
    /// Who has a receipt.
    begun: Cell<Option<u32>>,
}

impl Models {
    fn new(answers: impl IntoIterator<Item = Result<&'static str, Failure>>) -> Self {
        let answers: Vec<_> = answers.into_iter().collect();
        Self {
            circuits: RefCell::new(vec![Circuit::default(); answers.len()]),
            answers: RefCell::new(answers),
            now: Cell::new(Timestamp::from_secs(1_000_000)),
            asked: RefCell::default(),
            begun: Cell::default(),
        }
    }

    /// What is answered, and who was asked for it.
    fn refine(&self) -> (Result<&'static str, Failure>, Vec<u32>) {
        let answer = refine(self).now_or_never().unwrap();
        (answer, self.asked.take())
    }

    fn later(&self, seconds: u64) {
        let later = self.now.get().plus(Duration::from_secs(seconds));
        self.now.set(later);
    }

    fn becomes(&self, index: usize, answer: Result<&'static str, Failure>) {
        self.answers.borrow_mut()[index] = answer;
    }
}

impl Ports for Models {
    type Answer = &'static str;

    async fn count(&self) -> u32 {
        self.answers.borrow().len() as u32
    }

    async fn has_receipt(&self, index: u32) -> bool {
        self.begun.get() == Some(index)
    }

    async fn ask(&self, index: u32) -> Result<&'static str, Failure> {
        self.asked.borrow_mut().push(index);
        self.answers.borrow()[index as usize].clone()
    }

    fn now(&self) -> Timestamp {
        self.now.get()
    }

    async fn circuit(&self, index: u32) -> Circuit {
        self.circuits.borrow()[index as usize]
    }

    async fn save(&self, index: u32, before: Circuit, after: Circuit) -> bool {
        let circuit = &mut self.circuits.borrow_mut()[index as usize];
        let is_expected = *circuit == before;
        if is_expected {
            *circuit = after;
        }
        is_expected
    }
}

fn busy(seconds: Option<u64>) -> Result<&'static str, Failure> {
    Err(Failure::Unavailable {
        reason: "the provider answered 503".to_owned(),
        retry_after: seconds.map(Duration::from_secs),
        is_rate_limit: false,
    })
}

fn hangs() -> Result<&'static str, Failure> {
    Err(Failure::Broken("it did not answer".to_owned()))
}

fn refuses() -> Result<&'static str, Failure> {
    Err(Failure::Refused("no logos".to_owned()))
}

fn breaks() -> Result<&'static str, Failure> {
    Err(Failure::Unknown("the provider answered 502".to_owned()))
}

fn wants_a_key() -> Result<&'static str, Failure> {
    let reason = "the provider refused the key".to_owned();
    Err(Failure::Unauthorized(reason))
}

#[test]
fn the_next_one_is_asked_where_one_cannot_be_used() {
    let unknown = "the provider answered 502; the provider answered 503".to_owned();
    let unknown = Err(Failure::Unknown(unknown));
    let broken = |reason: &str| Err(Failure::Broken(reason.to_owned()));
    let no_model = broken("there is no model to ask");
    let both = broken("it did not answer; the provider answered 502");
    let left = broken("the provider answered 503; it did not answer");
    let all_busy = vec![busy(Some(9)), busy(Some(3))];
    let one_busy = vec![busy(Some(9)), busy(None)];
    let next_refuses = vec![busy(None), refuses(), Ok("c")];
    for (name, answers, expected, asked) in [
        ("the first answers", vec![Ok("a"), Ok("b")], Ok("a"), 1),
        ("the first is busy", vec![busy(None), Ok("b")], Ok("b"), 2),
        ("the first hangs", vec![hangs(), Ok("b")], Ok("b"), 2),
        ("the first refuses", vec![refuses(), Ok("b")], refuses(), 1),
        ("the next one refuses", next_refuses, refuses(), 2),
        ("a key", vec![wants_a_key(), Ok("b")], wants_a_key(), 1),
        ("the first breaks", vec![breaks(), Ok("b")], Ok("b"), 2),
        (
            "one may have accepted",
            vec![breaks(), busy(Some(3))],
            unknown,
            2,
        ),
        ("one of them hangs", vec![hangs(), breaks()], both, 2),
        ("all are busy", all_busy, busy(Some(3)), 2),
        ("who knows for how long", one_busy, busy(None), 2),
        ("all hang", vec![hangs(), hangs()], hangs(), 2),
        ("what hangs is left", vec![busy(None), hangs()], left, 2),
        ("one alone", vec![busy(Some(1))], busy(Some(1)), 1),
        ("none", vec![], no_model, 0),
    ] {
        let asked = (0..asked).collect();
        assert_eq!(Models::new(answers).refine(), (expected, asked), "{name}");
    }
}

#[test]
fn who_has_begun_goes_on() {
    let models = Models::new([Ok("a"), Ok("b"), Ok("c")]);
    models.begun.set(Some(1));
    assert_eq!(models.refine(), (Ok("b"), vec![1]));
    models.becomes(1, busy(None));
    for _ in 0..4 {
        assert_eq!(models.refine(), (Ok("a"), vec![1, 0]));
    }
    models.becomes(1, Ok("b"));
    assert_eq!(models.refine(), (Ok("b"), vec![1]), "its circuit is open");
}

#[test]
fn one_that_fails_again_and_again_is_asked_last_and_probed_within_a_minute() {
    let models = Models::new([busy(None), Ok("b")]);
    for _ in 0..3 {
        assert_eq!(models.refine(), (Ok("b"), vec![0, 1]));
    }
    for _ in 0..5 {
        assert_eq!(models.refine(), (Ok("b"), vec![1]));
    }
    models.becomes(1, busy(None));
    models.becomes(0, Ok("a"));
    // No task fails for it, and it is well again.
    assert_eq!(models.refine(), (Ok("a"), vec![1, 0]));
    assert_eq!(models.refine(), (Ok("a"), vec![0]), "it is well again");

    models.becomes(0, hangs());
    models.becomes(1, Ok("b"));
    for _ in 0..3 {
        assert_eq!(models.refine(), (Ok("b"), vec![0, 1]));
    }
    models.later(60);
    assert_eq!(models.refine(), (Ok("b"), vec![0, 1]), "a probe");
    assert_eq!(models.refine(), (Ok("b"), vec![1]), "one probe");
    models.becomes(0, Ok("a"));
    models.later(60);
    assert_eq!(models.refine(), (Ok("a"), vec![0]));
    assert_eq!(models.refine(), (Ok("a"), vec![0]));
}

#[test]
fn a_refusal_says_that_a_model_works() {
    let models = Models::new([busy(None), Ok("b")]);
    for _ in 0..2 {
        assert_eq!(models.refine(), (Ok("b"), vec![0, 1]));
    }
    models.becomes(0, refuses());
    assert_eq!(models.refine(), (refuses(), vec![0]));
    models.becomes(0, busy(None));
    for _ in 0..3 {
        assert_eq!(models.refine(), (Ok("b"), vec![0, 1]));
    }
}

#[test]
fn it_describes_which_models_it_asks_and_in_which_order() {
    let models = ["One of a provider.", "One that edits by rules."].map(str::to_owned);
    assert_eq!(
        description(&models),
        "Asks the next model when one cannot answer. First: One of a provider. \
         Then: One that edits by rules."
    );
}
