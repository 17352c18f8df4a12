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
