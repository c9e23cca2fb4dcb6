//! The mean and covariance of activations, and how far two of them are apart: the squared 2-Wasserstein distance
//! of two normal distributions,
//!
//! |μ − μ'|² + tr(C + C' − 2·(C'^½·C·C'^½)^½)
//!
//! (Olkin and Pukelsheim 1982, "The distance between two random vectors with given dispersion matrices"), as a loss
//! for style transfer in place of the difference of Gram matrices. Square roots are Newton-Schulz iterations
//! (Higham 2008, "Functions of Matrices", equation 6.35), which are products of matrices and so have a gradient
//! by the rules of these.

use crate::graph::{Attr, Graph, Tensor};

/// Iterations of a square root. Each makes what is small 1.5 times larger until it is right, so that standard
/// deviations down to 1/3300 of the largest are.
pub const ITERATIONS: usize = 20;
/// What is added to the variances, as a share of the mean square: more than float32's rounding takes away.
const FLOOR: f32 = 1e-5;
/// Keeps quotients finite where all activations are 0.
const TINY: f32 = 1e-20;

/// Second moments [N, N] and mean [N, 1].
pub(crate) struct Moments {
    pub square: String,
    pub mean: String,
}

/// Writes the nodes of one term.
struct Writer<'a> {
    graph: &'a mut Graph,
    name: &'a str,
    channels: usize,
}

/// Both as one matrix [N + 1, N + 1] = [[square, mean], [below, corner]], which is what Gram matrices are for the other
/// loss: the statistics of parts of a picture can be summed, and those of several pictures averaged.
pub(crate) fn join(graph: &mut Graph, name: &str, moments: &Moments, below: &str, corner: &str) -> String {
    let mut concat = |what: &str, a: &str, b: &str, axis: i64| {
        graph.add_with("Concat", &format!("{name}/{what}"), &[a, b], [("axis", Attr::Int(axis))])
    };
    let top = concat("top", &moments.square, &moments.mean, 1);
    let bottom = concat("bottom", below, corner, 1);
    concat("statistics", &top, &bottom, 0)
}

/// The parts of a matrix as `join` makes it.
pub(crate) fn split(graph: &mut Graph, name: &str, joined: &str, channels: usize) -> Moments {
    let n = channels as i64;
    let both = graph.i64s(&[0, 1]);
    let mut cut = |what: &str, from: [i64; 2], to: [i64; 2]| {
        let (from, to) = (graph.i64s(&from), graph.i64s(&to));
        graph.add("Slice", &format!("{name}/{what}"), &[joined, &from, &to, &both])
    };
    Moments { square: cut("square", [0, 0], [n, n]), mean: cut("mean", [0, n], [n, n + 1]) }
}

/// The squared distance of both, divided by the target's mean square: 0 where they are the same, near 1 where they
/// have nothing in common.
pub(crate) fn distance(
    graph: &mut Graph,
    name: &str,
    moments: &Moments,
    target: &Moments,
    channels: usize,
) -> String {
    let mut w = Writer { graph, name, channels };
    let energy = {
        let trace = w.trace(&target.square);
        let tiny = w.graph.scalar(TINY);
        w.add("Add", &[&trace, &tiny])
    };
    let own = w.trace(&moments.square);
    let both = w.add("Add", &[&own, &energy]);
    let covariance = w.covariance(moments, &both);
    let wanted = w.covariance(target, &energy);

    let (root, _) = w.root(&wanted);
    let inner = w.add("MatMul", &[&root, &covariance]);
    let inner = w.add("MatMul", &[&inner, &root]);
    let (_, overlap) = w.root(&inner);

    let difference = w.add("Sub", &[&moments.mean, &target.mean]);
    let square = w.add("Mul", &[&difference, &difference]);
    let apart = w.sum(&square);
    let (variance, wanted) = (w.trace(&covariance), w.trace(&wanted));
    let variances = w.add("Add", &[&variance, &wanted]);
    let two = w.graph.scalar(2.0);
    let overlap = w.add("Mul", &[&overlap, &two]);
    let shapes = w.add("Sub", &[&variances, &overlap]);
    let distance = w.add("Add", &[&apart, &shapes]);
    w.add("Div", &[&distance, &energy])
}

impl Writer<'_> {
    fn add(&mut self, op: &str, inputs: &[&str]) -> String {
        self.graph.add(op, &format!("{}/{op}", self.name), inputs)
    }

    fn sum(&mut self, value: &str) -> String {
        let keep = [("keepdims", Attr::Int(0))];
        self.graph.add_with("ReduceSum", &format!("{}/sum", self.name), &[value], keep)
    }

    fn identity(&mut self) -> String {
        let n = self.channels;
        let name = format!("const/identity/{n}");
        if self.graph.constants.contains_key(&name) {
            return name;
        }
        let mut values = vec![0.0; n * n];
        values.iter_mut().step_by(n + 1).for_each(|v| *v = 1.0);
        self.graph.constant(&name, Tensor::f32(&[n, n], values))
    }

    fn trace(&mut self, matrix: &str) -> String {
        let identity = self.identity();
        let diagonal = self.add("Mul", &[matrix, &identity]);
        self.sum(&diagonal)
    }

    /// square − mean·meanᵀ + FLOOR·energy·I
    fn covariance(&mut self, moments: &Moments, energy: &str) -> String {
        let transposed = self.graph.add_with(
            "Transpose",
            &format!("{}/transposed", self.name),
            &[&moments.mean],
            [("perm", Attr::Ints(vec![1, 0]))],
        );
        let means = self.add("MatMul", &[&moments.mean, &transposed]);
        let covariance = self.add("Sub", &[&moments.square, &means]);
        let share = self.graph.scalar(FLOOR);
        let floor = self.add("Mul", &[energy, &share]);
        let identity = self.identity();
        let floor = self.add("Mul", &[&identity, &floor]);
        self.add("Add", &[&covariance, &floor])
    }

    /// The square root of a symmetric positive definite matrix, and its trace.
    fn root(&mut self, matrix: &str) -> (String, String) {
        let squares = self.add("Mul", &[matrix, matrix]);
        let sum = self.sum(&squares);
        let norm = self.add("Sqrt", &[&sum]);
        // Y → A^½ and Z → A^-½ where no eigenvalue of A is above 1.
        let mut y = self.add("Div", &[matrix, &norm]);
        let mut z = self.identity();
        let three = {
            let identity = self.identity();
            let three = self.graph.scalar(1.5);
            self.add("Mul", &[&identity, &three])
        };
        let half = self.graph.scalar(0.5);
        for step in 0..ITERATIONS {
            let product = if step == 0 { y.clone() } else { self.add("MatMul", &[&z, &y]) };
            let product = self.add("Mul", &[&product, &half]);
            let factor = self.add("Sub", &[&three, &product]);
            y = self.add("MatMul", &[&y, &factor]);
            // The last Z is not needed.
            if step + 1 < ITERATIONS {
                z = if step == 0 { factor } else { self.add("MatMul", &[&factor, &z]) };
            }
        }
        let scale = self.add("Sqrt", &[&norm]);
        let root = self.add("Mul", &[&y, &scale]);
        let trace = self.trace(&root);
        (root, trace)
    }
}
