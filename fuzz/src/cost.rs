//! What one input costs: at most two seconds of CPU and 64 MiB on the heap.

use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Most that an input may take of the CPU, in milliseconds.
const MOST_CPU: i64 = 2_000;
/// Most that an input may take on the heap, in bytes.
const MOST_MEMORY: usize = 64 * 1024 * 1024;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Looks at the clock of the CPU and at the heap from when it is made until it is dropped.
pub struct Cost {
    cpu: Timespec,
    memory: usize,
}

impl Cost {
    /// Begins to count.
    #[expect(clippy::new_without_default, reason = "it does something")]
    pub fn new() -> Self {
        MEMORY.reset_peak_usage();
        Self { cpu: cpu(), memory: MEMORY.current_usage() }
    }
}

impl Drop for Cost {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let (cpu, memory) = (cpu() - self.cpu, MEMORY.peak_usage().saturating_sub(self.memory));
        let milliseconds = cpu.tv_sec * 1_000 + cpu.tv_nsec / 1_000_000;
        assert!(milliseconds <= MOST_CPU, "{milliseconds} ms of CPU");
        assert!(memory <= MOST_MEMORY, "{memory} bytes on the heap");
    }
}

/// CPU time of the whole process: another busy machine costs nothing.
fn cpu() -> Timespec {
    clock_gettime(ClockId::ProcessCPUTime)
}
