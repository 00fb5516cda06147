//! `queue`

use std::time::{Duration, Instant};

use clap::ArgMatches;
use serde_json::{Value, json};

use super::failure::Failure;
use super::operator::client::{Access, AdminClient, Problem};
use super::operator::shown::span;
use super::operator::waiting::{Waiting, patiently};
use super::operator::{block_on, print_json};
use super::terminal::print;

const PAUSED: &str = "the queue is paused";

/// After how long a drain says what it waits for.
const LONG: Duration = Duration::from_secs(60);

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((verb, matches)) = matches.subcommand() else {
        // The parser accepts no such command.
        return Err(Failure::usage("no such command"));
    };
    let access = match verb {
        "status" => Access::Read,
        _ => Access::Act,
    };
    let client = AdminClient::of(matches, access)?;
    let reason = matches.try_get_one::<String>("reason").ok().flatten();
    let reason = json!({ "reason": reason });
    let state = block_on(async {
        match verb {
            "pause" | "resume" => {
                let answer = client.post(&format!("queue/{verb}"), &reason).await?;
                Ok(State::of(&client, answer)?)
            }
            "drain" => drained(&client, &reason).await,
            _ => Ok(State::now(&client).await?),
        }
    })?;
    match matches.get_flag("json") {
        true => print_json(&state.answer)?,
        false => print(state.shown())?,
    }
    Ok(())
}

struct State {
    is_paused: bool,
    pending: u64,
    processing: u64,
    /// How long the oldest one waits.
    oldest: Option<Duration>,
    answer: Value,
}

impl State {
    async fn now(client: &AdminClient) -> Result<Self, Problem> {
        Self::of(client, client.get("queue", &[]).await?)
    }

    fn of(client: &AdminClient, answer: Value) -> Result<Self, Problem> {
        let field = |name: &str| answer.get(name);
        let number = |name: &str| client.expected(field(name).and_then(Value::as_u64));
        let oldest = field("oldest_pending_seconds").and_then(Value::as_f64);
        Ok(Self {
            is_paused: client.expected(field("paused").and_then(Value::as_bool))?,
            pending: number("pending")?,
            processing: number("processing")?,
            oldest: oldest.and_then(|oldest| Duration::try_from_secs_f64(oldest).ok()),
            answer,
        })
    }

    fn shown(&self) -> String {
        let state = match self.is_paused {
            true => "paused",
            false => "running",
        };
        let oldest = self.oldest.filter(|_| self.pending > 0);
        let oldest = oldest.map(|oldest| format!(", the oldest for {}", span(oldest)));
        format!(
            "queue        {state}\npending      {}{}\nprocessing   {}\n",
            self.pending,
            oldest.unwrap_or_default(),
            self.processing
        )
    }
}

/// Pauses the queue, and returns once nothing is in progress.
async fn drained(client: &AdminClient, reason: &Value) -> Result<State, Failure> {
    let waiting = Waiting::new(None);
    let stopped = format!("{PAUSED}, or about to be: `queue resume` lets tasks begin again");
    let (begin, mut told) = (Instant::now(), None);
    let drained = async {
        client.post("queue/pause", reason).await?;
        let ended = patiently(async || {
            let state = State::now(client).await?;
            let (processing, pending) = (state.processing, state.pending);
            waiting.tell(0, format!("{processing} in progress, {pending} pending"));
            if told.is_none() {
                told = hint(begin.elapsed(), processing).inspect(|hint| waiting.say(hint));
            }
            Ok((!state.is_paused || processing == 0).then_some(state))
        });
        ended.await.map_err(|problem| problem.after(PAUSED))
    };
    let state = waiting.until(&stopped, drained).await?;
    if !state.is_paused {
        let problem = "the queue was resumed before it was drained";
        return Err(Failure::Failed(anyhow::anyhow!(problem)));
    }
    Ok(state)
}

/// What a drain says that has waited for so long, if it is long.
fn hint(waited: Duration, processing: u64) -> Option<String> {
    let hint = || {
        format!(
            "still in progress: {processing}. A task whose worker was killed goes on only after \
             `queue resume`, or ends by `tasks cancel`"
        )
    };
    (waited >= LONG && processing > 0).then(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_told_after_a_minute() {
        for (seconds, processing, is_told) in [(59, 1, false), (60, 0, false), (60, 1, true)] {
            let hint = hint(Duration::from_secs(seconds), processing);
            assert_eq!(hint.is_some(), is_told, "{seconds} {processing}: {hint:?}");
        }
    }

    #[test]
    fn the_state_is_told() {
        for (is_paused, pending, oldest, expected) in [
            (
                false,
                0,
                None,
                "queue        running\npending      0\nprocessing   2\n",
            ),
            (
                true,
                3,
                Some(190),
                "queue        paused\npending      3, the oldest for 3 min\nprocessing   2\n",
            ),
            (
                true,
                0,
                Some(190),
                "queue        paused\npending      0\nprocessing   2\n",
            ),
        ] {
            let state = State {
                is_paused,
                pending,
                processing: 2,
                oldest: oldest.map(Duration::from_secs),
                answer: Value::Null,
            };
            assert_eq!(state.shown(), expected);
        }
    }
}
