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
use crate::losses::{
    content_loss, gram, gram_loss, mask, mean, moments_loss, neighbour_differences, product,
    weighted_mean_square, weighted_sum,
};
use crate::model::{self, Model};
use crate::moments::{self, Moments};
use crate::operators::{self, Gradient};
use crate::shapes::Shapes;
use crate::spec::{Kind, Padding, Pooling, Spec, StyleLoss, Term, region_input};
use crate::tap::Tap;

/// The pictures that a graph is for, [H, W].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Of any size.
    Any,
    /// Of this size, written for the CPU, where it is faster.
    Cpu([usize; 2]),
    /// Of this size, written for a card.
    Card([usize; 2]),
}

impl Size {
    fn dims(self) -> Option<[usize; 2]> {
        match self {
            Size::Any => None,
            Size::Cpu(size) | Size::Card(size) => Some(size),
        }
    }

    /// A graph with nothing in it.
    fn graph(self) -> Graph {
        let mut graph = Graph::default();
        graph.plain = matches!(self, Size::Card(_));
        graph
    }
}

/// The features model: input `picture` [1, 3, H, W], RGB, 0..1; for each style tap an output
/// `style/TAP/gram` [N, N] (with moments [N + 1, N + 1], see [`StyleLoss::side`]), for each content tap an output
/// `content/TAP/features` [1, N, h, w]. If `spec` says so there is an input `mask` [1, 1, H, W], 0..1, that weights the positions of the Gram matrices.
pub fn features(model: &Model, spec: &Spec, size: Size) -> Result<Graph> {
    let mut graph = size.graph();
    picture(&mut graph, size);
    let taps = taps(model, spec, &mut graph, size)?;
    if taps.is_empty() {
        return Err(Error::BadSpec("no style or content taps were chosen; choose at least one".to_string()));
    }
    for (term, tap, value) in taps {
        let n = tap.channels.to_string();
        let mask = mask(&mut graph, spec, &term, tap);
        if let Kind::Style(_) = term.kind {
            let mut statistics = gram(&mut graph, &term.name, &value, tap.channels, mask.as_ref());
            if spec.style_loss == StyleLoss::Moments {
                let mean = mean(&mut graph, &term.name, &value, tap.channels, mask.as_ref());
                let perm = [("perm", Attr::Ints(vec![1, 0]))];
                let transposed =
                    graph.add_with("Transpose", &format!("{}/mean/transposed", term.name), &[&mean], perm);
                let one = graph.constant("const/one", Tensor::f32(&[1, 1], vec![1.0]));
                let moments = Moments { square: statistics, mean };
                statistics = moments::joined(&mut graph, &term.name, &moments, &transposed, &one);
            }
            let name = graph.alias(&statistics, term.target.as_deref().unwrap_or_default());
            let side = spec.style_loss.side(tap.channels).to_string();
            graph.output(&name, &[&side, &side]);
        } else {
            let name = graph.alias(&value, term.target.as_deref().unwrap_or_default());
            graph.output(&name, &feature_dims(tap, &n, size).each_ref().map(String::as_str));
        }
    }
    finish(&mut graph);
    Ok(graph)
}

/// The objective model: inputs `picture` [1, 3, H, W], RGB, 0..1, and for each term its weight (a scalar)
/// and its target; outputs `loss` (a scalar), each term's weighted loss, and `gradient` [1, 3, H, W], the
/// derivative of `loss` with respect to `picture`. A mask, if `spec` has one, is an input as in [`features`],
/// and weights the content loss too.
pub fn objective(model: &Model, spec: &Spec, size: Size) -> Result<Graph> {
    let mut graph = size.graph();
    picture(&mut graph, size);
    let (total, losses) = losses(model, spec, &mut graph, size)?;
    let gradient = differentiate::gradient(&mut graph, &total, "picture")?;
    outputs(graph, &total, &losses, &gradient, size)
}

/// The objective as a function of free variables: an input `free` [1, 3, H, W] instead of the picture, which is
/// (1 + sin free)/2, and `gradient` with respect to these; where a mask is 0 it is 0.
pub fn free_objective(model: &Model, spec: &Spec, size: Size) -> Result<Graph> {
    let mut graph = size.graph();
    let free = graph.input(Port::new("free", &picture_dims(size).each_ref().map(String::as_str)));
    let half = graph.scalar(0.5);
    let sine = graph.add("Sin", "free/sine", &[&free]);
    let around = graph.add("Mul", "free/half", &[&sine, &half]);
    graph.add("Add", "picture", &[&around, &half]);
    let (total, losses) = losses(model, spec, &mut graph, size)?;
    let mut gradient = differentiate::gradient(&mut graph, &total, &free)?;
    if spec.masked {
        let zero = graph.scalar(0.0);
        let counts = graph.add("Greater", "gradient/counts", &["mask", &zero]);
        let counts = graph.add_with("Cast", "gradient/counts/float", &[&counts], [("to", Attr::Int(1))]);
        gradient = graph.add("Mul", "gradient/masked", &[&gradient, &counts]);
    }
    outputs(graph, &total, &losses, &gradient, size)
}

/// Adds all terms' losses; the name of their sum, and theirs.
fn losses(model: &Model, spec: &Spec, graph: &mut Graph, size: Size) -> Result<(String, Vec<String>)> {
    let taps = taps(model, spec, graph, size)?;
    let mut losses = Vec::new();
    for (term, tap, value) in taps {
        let n = tap.channels.to_string();
        let target = term.target.clone().unwrap_or_default();
        let mask = mask(graph, spec, &term, tap);
        losses.push(if let Kind::Style(_) = term.kind {
            let side = spec.style_loss.side(tap.channels).to_string();
            let target = graph.input(Port::new(target, &[&side, &side]));
            let square = gram(graph, &term.name, &value, tap.channels, mask.as_ref());
            match spec.style_loss {
                StyleLoss::Gram => gram_loss(graph, &term, tap, &square, &target),
                StyleLoss::Moments => {
                    let mean = mean(graph, &term.name, &value, tap.channels, mask.as_ref());
                    moments_loss(graph, &term, &Moments { square, mean }, &target, tap.channels)
                }
            }
        } else {
            let dims = feature_dims(tap, &n, size);
            let target = graph.input(Port::new(target, &dims.each_ref().map(String::as_str)));
            content_loss(graph, &term, &value, &target, mask.as_ref())
        });
    }
    if spec.total_variation {
        let term = Term::new(Kind::TotalVariation, "");
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
fn outputs(mut graph: Graph, total: &str, losses: &[String], gradient: &str, size: Size) -> Result<Graph> {
    let gradient = graph.alias(gradient, "gradient");
    graph.output(total, &[]);
    for loss in losses {
        graph.output(loss, &[]);
    }
    graph.output(&gradient, &picture_dims(size).each_ref().map(String::as_str));
    finish(&mut graph);
    Ok(graph)
}

/// Drops what no output needs. How many entries a value has is a constant where its size is known: a card would
/// leave counting to the CPU.
fn finish(graph: &mut Graph) {
    let shapes = Shapes::of(graph);
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
/// and weight; outputs its weighted loss, and `TERM/slope`, the derivative of that with respect to the statistics.
pub fn style_losses(model: &Model, spec: &Spec) -> Result<Graph> {
    let mut graph = Graph::default();
    for term in spec.terms().into_iter().filter(|t| matches!(t.kind, Kind::Style(_))) {
        let tap = model.tap(&term.tap)?;
        let channels = tap.channels;
        let side = spec.style_loss.side(channels).to_string();
        let statistics = graph.input(Port::new(term.statistics(), &[&side, &side]));
        let target = graph.input(Port::new(term.target.clone().unwrap_or_default(), &[&side, &side]));
        let slope = match spec.style_loss {
            StyleLoss::Gram => {
                let loss = gram_loss(&mut graph, &term, tap, &statistics, &target);
                differentiate::gradient(&mut graph, &loss, &statistics)?
            }
            StyleLoss::Moments => {
                let own = moments::parted(&mut graph, &term.name, &statistics, channels);
                let loss = moments_loss(&mut graph, &term, &own, &target, channels);
                let square = differentiate::gradient(&mut graph, &loss, &own.square)?;
                let mean = differentiate::gradient(&mut graph, &loss, &own.mean)?;
                let zeros = graph.constant(
                    &format!("const/zeros/{channels}"),
                    Tensor::f32(&[1, channels], vec![0.0; channels]),
                );
                let zero = graph.constant("const/zero", Tensor::f32(&[1, 1], vec![0.0]));
                let name = format!("{}/slopes", term.name);
                moments::joined(&mut graph, &name, &Moments { square, mean }, &zeros, &zero)
            }
        };
        let slope = graph.alias(&slope, &term.slope());
        graph.output(&term.loss, &[]);
        graph.output(&slope, &[&side, &side]);
    }
    graph.prune();
    Ok(graph)
}

/// The gradient of a part of a picture, whose statistics are those of the whole picture and known: inputs
/// `picture` [1, 3, h, w] and `mask` [1, 1, h, w], which is 0 where another part counts; for each style term
/// `TERM/slope`, the derivative of the whole loss with respect to the sums over positions that the statistics are
/// made of; for each content term its target and weight. Outputs are `gradient` [1, 3, h, w], to be added to that of the other parts, and each
/// content term's weighted loss.
///
/// With `mask` as the whole of a picture this is [`objective`]'s gradient. Total variation is not in it.
pub fn tile(model: &Model, spec: &Spec, size: Size) -> Result<Graph> {
    let spec = Spec { masked: true, total_variation: false, ..spec.clone() };
    let mut graph = size.graph();
    picture(&mut graph, size);
    let taps = taps(model, &spec, &mut graph, size)?;
    let (mut parts, mut losses) = (Vec::new(), Vec::new());
    for (term, tap, value) in taps {
        let n = tap.channels.to_string();
        let Some(mask) = mask(&mut graph, &spec, &term, tap) else { continue };
        if let Kind::Style(_) = term.kind {
            let side = spec.style_loss.side(tap.channels).to_string();
            let slope = graph.input(Port::new(term.slope(), &[&side, &side]));
            let sums = product(&mut graph, &term.name, &value, tap.channels, Some(&mask));
            let pairs = match spec.style_loss {
                StyleLoss::Gram => vec![(sums, slope)],
                StyleLoss::Moments => {
                    let name = format!("{}/slopes", term.name);
                    let slopes = moments::parted(&mut graph, &name, &slope, tap.channels);
                    let means = weighted_sum(&mut graph, &term.name, &value, tap.channels, Some(&mask));
                    vec![(sums, slopes.square), (means, slopes.mean)]
                }
            };
            for (sums, slope) in pairs {
                let part = graph.add("Mul", &format!("{}/part", term.name), &[&sums, &slope]);
                let keep = [("keepdims", Attr::Int(0))];
                parts.push(graph.add_with("ReduceSum", &format!("{}/sum", term.name), &[&part], keep));
            }
        } else {
            let dims = feature_dims(tap, &n, size);
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
    graph.output(&gradient, &picture_dims(size).each_ref().map(String::as_str));
    finish(&mut graph);
    Ok(graph)
}

/// Adds the input `picture`.
fn picture(graph: &mut Graph, size: Size) {
    graph.input(Port::new("picture", &picture_dims(size).each_ref().map(String::as_str)));
}

fn picture_dims(size: Size) -> [String; 4] {
    let [h, w] = size.dims().map_or(["H".to_string(), "W".to_string()], |s| s.map(|n| n.to_string()));
    ["1".to_string(), "3".to_string(), h, w]
}

fn feature_dims(tap: &Tap, n: &str, size: Size) -> [String; 4] {
    let halvings = tap.block - 1;
    let along = |axis: usize| match size.dims() {
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
    spec: &Spec,
    graph: &mut Graph,
    size: Size,
) -> Result<Vec<(Term, &'a Tap, String)>> {
    let dims = picture_dims(size);
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
    for term in spec.terms().into_iter().filter(|t| t.kind != Kind::TotalVariation) {
        let name = &term.tap;
        if out.iter().any(|(other, ..)| other.name == term.name) {
            return Err(Error::BadSpec(format!("the tap {name} is named twice; name it once")));
        }
        let tap = model.tap(name)?;
        if let Some([h, w]) = size.dims().filter(|size| size.iter().any(|side| side >> (tap.block - 1) == 0))
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

    #[test]
    fn every_node_is_as_the_table_of_operators_has_it() {
        let model = crate::vgg::seeded(1).expect("a model");
        for (style_loss, pooling) in [(StyleLoss::Gram, Pooling::Max), (StyleLoss::Moments, Pooling::Average)]
        {
            let spec = Spec {
                style: ["relu1_1", "relu2_1"].map(String::from).to_vec(),
                content: vec!["relu2_2".to_string()],
                total_variation: true,
                style_loss,
                pooling,
                padding: Padding::Replicate,
                regions: 2,
                ..Spec::default()
            };
            for size in [Size::Any, Size::Cpu([61, 43]), Size::Card([64, 96])] {
                for graph in [
                    features(&model, &spec, size),
                    free_objective(&model, &spec, size),
                    tile(&model, &spec, size),
                    style_losses(&model, &spec),
                ] {
                    for node in &graph.expect("a graph").nodes {
                        operators::check(node).unwrap_or_else(|e| panic!("{e}"));
                    }
                }
            }
        }
        for graph in [crate::vectors::sum(7), crate::vectors::dots(3)] {
            assert!(graph.nodes.iter().all(|node| operators::check(node).is_ok()));
        }
    }

    #[test]
    fn a_picture_that_poolings_leave_nothing_of_is_refused_with_the_tap() {
        let model = crate::vgg::seeded(1).expect("a model");
        let spec = Spec { style: vec!["relu5_1".to_string()], ..Spec::default() };
        assert!(objective(&model, &spec, Size::Cpu([16, 99])).is_ok());
        let e = objective(&model, &spec, Size::Cpu([15, 99])).expect_err("nothing left").to_string();
        assert!(e.contains("relu5_1") && e.contains("16 pixels"), "{e}");
    }

    #[test]
    fn graphs_for_a_card_leave_nothing_to_count_and_keep_to_plain_operators() {
        let model = crate::vgg::seeded(1).expect("a model");
        for style_loss in [StyleLoss::Gram, StyleLoss::Moments] {
            for (masked, padding) in [(false, Padding::Zero), (true, Padding::Replicate)] {
                let spec = Spec {
                    style: ["relu1_1", "relu2_1", "relu3_1"].map(String::from).to_vec(),
                    content: vec!["relu3_3".to_string()],
                    total_variation: true,
                    style_loss,
                    masked,
                    padding,
                    ..Spec::default()
                };
                // Sizes that pooling divides, and sizes that it does not.
                for size in [[64, 96], [61, 43]].map(Size::Card) {
                    let graphs = [
                        features(&model, &spec, size),
                        objective(&model, &spec, size),
                        free_objective(&model, &spec, size),
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
