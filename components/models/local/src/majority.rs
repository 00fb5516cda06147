//! What more than half of some things are, by the majority vote of Boyer and Moore.

/// The vote: everything takes part in it first, and is counted after that.
#[derive(Clone, Default)]
pub struct Tally<T> {
    candidate: T,
    lead: u32,
    same: u32,
    all: u32,
}

impl<T: Copy + PartialEq> Tally<T> {
    pub fn vote(&mut self, one: T) {
        if self.lead == 0 {
            self.candidate = one;
        }
        if self.candidate == one {
            self.lead += 1;
        } else {
            self.lead -= 1;
        }
    }

    pub fn count(&mut self, one: T) {
        self.all += 1;
        self.same += u32::from(self.candidate == one);
    }

    pub fn winner(&self) -> Option<T> {
        (self.same > self.all / 2).then_some(self.candidate)
    }
}

/// What more than half of these are.
pub fn majority<T: Copy + Default + PartialEq>(all: &[T]) -> Option<T> {
    let mut tally = Tally::default();
    all.iter().for_each(|one| tally.vote(*one));
    all.iter().for_each(|one| tally.count(*one));
    tally.winner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_have_to_be_the_same() {
        for (all, expected) in [
            (&[][..], None),
            (&[7], Some(7)),
            (&[7, 8], None),
            (&[8, 7, 7], Some(7)),
            (&[7, 8, 7, 9], None),
            (&[7, 8, 7, 9, 7], Some(7)),
            (&[7, 7, 8, 8, 8], Some(8)),
        ] {
            assert_eq!(majority(all), expected, "{all:?}");
        }
    }
}
