//! What can be made to go wrong in `concept-refinement-faulty`, which is the
//! product with faults around its capabilities: where, and by which variable.
//!
//! The executable itself stands in `tests/faulty/`.

use std::fmt;
use std::str::FromStr;

/// `POINT` or `POINT:N`, as in `after claim:3`: the process kills itself
/// (SIGKILL) when it passes this point for the n-th time.
pub const KILL_AT: &str = "REFINEMENT_TEST_KILL_AT";

/// `POINT` or `POINT:N`: the call that passes this point as the n-th never goes
/// on, as on a disk that stalls.
pub const HANG_AT: &str = "REFINEMENT_TEST_HANG_AT";

/// The path of a file to which lines are appended that outlive a kill, each with the
/// id of the process first: `submits TASK-ID` before each submission, `claims TASK-ID`
/// before each claim and `claimed TASK-ID ATTEMPT` after it, `asked TASK-ID` before
/// each call that reaches the model, `kept TASK-ID` after each refined image that the
/// store confirmed, `writes TASK-ID ATTEMPT` before each write under a lease, and
/// `wrote TASK-ID ATTEMPT` once it is confirmed. Several processes may share it.
pub const JOURNAL: &str = "REFINEMENT_TEST_JOURNAL";

/// If it is set, each message is delivered twice.
pub const DELIVER_TWICE: &str = "REFINEMENT_TEST_DELIVER_TWICE";

/// The path of a file that holds by how many seconds the stores' clock is off,
/// from when that is written.
pub const CLOCK: &str = "REFINEMENT_TEST_CLOCK";

/// The name of a [`crate::flaws::Flaw`].
pub const FLAW: &str = "REFINEMENT_TEST_FLAW";

/// The path of a file: as long as it exists the model is unavailable.
pub const MODEL_DOWN: &str = "REFINEMENT_TEST_MODEL_DOWN";

/// The path of a file: as long as it exists no message can be published, for a
/// reason of the kind that it names, `unavailable` or `invalid`.
pub const QUEUE_DOWN: &str = "REFINEMENT_TEST_QUEUE_DOWN";

crate::listed! {
    /// A call of a capability by the pipeline, by the API or by a trigger.
    pub enum Call {
        Submit = "submit",
        Withdraw = "withdraw",
        Claim = "claim",
        Renew = "renew",
        Finish = "finish",
        Fail = "fail",
        Release = "release",
        Pay = "pay",
        TaskGet = "task get",
        TaskList = "task list",
        TaskCancel = "task cancel",
        TaskDelete = "task delete",
        /// A step of erasing a user.
        UserErase = "user erase",
        Recover = "recover",
        Due = "due",
        Unreferenced = "unreferenced",
        /// A claim of webhooks that are due, where there are any.
        DeliveryClaim = "delivery claim",
        /// Of what came of a webhook.
        AttemptRecord = "attempt record",
        /// A commit of the task store, with all that was written before it.
        Commit = "commit",
        ConceptGet = "concept get",
        ConceptList = "concept list",
        ConceptDelete = "concept delete",
        UploadPut = "upload put",
        ImagePut = "image put",
        ImageStat = "image stat",
        ImageGet = "image get",
        ImageDelete = "image delete",
        /// A step of deleting all uploads of a user.
        UploadsDelete = "uploads delete",
        ImageSign = "image sign",
        ImageResolve = "image resolve",
        ImageList = "image list",
        Publish = "publish",
        Receive = "receive",
        Acknowledge = "acknowledge",
        Model = "model",
        Downloading = "downloading",
        Refining = "refining",
        StoringImage = "storing image",
        StoringConcept = "storing concept",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    /// Half of an image has passed.
    Amid,
    After,
}

/// A point of the program, as in `before claim` or `amid image put`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub moment: Moment,
    pub call: Call,
}

impl Call {
    fn moments(self) -> &'static [Moment] {
        match self {
            Self::Commit => &[Moment::Before],
            Self::DeliveryClaim => &[Moment::After],
            Self::UploadPut | Self::ImagePut | Self::Model => {
                &[Moment::Before, Moment::Amid, Moment::After]
            }
            _ => &[Moment::Before, Moment::After],
        }
    }
}

impl Moment {
    fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Amid => "amid",
            Self::After => "after",
        }
    }
}

impl Point {
    pub fn all() -> impl Iterator<Item = Self> {
        Call::ALL.iter().flat_map(|&call| {
            let moments = call.moments().iter();
            moments.map(move |&moment| Self { moment, call })
        })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.moment.as_str(), self.call.as_str())
    }
}

impl FromStr for Point {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::all()
            .find(|point| point.to_string() == name)
            .ok_or(())
    }
}
