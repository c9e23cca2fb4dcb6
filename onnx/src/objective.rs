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
use crate::model::{self, Model, Tap};
use crate::moments::{self, Moments};
use crate::shapes::Shapes;

/// What a term compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The statistics of a tap, of the whole picture or of one of its regions, counted from 0.
    Style(Option<usize>),
    /// The activations of a tap.
    Content,
    /// Neighbouring pixels.
    TotalVariation,
}

/// A term of the loss, and the names of its target, weight and loss in the graphs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `style/relu1_1`, in a region `style/relu1_1@1`; `content/relu4_2`; `tv`. Also the prefix of its inputs and
    /// outputs.
    pub name: String,
    /// What it compares.
    pub kind: Kind,
    /// Its tap; empty for total variation.
    pub tap: String,
    /// The input that takes the target, and the output of the features model that makes it.
    pub target: Option<String>,
    /// The input that takes the weight, a scalar.
    pub weight: String,
    /// The output with the weighted loss, a scalar.
    pub loss: String,
}

impl Term {
    /// The input of a tile's graph that takes the derivative with respect to the term's statistics before they are
    /// divided by anything, and the output that gives it with respect to the statistics.
    pub fn slope(&self) -> String {
        format!("{}/slope", self.name)
    }

    /// The input of the graph of style losses that takes the term's statistics.
    pub fn statistics(&self) -> String {
        format!("{}/statistics", self.name)
    }

    /// The name without the region.
    pub fn plain_name(&self) -> &str {
        self.name.split('@').next().unwrap_or_default()
    }

    fn new(kind: Kind, tap: &str) -> Self {
        let (name, target) = match kind {
            Kind::Style(None) => (format!("style/{tap}"), Some("gram")),
            Kind::Style(Some(region)) => (format!("style/{tap}@{}", region + 1), Some("gram")),
            Kind::Content => (format!("content/{tap}"), Some("features")),
            Kind::TotalVariation => ("tv".to_string(), None),
        };
        Term {
            kind,
            tap: tap.to_string(),
            target: target.map(|t| format!("{name}/{t}")),
            weight: format!("{name}/weight"),
            loss: format!("{name}/loss"),
            name,
        }
    }
}

/// The input that takes the mask of a region, counted from 0: `region/1` and so on.
pub fn region_input(region: usize) -> String {
    format!("region/{}", region + 1)
}

/// How activations are pooled between blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// As the network was trained.
    #[default]
    Max,
    /// Smoother; Gatys et al. 2016, section 2.
    Average,
}

/// What is compared of the activations at a style tap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StyleLoss {
    /// Their Gram matrices: the mean squared difference (Gatys et al. 2016, equation 4).
    #[default]
    Gram,
    /// Their means and covariances: the squared 2-Wasserstein distance of the normal distributions that have
    /// them, as a share of the target's mean square.
    Moments,
}

/// What the network sees beyond the borders of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Grey, the zero of its input, as it was trained.
    #[default]
    Zero,
    /// The pixels at the border again. Deeper layers see zeros as always.
    Replicate,
}

/// Which losses the objective sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    /// Taps whose statistics are compared.
    pub style: Vec<String>,
    /// Which statistics.
    pub style_loss: StyleLoss,
    /// Taps whose activations are compared.
    pub content: Vec<String>,
    /// Whether total variation is added.
    pub total_variation: bool,
    /// How activations are pooled.
    pub pooling: Pooling,
    /// What is beyond the borders.
    pub padding: Padding,
    /// Whether an input `mask` says how much each position counts.
    pub masked: bool,
    /// How many regions there are, each with an input `region/1`… that says how much its positions count, and style
    /// terms of its own; 0 for one set of style terms, which counts by `mask`.
    pub regions: usize,
}

impl Spec {
    /// The terms in the order style (region by region), content, total variation.
    pub fn terms(&self) -> Vec<Term> {
        let regions: Vec<Option<usize>> = match self.regions {
            0 => vec![None],
            regions => (0..regions).map(Some).collect(),
        };
        let of_region = |region| self.style.iter().map(move |tap| Term::new(Kind::Style(region), tap));
        let style = regions.into_iter().flat_map(of_region);
        let content = self.content.iter().map(|tap| Term::new(Kind::Content, tap));
        let tv = self.total_variation.then(|| Term::new(Kind::TotalVariation, ""));
        style.chain(content).chain(tv).collect()
    }
}

impl StyleLoss {
    /// The side of the square matrix that holds the statistics of `channels` activations: their Gram matrix, or
    /// that of themselves and of a 1 at each position, whose last column is their mean.
    pub fn side(self, channels: usize) -> usize {
        match self {
            StyleLoss::Gram => channels,
            StyleLoss::Moments => channels + 1,
        }
    }
}

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
                let turned =
                    graph.add_with("Transpose", &format!("{}/mean/turned", term.name), &[&mean], perm);
                let one = graph.constant("const/one", Tensor::f32(&[1, 1], vec![1.0]));
                let moments = Moments { square: statistics, mean };
                statistics = moments::joined(&mut graph, &term.name, &moments, &turned, &one);
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
                StyleLoss::Gram => gram_loss(graph, &term, &square, &target),
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
        let size = shapes.size(&node.inputs[0]).filter(|_| node.op == "Size");
        if let Some(size) = size {
            let count = size.iter().product::<usize>() as i64;
            constants.insert(node.outputs[0].clone(), Tensor { dims: Vec::new(), data: Data::I64(vec![count]) });
        }
        size.is_none()
    });
    graph.prune();
}

/// The style losses of statistics that are known: inputs for each style term its statistics `TERM/statistics`, target
/// and weight; outputs its weighted loss, and `TERM/slope`, the derivative of that with respect to the statistics.
pub fn style_losses(model: &Model, spec: &Spec) -> Result<Graph> {
    let mut graph = Graph::default();
    for term in spec.terms().into_iter().filter(|t| matches!(t.kind, Kind::Style(_))) {
        let channels = model.tap(&term.tap)?.channels;
        let side = spec.style_loss.side(channels).to_string();
        let statistics = graph.input(Port::new(term.statistics(), &[&side, &side]));
        let target = graph.input(Port::new(term.target.clone().unwrap_or_default(), &[&side, &side]));
        let slope = match spec.style_loss {
            StyleLoss::Gram => {
                let loss = gram_loss(&mut graph, &term, &statistics, &target);
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

/// weight · the mean square of the difference, which counts by the mask if there is one.
fn content_loss(graph: &mut Graph, term: &Term, value: &str, target: &str, mask: Option<&Mask>) -> String {
    let mut difference = graph.add("Sub", &format!("{}/difference", term.name), &[value, target]);
    if let Some(mask) = mask {
        let share = graph.add("Div", &format!("{}/share", term.name), &[&mask.positions, &mask.sum]);
        let share = graph.add("Sqrt", &format!("{}/share/root", term.name), &[&share]);
        let weight = graph.add("Mul", &format!("{}/weights", term.name), &[&mask.root, &share]);
        difference = graph.add("Mul", &format!("{}/masked", term.name), &[&difference, &weight]);
    }
    weighted_mean_square(graph, term, &difference)
}

fn gram_loss(graph: &mut Graph, term: &Term, gram: &str, target: &str) -> String {
    let difference = graph.add("Sub", &format!("{}/difference", term.name), &[gram, target]);
    weighted_mean_square(graph, term, &difference)
}

/// weight · the distance of the moments from the target's, which are one matrix.
fn moments_loss(graph: &mut Graph, term: &Term, moments: &Moments, target: &str, channels: usize) -> String {
    let target = moments::parted(graph, &format!("{}/target", term.name), target, channels);
    let distance = moments::distance(graph, &term.name, moments, &target, channels);
    let weight = graph.input(Port::new(term.weight.clone(), &[]));
    graph.add("Mul", &term.loss, &[&distance, &weight])
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
        let value = match &tap.head {
            None => tap.value.clone(),
            Some(head) => {
                let dims = [tap.channels, tap.channels, 1, 1];
                let weight = Tensor { dims: dims.to_vec(), data: head.data.clone() };
                let weight = graph.constant(&format!("head/{name}.weight"), weight);
                let known = format!("head/{name}");
                match graph.nodes.iter().find(|n| n.name == known) {
                    Some(node) => node.outputs[0].clone(),
                    None => {
                        let kernel = [("kernel_shape", Attr::Ints(vec![1, 1]))];
                        graph.add_with("Conv", &known, &[&tap.value, &weight], kernel)
                    }
                }
            }
        };
        out.push((term, tap, value));
    }
    Ok(out)
}

/// Lets the convolutions that read `input` see its border again where they saw zeros, among the nodes from `first` on.
fn replicate(graph: &mut Graph, input: &str, first: usize) {
    let mut at = first;
    while at < graph.nodes.len() {
        let node = &graph.nodes[at];
        let pads =
            node.ints("pads").map(<[i64]>::to_vec).filter(|p| p.len() == 4 && p.iter().any(|&v| v > 0));
        if let (true, "Conv", Some(pads)) = (node.inputs[0] == input, node.op.as_str(), pads) {
            let [top, left, bottom, right] = [pads[0], pads[1], pads[2], pads[3]];
            let pads = graph.i64s(&[0, 0, top, left, 0, 0, bottom, right]);
            let mode = [("mode", Attr::Text("edge".into()))];
            let padded = graph.add_with("Pad", "normalise/replicated", &[input, &pads], mode);
            // It was added behind the convolution that reads it.
            let Some(pad) = graph.nodes.pop() else { return };
            graph.nodes[at].inputs[0] = padded;
            graph.nodes[at].attrs.insert("pads".to_string(), Attr::Ints(vec![0; 4]));
            graph.nodes.insert(at, pad);
            at += 1;
        }
        at += 1;
    }
}

/// The mask at a tap's positions.
struct Mask {
    /// [1, 1, h, w], the square root of each position's weight.
    root: String,
    /// The sum of the weights, a scalar.
    sum: String,
    /// How many positions there are, a scalar.
    positions: String,
}

/// Adds, once for each block, the mask that a term counts by, averaged over what the poolings before the tap take
/// together; None if it counts everywhere alike.
fn mask(graph: &mut Graph, spec: &Spec, term: &Term, tap: &Tap) -> Option<Mask> {
    let input = match term.kind {
        Kind::Style(Some(region)) => region_input(region),
        Kind::Style(None) | Kind::Content if spec.masked => "mask".to_string(),
        _ => return None,
    };
    let name = |what: &str| format!("{input}/{}/{what}", tap.block);
    let known = Mask { root: name("root"), sum: name("sum"), positions: name("positions") };
    if graph.nodes.iter().any(|n| n.name == known.root) {
        return Some(known);
    }
    let mut pooled = input.clone();
    if tap.block > 1 {
        let window = || Attr::Ints(vec![1 << (tap.block - 1); 2]);
        let attrs = [("kernel_shape", window()), ("strides", window())];
        pooled = graph.add_with("AveragePool", &name("pooled"), &[&input], attrs);
    }
    let root = graph.add("Sqrt", &known.root, &[&pooled]);
    let sum = graph.add_with("ReduceSum", &known.sum, &[&pooled], [("keepdims", Attr::Int(0))]);
    let size = graph.add("Size", &name("size"), &[&pooled]);
    let positions = graph.add_with("Cast", &known.positions, &[&size], [("to", Attr::Int(1))]);
    Some(Mask { root, sum, positions })
}

/// G = F·Fᵀ/M for activations F [N, M]. With a mask the positions count by its weights m: F·diag(m)·Fᵀ/Σm
/// (the guided Gram matrix of Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer",
/// section 4). (A tap head S is applied to the activations, not as S·G·Sᵀ to the small matrix: there the
/// sums cancel, and the loss would be off by a thousandth in float32.)
fn gram(graph: &mut Graph, name: &str, value: &str, channels: usize, mask: Option<&Mask>) -> String {
    let product = product(graph, name, value, channels, mask);
    per_position(graph, name, value, channels, mask, &product)
}

/// The mean of activations [N, 1], weighted as in [`gram`].
fn mean(graph: &mut Graph, name: &str, value: &str, channels: usize, mask: Option<&Mask>) -> String {
    let sum = weighted_sum(graph, name, value, channels, mask);
    per_position(graph, &format!("{name}/mean"), value, channels, mask, &sum)
}

/// F·m [N, 1]: the sum of activations over positions by their weights.
fn weighted_sum(graph: &mut Graph, name: &str, value: &str, channels: usize, mask: Option<&Mask>) -> String {
    let value = match mask {
        Some(mask) => {
            let masked = graph.add("Mul", &format!("{name}/mean/masked"), &[value, &mask.root]);
            graph.add("Mul", &format!("{name}/mean/weighted"), &[&masked, &mask.root])
        }
        None => value.to_string(),
    };
    let shape = graph.i64s(&[channels as i64, -1]);
    let f = graph.add("Reshape", &format!("{name}/mean/matrix"), &[&value, &shape]);
    let along = graph.i64s(&[1]);
    let keep = [("keepdims", Attr::Int(1))];
    graph.add_with("ReduceSum", &format!("{name}/mean/sum"), &[&f, &along], keep)
}

/// A sum over the positions of `value` divided by their weights' sum.
fn per_position(
    graph: &mut Graph,
    name: &str,
    value: &str,
    channels: usize,
    mask: Option<&Mask>,
    sum: &str,
) -> String {
    let part = match mask {
        Some(mask) => {
            let one = graph.scalar(1.0);
            graph.add("Div", &format!("{name}/per_position"), &[&one, &mask.sum])
        }
        None => {
            let size = graph.add("Size", &format!("{name}/size"), &[value]);
            let to = [("to", Attr::Int(1))];
            let size = graph.add_with("Cast", &format!("{name}/size/float"), &[&size], to);
            let n = graph.scalar(channels as f32);
            graph.add("Div", &format!("{name}/per_position"), &[&n, &size])
        }
    };
    graph.add("Mul", &format!("{name}/normalised"), &[sum, &part])
}

/// F·diag(m)·Fᵀ
fn product(graph: &mut Graph, name: &str, value: &str, channels: usize, mask: Option<&Mask>) -> String {
    let value = match mask {
        Some(mask) => graph.add("Mul", &format!("{name}/masked"), &[value, &mask.root]),
        None => value.to_string(),
    };
    let shape = graph.i64s(&[channels as i64, -1]);
    let f = graph.add("Reshape", &format!("{name}/matrix"), &[&value, &shape]);
    graph.add_with("Gemm", &format!("{name}/product"), &[&f, &f], [("transB", Attr::Int(1))])
}

/// The differences of each pixel to its right and its lower neighbour [1, 6, H−1, W−1], as a convolution.
fn neighbour_differences(graph: &mut Graph) -> String {
    let mut kernel = vec![0.0f32; 6 * 3 * 2 * 2];
    for channel in 0..3 {
        for (direction, neighbour) in [(0, 1), (1, 2)] {
            let filter = &mut kernel[((2 * channel + direction) * 3 + channel) * 4..][..4];
            filter[0] = -1.0;
            filter[neighbour] = 1.0;
        }
    }
    let kernel = graph.constant("tv/kernel", Tensor::f32(&[6, 3, 2, 2], kernel));
    graph.add_with("Conv", "tv/difference", &["picture", &kernel], [("kernel_shape", Attr::Ints(vec![2, 2]))])
}

/// weight · mean(difference²)
fn weighted_mean_square(graph: &mut Graph, term: &Term, difference: &str) -> String {
    let weight = graph.input(Port::new(term.weight.clone(), &[]));
    let square = graph.add("Mul", &format!("{}/square", term.name), &[difference, difference]);
    let mean = graph.add_with(
        "ReduceMean",
        &format!("{}/mean", term.name),
        &[&square],
        [("keepdims", Attr::Int(0))],
    );
    graph.add("Mul", &term.loss, &[&mean, &weight])
}

#[cfg(test)]
mod tests {
    use super::*;

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
