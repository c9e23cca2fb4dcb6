//! What ONNX Runtime says: its errors, sorted by their words into those of the engine, and its log. What a card's driver reports to
//! the WebGPU provider is only said in the log, and the graph's values are then wrong without an error: so it is kept, and whoever
//! runs a graph asks for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use ort::logging::{LogLevel, LoggerFunction};

use crate::error::Error;

/// How the messages of the provider begin. The second kind is that of a device that is gone.
const ERROR: &str = "WebGPU device error(";
const LOST: &str = "WebGPU device lost (";
/// That of a device that was closed because nothing uses it any more.
const CLOSED: &str = "WebGPU device lost (2)";
/// How many are kept beside that of memory: every operation that uses what was refused reports an error of its own.
const MOST: usize = 32;

/// The card's errors.
struct Reported {
    /// How many there have been.
    count: u64,
    /// The last of them.
    last: VecDeque<String>,
    /// The last that smaller tiles can mend, and which in the count it was. Hundreds may follow from it.
    memory: Option<(u64, String)>,
}

static REPORTED: Mutex<Reported> = Mutex::new(Reported { count: 0, last: VecDeque::new(), memory: None });

fn reported() -> MutexGuard<'static, Reported> {
    REPORTED.lock().unwrap_or_else(|e| e.into_inner())
}

/// What ONNX Runtime is given to log with.
pub(super) fn logger() -> LoggerFunction {
    Arc::new(|level, _, _, _, message| {
        if is_error(message) {
            let mut reported = reported();
            reported.count += 1;
            if reported.last.len() == MOST {
                reported.last.pop_front();
            }
            // Further lines are the provider's own functions.
            let line = message.lines().next().unwrap_or_default().to_string();
            if is_of_memory(&line) {
                reported.memory = Some((reported.count, line.clone()));
            }
            reported.last.push_back(line);
            // Whoever runs the graph returns it as an error.
            return tracing::debug!(target: "ort", "{message}");
        }
        match level {
            LogLevel::Verbose => tracing::trace!(target: "ort", "{message}"),
            LogLevel::Info => tracing::debug!(target: "ort", "{message}"),
            LogLevel::Warning => tracing::warn!(target: "ort", "{message}"),
            LogLevel::Error | LogLevel::Fatal => tracing::error!(target: "ort", "{message}"),
        }
    })
}

fn is_error(message: &str) -> bool {
    message.contains(ERROR) || message.contains(LOST) && !message.contains(CLOSED)
}

/// Tells what the card has reported.
pub(super) struct Watch {
    seen: u64,
}

impl Watch {
    /// From now on.
    pub fn begin() -> Self {
        Watch { seen: reported().count }
    }

    /// The error since the last time: one that smaller tiles can mend before others, as these follow from it.
    pub fn error(&mut self) -> Option<Error> {
        let reported = reported();
        let seen = std::mem::replace(&mut self.seen, reported.count);
        let memory = reported.memory.as_ref().filter(|(at, _)| *at > seen).map(|(_, message)| message);
        let new = usize::try_from(reported.count - seen).unwrap_or(MOST);
        let first = reported.last.get(reported.last.len().saturating_sub(new));
        Some(sorted("the graphics card failed", memory.or(first)?))
    }
}

/// Whether a message tells of memory that was refused.
fn is_of_memory(message: &str) -> bool {
    [
        "bad_alloc",
        "Failed to allocate",
        "failed to allocate",
        "out of memory",
        "CUDA failure 2:",
        "CUDNN_STATUS_ALLOC_FAILED",
        "CUBLAS_STATUS_ALLOC_FAILED",
        "Available memory of",
        // WebGPU: the card's memory, the largest buffer, the largest part of one that a shader can reach.
        "WebGPU device error(3)",
        "Out of memory",
        // A card may be lost for it, too; a new session has a new one.
        "VK_ERROR_OUT_OF_",
        "exceeds the max buffer size limit",
        "maximum storage buffer binding size",
        "maxStorageBufferBindingSize",
    ]
    .iter()
    .any(|m| message.contains(m))
}

/// An error of ONNX Runtime, sorted by its words, as all have the same code.
pub(super) fn sorted(what: &str, message: &str) -> Error {
    if is_of_memory(message) {
        return Error::OutOfMemory(message.to_string());
    }
    if ["[Device] is lost", "DEVICE_LOST", "WebGPU device lost ("].iter().any(|m| message.contains(m)) {
        return Error::Device(format!(
            "the graphics card was lost in the middle of the work: its driver has reset it, or it was taken away. Start \
             again, with smaller tiles (--tile-size) if it takes long for other programs to get at the card, or with \
             --device cpu ({message})"
        ));
    }
    Error::Runtime(format!("{what}: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_card_reports_is_told_once_and_the_cause_first() {
        let (log, mut watch) = (logger(), Watch::begin());
        let say = |message: &str| log(LogLevel::Error, "", "", "", message);
        say("WebGPU device lost (2): Device was destroyed.");
        say("some node was not assigned to the preferred provider");
        assert!(watch.error().is_none());
        say("WebGPU device error(2): [Invalid Buffer] is invalid.");
        say("WebGPU device error(3): vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY");
        say("WebGPU device error(2): [Invalid BindGroup] is invalid.");
        assert!(matches!(watch.error(), Some(Error::OutOfMemory(m)) if m.contains("vkAllocateMemory")));
        assert!(watch.error().is_none());
        // However many follow from it.
        say("WebGPU device error(3): vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY");
        for _ in 0..2 * MOST {
            say("WebGPU device error(2): [Invalid Buffer (unlabeled)] is invalid due to a previous error.");
        }
        assert!(matches!(watch.error(), Some(Error::OutOfMemory(_))));
        assert!(watch.error().is_none());
        say("WebGPU device lost (1): vkQueueSubmit failed with VK_ERROR_DEVICE_LOST");
        assert!(matches!(watch.error(), Some(Error::Device(m)) if m.contains("VK_ERROR_DEVICE_LOST")));
        for _ in 0..2 * MOST {
            say("WebGPU device error(2): a third");
        }
        assert!(watch.error().is_some() && watch.error().is_none());
    }

    #[test]
    fn what_ran_out_of_memory_is_told_apart() {
        let spent = [
            "std::bad_alloc",
            "Non-zero status code returned while running Conv node. Name:'c' Status Message: Failed to allocate memory for \
             requested buffer of size 1610612736",
            "CUDA failure 2: out of memory ; GPU=0 ; hostname=h ; expr=cudaMalloc((void**)&p, size);",
            "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0",
            "Available memory of 1024 is smaller than requested bytes of 4096",
            "WebGPU device error(3): vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY",
            "WebGPU device lost (1): vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY",
            "WebGPU device error(2): Buffer size (4294967312) exceeds the max buffer size limit (2147483648).",
        ];
        for message in spent {
            assert!(matches!(sorted("x", message), Error::OutOfMemory(m) if m == message), "{message}");
        }
        assert!(matches!(sorted("x", "CUDA failure 209: no kernel image"), Error::Runtime(_)));
        let lost =
            "Failed to download data from buffer. wgpu::MapAsyncStatus value: 4, message: [Device] is lost.";
        assert!(matches!(sorted("x", lost), Error::Device(m) if m.contains("was lost")));
    }
}
