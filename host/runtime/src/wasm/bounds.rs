//! Limits on what the host holds for an instance, besides the instance's own memories.
//!
//! All except the transfer size apply to the whole instance: anything that a guest does
//! not release counts until its instance ends.

use wasmtime::component::ResourceTableError;

/// Limits of one instance.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How much one host call may copy out of the guest, in bytes: strings and lists.
    pub transfer: usize,
    /// Host objects that it has handles to: HTTP fields, requests, responses, timers.
    pub resources: usize,
    /// Size of one set of HTTP fields, in bytes.
    pub fields: usize,
    /// Handles of any kind.
    pub handles: usize,
    /// Calls in progress, futures, stream ends, and waitable sets.
    pub concurrency: usize,
    /// HTTP requests that were sent and whose answers were not read to the end.
    pub exchanges: usize,
    /// Memories, tables, and instances of core modules.
    pub memories: usize,
    /// Tables of core modules.
    pub tables: usize,
    /// Instances of core modules.
    pub modules: usize,
    /// Elements of all tables together.
    pub elements: usize,
    /// Most bytes that it may write into blobs in all. Blobs use the space for
    /// images.
    pub blobs: usize,
}

impl Bounds {
    /// For a model, whose code is not trusted. It may cost its memory limit plus 128 MiB:
    ///
    /// - A resource is at most a request: fields (their map may be twice their
    ///   size), a path and an authority of 64 KiB each, a method of one transfer.
    ///   128 of them are 48 MiB.
    /// - A handle may represent an error that the guest wrote into a future: one
    ///   transfer each, 32 MiB.
    /// - An exchange has 64 KiB in buffers, the same in its connection, a chunk of 64 KiB
    ///   twice, and an error of one transfer: 6 MiB.
    /// - An entry of its concurrency takes less than 1 KiB: 1 MiB.
    /// - One transfer, and its answer on the way to the processor: below 1 MiB.
    ///
    /// The rest is for the memory that wasmtime keeps with each slot of its pool.
    pub const MODEL: Self = Self {
        transfer: 128 << 10,
        resources: 128,
        fields: 64 << 10,
        handles: 256,
        concurrency: 1_000,
        exchanges: 16,
        memories: 2,
        tables: 4,
        // The runtime of another language may consist of many modules: CPython has 14.
        modules: 32,
        elements: 40_000,
        blobs: 64 << 20,
    };

    /// For our own components, of which one instance may serve a thousand requests at
    /// once, and for compositions of them.
    pub const SERVICE: Self = Self {
        transfer: 64 << 20,
        resources: 100_000,
        fields: 128 << 10,
        handles: 100_000,
        concurrency: 1_000_000,
        exchanges: 2_048,
        memories: 64,
        tables: 256,
        modules: 512,
        elements: 1_000_000,
        blobs: usize::MAX,
    };
}

/// Whether an instance ended because it exceeded one of its limits.
pub fn are_exceeded(error: &wasmtime::Error) -> bool {
    let is_full = error
        .downcast_ref::<ResourceTableError>()
        .is_some_and(|error| matches!(error, ResourceTableError::Full));
    // wasmtime has no error types for these.
    let told = format!("{error:#}");
    is_full || SAID.iter().any(|said| told.contains(said))
}

const SAID: [&str; 3] = [
    "fuel allocated for hostcalls has been exhausted",
    "store handle limit exceeded",
    "resource table has no free keys",
];
