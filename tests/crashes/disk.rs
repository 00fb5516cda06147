//! Trouble with the disk: full, read-only, gone. The real executable on a small
//! disk of its own, through its doors; what it left there is looked at only
//! when it has ended, or where nobody may ever see it.

mod damage;
mod directory;
mod full;
mod load;
mod opening;
mod pipeline;
mod random;
mod read_only;
mod shared;
mod starting;
mod upgrade;
