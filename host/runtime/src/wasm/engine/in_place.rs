//! Runs embedded code where the executable is mapped, so that an idle service keeps only the
//! pages that ran, in place of a copy of all its components' code.
//!
//! Nobody writes to that code: its pages go from readable to readable and executable, and
//! stay so. Other systems and processors run a copy.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use linux::{component, configure};

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub use copy::{component, configure};

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use std::collections::BTreeSet;
    use std::ptr::NonNull;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use rustix::mm::{MprotectFlags, mprotect};
    use rustix::param::page_size;
    use wasmtime::component::Component;
    use wasmtime::{Config, CustomCodeMemory, Engine};

    /// Where code begins that was loaded. wasmtime registers code by its address, and panics if
    /// it is already there, so a component that a process loads again is a copy: a link that a
    /// chain has twice, or that of another host.
    static LOADED: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

    /// Lets the engine run code of memory that is not its own.
    pub fn configure(config: &mut Config) {
        config.with_custom_code_memory(Some(Arc::new(Pages)));
    }

    /// Loads code for an engine that was [configured](configure) so. None: it does not begin
    /// at a page, or this process has loaded it before.
    ///
    /// # Safety
    ///
    /// This build compiled the code.
    #[allow(unsafe_code, reason = "compiled code is run as it was built")]
    pub unsafe fn component(
        engine: &Engine,
        code: &'static [u8],
    ) -> Option<wasmtime::Result<Component>> {
        let start = code.as_ptr().addr();
        let is_usable = start.is_multiple_of(page_size()) && LOADED.lock().insert(start);
        // SAFETY: a constant lives as long as the process, and nobody writes to it; the rest
        // is the caller's promise.
        is_usable.then(|| unsafe { Component::deserialize_raw(engine, NonNull::from(code)) })
    }

    struct Pages;

    #[allow(unsafe_code, reason = "compiled code becomes executable")]
    impl CustomCodeMemory for Pages {
        fn required_alignment(&self) -> usize {
            page_size()
        }

        fn publish_executable(&self, start: *const u8, length: usize) -> wasmtime::Result<()> {
            let flags = MprotectFlags::READ | MprotectFlags::EXEC;
            // SAFETY: these are the whole pages of code that the engine has checked and is
            // about to run. This kind of processor sees written code without being told.
            unsafe { mprotect(start.cast_mut().cast(), length, flags) }?;
            Ok(())
        }

        /// Does nothing: a constant may stay executable, and the engine's own memory is unmapped
        /// next.
        fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
            Ok(())
        }
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod copy {
    use wasmtime::component::Component;
    use wasmtime::{Config, Engine};

    pub fn configure(_: &mut Config) {}

    /// None: always a copy.
    ///
    /// # Safety
    ///
    /// None is needed.
    #[allow(unsafe_code, reason = "the same promise everywhere")]
    pub unsafe fn component(_: &Engine, _: &'static [u8]) -> Option<wasmtime::Result<Component>> {
        None
    }
}

#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod tests {
    use rustix::param::page_size;
    use wasmtime::Store;
    use wasmtime::component::Linker;

    use crate::wasm::engine::ahead::load;
    use crate::wasm::engine::{Engine, Pool};

    const POOL: Pool = Pool {
        instances: 2,
        calls: 1,
        max_memory: 1 << 20,
    };

    const ANSWER: &str = r#"(component
        (core module $module (func (export "answer") (result i32) (i32.const 42)))
        (core instance $instance (instantiate $module))
        (func (export "answer") (result u32) (canon lift (core func $instance "answer"))))"#;

    #[tokio::test]
    #[allow(unsafe_code, reason = "compiled code is run as it was built")]
    async fn code_runs_where_it_lies_once_in_a_process() {
        let component = wat::parse_str(ANSWER).unwrap();
        let compiler = Engine::new(POOL, None, &[]).unwrap();
        let code = compiler.wasmtime().precompile_component(&component);
        let code = at_a_page(&code.unwrap());
        let engine = Engine::new(POOL, None, &[]).unwrap();
        let engine = engine.wasmtime();
        // SAFETY: it was compiled above.
        let component = unsafe { super::component(engine, code) }.unwrap().unwrap();
        assert_eq!(component.image_range(), code.as_ptr_range());
        let mut store = Store::new(engine, ());
        store.set_epoch_deadline(u64::MAX / 2);
        let linker = Linker::new(engine);
        let instance = linker.instantiate_async(&mut store, &component).await;
        let instance = instance.unwrap();
        let answer = instance.get_typed_func::<(), (u32,)>(&mut store, "answer");
        let answer = answer.unwrap().call_async(&mut store, ()).await;
        assert_eq!(answer.unwrap(), (42,));
        for engine in [engine, compiler.wasmtime()] {
            let copy = load(engine, code.into()).unwrap();
            assert_ne!(copy.image_range(), code.as_ptr_range());
        }
        // SAFETY: it was compiled above.
        let misplaced = unsafe { super::component(engine, code.split_at(1).1) };
        assert!(misplaced.is_none());
    }

    fn at_a_page(code: &[u8]) -> &'static [u8] {
        let memory = vec![0; code.len() + page_size()].leak();
        let start = memory.as_ptr().align_offset(page_size());
        let (_, place) = memory.split_at_mut(start);
        let (place, _) = place.split_at_mut(code.len());
        place.copy_from_slice(code);
        place
    }
}
