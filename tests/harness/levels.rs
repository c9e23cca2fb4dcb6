//! Sizes from coarse to fine, and pictures in tiles.

use std::path::Path;

use impasto::{CancelToken, Params, Picture, Pictures, Progress, Sink, Style, StyleShape};

use super::common::{engine, folder, quick, sample, succeed};

fn report(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).expect("the report")).expect("JSON")
}

#[test]
fn levels_are_worked_on_in_order_and_help() {
    let to = folder();
    let run = |levels: &str| {
        let (out, json) = (to.path().join(format!("{levels}.png")), to.path().join(format!("{levels}.json")));
        let mut job = quick(&out);
        job.args(["--size", "256", "--iterations", "12", "--levels", levels, "--report"]).arg(&json);
        succeed(&mut job);
        let picture = Picture::read(&out).expect("a picture");
        assert_eq!((picture.height(), picture.width()), (170, 256));
        report(&json)
    };
    let (single, three) = (run("1"), run("3"));
    let widths: Vec<_> =
        three["levels"].as_array().expect("levels").iter().map(|l| l["size"][1].clone()).collect();
    assert_eq!(serde_json::json!(widths), serde_json::json!([64, 128, 256]));
    let counts: Vec<u64> = three["levels"]
        .as_array()
        .expect("levels")
        .iter()
        .map(|l| l["evaluations"].as_u64().expect("a number"))
        .collect();
    assert!(counts[0] <= 27 && counts[1] <= 18 && counts[2] == 12, "{counts:?}");
    assert_eq!(three["losses"].as_array().expect("losses").len() as u64, counts.iter().sum::<u64>());
    let loss = |report: &serde_json::Value| report["loss"].as_f64().expect("a loss");
    assert!(loss(&three) < 0.8 * loss(&single), "{} {}", loss(&three), loss(&single));
}

#[test]
fn a_size_that_is_not_asked_for_is_no_larger_than_the_photograph() {
    let engine = engine("compact");
    let style = StyleShape { size: [200, 300], scale: 1.0, guided: false };
    let plan = |content, params: &Params| engine.plan(content, &[style], false, params).expect("a plan");
    assert_eq!(plan([300, 400], &Params::default()).size, [300, 400]);
    assert_eq!(plan([3000, 4000], &Params::default()).size, [768, 1024]);
    // A very small one is enlarged, for strokes need room.
    assert_eq!(plan([30, 40], &Params::default()).size, [192, 256]);
    assert_eq!(plan([30, 40], &Params { size: Some(80), ..Params::default() }).size, [60, 80]);
}

/// Cancels at an evaluation.
struct CancelAt {
    evaluation: usize,
    token: CancelToken,
    seen: Vec<(usize, usize)>,
}

impl Sink for CancelAt {
    fn progress(&mut self, progress: &Progress) {
        self.seen.push((progress.evaluations, progress.planned));
        if progress.evaluations == self.evaluation {
            self.token.cancel();
        }
    }
}

#[test]
fn a_job_that_is_cancelled_at_any_level_has_a_picture_of_the_full_size() {
    let engine = engine("compact");
    let read = |name: &str| Picture::read(&sample(name)).expect("the sample");
    let (content, style) = (read("cat.png"), read("whirls.jpg"));
    let styles = [Style::of(&style)];
    let pictures = Pictures { content: &content, styles: &styles, mask: None, init: None };
    let params = Params { size: Some(96), iterations: Some(4), levels: Some(3), ..Params::default() };
    for evaluation in [1, 5, 9, 10, 15, 16, 19] {
        let token = CancelToken::new();
        let mut sink = CancelAt { evaluation, token: token.clone(), seen: Vec::new() };
        let out = engine.stylise(&pictures, &params, &mut sink, &token).expect("a picture");
        assert!(out.report.cancelled);
        assert_eq!((out.picture.height(), out.picture.width()), (64, 96), "{evaluation}");
        assert_eq!(sink.seen.last().map(|s| s.0), Some(evaluation));
        assert!(sink.seen.iter().all(|(done, planned)| done <= planned));
    }
}

#[test]
fn tiles_paint_the_same_picture() {
    let to = folder();
    let run = |name: &str, more: &[&str]| {
        let (out, json) = (to.path().join(format!("{name}.png")), to.path().join(format!("{name}.json")));
        let mut job = quick(&out);
        job.args(["--size", "200", "--levels", "1", "--report"]).arg(&json).args(more);
        succeed(&mut job);
        (Picture::read(&out).expect("a picture").into_rgb(), report(&json))
    };
    let (whole, _) = run("whole", &[]);
    let (tiled, report) = run("tiled", &["--tile-size", "96"]);
    assert_eq!(report["tile"], 96);
    let mean = whole.iter().zip(&tiled).map(|(a, b)| (a - b).abs()).sum::<f32>() / whole.len() as f32;
    assert!(mean < 0.5 / 255.0, "{mean}");
}

#[test]
fn what_does_not_fit_at_once_is_worked_on_in_tiles() {
    let to = folder();
    let (out, json) = (to.path().join("out.png"), to.path().join("report.json"));
    let mut job = quick(&out);
    job.args(["--size", "1000", "--levels", "1", "--iterations", "1", "--max-memory", "600M", "--report"])
        .arg(&json);
    succeed(&mut job);
    assert!(report(&json)["tile"].as_u64().is_some_and(|side| side < 1000));
}

#[test]
fn all_nodes_of_the_objective_run_on_the_device_that_was_chosen() {
    let placement = engine("compact").placement().expect("a placement");
    let providers: Vec<&str> = placement.keys().map(String::as_str).collect();
    assert_eq!(providers, ["CPUExecutionProvider"]);
    assert!(placement.values().sum::<usize>() > 50, "{placement:?}");
}
