//! Downloads an image from a URL, under the rules for originals.
//!
//! Each URL, including redirects, is checked without resolving its name; our host checks
//! the addresses.
//!
//! After temporary errors it tries again. An interrupted transfer is resumed, if the
//! server confirms that the rest belongs to the same file; otherwise it starts again, in
//! the space that is already reserved.

use std::time::Duration;

use concept_refinement_domain::image::Limits;
use concept_refinement_domain::original::check_url;
use concept_refinement_domain::response_headers::is_redirect;
use concept_refinement_domain::retry::{MAX_TRIES, backoff, parse_retry_after};
use concept_refinement_domain::timestamp::Timestamp;
use thiserror::Error;
use url::Url;

use crate::config::Config;
use crate::contents::{Contents, Draft, Received, Rejected};
use crate::ports::{Failure, Ports, Purpose, Response, Rest, StreamOf};
use crate::time::Budget;

/// Enough for the address of a picture; more redirects look like a loop.
const MAX_REDIRECTS: usize = 3;

/// After this time a server may have given up on a response that nobody reads.
const STALE_AFTER: Duration = Duration::from_secs(1);

/// Why an image could not be downloaded, as sentences for the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DownloadError {
    #[error("the address {0}")]
    Address(String),
    #[error("{}", sentence(*.0))]
    Fetch(Failure),
    #[error("the address answered {status}")]
    Status {
        status: u16,
        retry_after: Option<Duration>,
    },
    #[error("the answer is compressed in a way that was not asked for")]
    Encoded,
    #[error("{0}")]
    Contents(#[from] Rejected),
    /// The response was cut off.
    #[error("{0}")]
    BrokeOff(String),
    #[error("the download took longer than {} seconds", .0.as_secs_f32())]
    TimedOut(Duration),
}

/// Downloads one image, following a few redirects, with as many attempts as fit before
/// the deadline. Each attempt has the download timeout; waiting for space does not count.
/// `space`: what is reserved for it already.
pub async fn download<P: Ports>(
    ports: &P,
    url: &str,
    purpose: Purpose,
    space: Option<Draft<P::Blob>>,
    deadline: Timestamp,
    config: &Config,
) -> Result<Contents<P::Blob>, DownloadError> {
    let mut download = Download {
        ports,
        purpose,
        config,
        partial: space.map(|draft| Partial { draft, rest: None }),
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let limit = config.download_timeout.min(deadline.since(ports.now()));
        let error = match download.attempt(url, limit).await {
            Ok(contents) => return Ok(contents),
            Err(error) => error,
        };
        if tries == MAX_TRIES || !error.may_pass(purpose) {
            return Err(error);
        }
        let wait = backoff(tries, ports.jitter(), error.retry_after());
        if ports.now().plus(wait) >= deadline {
            return Err(error);
        }
        ports.sleep(wait).await;
    }
}

/// State shared by all attempts of a download.
struct Download<'a, P: Ports> {
    ports: &'a P,
    purpose: Purpose,
    config: &'a Config,
    partial: Option<Partial<P::Blob>>,
}

/// The state that an attempt leaves for the next one.
struct Partial<B> {
    draft: Draft<B>,
    /// What is missing, if the beginning of a file is in the draft.
    rest: Option<Rest>,
}

impl<P: Ports> Download<'_, P> {
    async fn attempt(
        &mut self,
        url: &str,
        limit: Duration,
    ) -> Result<Contents<P::Blob>, DownloadError> {
        let timed_out = || DownloadError::TimedOut(self.config.download_timeout);
        let mut time = Budget::new(self.ports, limit);
        let (mut draft, response) = loop {
            let response = time.spend(self.response(url)).await;
            let response = response.ok_or_else(timed_out)??;
            let begin = self.ports.now();
            let draft = self.draft(&response).await?;
            if self.ports.now().since(begin) < STALE_AFTER {
                break (draft, response);
            }
            // The attempt had to wait for space, so the connection may be dead by
            // now.
            self.partial = Some(Partial { draft, rest: None });
        };
        let filled = time.spend(draft.fill(response.body)).await;
        let error = match filled.transpose()? {
            None => timed_out(),
            Some(Received::Whole(inspected)) => return Ok(draft.whole(inspected)),
            Some(Received::Part(reason)) => DownloadError::BrokeOff(reason),
        };
        self.keep(draft, response.etag).await;
        Err(error)
    }

    /// Keeps the part from which the next attempt can continue.
    async fn keep(&mut self, draft: Draft<P::Blob>, etag: Option<String>) {
        let rest = match (draft.length().await, etag) {
            (0, _) => None,
            (offset, Some(etag)) if is_strong(&etag) => Some(Rest { offset, etag }),
            _ => return,
        };
        self.partial = Some(Partial { draft, rest });
    }

    /// A response with the file, or with the rest of it.
    async fn response(&self, url: &str) -> Result<Response<StreamOf<P>>, DownloadError> {
        let rest = self.partial.as_ref().and_then(|it| it.rest.as_ref());
        let mut url = self.permitted(url, None)?;
        for _ in 0..=MAX_REDIRECTS {
            let (ports, user_agent) = (self.ports, &*self.config.user_agent);
            let get = ports.get(url.as_str(), self.purpose, rest, user_agent);
            let response = get.await.map_err(DownloadError::Fetch)?;
            match is_redirect(response.status) {
                true => url = self.redirected(&url, &response)?,
                false => return Ok(response),
            }
        }
        let problem = format!("redirects more than {MAX_REDIRECTS} times");
        Err(DownloadError::Address(problem))
    }

    /// Where to put the file: appended to the partial draft, or in space of its own, for
    /// which this may wait.
    async fn draft(
        &mut self,
        response: &Response<StreamOf<P>>,
    ) -> Result<Draft<P::Blob>, DownloadError> {
        if !matches!(response.status, 200 | 203 | 206 | 416) {
            // The partial draft is kept.
            return Err(self.refused(response));
        }
        let (empty, is_rest_asked) = match self.partial.take() {
            None => (None, false),
            Some(Partial { draft, rest }) => match rest {
                None => (Some(draft), false),
                Some(rest) if response.continues(&rest) => return Ok(draft),
                Some(_) => (None, true),
            },
        };
        if !response.is_whole(is_rest_asked) {
            return Err(self.refused(response));
        }
        if response.is_compressed {
            return Err(DownloadError::Encoded);
        }
        let (purpose, declared, limits) = (self.purpose, response.content_length, self.limits());
        Ok(Draft::reserve(self.ports, empty, purpose, declared, limits).await?)
    }

    fn refused(&self, response: &Response<StreamOf<P>>) -> DownloadError {
        let retry_after = response.retry_after.as_deref();
        DownloadError::Status {
            status: response.status,
            retry_after: retry_after.and_then(|value| parse_retry_after(value, self.ports.now())),
        }
    }

    fn limits(&self) -> Limits {
        match self.purpose {
            Purpose::Original => self.config.original_limits(),
            Purpose::ModelAnswer => self.config.answer_limits(),
        }
    }

    fn redirected(
        &self,
        from: &Url,
        response: &Response<StreamOf<P>>,
    ) -> Result<Url, DownloadError> {
        let next = response
            .location
            .as_deref()
            .and_then(|location| from.join(location).ok())
            .ok_or_else(|| DownloadError::Address("redirects to nowhere".to_owned()))?;
        self.permitted(next.as_str(), Some(from))
    }

    /// A model may answer with a URL of its provider, even at a private address. A user
    /// may not. `from`: what redirects there.
    fn permitted(&self, url: &str, from: Option<&Url>) -> Result<Url, DownloadError> {
        if let Ok(parsed) = Url::parse(url)
            && self.purpose == Purpose::ModelAnswer
            && is_at_provider(&parsed, from, &self.config.model_urls)
        {
            return Ok(parsed);
        }
        check_url(url, &self.config.allowed_sources).map_err(DownloadError::Address)
    }
}

/// Whether a URL that a model answered, or to which `from` redirects, is at its provider. The
/// host refuses a URL at the provider of another link than the one that answered it; where
/// such a URL redirects, only this function sees.
fn is_at_provider(url: &Url, from: Option<&Url>, providers: &[Url]) -> bool {
    let is_there = |other: &Url| other.origin() == url.origin();
    let is_own = from.is_none_or(|from| is_there(from) || providers.iter().all(is_there));
    is_own
        && providers.iter().any(is_there)
        && url.username().is_empty()
        && url.password().is_none()
}

fn sentence(failure: Failure) -> &'static str {
    match failure {
        Failure::Forbidden => "the address is not public",
        Failure::Unresolvable => "the name of the address cannot be resolved",
        Failure::Unreachable => "the address cannot be connected to",
        Failure::TimedOut | Failure::ConnectTimedOut => "the address did not answer in time",
        Failure::Tls => "no secure connection to the address can be made",
        Failure::Broken => "the address did not answer properly",
    }
}

impl DownloadError {
    /// Whether another attempt can help. If an original's address cannot be reached, the
    /// task fails at once, since it has not cost anything yet.
    pub fn may_pass(&self, purpose: Purpose) -> bool {
        match self {
            // 206 and 416: the partial draft belongs to another version of the file.
            Self::Status { status, .. } => {
                matches!(status, 206 | 408 | 416 | 429 | 500..=599)
            }
            Self::BrokeOff(_) => true,
            Self::Fetch(error) => purpose == Purpose::ModelAnswer && *error != Failure::Forbidden,
            Self::TimedOut(_) => purpose == Purpose::ModelAnswer,
            Self::Address(_) | Self::Encoded | Self::Contents(_) => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl<S> Response<S> {
    /// Whether the response is this rest, of the same version of the file, and not compressed:
    /// offsets would be others.
    fn continues(&self, Rest { offset, etag }: &Rest) -> bool {
        let range = self.content_range.as_deref().unwrap_or_default();
        let is_rest = self.status == 206 && range.starts_with(&format!("bytes {offset}-"));
        let is_same = self.etag.as_ref().is_none_or(|answered| answered == etag);
        is_rest && is_same && !self.is_compressed
    }

    /// Whether it is the whole file. Some servers send the whole file as a part (206),
    /// even if no part was requested.
    fn is_whole(&self, is_part_asked: bool) -> bool {
        match (self.status, self.content_range.as_deref()) {
            (200 | 203, _) => true,
            (206, None) => !is_part_asked,
            (206, Some(range)) => range
                .strip_prefix("bytes 0-")
                .and_then(|range| range.split_once('/'))
                .and_then(|(last, length)| Some((last.parse().ok()?, length.parse().ok()?)))
                .is_some_and(|(last, length): (u64, u64)| last.checked_add(1) == Some(length)),
            _ => false,
        }
    }
}

/// Whether the ETag guarantees that files are identical, byte for byte.
fn is_strong(etag: &str) -> bool {
    etag.starts_with('"')
}
