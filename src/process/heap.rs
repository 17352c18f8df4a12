//! The memory of this process.

#[cfg(target_os = "linux")]
use std::{ptr, slice};

#[cfg(target_os = "linux")]
use nix::libc::{
    _SC_PAGESIZE, MADV_DONTNEED, PF_W, PT_LOAD, c_int, c_void, dl_iterate_phdr, dl_phdr_info,
    madvise, sysconf,
};

/// Gives back to the system what only the start or a reload needed: free memory, and the pages of
/// the program itself.
///
/// A config takes several times its size while it is read, and what stays of it lies scattered
/// among what is free: glibc keeps that for later, which may be never. And where a page of a
/// program is needed, Linux maps those around it too, until all of it counts as in use, its parser
/// and its mailer included.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it asks for nothing, and takes the locks of the heap itself.
    unsafe {
        nix::libc::malloc_trim(0);
    }
    #[cfg(target_os = "linux")]
    // SAFETY: `unmap_code` keeps to what this call promises it.
    unsafe {
        dl_iterate_phdr(Some(unmap_code), ptr::null_mut());
    }
}

/// Unmaps what is only read of one object, the program or a library. What is needed again is
/// mapped again: the file has it as it is, and the system keeps that in memory.
#[cfg(target_os = "linux")]
unsafe extern "C" fn unmap_code(object: *mut dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
    // SAFETY: whoever calls this gives an object and as many headers as it says.
    let (base, headers) = unsafe {
        let object = &*object;
        let count = usize::from(object.dlpi_phnum);
        (
            object.dlpi_addr,
            slice::from_raw_parts(object.dlpi_phdr, count),
        )
    };
    // SAFETY: it tells a number. Should it ever be an error, each call below is refused.
    let page = u64::try_from(unsafe { sysconf(_SC_PAGESIZE) }).unwrap_or(1);
    for header in headers {
        if header.p_type == PT_LOAD && header.p_flags & PF_W == 0 {
            let end = base + header.p_vaddr + header.p_memsz;
            let start = (base + header.p_vaddr) / page * page;
            let length = usize::try_from(end - start).unwrap_or(0);
            // SAFETY: nothing but the file was ever in these pages. Where it is refused, they stay.
            unsafe { madvise(start as *mut _, length, MADV_DONTNEED) };
        }
    }
    0
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::give_back;

    /// KiB of files that are mapped into this process.
    fn mapped() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssFile:"));
        let size = line.and_then(|line| line.split_whitespace().next());
        size.and_then(|size| size.parse().ok()).expect("a number")
    }

    #[test]
    fn the_program_is_given_back_and_it_goes_on() {
        // Other tests run in this process and need its pages at the same time: one try may lose.
        let given_back = (0..100).any(|_| {
            let before = mapped();
            give_back();
            mapped() < before
        });
        assert!(given_back, "{} KiB stay mapped", mapped());
    }
}
