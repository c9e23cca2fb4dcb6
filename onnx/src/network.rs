//! Checks the forward graph of a network node by node, for pictures of every size, and finds its taps: what passes here
//! runs, and has a gradient.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Tensor};
use crate::operators::{self, Gradient, Shape};
use crate::shapes;
use crate::tap::{FILE_PREFIX, INPUT, Tap};
use crate::window::Window;

/// More poolings leave nothing of a picture.
const MOST_POOLINGS: usize = 8;
/// Lines that paddings may add before convolutions take them away again.
const MOST_PADDING: i64 = 1 << 16;

/// The length of an axis of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// The same for every picture.
    Fixed(usize),
    /// The picture's height (axis 0) or width (axis 1), halved this number of times and rounded down each time, and `extra`.
    Side { axis: usize, halvings: usize, extra: i64 },
}

type Lengths = Vec<Length>;

/// The taps of a forward graph that reads [`INPUT`]: the outputs of its ReLUs, named by block and place as VGG's are
/// (`relu3_2` is the second with two poolings before it), in the order of the nodes.
///
/// Errors: the first node that is not as its operator needs it, has no gradient, or gives values that a tap cannot have
/// ([`Error::BadNode`]).
pub(crate) fn taps(graph: &Graph) -> Result<Vec<Tap>> {
    let side = |axis| Length::Side { axis, halvings: 0, extra: 0 };
    let mut lengths: HashMap<&str, Lengths> = HashMap::new();
    lengths.insert(INPUT, vec![Length::Fixed(1), Length::Fixed(3), side(0), side(1)]);
    for (name, tensor) in &graph.constants {
        lengths.insert(name, tensor.dims.iter().map(|&n| Length::Fixed(n)).collect());
    }
    // What depends on the picture, and so needs a gradient.
    let mut active: HashSet<&str> = HashSet::from([INPUT]);
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    let mut taps = Vec::new();
    for node in &graph.nodes {
        operators::check(node)?;
        let mut inputs = Vec::new();
        for (index, input) in node.inputs.iter().enumerate().filter(|(_, input)| !input.is_empty()) {
            let of_input = lengths.get(input.as_str()).cloned();
            let unknown = || {
                Error::bad_node(node, format!("reads '{}', which no node before it makes", in_file(input)))
            };
            inputs.push((index, of_input.ok_or_else(unknown)?));
        }
        let reader = Reader { graph, node, inputs };
        reader.check_gradient(&active)?;
        let out = reader.output()?;
        let Some(output) = node.output() else { continue };
        if lengths.contains_key(output) {
            return Err(Error::bad_node(
                node,
                format!("makes '{}', which is there already", in_file(output)),
            ));
        }
        if node.inputs.iter().any(|input| active.contains(input.as_str())) {
            active.insert(output);
        }
        if operators::gradient(node) == Gradient::Relu && active.contains(output) {
            let (channels, halvings) = reader.activations(&out)?;
            let place = places.entry(halvings).or_default();
            *place += 1;
            let name = format!("relu{}_{place}", halvings + 1);
            taps.push(Tap { name, value: output.to_string(), channels, block: halvings + 1, head: None });
        }
        lengths.insert(output, out);
    }
    Ok(taps)
}

/// A value's name in the file that it comes from.
fn in_file(name: &str) -> &str {
    name.strip_prefix(FILE_PREFIX).unwrap_or(name)
}

/// A node, and the lengths of the inputs that it has, each with its index.
struct Reader<'a> {
    graph: &'a Graph,
    node: &'a Node,
    inputs: Vec<(usize, Lengths)>,
}

impl Reader<'_> {
    fn bad<T>(&self, problem: impl Into<String>) -> Result<T> {
        Err(Error::bad_node(self.node, problem))
    }

    /// The lengths of an input; none for one that is left out.
    fn lengths(&self, index: usize) -> &[Length] {
        self.inputs.iter().find(|(at, _)| *at == index).map_or(&[], |(_, lengths)| lengths)
    }

    fn constant(&self, index: usize) -> Option<&Tensor> {
        self.graph.constants.get(self.node.input(index)?)
    }

    /// Whether the inputs that depend on the picture are those that the node's rule differentiates.
    fn check_gradient(&self, active: &HashSet<&str>) -> Result<()> {
        let is_active = |index: usize| self.node.input(index).is_some_and(|input| active.contains(input));
        let rule = operators::gradient(self.node);
        let later = (1..self.node.inputs.len()).find(|&index| is_active(index));
        match (rule, later) {
            (Gradient::Missing | Gradient::Zero, _) => {
                self.bad("there is no rule for the gradient of this operator")
            }
            (Gradient::Add | Gradient::Sub | Gradient::Mul | Gradient::Div, _) | (_, None) => Ok(()),
            (_, Some(index)) => self.bad(format!("its input {} must be a constant", index + 1)),
        }
    }

    /// The channels and the halvings of values [1, N, h, w] that have the picture's size but for poolings.
    fn activations(&self, lengths: &[Length]) -> Result<(usize, usize)> {
        let &[Length::Fixed(1), Length::Fixed(channels), height, width] = lengths else {
            return self.bad("its values must have the shape [1, channels, height, width]");
        };
        let (
            Length::Side { axis: 0, halvings, extra: above },
            Length::Side { axis: 1, halvings: across, extra: beside },
        ) = (height, width)
        else {
            return self.bad("its values must have the height and width of the picture");
        };
        if [above, beside] != [0, 0] {
            return self.bad(format!(
                "its values are {above} rows and {beside} columns larger than the picture's; the convolutions before it \
                 need pads that keep the size"
            ));
        }
        if halvings != across {
            return self.bad("its values must be halved along both sides equally often");
        }
        Ok((channels, halvings))
    }

    /// The lengths of the output.
    fn output(&self) -> Result<Lengths> {
        let first = self.lengths(0);
        let shape = operators::shape(self.node);
        let lists_integers = |index: usize| index > 0 && matches!(shape, Shape::Pad | Shape::Reduction);
        for index in (0..self.node.inputs.len()).filter(|&index| !lists_integers(index)) {
            if self.constant(index).is_some_and(|constant| constant.as_f32().is_none()) {
                return self.bad(format!("its input {} must be of floats", index + 1));
            }
        }
        match shape {
            Shape::Same => {
                for bound in (1..self.node.inputs.len()).filter(|&i| self.node.input(i).is_some()) {
                    if self.constant(bound).is_none_or(|number| !number.dims.is_empty()) {
                        return self.bad(format!("its input {} must be a constant number", bound + 1));
                    }
                }
                Ok(first.to_vec())
            }
            Shape::Broadcast => {
                let others = self.inputs.iter().skip(1);
                others
                    .map(|(_, other)| other)
                    .try_fold(first.to_vec(), |all, other| self.broadcast(&all, other))
            }
            Shape::Convolution => self.convolution(),
            Shape::Pooling => self.pooling(),
            Shape::Pad => self.padding(),
            Shape::Transpose => self.transposition(),
            Shape::Reduction => self.reduction(),
            Shape::Reshape
            | Shape::Flatten
            | Shape::Squeeze
            | Shape::Unsqueeze
            | Shape::MatMul
            | Shape::Gemm
            | Shape::Slice
            | Shape::Expand
            | Shape::Resize
            | Shape::List
            | Shape::Scalar
            | Shape::Unknown => self.bad("this operator cannot come before a ReLU that is read as a tap"),
        }
    }

    fn broadcast(&self, a: &[Length], b: &[Length]) -> Result<Lengths> {
        let one = Length::Fixed(1);
        let at = |lengths: &[Length], from_the_end: usize| {
            lengths.len().checked_sub(from_the_end).and_then(|at| lengths.get(at).copied()).unwrap_or(one)
        };
        let rank = a.len().max(b.len());
        let mut out = Vec::new();
        for from_the_end in (1..=rank).rev() {
            out.push(match (at(a, from_the_end), at(b, from_the_end)) {
                (a, b) if a == b || b == one => a,
                (a, b) if a == one => b,
                _ => return self.bad("its inputs have shapes that do not fit together"),
            });
        }
        Ok(out)
    }

    /// What a window makes of a height or width.
    fn passed(&self, length: Length, more: i64, halved: bool) -> Result<Length> {
        let Length::Side { axis, halvings, extra } = length else {
            return self.bad("its input must have the height and width of the picture");
        };
        if halved && extra != 0 {
            return self.bad(
                "its input must have the picture's size; the convolutions before it need pads that keep it",
            );
        }
        let halvings = halvings + usize::from(halved);
        if halvings > MOST_POOLINGS {
            return self
                .bad(format!("comes after {MOST_POOLINGS} poolings; more leave nothing of a picture"));
        }
        let extra = extra + more;
        if extra.abs() > MOST_PADDING {
            return self.bad("its pads are too large");
        }
        Ok(Length::Side { axis, halvings, extra })
    }

    fn convolution(&self) -> Result<Lengths> {
        let weights = self.constant(1).map(|w| w.dims.as_slice());
        let Some(&[out, input, _, _]) = weights else {
            return self.bad("its weights must be a constant [O, I, h, w] of floats");
        };
        let window = Window::of_convolution(self.graph, self.node)?;
        let &[batch, Length::Fixed(channels), height, width] = self.lengths(0) else {
            return self.bad("its input must have four axes and channels that are known");
        };
        if channels != input || out == 0 {
            return self.bad(format!("takes {input} channels and gives {out}, but gets {channels}"));
        }
        if self.node.input(2).is_some() && self.constant(2).is_none_or(|bias| bias.dims != [out]) {
            return self.bad(format!("its bias must be a constant [{out}] of floats"));
        }
        let more =
            |axis: usize| (window.before[axis] + window.after[axis]) as i64 - window.reach(axis) as i64;
        let side = |length, axis| self.passed(length, more(axis), false);
        Ok(vec![batch, Length::Fixed(out), side(height, 0)?, side(width, 1)?])
    }

    fn pooling(&self) -> Result<Lengths> {
        let window = Window::of_pooling(self.graph, self.node)?;
        if window.kernel != [2, 2] {
            return self
                .bad(format!("kernel_shape is {:?}; a pooling between blocks has [2, 2]", window.kernel));
        }
        let &[batch, channels, height, width] = self.lengths(0) else {
            return self.bad("its input must have four axes");
        };
        Ok(vec![batch, channels, self.passed(height, 0, true)?, self.passed(width, 0, true)?])
    }

    fn padding(&self) -> Result<Lengths> {
        if self.node.text("mode") != Some("edge") {
            return self.bad("mode must be edge; pads of zeros belong to the convolution behind it");
        }
        let lengths = self.lengths(0);
        let pads = shapes::integers(self.graph, self.node, 1).unwrap_or_default();
        if pads.len() != 2 * lengths.len() || !pads.iter().all(|p| (0..=MOST_PADDING).contains(p)) {
            return self.bad(format!(
                "its pads must be {} constant integers from 0 to {MOST_PADDING}",
                2 * lengths.len()
            ));
        }
        let (before, after) = pads.split_at(lengths.len());
        let padded = |(length, (before, after)): (&Length, (&i64, &i64))| match *length {
            Length::Fixed(n) => Ok(Length::Fixed(n + (before + after) as usize)),
            side => self.passed(side, before + after, false),
        };
        lengths.iter().zip(before.iter().zip(after)).map(padded).collect()
    }

    fn transposition(&self) -> Result<Lengths> {
        let lengths = self.lengths(0);
        let rank = lengths.len();
        let perm: Vec<i64> = match self.node.ints("perm") {
            Some(perm) => perm.to_vec(),
            None => (0..rank as i64).rev().collect(),
        };
        let from = |&axis: &i64| lengths.get(usize::try_from(axis).ok()?).copied();
        let out: Option<Lengths> = perm.iter().map(from).collect();
        let distinct = perm.iter().collect::<HashSet<_>>().len() == rank && perm.len() == rank;
        match out.filter(|_| distinct) {
            Some(out) => Ok(out),
            None => self.bad(format!(
                "perm is {perm:?}, expected each axis of its input from 0 to {} once",
                rank.max(1) - 1
            )),
        }
    }

    fn reduction(&self) -> Result<Lengths> {
        let lengths = self.lengths(0);
        let rank = lengths.len() as i64;
        let Some(axes) = shapes::axes(self.graph, self.node) else {
            return self.bad("its axes must be a constant that leaves height and width alone");
        };
        let place = |&axis: &i64| usize::try_from(if axis < 0 { axis.checked_add(rank)? } else { axis }).ok();
        let places: Option<HashSet<usize>> = axes.iter().map(place).collect();
        let Some(places) = places.filter(|p| p.len() == axes.len()) else {
            return self.bad(format!("axes are {axes:?}, expected different ones below {rank}"));
        };
        if places.iter().any(|&axis| !matches!(lengths.get(axis), Some(Length::Fixed(_)))) {
            return self.bad(format!(
                "axes are {axes:?}; only axes of a fixed length, such as channels, can be summed"
            ));
        }
        let keep = self.node.int("keepdims") != Some(0);
        let reduced = |(axis, &length): (usize, &Length)| match places.contains(&axis) {
            true => keep.then_some(Length::Fixed(1)),
            false => Some(length),
        };
        Ok(lengths.iter().enumerate().filter_map(reduced).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Attr;

    fn network(build: impl Fn(&mut Graph) -> String) -> Result<Vec<Tap>> {
        let mut graph = Graph::default();
        graph.fresh(INPUT);
        let value = build(&mut graph);
        graph.add("Relu", "relu", &[&value]);
        taps(&graph)
    }

    fn conv(
        graph: &mut Graph,
        value: &str,
        [out, input, side]: [usize; 3],
        attrs: [(&str, Attr); 1],
    ) -> String {
        let weights = vec![0.5; out * input * side * side];
        let weights = graph.constant("w", Tensor::f32(&[out, input, side, side], weights));
        graph.add_with("Conv", "conv", &[value, &weights], attrs)
    }

    fn pads(pads: [i64; 4]) -> [(&'static str, Attr); 1] {
        [("pads", Attr::Ints(pads.to_vec()))]
    }

    #[test]
    fn taps_count_channels_and_poolings_on_the_way_to_them() {
        let found = network(|g| {
            let two = || Attr::Ints(vec![2, 2]);
            let a = conv(g, INPUT, [5, 3, 3], pads([1; 4]));
            let a = g.add("Relu", "first", &[&a]);
            // One branch goes through a pooling, the other does not.
            g.add_with("MaxPool", "pool", &[&a], [("kernel_shape", two()), ("strides", two())]);
            conv(g, &a, [7, 5, 1], pads([0; 4]))
        });
        let found: Vec<_> = found.expect("taps").into_iter().map(|t| (t.name, t.channels, t.block)).collect();
        assert_eq!(found, [("relu1_1".to_string(), 5, 1), ("relu1_2".to_string(), 7, 1)]);
    }

    #[test]
    fn edges_that_are_repeated_and_taken_away_again_keep_the_size() {
        let repeated = |lines: i64| {
            network(move |g| {
                let pads_of = g.i64s(&[0, 0, lines, lines, 0, 0, lines, lines]);
                let mode = [("mode", Attr::Text("edge".into()))];
                let padded = g.add_with("Pad", "pad", &[INPUT, &pads_of], mode);
                conv(g, &padded, [4, 3, 5], pads([0; 4]))
            })
        };
        assert_eq!(repeated(2).expect("taps").len(), 1);
        let e = repeated(1).expect_err("a smaller tap").to_string();
        assert!(e.contains("'relu'") && e.contains("-2 rows"), "{e}");
    }

    #[test]
    fn sums_over_channels_pass_and_sums_over_positions_are_refused() {
        let summed = |axes: &[i64]| {
            network(|g| {
                let axes = g.i64s(axes);
                let sum = g.add("ReduceSum", "sum", &[INPUT, &axes]);
                g.add("Div", "share", &[INPUT, &sum])
            })
        };
        assert_eq!(summed(&[1]).expect("taps")[0].channels, 3);
        assert_eq!(summed(&[-3]).expect("taps")[0].channels, 3);
        for axes in [&[2][..], &[1, -3], &[4], &[i64::MIN]] {
            assert!(summed(axes).expect_err("no tap").to_string().contains("'sum'"), "{axes:?}");
        }
    }

    #[test]
    fn too_many_poolings_are_refused() {
        let pooled = |count: usize| {
            network(move |g| {
                (0..count).fold(INPUT.to_string(), |value, _| {
                    let two = || Attr::Ints(vec![2, 2]);
                    g.add_with("MaxPool", "pool", &[&value], [("kernel_shape", two()), ("strides", two())])
                })
            })
        };
        assert_eq!(pooled(MOST_POOLINGS).expect("taps")[0].block, MOST_POOLINGS + 1);
        assert!(pooled(MOST_POOLINGS + 1).expect_err("none").to_string().contains("pool_9"));
    }
}
