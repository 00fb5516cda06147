//! Limits concurrent look-ups.
//!
//! The owner of a name decides how long its look-up takes. So that slow name servers of
//! some sites leave permits for others, a site may have only as many look-ups in progress
//! as there are free permits: one site alone gets half of them, two get two thirds
//! together, and another site always gets one, until there are as many such sites as
//! permits.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A number of permits for look-ups.
pub struct Lookups {
    permits: usize,
    /// The site of each look-up in progress.
    under_way: Mutex<Vec<String>>,
    ended: Notify,
}

/// Held for the duration of a look-up.
pub struct LookupPermit {
    lookups: Arc<Lookups>,
    site: String,
}

impl Lookups {
    pub fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            permits,
            under_way: Mutex::default(),
            ended: Notify::new(),
        })
    }

    /// Waits until the name may be looked up.
    pub async fn permit(self: &Arc<Self>, name: &str) -> LookupPermit {
        let site = site(name);
        loop {
            let ended = self.ended.notified();
            if self.begin(&site) {
                let lookups = Arc::clone(self);
                return LookupPermit { lookups, site };
            }
            ended.await;
        }
    }

    /// Whether a look-up of this site may begin; if so, counts it.
    fn begin(&self, site: &str) -> bool {
        let mut under_way = self.under_way.lock();
        let of_site = under_way.iter().filter(|other| *other == site).count();
        let may_begin = of_site < self.permits.saturating_sub(under_way.len());
        if may_begin {
            under_way.push(site.to_owned());
        }
        may_begin
    }

    fn end(&self, site: &str) {
        let mut under_way = self.under_way.lock();
        if let Some(ended) = under_way.iter().position(|other| other == site) {
            under_way.swap_remove(ended);
        }
    }
}

impl Drop for LookupPermit {
    fn drop(&mut self) {
        self.lookups.end(&self.site);
        self.lookups.ended.notify_waiters();
    }
}

/// The last two labels, in lower case: names below a domain belong to its owner. Below a
/// suffix of two labels (`co.uk`) different owners share the limit.
fn site(name: &str) -> String {
    let labels = name.trim_end_matches('.').rsplitn(3, '.');
    let mut labels: Vec<_> = labels.take(2).collect();
    labels.reverse();
    labels.join(".").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_what_one_owner_has() {
        for (name, expected) in [
            ("example.com", "example.com"),
            ("a.Example.com.", "example.com"),
            ("a.b.example.com", "example.com"),
            ("gpu", "gpu"),
            ("", ""),
        ] {
            assert_eq!(site(name), expected, "{name}");
        }
    }

    #[test]
    fn what_some_sites_take_leaves_room_for_others() {
        for (sites, each) in [(1, 128), (2, 85), (7, 32), (255, 1)] {
            let lookups = Lookups::new(256);
            // Sites in turn, with more look-ups than permits.
            for _ in 0..300 {
                for site in 0..sites {
                    lookups.begin(&site.to_string());
                }
            }
            let of = |site: u32| {
                let under_way = lookups.under_way.lock();
                let site = site.to_string();
                under_way.iter().filter(|other| **other == site).count()
            };
            let least = (0..sites).map(of).min();
            assert_eq!(least, Some(each), "of {sites} sites");
            assert!(lookups.begin("another"), "beside {sites} sites");
            for site in 0..sites {
                while of(site) > 0 {
                    lookups.end(&site.to_string());
                }
            }
            lookups.end("another");
            assert!(lookups.under_way.lock().is_empty());
        }
    }
}
