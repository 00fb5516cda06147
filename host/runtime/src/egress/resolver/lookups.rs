//! Who may look a name up now.
//!
//! A name's owner decides how long its look-up takes. So that the silent name
//! servers of some leave room for the names of others, a site may have as many
//! look-ups under way as places are free: one site alone takes half of them,
//! two take two thirds, and a name of another site always finds one, until
//! there are as many such sites as places.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A number of places for look-ups.
pub struct Lookups {
    under_way: Mutex<UnderWay>,
    ended: Notify,
}

struct UnderWay {
    free: usize,
    of_sites: HashMap<String, usize>,
}

/// Held as long as a look-up takes.
pub struct Place {
    lookups: Arc<Lookups>,
    site: String,
}

impl Lookups {
    pub fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            under_way: Mutex::new(UnderWay {
                free: places,
                of_sites: HashMap::new(),
            }),
            ended: Notify::new(),
        })
    }

    /// Waits until the name may be looked up.
    pub async fn place(self: &Arc<Self>, name: &str) -> Place {
        let site = site(name);
        loop {
            let ended = self.ended.notified();
            if self.under_way.lock().begin(&site) {
                let lookups = Arc::clone(self);
                return Place { lookups, site };
            }
            ended.await;
        }
    }
}

impl UnderWay {
    /// Whether a look-up of this site may begin; if so, it is counted.
    fn begin(&mut self, site: &str) -> bool {
        let of_site = self.of_sites.get(site).copied().unwrap_or(0);
        if of_site >= self.free {
            return false;
        }
        self.free -= 1;
        self.of_sites.insert(site.to_owned(), of_site + 1);
        true
    }

    fn end(&mut self, site: &str) {
        self.free += 1;
        if let Some(of_site) = self.of_sites.get_mut(site) {
            *of_site -= 1;
            if *of_site == 0 {
                self.of_sites.remove(site);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lookups.under_way.lock().end(&self.site);
        self.lookups.ended.notify_waiters();
    }
}

/// The last two labels, in lower case: a name below a domain is its owner's.
/// Under a suffix of two labels (`co.uk`) different owners share.
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
            let mut under_way = UnderWay {
                free: 256,
                of_sites: HashMap::new(),
            };
            // By turns, and more than there is room for.
            for _ in 0..300 {
                for site in 0..sites {
                    under_way.begin(&site.to_string());
                }
            }
            let least = under_way.of_sites.values().min().copied();
            assert_eq!(least, Some(each), "of {sites} sites");
            assert!(under_way.begin("another"), "beside {sites} sites");
            for site in 0..sites {
                while under_way.of_sites.contains_key(&site.to_string()) {
                    under_way.end(&site.to_string());
                }
            }
            under_way.end("another");
            assert_eq!((under_way.free, under_way.of_sites.len()), (256, 0));
        }
    }
}
