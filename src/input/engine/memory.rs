/// What a run took of memory and disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// What the memory limit allowed.
    pub limit_bytes: Option<u64>,
    /// The most that counted against it at one time: events, sorting, grouping.
    pub peak_counted_bytes: u64,
    /// What it drove to the disk.
    pub n_bytes_spilled: u64,
}

impl MemoryUse {
    /// The most memory that the whole process ever held, where the system reports it.
    pub fn peak_process_bytes() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }
}
