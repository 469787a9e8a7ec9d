//! What the process has used so far: processor time and memory. NaN where the system does not say.

/// What the process has used since it began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Seconds of all threads together.
    pub cpu_seconds: f64,
    /// The most memory that was ever in use (MiB).
    pub peak_memory: f64,
}

/// Asks the system.
pub fn usage() -> Usage {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    Usage { cpu_seconds: cpu_seconds(), peak_memory: peak_memory(&status).unwrap_or(f64::NAN) }
}

/// Seconds of all threads together, to less than a microsecond: a part of a script may take few.
#[cfg(unix)]
pub fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// Seconds of all threads together: not known on this system.
#[cfg(not(unix))]
pub fn cpu_seconds() -> f64 {
    f64::NAN
}

fn peak_memory(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        assert_eq!(peak_memory("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2.0));
        assert_eq!(peak_memory(""), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn work_costs_time_and_memory() {
        let before = usage();
        let block = vec![1.0f64; 1 << 21];
        // Other tests may have used that much before the first look: once at least.
        let mut sum = block.iter().sum::<f64>();
        while usage().cpu_seconds < before.cpu_seconds + 0.02 {
            sum += block.iter().sum::<f64>();
        }
        assert!(sum > 0.0 && usage().peak_memory > 16.0);
    }
}
