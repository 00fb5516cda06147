//! How a pool of permits is shared, so that nobody takes all of it.
//!
//! While a quarter of the pool is free, everyone gets a permit. Beyond that, a holder
//! that has at least as many permits as are free gets no more, which leaves permits
//! for everyone else.

/// The fraction of a pool that a single holder cannot take, as the denominator.
pub const RESERVE: usize = 4;

/// Whether a holder with `own` permits gets another one, if `used` of `limit` are taken.
/// It always does while more than one in `reserve` is free.
pub fn has_share(limit: usize, used: usize, own: usize, reserve: usize) -> bool {
    let free = limit.saturating_sub(used);
    free > own || free.saturating_mul(reserve) > limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        for (name, used, own, reserve, expected) in [
            ("nobody there", 0, 0, 4, true),
            ("all of it so far", 74, 74, 4, true),
            ("three quarters are taken, by one", 75, 75, 4, false),
            ("the same, by others", 75, 0, 4, true),
            ("as many as are free", 80, 20, 4, false),
            ("fewer than are free", 80, 19, 4, true),
            ("nearly full", 99, 0, 4, true),
            ("one already has one", 99, 1, 4, false),
            ("full", 100, 0, 4, false),
            ("many users of one address", 87, 87, 8, true),
            ("and more", 88, 88, 8, false),
        ] {
            assert_eq!(has_share(100, used, own, reserve), expected, "{name}");
        }
    }
}
