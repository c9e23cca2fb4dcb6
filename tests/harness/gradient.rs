//! The gradient of whole objectives, against central differences along directions.
//!
//! Along a direction d the loss changes by 2h·(gradient·d) when the picture goes from −h·d to +h·d. d is the gradient
//! itself, restricted to some pixels (all, the borders, a random tenth), so that the change stands well
//! above float32's rounding of the loss. ReLU and pooling bend the loss on the way; the tolerance is 2 %.

use impasto::models;
use impasto::onnx::{
    GraphTarget, Model, ObjectiveSpec, Padding, Pooling, StyleLoss, TermKind, objective, spec,
};

use super::common::{Run, noise};

struct Problem {
    run: Run,
    /// The graphs for this size only, which must compute the same.
    sized: [Run; 2],
    inputs: Vec<(String, Vec<usize>, Vec<f32>)>,
    size: [usize; 4],
}

impl Problem {
    /// All terms, with targets from pictures of noise.
    fn new(model: &Model, style: &[&str], content: &str, pooling: Pooling, h: usize, w: usize) -> Self {
        let spec = ObjectiveSpec {
            style: style.iter().map(|t| t.to_string()).collect(),
            content: vec![content.to_string()],
            total_variation: true,
            pooling,
            ..ObjectiveSpec::default()
        };
        Problem::from_spec(model, &spec, h, w)
    }

    fn from_spec(model: &Model, spec: &ObjectiveSpec, h: usize, w: usize) -> Self {
        let size = [1, 3, h, w];
        let of_pictures = ObjectiveSpec { regions: 0, ..spec.clone() };
        let mut features =
            Run::new(&objective::features(model, &of_pictures, GraphTarget::Any).expect("features"));
        let targets = features.with(&[("picture", &size, &noise(3 * h * w, 1))]);
        let mut inputs = Vec::new();
        for term in spec.terms() {
            let weight = match (term.kind, spec.style_loss) {
                (TermKind::Style(_), StyleLoss::Gram) => {
                    model.reference_style_weight(model.tap(&term.tap).expect("a tap"))
                }
                (TermKind::Style(_), StyleLoss::Moments) => 1e5,
                (TermKind::Content, _) => {
                    model.reference_content_weight(model.tap(&term.tap).expect("a tap"))
                }
                (TermKind::TotalVariation, _) => 10.0,
            };
            if let Some(target) = &term.target {
                let (dims, values) = targets[&target.replace(&term.name, term.plain_name())].clone();
                inputs.push((target.clone(), dims, values));
            }
            inputs.push((term.weight, vec![], vec![weight]));
        }
        for region in 0..spec.regions {
            // Soft and overlapping.
            let share = |i: usize| ((i % w) as f32 / w as f32 - region as f32).abs().min(1.0);
            let mask = (0..h * w).map(share).collect();
            inputs.push((spec::region_input(region), vec![1, 1, h, w], mask));
        }
        let graph = |size| Run::new(&objective::objective(model, spec, size).expect("an objective"));
        let sized = [GraphTarget::Cpu([h, w]), GraphTarget::Device([h, w])].map(graph);
        Problem { run: graph(GraphTarget::Any), sized, inputs, size }
    }

    fn loss_and_gradient(&mut self, picture: &[f32]) -> (f64, Vec<f32>) {
        let mut inputs: Vec<(&str, &[usize], &[f32])> = vec![("picture", &self.size, picture)];
        inputs.extend(self.inputs.iter().map(|(n, d, v)| (n.as_str(), d.as_slice(), v.as_slice())));
        let mut out = self.run.with(&inputs);
        let loss = out["loss"].1[0] as f64;
        let gradient = out.remove("gradient").expect("a gradient").1;
        let norm = |v: &mut dyn Iterator<Item = f32>| v.map(|x| (x as f64).powi(2)).sum::<f64>().sqrt();
        for sized in &mut self.sized {
            let sized = sized.with(&inputs);
            let (other, others) = (sized["loss"].1[0] as f64, &sized["gradient"].1);
            // Roots of matrices pass on what sums in another order differ by.
            assert!((loss - other).abs() <= 5e-5 * loss, "{loss}, for this size only {other}");
            let error = norm(&mut gradient.iter().zip(others).map(|(a, b)| a - b));
            let all = norm(&mut gradient.iter().copied());
            assert!(error <= 1e-4 * all, "gradients differ by {error} of {all}");
        }
        (loss, gradient)
    }

    fn check(&mut self, picture: &[f32]) {
        self.check_in(picture, &["all pixels", "the borders", "the last corner", "a random tenth"], 1e-3);
    }

    /// The same without the last corner, whose few pixels change the loss of a larger picture by little more than its
    /// rounding, and with larger steps where the loss is a difference of large numbers.
    fn check_larger(&mut self, picture: &[f32], style_loss: StyleLoss) {
        let step = if style_loss == StyleLoss::Moments { 2e-2 } else { 1e-3 };
        self.check_in(picture, &["all pixels", "the borders", "a random tenth"], step);
    }

    /// `step`: how far the pixel that is changed most goes.
    fn check_in(&mut self, picture: &[f32], parts: &[&str], step: f64) {
        let [_, _, h, w] = self.size;
        let (_, gradient) = self.loss_and_gradient(picture);
        let chosen = noise(picture.len(), 77);
        let border = |i: usize| {
            let (y, x) = (i / w % h, i % w);
            y == 0 || x == 0 || y == h - 1 || x == w - 1
        };
        let corner = |i: usize| i / w % h >= h - 2 && i % w >= w - 2;
        let restrictions: [(&str, &dyn Fn(usize) -> bool); 4] = [
            ("all pixels", &|_| true),
            ("the borders", &border),
            ("the last corner", &corner),
            ("a random tenth", &|i| chosen[i] < 0.1),
        ];
        for (name, keep) in restrictions.into_iter().filter(|(name, _)| parts.contains(name)) {
            let direction: Vec<f64> =
                gradient.iter().enumerate().map(|(i, &g)| if keep(i) { g as f64 } else { 0.0 }).collect();
            let largest = direction.iter().fold(0.0f64, |m, d| m.max(d.abs()));
            assert!(largest > 0.0, "{name}: no gradient");
            let moved = |by: f64| -> Vec<f32> {
                picture.iter().zip(&direction).map(|(&x, d)| (x as f64 + by * d) as f32).collect()
            };
            let exact: f64 = direction.iter().map(|d| d * d).sum();
            // Of the corner's few pixels one bend on the way counts much, and after a short way the loss's rounding: one of
            // these steps has neither.
            let factors: &[f64] = if name == "the last corner" { &[1.0, 0.3, 3.0, 10.0] } else { &[1.0] };
            let numeric = factors.iter().map(|factor| {
                let step = factor * step / largest;
                let change = self.loss_and_gradient(&moved(step)).0 - self.loss_and_gradient(&moved(-step)).0;
                change / (2.0 * step)
            });
            let numeric: Vec<f64> = numeric.collect();
            let is_near = |value: &f64| (value / exact - 1.0).abs() < 0.02;
            assert!(numeric.iter().any(is_near), "{name}: {exact}, numerically {numeric:?}");
        }
    }
}

const SHALLOW: [&str; 3] = ["relu1_1", "relu2_1", "relu3_1"];

fn compact() -> Model {
    models::open(models::DEFAULT).expect("the built-in model")
}

#[test]
fn of_a_random_picture_at_even_and_odd_sizes() {
    for pooling in [Pooling::Max, Pooling::Average] {
        for (h, w) in [(32, 48), (37, 29), (16, 17)] {
            Problem::new(&compact(), &SHALLOW, "relu3_2", pooling, h, w).check(&noise(3 * h * w, 2));
        }
    }
}

/// With trained weights, at the paper's taps.
#[test]
fn of_the_built_in_model_at_full_depth() {
    let taps = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"];
    for (h, w) in [(48, 64), (35, 50)] {
        let mut problem = Problem::new(&compact(), &taps, "relu4_2", Pooling::Max, h, w);
        problem.check(&noise(3 * h * w, 3));
    }
}

/// The spec of the shallow taps.
fn shallow() -> ObjectiveSpec {
    ObjectiveSpec {
        style: SHALLOW.map(str::to_string).to_vec(),
        content: vec!["relu3_2".to_string()],
        total_variation: true,
        ..ObjectiveSpec::default()
    }
}

#[test]
fn of_moments() {
    let spec = ObjectiveSpec { style_loss: StyleLoss::Moments, ..shallow() };
    // With fewer positions than channels covariances are singular, and their roots not smooth.
    for (h, w) in [(96, 112), (101, 93)] {
        Problem::from_spec(&compact(), &spec, h, w).check_larger(&noise(3 * h * w, 2), spec.style_loss);
    }
}

#[test]
fn of_replicated_borders() {
    let spec = ObjectiveSpec { padding: Padding::Replicate, ..shallow() };
    for (h, w) in [(32, 48), (37, 29), (16, 17)] {
        Problem::from_spec(&compact(), &spec, h, w).check_larger(&noise(3 * h * w, 2), spec.style_loss);
    }
}

#[test]
fn of_regions() {
    for style_loss in [StyleLoss::Gram, StyleLoss::Moments] {
        let spec = ObjectiveSpec { regions: 2, style_loss, ..shallow() };
        assert_eq!(spec.terms()[3].name, "style/relu1_1@2");
        Problem::from_spec(&compact(), &spec, 100, 96).check_larger(&noise(3 * 100 * 96, 2), style_loss);
    }
}

/// With the border repeated a flat picture looks the same everywhere to the first layer; with zeros around it not.
#[test]
fn a_flat_picture_has_no_borders_where_they_are_replicated() {
    for (padding, flat) in [(Padding::Zero, false), (Padding::Replicate, true)] {
        let spec =
            ObjectiveSpec { content: vec!["relu1_1".to_string()], padding, ..ObjectiveSpec::default() };
        let mut run = Run::new(&objective::features(&compact(), &spec, GraphTarget::Any).expect("features"));
        let out = run.with(&[("picture", &[1, 3, 20, 24], &[0.3; 3 * 20 * 24])]);
        let (_, values) = &out["content/relu1_1/features"];
        let alike =
            values.chunks_exact(20 * 24).all(|plane| plane.iter().all(|v| (v - plane[0]).abs() < 1e-3));
        assert_eq!(alike, flat);
    }
}

/// The distance of statistics that are known, against its formula: for 2×2 matrices A and B
/// tr((A^½·B·A^½)^½) is √(tr(AB) + 2·√det(AB)), and matrices of such blocks add up.
#[test]
fn moments_are_compared_by_the_wasserstein_distance() {
    let model = compact();
    let spec = ObjectiveSpec {
        style: vec!["relu1_1".to_string()],
        style_loss: StyleLoss::Moments,
        ..ObjectiveSpec::default()
    };
    let mut run = Run::new(&objective::style_losses(&model, &spec).expect("a graph"));
    let n = model.tap("relu1_1").expect("a tap").channels;
    let side = n + 1;
    let random = noise(64 * n, 5);
    // Covariance blocks [a, b; b, c], mean, and both as one matrix of second moments.
    let make = |from: usize| {
        let (mut blocks, mut matrix) = (Vec::new(), vec![0.0f32; side * side]);
        let mean: Vec<f64> = (0..n).map(|i| f64::from(random[from + i])).collect();
        for block in 0..n / 2 {
            let r = |k: usize| f64::from(random[from + n + 4 * block + k]);
            let (a, c) = (0.3 + 3.0 * r(0), 0.3 + 3.0 * r(1));
            let b = (r(2) - 0.5) * (a * c).sqrt();
            blocks.push([a, b, c]);
            for (i, j, v) in [(0, 0, a), (0, 1, b), (1, 0, b), (1, 1, c)] {
                matrix[(2 * block + i) * side + 2 * block + j] = v as f32;
            }
        }
        for i in 0..n {
            for j in 0..n {
                matrix[i * side + j] += (mean[i] * mean[j]) as f32;
            }
            (matrix[i * side + n], matrix[n * side + i]) = (mean[i] as f32, mean[i] as f32);
        }
        matrix[n * side + n] = 1.0;
        (blocks, mean, matrix)
    };
    let (a, b) = (make(0), make(8 * n));
    let mut wanted: f64 = a.1.iter().zip(&b.1).map(|(x, y)| (x - y).powi(2)).sum();
    let mut energy: f64 = b.1.iter().map(|y| y * y).sum();
    for ([a1, b1, c1], [a2, b2, c2]) in a.0.iter().zip(&b.0) {
        let trace = a1 * a2 + 2.0 * b1 * b2 + c1 * c2;
        let determinant = (a1 * c1 - b1 * b1) * (a2 * c2 - b2 * b2);
        wanted += a1 + c1 + a2 + c2 - 2.0 * (trace + 2.0 * determinant.sqrt()).sqrt();
        energy += a2 + c2;
    }
    let mut loss = |statistics: &[f32], target: &[f32]| {
        let out = run.with(&[
            ("style/relu1_1/statistics", &[side, side], statistics),
            ("style/relu1_1/gram", &[side, side], target),
            ("style/relu1_1/weight", &[], &[1.0]),
        ]);
        (f64::from(out["style/relu1_1/loss"].1[0]), out["style/relu1_1/statistics/gradient"].1.clone())
    };
    let (is, gradient) = loss(&a.2, &b.2);
    assert!((is - wanted / energy).abs() < 1e-3 * wanted / energy, "{is}, {}", wanted / energy);
    assert!(loss(&b.2, &b.2).0.abs() < 1e-5 && is > 0.01);
    // The derivative, along itself; only the matrix and its last column are read.
    let moved = |by: f64| -> Vec<f32> {
        a.2.iter().zip(&gradient).map(|(v, s)| (f64::from(*v) + by * f64::from(*s)) as f32).collect()
    };
    let exact: f64 = gradient.iter().map(|s| f64::from(*s).powi(2)).sum();
    let step = 1e-2 / exact.sqrt();
    let numeric = (loss(&moved(step), &b.2).0 - loss(&moved(-step), &b.2).0) / (2.0 * step);
    assert!((numeric / exact - 1.0).abs() < 0.02, "{exact}, numerically {numeric}");
}

#[test]
fn of_full_depth_vgg() {
    let model = models::open(models::RANDOM).expect("the seeded model");
    let taps = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"];
    Problem::new(&model, &taps, "relu4_2", Pooling::Max, 35, 50).check(&noise(3 * 35 * 50, 2));
}

/// On a flat picture every pooling window away from the borders is a tie, and all its pixels are alike:
/// the gradient of pixels that are alike must be alike, and a step that keeps the picture flat must change
/// the loss as the gradient says.
#[test]
fn of_a_flat_picture_with_ties() {
    let (h, w) = (64, 64);
    let mut problem = Problem::new(&compact(), &SHALLOW, "relu3_2", Pooling::Max, h, w);
    let flat = |v: f32| vec![v; 3 * h * w];
    let (_, gradient) = problem.loss_and_gradient(&flat(0.4));
    let sum: f64 = gradient.iter().map(|&g| g as f64).sum();
    let step = 1e-3;
    let numeric = (problem.loss_and_gradient(&flat(0.4 + step)).0
        - problem.loss_and_gradient(&flat(0.4 - step)).0)
        / (2.0 * step as f64);
    assert!((numeric / sum - 1.0).abs() < 0.02, "{sum}, numerically {numeric}");
    // The content target is noise, so only the style's part is the same everywhere: take it alone.
    let mut alone = Problem::new(&compact(), &SHALLOW, "relu3_2", Pooling::Max, h, w);
    for (name, _, values) in &mut alone.inputs {
        if name.starts_with("content/") && name.ends_with("weight") || name == "tv/weight" {
            values[0] = 0.0;
        }
    }
    let (_, gradient) = alone.loss_and_gradient(&flat(0.4));
    // Far from the borders; pooling is aligned to 4 pixels at relu3, so positions 4 apart are alike.
    let at = |y: usize, x: usize| gradient[y * w + x];
    for (y, x) in [(28, 28), (30, 29), (33, 35)] {
        let (a, b) = (at(y, x), at(y + 4, x - 4));
        assert!((a - b).abs() <= 1e-3 * a.abs().max(b.abs()), "{a} {b}");
    }
}
