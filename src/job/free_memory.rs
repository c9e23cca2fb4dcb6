//! How much memory the system has free for a job, less what the jobs that run in this process will still take.

#[cfg(any(not(windows), test))]
use std::path::Path;
use std::sync::Mutex;

/// The bytes that running jobs are expected to need, by their numbers.
static RUNNING: Mutex<Running> = Mutex::new(Running { next: 0, jobs: Vec::new() });

struct Running {
    next: u64,
    jobs: Vec<(u64, u64)>,
}

/// What a job is expected to need, set aside until this is dropped.
pub(crate) struct Reserved(u64);

impl Drop for Reserved {
    fn drop(&mut self) {
        running().jobs.retain(|(job, _)| *job != self.0);
    }
}

fn running() -> std::sync::MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(|e| e.into_inner())
}

/// The bytes that are free now; None if the system does not say.
pub(crate) fn bytes() -> Option<u64> {
    less_pending(&running().jobs)
}

/// Plans with the bytes that are free now and sets aside what comes of it. Jobs that begin at the same time plan one after
/// the other.
pub(crate) fn reserve<T, E>(
    plan: impl FnOnce(Option<u64>) -> Result<(T, u64), E>,
) -> Result<(T, Reserved), E> {
    let mut running = running();
    let (planned, needed) = plan(less_pending(&running.jobs))?;
    let job = running.next;
    running.next += 1;
    running.jobs.push((job, needed));
    Ok((planned, Reserved(job)))
}

fn less_pending(jobs: &[(u64, u64)]) -> Option<u64> {
    let planned: u64 = jobs.iter().map(|(_, needed)| needed).sum();
    let pending = match planned {
        0 => 0,
        _ => planned.saturating_sub(own().unwrap_or(0)),
    };
    Some(of_system()?.saturating_sub(pending))
}

/// The bytes that the system, or the control group that the process is in, has free. Cache that can be dropped is free.
fn of_system() -> Option<u64> {
    let mut system = sysinfo::System::new();
    system.refresh_memory_specifics(sysinfo::MemoryRefreshKind::nothing().with_ram());
    let all = Some(system.available_memory()).filter(|bytes| *bytes > 0);
    match (all, limited()) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What limits leave for this process, besides the memory that is free.
#[cfg(not(windows))]
fn limited() -> Option<u64> {
    let group = of_control_group(Path::new("/"));
    of_address_space().into_iter().chain(group).min()
}

/// What the limit of this process' addresses leaves (`ulimit -v`, as some batch systems set it); None where there is none.
/// Part of it goes to the stacks and heaps of threads, which take up more addresses than memory.
#[cfg(target_os = "linux")]
fn of_address_space() -> Option<u64> {
    const OF_THREADS: u64 = 256 << 20;
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(limit.saturating_sub(of_status("VmSize:")? + OF_THREADS))
}

#[cfg(all(not(windows), not(target_os = "linux")))]
fn of_address_space() -> Option<u64> {
    None
}

/// Windows gives no more memory than the machine and the page file could hold.
#[cfg(windows)]
fn limited() -> Option<u64> {
    use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};
    // SAFETY: zeros are a value of this plain struct.
    let mut status: MEMORYSTATUSEX = unsafe { std::mem::zeroed() };
    status.dwLength = size_of::<MEMORYSTATUSEX>() as u32;
    // SAFETY: the struct is filled; it says how long it is.
    let told = unsafe { GlobalMemoryStatusEx(&mut status) } != 0;
    (told && status.ullAvailPageFile > 0).then_some(status.ullAvailPageFile)
}

/// The bytes of this process that are in memory.
#[cfg(not(target_os = "linux"))]
fn own() -> Option<u64> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate};
    let own = sysinfo::get_current_pid().ok()?;
    let mut system = sysinfo::System::new();
    let memory = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), true, memory);
    Some(system.process(own)?.memory())
}

/// The same without a look at other processes.
#[cfg(target_os = "linux")]
fn own() -> Option<u64> {
    of_status("VmRSS:")
}

/// A number of bytes in what Linux says of this process.
#[cfg(target_os = "linux")]
fn of_status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// What the narrowest control group of this process leaves, of version 1 or 2; None where none has a limit. `root` is the
/// system's root folder.
#[cfg(any(not(windows), test))]
fn of_control_group(root: &Path) -> Option<u64> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mounted = root.join("sys/fs/cgroup");
    let mut least: Option<u64> = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (base, files) = match controllers {
            "" => (mounted.clone(), ["memory.max", "memory.current", "inactive_file", "active_file"]),
            _ if controllers.split(',').any(|c| c == "memory") => {
                let names = [
                    "memory.limit_in_bytes",
                    "memory.usage_in_bytes",
                    "total_inactive_file",
                    "total_active_file",
                ];
                (mounted.join("memory"), names)
            }
            _ => continue,
        };
        // Inside of a container the path may be one of the host's, which is not there.
        for group in base.join(path.trim_start_matches('/')).ancestors().take_while(|g| g.starts_with(&base))
        {
            if let Some(free) = left_in(group, files) {
                least = Some(least.map_or(free, |least| least.min(free)));
            }
        }
    }
    least
}

/// What a control group's limit leaves of its memory without the cache of files.
#[cfg(any(not(windows), test))]
fn left_in(group: &Path, [limit, usage, inactive, active]: [&str; 4]) -> Option<u64> {
    let number = |file: &str| std::fs::read_to_string(group.join(file)).ok()?.trim().parse::<u64>().ok();
    // "No limit" is the word "max" in version 2, and in version 1 a number beyond any memory.
    let limit = number(limit).filter(|limit| *limit < 1 << 60)?;
    let statistics = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let of = |name: &str| -> u64 {
        let line = statistics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
    };
    let used = number(usage)?.saturating_sub(of(inactive) + of(active));
    Some(limit.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_running_jobs_will_take_is_not_free() {
        let free = bytes().expect("this system says how much is free");
        let (all, reserved) = reserve(|free| Ok::<_, ()>((free, 64 << 30))).expect("a plan");
        assert!(all.is_some_and(|all| all > free / 2));
        let pending = bytes().expect("still");
        assert!(pending < free / 2 || free < 64 << 30 && pending == 0, "{free} {pending}");
        drop(reserved);
        assert!(bytes().expect("again") > free / 2);
    }

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, text).expect("a file");
        }
        root
    }

    #[test]
    fn cache_counts_as_free_and_no_limit_is_none() {
        let first = |limit: &str, usage: &str| {
            let root = root(&[
                ("proc/self/cgroup", "12:cpu:/\n4:memory:/docker/abc\n"),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", limit),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", usage),
                (
                    "sys/fs/cgroup/memory/memory.stat",
                    "cache 9\ntotal_inactive_file 300\ntotal_active_file 200\n",
                ),
            ]);
            of_control_group(root.path())
        };
        assert_eq!(first("9223372036854771712", "999999"), None);
        assert_eq!(first("1000", "900"), Some(600));
        assert_eq!(first("1000", "1800"), Some(0));
    }

    #[test]
    fn the_narrowest_of_nested_groups_counts() {
        let root = root(&[
            ("proc/self/cgroup", "0::/user/job\n"),
            ("sys/fs/cgroup/user/memory.max", "1000\n"),
            ("sys/fs/cgroup/user/memory.current", "700\n"),
            ("sys/fs/cgroup/user/memory.stat", "file 600\ninactive_file 100\nactive_file 50\n"),
            ("sys/fs/cgroup/user/job/memory.max", "max\n"),
            ("sys/fs/cgroup/user/job/memory.current", "10\n"),
        ]);
        assert_eq!(of_control_group(root.path()), Some(450));
        assert_eq!(of_control_group(Path::new("/nothing")), None);
    }
}
