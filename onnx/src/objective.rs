//! The losses of style transfer over a model's taps, as two ONNX models that share the weights:
//!
//! * *features*: a picture in, Gram matrices and content activations out; it makes the targets.
//! * *objective*: a picture, targets and weights in; loss, each term's loss and the gradient out.
//!
//! Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks" (CVPR 2016),
//! equations 1 to 7. docs/graph.md lists the inputs and outputs.

use crate::differentiate;
use crate::error::{Error, Result};
use crate::graph::{Attr, Data, Graph, Port, Tensor};
use crate::losses::{content_loss, mask, neighbour_differences, weighted_mean_square};
use crate::model::{self, Model};
use crate::operators::{self, Gradient};
use crate::shapes::Shapes;
use crate::spec::{ObjectiveSpec, Padding, Pooling, Term, TermKind, region_input};
use crate::style;
use crate::tap::Tap;

/// The pictures that a graph is for, and the device that it is written for. Sizes are [height, width] in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphTarget {
    /// Of any size.
    Any,
    /// Of this size, for the CPU: with operators that are faster there.
    Cpu([usize; 2]),
    /// Of this size, for a device with its own memory (CUDA): without operators that run on the CPU only.
    Device([usize; 2]),
}

impl GraphTarget {
    fn dims(self) -> Option<[usize; 2]> {
        match self {
            GraphTarget::Any => None,
            GraphTarget::Cpu(size) | GraphTarget::Device(size) => Some(size),
        }
    }

    /// A graph with nothing in it.
    fn graph(self) -> Graph {
        let mut graph = Graph::default();
        graph.plain = matches!(self, GraphTarget::Device(_));
        graph
    }
}

/// The features model: input `picture` [1, 3, H, W], RGB, 0..1; for each style tap an output
/// `style/TAP/gram` [N, N] (with moments [N + 1, N + 1], see [`crate::StyleLoss::dims`]), for each content tap an output
/// `content/TAP/features` [1, N, h, w]. If `spec` says so there is an input `mask` [1, 1, H, W], 0..1, that weights the positions of the Gram matrices.
pub fn features(model: &Model, spec: &ObjectiveSpec, graph_target: GraphTarget) -> Result<Graph> {
    let mut graph = graph_target.graph();
    picture(&mut graph, graph_target);
    let taps = taps(model, spec, &mut graph, graph_target)?;
    if taps.is_empty() {
        return Err(Error::BadSpec("no style or content taps were chosen; choose at least one".to_string()));
    }
    for (term, tap, value) in taps {
        let n = tap.channels.to_string();
        let mask = mask(&mut graph, spec, &term, tap);
        if let TermKind::Style(_) = term.kind {
            let statistics =
                style::statistics(&mut graph, spec.style_loss, &term.name, tap, &value, mask.as_ref());
            let name = graph.alias(&statistics, term.target.as_deref().unwrap_or_default());
            let dims = spec.style_loss.dims(tap.channels).map(|n| n.to_string());
            graph.output(&name, &dims.each_ref().map(String::as_str));
        } else {
            let name = graph.alias(&value, term.target.as_deref().unwrap_or_default());
            graph.output(&name, &feature_dims(tap, &n, graph_target).each_ref().map(String::as_str));
        }
    }
    finish(&mut graph);
    Ok(graph)
}

/// The objective model: inputs `picture` [1, 3, H, W], RGB, 0..1, and for each term its weight (a scalar)
/// and its target; outputs `loss` (a scalar), each term's weighted loss, and `gradient` [1, 3, H, W], the
/// derivative of `loss` with respect to `picture`. A mask, if `spec` has one, is an input as in [`features`],
/// and weights the content loss too.
pub fn objective(model: &Model, spec: &ObjectiveSpec, graph_target: GraphTarget) -> Result<Graph> {
    let mut graph = graph_target.graph();
    picture(&mut graph, graph_target);
    let (total, losses) = losses(model, spec, &mut graph, graph_target)?;
    let gradient = differentiate::gradient(&mut graph, &total, "picture")?;
    outputs(graph, &total, &losses, &gradient, graph_target)
}

/// The objective as a function of latent variables: an input `latent` [1, 3, H, W] instead of the picture, which is
/// (1 + sin latent)/2, and `gradient` with respect to these; where a mask is 0 it is 0.
pub fn latent_objective(model: &Model, spec: &ObjectiveSpec, graph_target: GraphTarget) -> Result<Graph> {
    let mut graph = graph_target.graph();
    let latent = graph.input(Port::new("latent", &picture_dims(graph_target).each_ref().map(String::as_str)));
    let half = graph.scalar(0.5);
    let sine = graph.add("Sin", "latent/sine", &[&latent]);
    let around = graph.add("Mul", "latent/half", &[&sine, &half]);
    graph.add("Add", "picture", &[&around, &half]);
    let (total, losses) = losses(model, spec, &mut graph, graph_target)?;
    let mut gradient = differentiate::gradient(&mut graph, &total, &latent)?;
    if spec.masked {
        let zero = graph.scalar(0.0);
        let counts = graph.add("Greater", "gradient/counts", &["mask", &zero]);
        let counts = graph.add_with("Cast", "gradient/counts/float", &[&counts], [("to", Attr::Int(1))]);
        gradient = graph.add("Mul", "gradient/masked", &[&gradient, &counts]);
    }
    outputs(graph, &total, &losses, &gradient, graph_target)
}

/// Adds all terms' losses; the name of their sum, and theirs.
fn losses(
    model: &Model,
    spec: &ObjectiveSpec,
    graph: &mut Graph,
    graph_target: GraphTarget,
) -> Result<(String, Vec<String>)> {
    let taps = taps(model, spec, graph, graph_target)?;
    let mut losses = Vec::new();
    for (term, tap, value) in taps {
        let n = tap.channels.to_string();
        let target = term.target.clone().unwrap_or_default();
        let mask = mask(graph, spec, &term, tap);
        losses.push(if let TermKind::Style(_) = term.kind {
            let dims = spec.style_loss.dims(tap.channels).map(|n| n.to_string());
            let target = graph.input(Port::new(target, &dims.each_ref().map(String::as_str)));
            style::loss(graph, spec.style_loss, &term, tap, &value, &target, mask.as_ref())
        } else {
            let dims = feature_dims(tap, &n, graph_target);
            let target = graph.input(Port::new(target, &dims.each_ref().map(String::as_str)));
            content_loss(graph, &term, &value, &target, mask.as_ref())
        });
    }
    if spec.total_variation {
        let term = Term::new(TermKind::TotalVariation, "");
        let difference = neighbour_differences(graph);
        losses.push(weighted_mean_square(graph, &term, &difference));
    }
    let Some((first, rest)) = losses.split_first() else {
        return Err(Error::BadSpec("the objective has no terms; choose at least one tap".to_string()));
    };
    let mut sum = first.clone();
    for loss in rest {
        sum = graph.add("Add", "loss/partial", &[&sum, loss]);
    }
    Ok((graph.alias(&sum, "loss"), losses))
}

/// The graph with its outputs.
fn outputs(
    mut graph: Graph,
    total: &str,
    losses: &[String],
    gradient: &str,
    graph_target: GraphTarget,
) -> Result<Graph> {
    let gradient = graph.alias(gradient, "gradient");
    graph.output(total, &[]);
    for loss in losses {
        graph.output(loss, &[]);
    }
    graph.output(&gradient, &picture_dims(graph_target).each_ref().map(String::as_str));
    finish(&mut graph);
    Ok(graph)
}

/// Drops what no output needs. How many entries a value has is a constant where its size is known: a card would
/// leave counting to the CPU.
fn finish(graph: &mut Graph) {
    let shapes = Shapes::infer(graph);
    let constants = &mut graph.constants;
    graph.nodes.retain(|node| {
        let counts = operators::shape(node) == operators::Shape::Scalar;
        let size = node.input(0).filter(|_| counts).and_then(|input| shapes.size(input));
        let (Some(size), Some(output)) = (size, node.output()) else { return true };
        let count = size.iter().product::<usize>() as i64;
        constants.insert(output.to_string(), Tensor { dims: Vec::new(), data: Data::I64(vec![count]) });
        false
    });
    graph.prune();
}

/// The style losses of statistics that are known: inputs for each style term its statistics `TERM/statistics`, target
/// and weight; outputs its weighted loss, and `TERM/statistics/gradient`, the derivative of that with respect to the statistics.
pub fn style_losses(model: &Model, spec: &ObjectiveSpec) -> Result<Graph> {
    let mut graph = Graph::default();
    for term in spec.terms().into_iter().filter(|t| matches!(t.kind, TermKind::Style(_))) {
        let tap = model.tap(&term.tap)?;
        let dims = spec.style_loss.dims(tap.channels).map(|n| n.to_string());
        let dims = dims.each_ref().map(String::as_str);
        let statistics = graph.input(Port::new(term.statistics(), &dims));
        let target = graph.input(Port::new(term.target.clone().unwrap_or_default(), &dims));
        let statistics_gradient =
            style::statistics_gradient(&mut graph, spec.style_loss, &term, tap, &statistics, &target)?;
        let statistics_gradient = graph.alias(&statistics_gradient, &term.statistics_gradient());
        graph.output(&term.loss, &[]);
        graph.output(&statistics_gradient, &dims);
    }
    graph.prune();
    Ok(graph)
}

/// The gradient of a part of a picture, whose statistics are those of the whole picture and known: inputs
/// `picture` [1, 3, h, w] and `mask` [1, 1, h, w], which is 0 where another part counts; for each style term
/// `TERM/statistics/gradient`, the derivative of the whole loss with respect to the sums over positions that the statistics are
/// made of; for each content term its target and weight. Outputs are `gradient` [1, 3, h, w], to be added to that of the other parts, and each
/// content term's weighted loss.
///
/// With `mask` as the whole of a picture this is [`objective`]'s gradient. Total variation is not in it.
pub fn tile(model: &Model, spec: &ObjectiveSpec, graph_target: GraphTarget) -> Result<Graph> {
    let spec = ObjectiveSpec { masked: true, total_variation: false, ..spec.clone() };
    let mut graph = graph_target.graph();
    picture(&mut graph, graph_target);
    let taps = taps(model, &spec, &mut graph, graph_target)?;
    let (mut parts, mut losses) = (Vec::new(), Vec::new());
    for (term, tap, value) in taps {
        let n = tap.channels.to_string();
        let Some(mask) = mask(&mut graph, &spec, &term, tap) else { continue };
        if let TermKind::Style(_) = term.kind {
            let dims = spec.style_loss.dims(tap.channels).map(|n| n.to_string());
            let dims = dims.each_ref().map(String::as_str);
            let statistics_gradient = graph.input(Port::new(term.statistics_gradient(), &dims));
            let pairs = style::sums(
                &mut graph,
                spec.style_loss,
                &term.name,
                tap,
                &value,
                &mask,
                &statistics_gradient,
            );
            for (sums, statistics_gradient) in pairs {
                let part = graph.add("Mul", &format!("{}/part", term.name), &[&sums, &statistics_gradient]);
                let keep = [("keepdims", Attr::Int(0))];
                parts.push(graph.add_with("ReduceSum", &format!("{}/sum", term.name), &[&part], keep));
            }
        } else {
            let dims = feature_dims(tap, &n, graph_target);
            let target = term.target.clone().unwrap_or_default();
            let target = graph.input(Port::new(target, &dims.each_ref().map(String::as_str)));
            let loss = content_loss(&mut graph, &term, &value, &target, Some(&mask));
            parts.push(loss.clone());
            losses.push(loss);
        }
    }
    let Some((first, rest)) = parts.split_first() else {
        return Err(Error::BadSpec("the objective has no terms; choose at least one tap".to_string()));
    };
    let mut sum = first.clone();
    for part in rest {
        sum = graph.add("Add", "loss/partial", &[&sum, part]);
    }
    let gradient = differentiate::gradient(&mut graph, &sum, "picture")?;
    let gradient = graph.alias(&gradient, "gradient");
    for loss in &losses {
        graph.output(loss, &[]);
    }
    graph.output(&gradient, &picture_dims(graph_target).each_ref().map(String::as_str));
    finish(&mut graph);
    Ok(graph)
}

/// Adds the input `picture`.
fn picture(graph: &mut Graph, graph_target: GraphTarget) {
    graph.input(Port::new("picture", &picture_dims(graph_target).each_ref().map(String::as_str)));
}

fn picture_dims(graph_target: GraphTarget) -> [String; 4] {
    let [h, w] = graph_target.dims().map_or(["H".to_string(), "W".to_string()], |s| s.map(|n| n.to_string()));
    ["1".to_string(), "3".to_string(), h, w]
}

fn feature_dims(tap: &Tap, n: &str, graph_target: GraphTarget) -> [String; 4] {
    let halvings = tap.block - 1;
    let along = |axis: usize| match graph_target.dims() {
        Some(size) => (size[axis] >> halvings).to_string(),
        None if halvings == 0 => ["H", "W"][axis].to_string(),
        None => format!("{}/{}", ["H", "W"][axis], 1 << halvings),
    };
    ["1".to_string(), n.to_string(), along(0), along(1)]
}

/// Adds to a graph that has the value `picture` its normalisation and the network, and returns each term's tap with the
/// value that its loss reads.
fn taps<'a>(
    model: &'a Model,
    spec: &ObjectiveSpec,
    graph: &mut Graph,
    graph_target: GraphTarget,
) -> Result<Vec<(Term, &'a Tap, String)>> {
    let dims = picture_dims(graph_target);
    let [_, _, h, w] = dims.each_ref().map(String::as_str);
    if spec.masked {
        graph.input(Port::new("mask", &["1", "1", h, w]));
    }
    for region in 0..spec.regions {
        graph.input(Port::new(region_input(region), &["1", "1", h, w]));
    }
    let m = &model.manifest;
    let mean = graph.constant("normalise/mean", Tensor::f32(&[1, 3, 1, 1], m.mean.to_vec()));
    let factor = m.std.map(|s| m.scale / s);
    let factor = graph.constant("normalise/factor", Tensor::f32(&[1, 3, 1, 1], factor.to_vec()));
    let centred = graph.add("Sub", "normalise/centred", &["picture", &mean]);
    let input = graph.add("Mul", "normalise/input", &[&centred, &factor]);
    let before = graph.nodes.len();
    model::inline(model, graph, &input, spec.pooling == Pooling::Average);
    if spec.padding == Padding::Replicate {
        replicate(graph, &input, before);
    }

    let mut out: Vec<(Term, &Tap, String)> = Vec::new();
    for term in spec.terms().into_iter().filter(|t| t.kind != TermKind::TotalVariation) {
        let name = &term.tap;
        if out.iter().any(|(other, ..)| other.name == term.name) {
            return Err(Error::BadSpec(format!("the tap {name} is named twice; name it once")));
        }
        let tap = model.tap(name)?;
        if let Some([h, w]) =
            graph_target.dims().filter(|size| size.iter().any(|side| side >> (tap.block - 1) == 0))
        {
            return Err(Error::BadSpec(format!(
                "the tap {name} needs {} pixels along each side, but a picture has {h} × {w}; choose a larger size or an \
                 earlier tap",
                1 << (tap.block - 1)
            )));
        }
        let value = match &tap.head {
            Some(head) if !spec.folds_head(&term) => with_head(graph, tap, name, head),
            _ => tap.value.clone(),
        };
        out.push((term, tap, value));
    }
    Ok(out)
}

/// A tap's activations in the metric of the model that is imitated: the head as a 1×1 convolution, added once.
fn with_head(graph: &mut Graph, tap: &Tap, name: &str, head: &Tensor) -> String {
    let known = format!("head/{name}");
    if let Some(output) = graph.nodes.iter().find(|n| n.name == known).and_then(|n| n.output()) {
        return output.to_string();
    }
    let weight = Tensor { dims: vec![tap.channels, tap.channels, 1, 1], data: head.data.clone() };
    let weight = graph.constant(&format!("{known}.weight"), weight);
    let kernel = [("kernel_shape", Attr::Ints(vec![1, 1]))];
    graph.add_with("Conv", &known, &[&tap.value, &weight], kernel)
}

/// Lets the convolutions that read `input` see its border again where they saw zeros, among the nodes from `first` on.
fn replicate(graph: &mut Graph, input: &str, first: usize) {
    let mut at = first;
    while let Some(node) = graph.nodes.get(at) {
        let reads = node.input(0) == Some(input) && operators::gradient(node) == Gradient::Conv;
        let pads = node.ints("pads").and_then(|pads| <[i64; 4]>::try_from(pads).ok());
        if let Some([top, left, bottom, right]) = pads.filter(|p| reads && p.iter().any(|&v| v > 0)) {
            let pads = graph.i64s(&[0, 0, top, left, 0, 0, bottom, right]);
            let mode = [("mode", Attr::Text("edge".into()))];
            let padded = graph.add_with("Pad", "normalise/replicated", &[input, &pads], mode);
            // It was added behind the convolution that reads it.
            let Some(pad) = graph.nodes.pop() else { return };
            let convolution = &mut graph.nodes[at];
            convolution.attrs.insert("pads".to_string(), Attr::Ints(vec![0; 4]));
            if let Some(first) = convolution.inputs.first_mut() {
                *first = padded;
            }
            graph.nodes.insert(at, pad);
            at += 1;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::StyleLoss;

    #[test]
    fn every_node_is_as_the_table_of_operators_has_it() {
        let model = crate::vgg::seeded(1).expect("a model");
        for (style_loss, pooling) in [(StyleLoss::Gram, Pooling::Max), (StyleLoss::Moments, Pooling::Average)]
        {
            let spec = ObjectiveSpec {
                style: ["relu1_1", "relu2_1"].map(String::from).to_vec(),
                content: vec!["relu2_2".to_string()],
                total_variation: true,
                style_loss,
                pooling,
                padding: Padding::Replicate,
                regions: 2,
                ..ObjectiveSpec::default()
            };
            for size in [GraphTarget::Any, GraphTarget::Cpu([61, 43]), GraphTarget::Device([64, 96])] {
                for graph in [
                    features(&model, &spec, size),
                    latent_objective(&model, &spec, size),
                    tile(&model, &spec, size),
                    style_losses(&model, &spec),
                ] {
                    for node in &graph.expect("a graph").nodes {
                        operators::check(node).unwrap_or_else(|e| panic!("{e}"));
                    }
                }
            }
        }
        for graph in [crate::vectors::sum(7, 5), crate::vectors::sum(7, 2), crate::vectors::dots(3)] {
            assert!(graph.nodes.iter().all(|node| operators::check(node).is_ok()));
        }
    }

    #[test]
    fn a_picture_that_poolings_leave_nothing_of_is_refused_with_the_tap() {
        let model = crate::vgg::seeded(1).expect("a model");
        let spec = ObjectiveSpec { style: vec!["relu5_1".to_string()], ..ObjectiveSpec::default() };
        assert!(objective(&model, &spec, GraphTarget::Cpu([16, 99])).is_ok());
        let e = objective(&model, &spec, GraphTarget::Cpu([15, 99])).expect_err("nothing left").to_string();
        assert!(e.contains("relu5_1") && e.contains("16 pixels"), "{e}");
    }

    #[test]
    fn graphs_for_a_card_leave_nothing_to_count_and_keep_to_plain_operators() {
        let model = crate::vgg::seeded(1).expect("a model");
        for style_loss in [StyleLoss::Gram, StyleLoss::Moments] {
            for (masked, padding) in [(false, Padding::Zero), (true, Padding::Replicate)] {
                let spec = ObjectiveSpec {
                    style: ["relu1_1", "relu2_1", "relu3_1"].map(String::from).to_vec(),
                    content: vec!["relu3_3".to_string()],
                    total_variation: true,
                    style_loss,
                    masked,
                    padding,
                    ..ObjectiveSpec::default()
                };
                // Sizes that pooling divides, and sizes that it does not.
                for size in [[64, 96], [61, 43]].map(GraphTarget::Device) {
                    let graphs = [
                        features(&model, &spec, size),
                        objective(&model, &spec, size),
                        latent_objective(&model, &spec, size),
                        tile(&model, &spec, size),
                    ];
                    for graph in graphs.map(|g| g.expect("a graph")) {
                        for node in &graph.nodes {
                            let op = node.op.as_str();
                            let plain = !matches!(op, "Size" | "Shape" | "HardSigmoid");
                            assert!(plain, "{op} {} of {:?} for {size:?}, {spec:?}", node.name, node.inputs);
                        }
                    }
                }
            }
        }
    }
}
