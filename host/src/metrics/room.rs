//! Space for images: limits and use.

use concept_refinement_capability::room::Room;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::scrape::whole;

/// Unknown values are NaN.
pub fn register(registry: &mut Registry, room: &Room) {
    let occupancy = room.occupancy();
    let disk = room.disk();
    let limit = room.max_store().map_or(f64::INFINITY, |bytes| bytes as f64);
    let free = disk.map_or(f64::NAN, |disk| disk.available as f64);
    let reserve = disk.map_or(f64::NAN, |disk| disk.reserve() as f64);
    for (name, help, bytes) in [
        ("images", "All images together", occupancy.stored as f64),
        (
            "images_limit",
            "What all images together may take; infinite without max-store",
            limit,
        ),
        (
            "uploads_reserved",
            "Reserved by the uploads under way",
            occupancy.reserved as f64,
        ),
        (
            "images_disk_free",
            "Free space of the disk of the images",
            free,
        ),
        (
            "images_disk_reserve",
            "Free space that new tasks leave on that disk; uploads leave at least twice as much",
            reserve,
        ),
    ] {
        registry.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(bytes));
    }
    let help = "Uploads that are not stored yet";
    registry.register("uploads_under_way", help, whole(occupancy.uploads));
}
