//! The memory of all models, as the store of one instance asks for it.

use crate::model::ledger::Refused;
use crate::model::memory::{InnerMeter, Meter};
use crate::wasm::sandbox::{Granted, MemoryMeter, NoRoom};

impl MemoryMeter for Meter {
    fn grow(&self, bytes: u64) -> Result<Granted, NoRoom> {
        granted(Self::grow(self, bytes))
    }
}

impl MemoryMeter for InnerMeter {
    fn grow(&self, bytes: u64) -> Result<Granted, NoRoom> {
        granted(Self::grow(self, bytes))
    }
}

fn granted(grown: Result<Option<bool>, Refused>) -> Result<Granted, NoRoom> {
    match grown {
        Ok(Some(true)) => Ok(Granted::AfterYield),
        Ok(Some(false)) => Ok(Granted::AtOnce),
        Ok(None) => Ok(Granted::Never),
        Err(Refused) => Err(NoRoom),
    }
}
