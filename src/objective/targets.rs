//! The targets of an objective: what its graphs give for the content and the style pictures.

use impasto_onnx::{ObjectiveSpec, objective};
use ndarray::{Array2, Array3};

use super::inputs::StyleTarget;
use super::target_cache::TargetCache;
use super::tiled;
use crate::error::Result;
use crate::progress::{CancelToken, Runs};
use crate::resources::Resources;
use crate::runtime::{Tensor, Value};

/// Makes targets.
pub(super) struct TargetBuilder<'a> {
    pub resources: &'a Resources,
    cancel: CancelToken,
    pub runs: Runs,
}

impl<'a> TargetBuilder<'a> {
    pub fn new(resources: &'a Resources, cancel: &CancelToken) -> Result<Self> {
        Ok(TargetBuilder { resources, cancel: cancel.clone(), runs: Runs::new(cancel)? })
    }

    /// The outputs of the features model for a picture.
    pub fn features(
        &self,
        spec: &ObjectiveSpec,
        picture: &Array3<f32>,
        mask: Option<&Array2<f32>>,
    ) -> Result<Vec<Value>> {
        let Resources { model, backend, sessions, .. } = self.resources;
        let (_, h, w) = picture.dim();
        let graph =
            objective::features(model, spec, backend.graph_target([h, w]))?.to_bytes("features", "", &[]);
        let mut session = sessions.session(&graph, &backend.for_loss(spec.style_loss), h * w)?;
        let (picture, mask) = (picture.as_standard_layout(), mask.map(|m| m.as_standard_layout()));
        let values = picture.as_slice().unwrap_or_default();
        let (dims, mask_dims) = ([1, 3, h, w], [1, 1, h, w]);
        let mut given = vec![("picture", Tensor { dims: &dims, values })];
        if let Some(mask) = &mask {
            given.push(("mask", Tensor { dims: &mask_dims, values: mask.as_slice().unwrap_or_default() }));
        }
        self.runs.run(&mut session, &given)
    }

    /// The target statistics, one for each style term, region by region; of pictures in tiles if there is a
    /// `tile`.
    pub fn styles(
        &self,
        spec: &ObjectiveSpec,
        styles: &[StyleTarget],
        tile: Option<usize>,
    ) -> Result<Vec<Vec<f32>>> {
        let spec = ObjectiveSpec { content: Vec::new(), regions: 0, ..spec.clone() };
        let mut all = Vec::new();
        if spec.style.is_empty() {
            return Ok(all);
        }
        let groups = styles.iter().map(|s| s.group + 1).max().unwrap_or(0);
        for group in 0..groups {
            all.extend(self.mean(&spec, styles.iter().filter(|s| s.group == group), tile)?);
        }
        Ok(all)
    }

    /// The mean of styles' statistics by their shares, one for each style tap. The sum of the losses against each Gram
    /// matrix, with its share, differs from the loss against that mean by a constant, so both have the same minimum;
    /// moments are those of a picture that has parts of all styles.
    fn mean<'s>(
        &self,
        spec: &ObjectiveSpec,
        styles: impl Iterator<Item = &'s StyleTarget>,
        tile: Option<usize>,
    ) -> Result<Vec<Vec<f32>>> {
        let mut mean: Vec<Vec<f32>> = Vec::new();
        for style in styles {
            let mut grams = self.statistics(spec, style, tile)?;
            let share = style.weight as f32;
            grams.iter_mut().flatten().for_each(|v| *v *= share);
            if mean.is_empty() {
                mean = grams;
                continue;
            }
            for (sum, gram) in mean.iter_mut().zip(grams) {
                sum.iter_mut().zip(gram).for_each(|(s, v)| *s += v);
            }
        }
        Ok(mean)
    }

    /// The statistics of one style picture, kept from an earlier job or computed now.
    fn statistics(
        &self,
        spec: &ObjectiveSpec,
        style: &StyleTarget,
        tile: Option<usize>,
    ) -> Result<Vec<Vec<f32>>> {
        let key = TargetCache::key(spec, style, tile);
        if let Some(known) = self.resources.targets.get(key) {
            return Ok(known);
        }
        let statistics: Vec<Vec<f32>> = match tile {
            Some(most) => {
                let mask = style.mask.as_ref().map(|m| m.iter().copied().collect::<Vec<f32>>());
                tiled::statistics(self.resources, spec, &style.rgb, mask.as_deref(), most, &self.cancel)?
            }
            None => {
                let spec = ObjectiveSpec { masked: style.mask.is_some(), ..spec.clone() };
                let outputs = self.features(&spec, &style.rgb, style.mask.as_ref())?;
                outputs.into_iter().map(|g| g.values).collect()
            }
        };
        self.resources.targets.keep(key, &statistics);
        Ok(statistics)
    }
}
