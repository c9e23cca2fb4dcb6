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

#[test]
fn the_plan_has_the_levels_that_are_painted() {
    let engine = engine("compact");
    let style = StyleShape { size: [200, 300], scale: 1.0, guided: false };
    let levels = |content, params: &Params| -> Vec<(String, usize, u64)> {
        let plan = engine.plan(content, &[style], false, params).expect("a plan");
        plan.levels.iter().map(|l| (format!("{:?}", l.size), l.evaluations, l.cost)).collect()
    };
    let at_once = [
        ("[96, 128]".to_string(), 122, 96 * 128),
        ("[192, 256]".to_string(), 81, 192 * 256),
        ("[384, 512]".to_string(), 54, 384 * 512),
        ("[768, 1024]".to_string(), 36, 768 * 1024),
    ];
    assert_eq!(levels([3000, 4000], &Params::default()), at_once);
    // A size that poolings do not divide is begun on a larger canvas.
    let single = Params { size: Some(100), iterations: Some(30), ..Params::default() };
    let divided = [("[75, 100]".to_string(), 20, 7500), ("[75, 100]".to_string(), 10, 7500)];
    assert_eq!(levels([300, 400], &single), divided);
    // Tiles overlap.
    let tiled = levels([3000, 4000], &Params { tile_size: Some(512), ..Params::default() });
    assert_eq!(tiled[..3], at_once[..3]);
    assert!(tiled[3].2 > at_once[3].2 * 4 / 3, "{tiled:?}");
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
    let styles = [Style::new(&style)];
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

#[test]
fn a_size_means_the_same_with_transparent_pixels() {
    let to = folder();
    let cat = image::open(sample("cat.png")).expect("the sample").to_rgba8();
    let made = |name: &str, change: &dyn Fn(&mut image::RgbaImage)| {
        let (content, out) = (to.path().join(format!("c-{name}.png")), to.path().join(format!("{name}.png")));
        let mut picture = cat.clone();
        change(&mut picture);
        picture.save(&content).expect("written");
        let report_at = to.path().join(format!("{name}.json"));
        let mut job = super::common::impasto();
        job.arg(&content).arg(sample("whirls.jpg")).arg("-o").arg(&out).arg("--report").arg(&report_at);
        succeed(job.args(["--size", "96", "--levels", "1", "--iterations", "4", "--device", "cpu"]));
        let picture = image::open(&out).expect("a picture").to_rgba8();
        assert_eq!(report(&report_at)["size"], serde_json::json!([picture.height(), picture.width()]));
        picture
    };
    let opaque = made("opaque", &|_| {});
    let corner = made("corner", &|p| p.put_pixel(450, 299, image::Rgba([0, 0, 0, 0])));
    let half = made("half", &|p| {
        for y in 0..300 {
            for x in 0..225 {
                p.put_pixel(x, y, image::Rgba([9, 90, 200, 0]));
            }
        }
    });
    assert_eq!(opaque.dimensions(), (96, 64));
    assert_eq!(corner.dimensions(), (96, 64));
    assert_eq!(half.dimensions(), (96, 64));
    // What is transparent keeps its colour.
    assert_eq!(half.get_pixel(10, 30), &image::Rgba([9, 90, 200, 0]));
    assert_eq!(half.get_pixel(90, 30)[3], 255);
}

#[test]
fn a_masked_result_has_the_photograph_s_size_and_its_detail() {
    let to = folder();
    let at = |name: &str| to.path().join(name);
    let size = (480, 320);
    // Fine stripes, which are nowhere in a painting of a tenth of the size.
    image::RgbImage::from_fn(size.0, size.1, |x, _| image::Rgb([if x % 4 < 2 { 60 } else { 180 }; 3]))
        .save(at("c.png"))
        .expect("written");
    for (name, white) in [("all", true), ("part", false)] {
        image::GrayImage::from_fn(size.0, size.1, |x, _| image::Luma([255 * u8::from(white || x < 300)]))
            .save(at("m.png"))
            .expect("written");
        let mut job = super::common::impasto();
        job.arg(at("c.png")).arg(sample("whirls.jpg")).arg("--mask").arg(at("m.png")).arg("-o").arg(at(name));
        job.args([
            "--format",
            "png",
            "--size",
            "64",
            "--levels",
            "1",
            "--iterations",
            "6",
            "--device",
            "cpu",
        ]);
        succeed(&mut job);
        let out =
            image::load_from_memory(&std::fs::read(at(name)).expect("a file")).expect("a picture").to_rgb8();
        assert_eq!(out.dimensions(), size, "{name}");
        let steps =
            (20..280).map(|x| f64::from(out.get_pixel(x, 160)[1]) - f64::from(out.get_pixel(x + 2, 160)[1]));
        let contrast = steps.map(f64::abs).sum::<f64>() / 260.0;
        assert!(contrast > 60.0, "{name}: {contrast}");
    }
}

#[test]
fn thin_selections_work_at_every_border() {
    let to = folder();
    let at = |name: &str| to.path().join(name);
    let cat = image::open(sample("cat.png")).expect("the sample").to_rgb8();
    let cat = image::imageops::crop_imm(&cat, 0, 0, 400, 300).to_image();
    cat.save(at("c.png")).expect("written");
    for loss in ["gram", "moments"] {
        for (width, side) in [(1, "top"), (2, "bottom"), (3, "bottom"), (1, "left"), (5, "right")] {
            let selected = |x: u32, y: u32| match side {
                "top" => y < width,
                "bottom" => y >= 300 - width,
                "left" => x < width,
                _ => x >= 400 - width,
            };
            image::GrayImage::from_fn(400, 300, |x, y| image::Luma([255 * u8::from(selected(x, y))]))
                .save(at("m.png"))
                .expect("written");
            let mut job = super::common::impasto();
            job.arg(at("c.png"))
                .arg(sample("whirls.jpg"))
                .arg("--mask")
                .arg(at("m.png"))
                .arg("-o")
                .arg(at("o.png"));
            job.args(["--size", "400", "--iterations", "4", "--device", "cpu", "--style-loss", loss]);
            succeed(&mut job);
            let out = image::open(at("o.png")).expect("a picture").to_rgb8();
            let changed = out.enumerate_pixels().filter(|(x, y, p)| *p != cat.get_pixel(*x, *y));
            let (inside, outside): (Vec<_>, Vec<_>) = changed.partition(|(x, y, _)| selected(*x, *y));
            assert!(outside.is_empty(), "{loss}, {width} at the {side}: {}", outside.len());
            assert!(!inside.is_empty(), "{loss}, {width} at the {side}: nothing painted");
        }
    }
}

#[test]
fn a_ribbon_keeps_its_shape_or_is_refused() {
    let engine = engine("compact");
    let style = StyleShape { size: [200, 300], scale: 1.0, guided: false };
    let plan = |content, size| engine.plan(content, &[style], false, &Params { size, ..Params::default() });
    for (content, size) in [([20, 10_000], Some(512)), ([6000, 20], None), ([300, 451], Some(16))] {
        let said = plan(content, size).expect_err("too narrow").to_string();
        let least: usize = said
            .split("choose size ")
            .nth(1)
            .and_then(|t| t.split(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("no size in: {said}"));
        assert!(plan(content, Some(least - 1)).is_err(), "{said}");
        let planned = plan(content, Some(least)).expect("the size that was named").size;
        assert_eq!((planned[0].min(planned[1]), planned[0].max(planned[1])), (16, least));
    }
}

#[test]
fn one_level_has_the_evaluations_and_the_style_size_that_are_asked_for() {
    let to = folder();
    let json = to.path().join("r.json");
    let mut job = quick(&to.path().join("out.png"));
    job.args(["--size", "24", "--levels", "2", "--style-size", "512", "--iterations", "4", "--report"]);
    succeed(job.arg(&json));
    let report = report(&json);
    assert_eq!(report["levels"].as_array().expect("levels").len(), 1);
    assert_eq!(report["losses"].as_array().expect("losses").len(), 4);
}

#[test]
fn score_counts_as_the_report_does_without_any_options() {
    let to = folder();
    let (out, json) = (to.path().join("out.png"), to.path().join("r.json"));
    for size in [None, Some("72")] {
        let mut job = super::common::impasto();
        job.arg(sample("cat.png")).arg(sample("whirls.jpg")).arg("-o").arg(&out).arg("--report").arg(&json);
        job.args(["--iterations", "2", "--levels", "1", "--device", "cpu"]);
        succeed(job.args(size.iter().flat_map(|s| ["--size", s])));
        let mut score = super::common::impasto();
        score
            .arg("score")
            .arg(&out)
            .arg("--content")
            .arg(sample("cat.png"))
            .args(["--device", "cpu", "--style"]);
        let said = String::from_utf8(succeed(score.arg(sample("whirls.jpg"))).stdout).expect("a text");
        let scored: f64 =
            said.lines().next().and_then(|l| l.strip_prefix("loss ")?.parse().ok()).expect("a loss");
        let reported = report(&json)["loss"].as_f64().expect("a loss");
        assert!((scored / reported - 1.0).abs() < 1e-4, "{size:?}: {scored} {reported}");
    }
}

#[test]
fn the_border_is_painted_at_one_level_whatever_poolings_leave_over() {
    let to = folder();
    for size in ["96", "101", "107"] {
        let made = |iterations: &str| {
            let out = to.path().join(format!("{iterations}.png"));
            let mut job = quick(&out);
            succeed(job.args(["--size", size, "--levels", "1", "--iterations", iterations]));
            image::open(out).expect("a picture").to_rgb8()
        };
        // The first evaluation's picture is the start.
        let (start, painted) = (made("1"), made("40"));
        let (w, h) = start.dimensions();
        let change = |columns: std::ops::Range<u32>, rows: std::ops::Range<u32>| {
            let pixels = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
            let changes = pixels.flat_map(|(x, y)| {
                let (a, b) = (start.get_pixel(x, y), painted.get_pixel(x, y));
                (0..3).map(move |c| (f64::from(a[c]) - f64::from(b[c])).abs())
            });
            let all: Vec<f64> = changes.collect();
            all.iter().sum::<f64>() / all.len() as f64
        };
        let inside = change(10..w - 16, 10..h - 16);
        for (name, border) in [("right", change(w - 2..w, 4..h - 4)), ("bottom", change(4..w - 4, h - 2..h))]
        {
            assert!(border > 0.65 * inside, "{size}: {border} at the {name}, {inside} inside");
        }
    }
}

/// Pixels whose colour (not lightness) is far from that of all their neighbours.
fn single_dots(picture: &image::RgbImage) -> usize {
    let (w, h) = picture.dimensions();
    let colour = |x: u32, y: u32| {
        let [r, g, b] = picture.get_pixel(x, y).0.map(i32::from);
        [r - g, b - g]
    };
    let apart = |a: [i32; 2], b: [i32; 2]| a[0].abs_diff(b[0]) + a[1].abs_diff(b[1]);
    let is_dot = |x: u32, y: u32| {
        let around = (y - 1..=y + 1).flat_map(|v| (x - 1..=x + 1).map(move |u| (u, v)));
        around.filter(|at| *at != (x, y)).all(|(u, v)| apart(colour(x, y), colour(u, v)) > 80)
    };
    (1..h - 1).flat_map(|y| (1..w - 1).map(move |x| (x, y))).filter(|&(x, y)| is_dot(x, y)).count()
}

#[test]
fn a_small_picture_has_no_single_coloured_dots() {
    let to = folder();
    let made = |name: &str, more: &[&str]| {
        let out = to.path().join(name);
        // The last of an option counts.
        succeed(quick(&out).args(["--size", "256", "--iterations", "36"]).args(more));
        single_dots(&image::open(out).expect("a picture").to_rgb8())
    };
    let (at_once, by_default) = (made("once.png", &["--levels", "1"]), made("default.png", &[]));
    assert!(by_default < 25 && 4 * by_default < at_once, "{by_default}, {at_once} at one level");
}
