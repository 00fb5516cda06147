//! The memory of all models, as the store of one instance asks for it.

use crate::capability::model::ledger::Refused;
use crate::capability::model::memory::Meter;
use crate::wasm::sandbox::{Granted, MemoryMeter, NoRoom};

impl MemoryMeter for Meter {
    fn grow(&self, bytes: u64) -> Result<Granted, NoRoom> {
        match Self::grow(self, bytes) {
            Ok(true) => Ok(Granted::AfterYield),
            Ok(false) => Ok(Granted::AtOnce),
            Err(Refused) => Err(NoRoom),
        }
    }
}
