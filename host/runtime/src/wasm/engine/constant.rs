//! Constants of the executable that are read once at startup: their pages need not stay
//! in memory.

/// Unmaps the whole pages of a constant. Reading them maps them again.
#[cfg(target_os = "linux")]
#[allow(
    unsafe_code,
    reason = "the kernel is told what it need not keep mapped"
)]
pub fn unmap(constant: &'static [u8]) {
    use rustix::mm::{Advice, madvise};
    use rustix::param::page_size;

    let addresses = constant.as_ptr_range();
    let start = addresses.start.addr().next_multiple_of(page_size());
    let end = addresses.end.addr() / page_size() * page_size();
    let Some(length) = end.checked_sub(start).filter(|length| *length > 0) else {
        return;
    };
    let pages = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: a constant of the executable is a private mapping of its file that nobody
    // writes to, so the same bytes are mapped again.
    if let Err(error) = unsafe { madvise(pages, length, Advice::LinuxDontNeed) } {
        tracing::debug!(%error, "what was read at the start keeps its pages");
    }
}

/// Does nothing on other systems.
#[cfg(not(target_os = "linux"))]
pub fn unmap(_: &'static [u8]) {}
