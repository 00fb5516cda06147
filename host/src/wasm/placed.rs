//! A value for a guest that tells where the guest has its memory.

use std::mem::MaybeUninit;

use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext,
};
use wasmtime::component::{ComponentType, Lower};

use super::idle_memory::MemoryPlace;

/// A value that is lowered into memory, as a string or a list.
pub struct Placed<V> {
    pub value: V,
    pub place: MemoryPlace,
}

#[allow(
    unsafe_code,
    reason = "it is laid out and checked as the value, by what does so for it"
)]
// SAFETY: all of these are those of the value.
unsafe impl<V: ComponentType> ComponentType for Placed<V> {
    type Lower = V::Lower;

    const ABI: CanonicalAbiInfo = V::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        V::typecheck(ty, types)
    }
}

#[allow(unsafe_code, reason = "the value is lowered")]
// SAFETY: what is written is what the value writes.
unsafe impl<V: Lower> Lower for Placed<V> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> wasmtime::Result<()> {
        self.value.linear_lower_to_flat(cx, ty, dst)?;
        self.place.set(cx.as_slice_mut());
        Ok(())
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> wasmtime::Result<()> {
        self.value.linear_lower_to_memory(cx, ty, offset)?;
        self.place.set(cx.as_slice_mut());
        Ok(())
    }
}
