//! The gradient of whole objectives, against central differences along directions.
//!
//! Along a direction d the loss changes by 2h·(gradient·d) when the picture goes from −h·d to +h·d. d is the gradient
//! itself, restricted to some pixels (all, the borders, a random tenth), so that the change stands well
//! above float32's rounding of the loss. ReLU and pooling bend the loss on the way; the tolerance is 2 %.

use impasto::models;
use impasto::onnx::{Model, Pooling, Spec, objective};

use super::common::{Run, noise};

struct Problem {
    run: Run,
    /// The graph for this size only, which must compute the same.
    sized: Run,
    inputs: Vec<(String, Vec<usize>, Vec<f32>)>,
    size: [usize; 4],
}

impl Problem {
    /// All terms, with targets from pictures of noise.
    fn new(model: &Model, style: &[&str], content: &str, pooling: Pooling, h: usize, w: usize) -> Self {
        let spec = Spec {
            style: style.iter().map(|t| t.to_string()).collect(),
            content: vec![content.to_string()],
            total_variation: true,
            pooling,
            masked: false,
        };
        let size = [1, 3, h, w];
        let mut features = Run::new(&objective::features(model, &spec, None).expect("features"));
        let targets = features.with(&[("picture", &size, &noise(3 * h * w, 1))]);
        let mut inputs: Vec<_> =
            targets.into_iter().map(|(name, (dims, values))| (name, dims, values)).collect();
        for term in spec.terms() {
            let tap = term.name.split_once('/').and_then(|(_, t)| model.tap(t).ok());
            let weight = match tap {
                Some(tap) if term.name.starts_with("style/") => model.reference_style_weight(tap),
                Some(tap) => model.reference_content_weight(tap),
                None => 10.0,
            };
            inputs.push((term.weight, vec![], vec![weight]));
        }
        let graph = |size| Run::new(&objective::objective(model, &spec, size).expect("an objective"));
        Problem { run: graph(None), sized: graph(Some([h, w])), inputs, size }
    }

    fn at(&mut self, picture: &[f32]) -> (f64, Vec<f32>) {
        let mut inputs: Vec<(&str, &[usize], &[f32])> = vec![("picture", &self.size, picture)];
        inputs.extend(self.inputs.iter().map(|(n, d, v)| (n.as_str(), d.as_slice(), v.as_slice())));
        let mut out = self.run.with(&inputs);
        let loss = out["loss"].1[0] as f64;
        let gradient = out.remove("gradient").expect("a gradient").1;
        let sized = self.sized.with(&inputs);
        let (other, others) = (sized["loss"].1[0] as f64, &sized["gradient"].1);
        assert!((loss - other).abs() <= 1e-5 * loss, "{loss}, for this size only {other}");
        let norm = |v: &mut dyn Iterator<Item = f32>| v.map(|x| (x as f64).powi(2)).sum::<f64>().sqrt();
        let error = norm(&mut gradient.iter().zip(others).map(|(a, b)| a - b));
        let all = norm(&mut gradient.iter().copied());
        assert!(error <= 1e-4 * all, "gradients differ by {error} of {all}");
        (loss, gradient)
    }

    fn check(&mut self, picture: &[f32]) {
        let [_, _, h, w] = self.size;
        let (_, gradient) = self.at(picture);
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
        for (name, keep) in restrictions {
            let direction: Vec<f64> =
                gradient.iter().enumerate().map(|(i, &g)| if keep(i) { g as f64 } else { 0.0 }).collect();
            let largest = direction.iter().fold(0.0f64, |m, d| m.max(d.abs()));
            assert!(largest > 0.0, "{name}: no gradient");
            let step = 1e-3 / largest;
            let moved = |by: f64| -> Vec<f32> {
                picture.iter().zip(&direction).map(|(&x, d)| (x as f64 + by * d) as f32).collect()
            };
            let numeric = (self.at(&moved(step)).0 - self.at(&moved(-step)).0) / (2.0 * step);
            let exact: f64 = direction.iter().map(|d| d * d).sum();
            assert!((numeric / exact - 1.0).abs() < 0.02, "{name}: {exact}, numerically {numeric}");
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
            Problem::new(&compact(), &SHALLOW, "relu3_3", pooling, h, w).check(&noise(3 * h * w, 2));
        }
    }
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
    let mut problem = Problem::new(&compact(), &SHALLOW, "relu3_3", Pooling::Max, h, w);
    let flat = |v: f32| vec![v; 3 * h * w];
    let (_, gradient) = problem.at(&flat(0.4));
    let sum: f64 = gradient.iter().map(|&g| g as f64).sum();
    let step = 1e-3;
    let numeric = (problem.at(&flat(0.4 + step)).0 - problem.at(&flat(0.4 - step)).0) / (2.0 * step as f64);
    assert!((numeric / sum - 1.0).abs() < 0.02, "{sum}, numerically {numeric}");
    // The content target is noise, so only the style's part is the same everywhere: take it alone.
    let mut alone = Problem::new(&compact(), &SHALLOW, "relu3_3", Pooling::Max, h, w);
    for (name, _, values) in &mut alone.inputs {
        if name.starts_with("content/") && name.ends_with("weight") || name == "tv/weight" {
            values[0] = 0.0;
        }
    }
    let (_, gradient) = alone.at(&flat(0.4));
    // Far from the borders; pooling is aligned to 4 pixels at relu3, so positions 4 apart are alike.
    let at = |y: usize, x: usize| gradient[y * w + x];
    for (y, x) in [(28, 28), (30, 29), (33, 35)] {
        let (a, b) = (at(y, x), at(y + 4, x - 4));
        assert!((a - b).abs() <= 1e-3 * a.abs().max(b.abs()), "{a} {b}");
    }
}
