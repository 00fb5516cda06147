//! Space for images: limits and use.

use std::sync::atomic::AtomicU64;

use concept_refinement_capability::room;
use concept_refinement_runtime::metrics::series::{register, register_in};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// A gauge whose value may be unknown.
type Bytes = Gauge<f64, AtomicU64>;

/// Updated at each scrape.
pub struct Room {
    images: Bytes,
    images_limit: Bytes,
    reserved: Bytes,
    uploads: Gauge,
    disk_free: Bytes,
    disk_reserve: Bytes,
}

impl Room {
    pub fn new(registry: &mut Registry) -> Self {
        let mut bytes = |name, help| register_in(registry, Unit::Bytes, name, help);
        Self {
            images: bytes("images", "All images together"),
            images_limit: bytes(
                "images_limit",
                "What all images together may take; infinite without max-store",
            ),
            reserved: bytes("uploads_reserved", "Reserved by the uploads under way"),
            disk_free: bytes("images_disk_free", "Free space of the disk of the images"),
            disk_reserve: bytes(
                "images_disk_reserve",
                "Free space that new tasks leave on that disk; uploads leave at least twice as much",
            ),
            uploads: register(
                registry,
                "uploads_under_way",
                "Uploads that are not stored yet",
            ),
        }
    }

    /// Unknown values are NaN.
    pub fn update(&self, room: &room::Room) {
        let room::Occupancy {
            stored,
            reserved,
            uploads,
            ..
        } = room.occupancy();
        self.images.set(stored as f64);
        self.reserved.set(reserved as f64);
        self.uploads.set(i64::try_from(uploads).unwrap_or(i64::MAX));
        let limit = room.max_store().map_or(f64::INFINITY, |bytes| bytes as f64);
        self.images_limit.set(limit);
        let disk = room.disk();
        let free = disk.map_or(f64::NAN, |disk| disk.available as f64);
        self.disk_free.set(free);
        let reserve = disk.map_or(f64::NAN, |disk| disk.reserve() as f64);
        self.disk_reserve.set(reserve);
    }
}
