//! Where the nodes of a graph run. ONNX Runtime gives a node that a card cannot run to the CPU and says nothing, and
//! its values are then copied in both directions; only its profile says so.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::device::Backend;
use super::session::{Session, Tensor};
use crate::error::{Error, Result};

/// How many nodes each execution provider ran, by the provider's name.
pub type Placement = BTreeMap<String, usize>;

/// An event of ONNX Runtime's profile (Chrome's trace format).
#[derive(Deserialize)]
struct Event {
    cat: String,
    name: String,
    #[serde(default)]
    args: BTreeMap<String, serde_json::Value>,
}

/// Runs a graph once; the providers that ran its nodes.
pub fn placement(model: &[u8], backend: &Backend, inputs: &[(&str, Tensor)]) -> Result<Placement> {
    let failed =
        |e: &dyn std::fmt::Display| Error::Runtime(format!("ONNX Runtime's profile cannot be read: {e}"));
    let folder = tempfile::tempdir().map_err(|e| failed(&e))?;
    let mut session = Session::with(model, backend, Some(&folder.path().join("profile")))?;
    session.run(inputs)?;
    let file = session.session.end_profiling().map_err(|e| failed(&e.message()))?;
    let text = std::fs::read_to_string(&file).map_err(|e| failed(&e))?;
    let events: Vec<Event> = serde_json::from_str(&text).map_err(|e| failed(&e))?;
    let mut placement = Placement::new();
    for event in events.iter().filter(|e| e.cat == "Node" && e.name.ends_with("_kernel_time")) {
        if let Some(provider) = event.args.get("provider").and_then(|p| p.as_str()) {
            *placement.entry(provider.to_string()).or_default() += 1;
        }
    }
    Ok(placement)
}
