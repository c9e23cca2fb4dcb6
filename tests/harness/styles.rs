//! Several styles: their weights, strokes and regions; how each is cut and coloured.

use std::path::Path;

use impasto::params::{Params, StyleFit};
use impasto::{CancelToken, Error, Picture, Pictures, Silent, Style, models, styles};
use ndarray::{Array2, Array3};

use super::common::{engine, folder, impasto, quick, sample, stderr, succeed};

fn stylise(
    styles: &[Style],
    mask: Option<&Array2<f32>>,
    params: &Params,
) -> impasto::Result<(Picture, Picture, impasto::Report)> {
    let content = Picture::read(&sample("cat.png")).expect("the sample").resized(64, 96).expect("resized");
    let pictures = Pictures { content: &content, styles, mask, init: None };
    let done = engine(models::DEFAULT).stylise(&pictures, params, &mut Silent, &CancelToken::new())?;
    Ok((content, done.picture, done.report))
}

fn params() -> Params {
    Params { size: Some(96), iterations: Some(12), levels: Some(1), ..Params::default() }
}

/// A picture of stripes in one colour.
fn stripes(colour: [f32; 3]) -> Picture {
    let rgb = Array3::from_shape_fn((3, 64, 64), |(c, y, x)| {
        colour[c] * if (x + 2 * y) % 9 < 5 { 1.0 } else { 0.5 }
    });
    Picture::new(rgb, None).expect("a picture")
}

/// The mean of red minus blue in the columns.
fn redness(picture: &Picture, columns: std::ops::Range<usize>) -> f32 {
    let part = picture.rgb().slice(ndarray::s![.., .., columns]);
    part.index_axis(ndarray::Axis(0), 0).mean().expect("pixels")
        - part.index_axis(ndarray::Axis(0), 2).mean().expect("pixels")
}

#[test]
fn each_style_is_painted_in_its_region() {
    let (red, blue) = (stripes([0.9, 0.3, 0.1]), stripes([0.1, 0.3, 0.9]));
    let left = Array2::from_shape_fn((64, 96), |(_, x)| f32::from(x < 48));
    let longer = Params { iterations: Some(30), ..params() };
    for params in [longer.clone(), Params { tile_size: Some(64), ..longer }] {
        // The second takes what the first leaves.
        let styles = [Style { region: Some(&left), ..Style::new(&red) }, Style::new(&blue)];
        let (content, painted, report) = stylise(&styles, None, &params).expect("a picture");
        let change =
            |columns: std::ops::Range<usize>| redness(&painted, columns.clone()) - redness(&content, columns);
        assert!(change(0..40) > 0.1 && change(56..96) < -0.1, "{} {}", change(0..40), change(56..96));
        assert!(report.terms.contains(&"style/relu1_1@1".to_string()), "{:?}", report.terms);
        assert!(report.terms.contains(&"style/relu1_1@2".to_string()));
    }
}

#[test]
fn regions_and_a_mask_leave_what_is_not_selected_untouched() {
    let (red, blue) = (stripes([0.9, 0.3, 0.1]), stripes([0.1, 0.3, 0.9]));
    let left = Array2::from_shape_fn((64, 96), |(_, x)| f32::from(x < 48));
    let mask = Array2::from_shape_fn((64, 96), |(y, x)| f32::from((20..60).contains(&y) && x > 20));
    let styles = [Style { region: Some(&left), ..Style::new(&red) }, Style::new(&blue)];
    let (content, painted, _) = stylise(&styles, Some(&mask), &params()).expect("a picture");
    let (mut changed, content) = ([0, 0], content.quantised());
    for y in 0..64 {
        for x in 0..96 {
            let same = (0..3).all(|c| painted.rgb()[[c, y, x]] == content[[c, y, x]]);
            if mask[[y, x]] == 0.0 {
                assert!(same, "at {x}, {y}");
            } else {
                changed[usize::from(x >= 48)] += usize::from(!same);
            }
        }
    }
    assert!(changed.iter().all(|&n| n > 500), "{changed:?}");
}

#[test]
fn a_region_that_does_not_fit_or_is_black_is_refused() {
    let style = stripes([0.9, 0.3, 0.1]);
    for (region, said) in [(Array2::ones((64, 95)), "same size"), (Array2::zeros((64, 96)), "black")] {
        let styles = [Style { region: Some(&region), ..Style::new(&style) }];
        let e = stylise(&styles, None, &params()).expect_err("refused");
        assert!(matches!(e, Error::Picture { .. }) && e.to_string().contains(said), "{e}");
    }
    let e = stylise(&[Style { scale: 5.0, ..Style::new(&style) }], None, &params()).expect_err("refused");
    assert!(e.to_string().contains("styles[0]: the scale is 5"), "{e}");
}

#[test]
fn a_style_s_own_scale_is_the_style_scale_of_a_job_with_that_style() {
    let style = Picture::read(&sample("whirls.jpg")).expect("the sample");
    let (_, own, _) =
        stylise(&[Style { scale: 0.5, ..Style::new(&style) }], None, &params()).expect("a picture");
    let of_job = Params { style_scale: Some(0.5), ..params() };
    let (_, job, _) = stylise(&[Style::new(&style)], None, &of_job).expect("a picture");
    let (_, plain, _) = stylise(&[Style::new(&style)], None, &params()).expect("a picture");
    assert_eq!(own.rgb(), job.rgb());
    assert_ne!(own.rgb(), plain.rgb());
}

#[test]
fn a_cropped_style_is_the_middle_of_its_picture() {
    let style = Picture::read(&sample("whirls.jpg")).expect("the sample");
    let (h, w) = (style.height(), style.width());
    // The content is 3:2.
    let width = w.min(h * 3 / 2);
    let height = (width as f64 / 1.5).round() as usize;
    let (top, left) = ((h - height) / 2, (w - width) / 2);
    let middle = ndarray::s![.., top..top + height, left..left + width];
    let cut = Picture::new(style.rgb().slice(middle).to_owned(), None).expect("a picture");
    let crop = Params { style_fit: Some(StyleFit::Crop), ..params() };
    let (_, cropped, _) = stylise(&[Style::new(&style)], None, &crop).expect("a picture");
    let (_, of_middle, _) = stylise(&[Style::new(&cut)], None, &params()).expect("a picture");
    let (_, whole, _) = stylise(&[Style::new(&style)], None, &params()).expect("a picture");
    let apart = |a: &Picture, b: &Picture| (a.rgb() - b.rgb()).mapv(f32::abs).mean().expect("pixels");
    assert!(apart(&cropped, &of_middle) < 1e-6 && apart(&whole, &of_middle) > 1e-3);
}

#[test]
fn the_command_takes_weights_scales_and_regions_of_blended_styles() {
    let to = folder();
    let region = to.path().join("region.png");
    let cat = image::open(sample("cat.png")).expect("the sample");
    image::GrayImage::from_fn(cat.width(), cat.height(), |x, _| {
        image::Luma([if x < cat.width() / 2 { 255 } else { 0 }])
    })
    .save(&region)
    .expect("written");
    let make = |name: &str, arguments: &[&str]| {
        let out = to.path().join(name);
        succeed(quick(&out).args(arguments));
        std::fs::read(out).expect("a picture")
    };
    let dusk = sample("dusk.jpg").display().to_string();
    let plain = make("plain.png", &["--blend", &dusk]);
    assert_eq!(make("same.png", &["--blend", &format!("{dusk},scale=1,weight=1")]), plain);
    assert_ne!(make("broad.png", &["--blend", &format!("{dusk},scale=2")]), plain);
    let halves = make("halves.png", &["--blend", &dusk, "--region", &region.display().to_string()]);
    assert_ne!(halves, plain);
    assert_ne!(make("other.png", &["--blend", &format!("{dusk},region={}", region.display())]), halves);
    for (bad, wanted) in [("scale=9", "scale=9"), ("wieght=1", "'wieght' is none of weight, scale")] {
        let mut command = quick(&to.path().join("bad.png"));
        let output = command.args(["--blend", &format!("{dusk},{bad}")]).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(wanted), "{}", stderr(&output));
    }
}

#[test]
fn a_part_of_a_style_is_taken_as_if_the_rest_were_transparent() {
    let to = folder();
    let whirls = image::open(sample("whirls.jpg")).expect("the sample").to_rgb8();
    let (w, h) = whirls.dimensions();
    let bright = |x: u32, y: u32| 255 * u8::from(x < w / 3 && y > h / 4);
    let part = to.path().join("part.png");
    image::GrayImage::from_fn(w, h, |x, y| image::Luma([bright(x, y)])).save(&part).expect("written");
    let clear = to.path().join("clear.png");
    image::RgbaImage::from_fn(w, h, |x, y| {
        let image::Rgb([r, g, b]) = *whirls.get_pixel(x, y);
        image::Rgba([r, g, b, bright(x, y)])
    })
    .save(&clear)
    .expect("written");
    // Decoders of JPEG differ in their last bits, so all read the same PNG values.
    let plain = to.path().join("plain.png");
    whirls.save(&plain).expect("written");
    let read = |name: &str| std::fs::read(to.path().join(name)).expect("a picture");
    let paint = |style: &Path, name: &str, more: &[&std::ffi::OsStr]| {
        let mut command = super::common::impasto();
        command.arg(sample("cat.png")).arg(style).arg("-o").arg(to.path().join(name)).args(more);
        command.args(["--size", "64", "--iterations", "6", "--device", "cpu", "--threads", "2", "--quiet"]);
        succeed(&mut command);
    };
    paint(&plain, "a.png", &["--part".as_ref(), part.as_os_str()]);
    paint(&plain, "whole.png", &[]);
    paint(&clear, "b.png", &[]);
    assert_eq!(read("a.png"), read("b.png"));
    assert_ne!(read("a.png"), read("whole.png"));
    let cat = sample("cat.png").display().to_string();
    let mut bad = quick(&to.path().join("bad.png"));
    let output = bad.args(["--part", &cat]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("same size"), "{}", stderr(&output));
}

/// How far the mean colour of a picture is from that of another.
fn apart(a: &Path, b: &Picture) -> f32 {
    let mean = |p: &Picture, c: usize| p.rgb().index_axis(ndarray::Axis(0), c).mean().expect("pixels");
    let a = Picture::read(a).expect("a picture");
    (0..3).map(|c| (mean(&a, c) - mean(b, c)).powi(2)).sum::<f32>().sqrt()
}

#[test]
fn a_matched_style_brings_the_content_s_colours_as_far_as_the_strength_says() {
    let to = folder();
    let content = Picture::read(&sample("cat.png")).expect("the sample");
    let make = |name: &str, arguments: &[&str]| {
        let out = to.path().join(name);
        succeed(quick(&out).args(["--iterations", "30"]).args(arguments));
        out
    };
    let plain = make("style.png", &[]);
    for how in ["matched", "histogram"] {
        let all = make("all.png", &["--colours", how]);
        let half = make("half.png", &["--colours", how, "--colour-strength", "50"]);
        let none = make("none.png", &["--colours", how, "--colour-strength", "0"]);
        let [all, half, of_style] = [&all, &half, &plain].map(|p| apart(p, &content));
        assert!(all < half && half < of_style && all < 0.5 * of_style, "{how}: {all} {half} {of_style}");
        assert_eq!(std::fs::read(none).expect("a picture"), std::fs::read(&plain).expect("a picture"));
    }
    let whole = make("whole.png", &["--colours", "content"]);
    let less = make("less.png", &["--colours", "content", "--colour-strength", "20"]);
    assert!(apart(&whole, &content) < apart(&less, &content));
}

#[test]
fn a_style_of_the_program_is_painted_by_its_name() {
    let named = |style: &str| Params { style: Some(style.into()), ..params() };
    let (_, mosaic, report) = stylise(&[], None, &named("mosaic")).expect("a picture");
    assert_eq!(report.settings.style.as_deref(), Some("mosaic"));
    // As if the picture had been passed along.
    let picture = styles::open("mosaic").expect("a style");
    let (_, passed, _) = stylise(&[Style::new(&picture)], None, &params()).expect("a picture");
    assert_eq!(mosaic.rgb(), passed.rgb());
    // Beside another one it counts as one more.
    let red = stripes([0.9, 0.3, 0.1]);
    let (_, both, _) = stylise(&[Style::new(&red)], None, &named("mosaic")).expect("a picture");
    let (_, apart, _) =
        stylise(&[Style::new(&red), Style::new(&picture)], None, &params()).expect("a picture");
    assert_eq!(both.rgb(), apart.rgb());
    assert!(
        matches!(stylise(&[], None, &named("fauvism")), Err(Error::Parameters(m)) if m.contains("mosaic"))
    );
}

#[test]
fn the_command_takes_a_style_by_its_name_and_lists_them() {
    let folder = folder();
    let listed = succeed(impasto().arg("styles").arg("-o").arg(folder.path().join("styles")));
    let listed = String::from_utf8(listed.stdout).expect("text");
    for id in styles::ids() {
        assert!(listed.contains(id), "{listed}");
        let file = folder.path().join("styles").join(format!("{id}.jpg"));
        assert_eq!(std::fs::read(file).expect("a file"), styles::jpeg(id).expect("a style"));
    }
    let (out, report) = (folder.path().join("out.png"), folder.path().join("report.json"));
    let of = |style: &[&str]| {
        let mut command = impasto();
        command.arg(sample("cat.png")).args(style).arg("-o").arg(&out).arg("--report").arg(&report);
        command.args(["--size", "64", "--iterations", "3", "--device", "cpu", "--threads", "2", "--quiet"]);
        command
    };
    succeed(&mut of(&["--style", "ink-wash"]));
    // The report knows it, so that the job can go on.
    let mut more = impasto();
    more.arg("--resume")
        .arg(&report)
        .arg("-o")
        .arg(folder.path().join("more.png"))
        .args(["--device", "cpu", "--quiet"]);
    succeed(&mut more);
    for (style, said) in [(&[][..], "impasto styles"), (&["--style", "ink-wsh"], "'ink-wash'")] {
        let output = of(style).output().expect("the command starts");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}
