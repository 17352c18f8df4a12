//! The memory of this process.

/// Gives free memory back to the system.
///
/// A config takes several times its size while it is read, and what stays of it lies scattered
/// among what is free: glibc keeps that for later, which may be never.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it asks for nothing, and takes the locks of the heap itself.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

/// Lets all threads, those to come as well, take their memory from one heap.
///
/// glibc gives each of them a heap of its own, so that none waits for another. Ours seldom ask at
/// the same time, and many small heaps hold much that is free.
pub fn share_one_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it sets a number of the allocator, which takes its own lock.
    unsafe {
        nix::libc::mallopt(nix::libc::M_ARENA_MAX, 1);
    }
}
