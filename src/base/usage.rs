//! What the process has used so far: processor time and memory. Known on Linux only, NaN elsewhere.

/// Clock ticks a second in `/proc`: the kernel reports in this unit whatever its own clock.
const TICKS: f64 = 100.0;

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
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    Usage {
        cpu_seconds: cpu_seconds(&read("/proc/self/stat")).unwrap_or(f64::NAN),
        peak_memory: peak_memory(&read("/proc/self/status")).unwrap_or(f64::NAN),
    }
}

/// User and system time are the 14th and 15th field; the second, the name in brackets, may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |k: usize| fields.get(k)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
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
        let stat = "42 (a) b) R 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 3 0 100";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(peak_memory("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2.0));
        assert_eq!((cpu_seconds(""), peak_memory("")), (None, None));
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
