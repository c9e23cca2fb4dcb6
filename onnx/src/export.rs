//! Writes the *features* and the *objective* model as two files that share a third with the weights.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::model::Model;
use crate::objective::{self, GraphTarget};
use crate::spec::ObjectiveSpec;

/// The file with the weights, beside the two models.
pub const WEIGHTS: &str = "weights.bin";

/// Writes `features.onnx`, `objective.onnx` and `weights.bin` into the folder `to`, which is made if it is
/// not there, and returns their paths. Each file is written under another name first and renamed. With
/// `size`, [H, W], the objective is for pictures of that size only, and on the CPU it is faster.
pub fn export(
    model: &Model,
    spec: &ObjectiveSpec,
    size: Option<[usize; 2]>,
    to: &Path,
) -> Result<Vec<PathBuf>> {
    let manifest = serde_json::to_string(&model.manifest).map_err(|e| Error::BadSpec(e.to_string()))?;
    let terms = spec.terms().into_iter().map(|t| t.name).collect::<Vec<_>>().join(",");
    let metadata = [("impasto", manifest.as_str()), ("terms", terms.as_str())];
    let features = objective::features(model, spec, GraphTarget::Any)?;
    let objective = objective::objective(model, spec, size.map_or(GraphTarget::Any, GraphTarget::Cpu))?;

    let mut weights = Vec::new();
    let mut places = crate::graph::External::new(WEIGHTS);
    let mut files = Vec::new();
    for (name, doc, graph) in [
        ("features", "Targets of style transfer; see docs/graph.md", features),
        ("objective", "Loss and gradient of style transfer; see docs/graph.md", objective),
    ] {
        let bytes = graph.to_bytes_with(name, doc, &metadata, &mut places, &mut weights);
        files.push((format!("{name}.onnx"), bytes));
    }
    std::fs::create_dir_all(to).map_err(|source| Error::Io { path: to.to_path_buf(), source })?;
    let mut paths = vec![write(&to.join(WEIGHTS), &weights)?];
    for (name, bytes) in &files {
        paths.push(write(&to.join(name), bytes)?);
    }
    Ok(paths)
}

fn write(path: &Path, bytes: &[u8]) -> Result<PathBuf> {
    let partial = path.with_extension("partial");
    let done = std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, path));
    done.map_err(|source| {
        // The error that matters is the first; a partial file that cannot be removed changes nothing.
        let _ = std::fs::remove_file(&partial);
        Error::Io { path: path.to_path_buf(), source }
    })?;
    Ok(path.to_path_buf())
}
