//! Styles as hosts give them: several at once, with their own settings, and those of the library by their names.

use std::ffi::CStr;
use std::ptr::null_mut;

use crate::host::{Host, Pixels};
use crate::library::*;

#[test]
fn a_blend_of_weight_0_is_no_blend_and_several_styles_mix() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut other = Pixels::rgb(40, 40);
    other.bytes.iter_mut().enumerate().for_each(|(i, b)| *b = if (i / 3) % 8 < 4 { 20 } else { 230 });
    let mut run = |weights: [f64; 2]| {
        let mut host = Host::new();
        let other = other.descriptor();
        let status = host.with(|job| {
            // SAFETY: the job's style is alive.
            let first = unsafe { (*job.styles).picture };
            let styles = [Style::new(first, weights[0]), Style::new(other, weights[1])];
            (job.styles, job.style_count) = (styles.as_ptr(), 2);
            api.stylise(engine, job, null_mut())
        });
        (status, host.output.bytes)
    };
    let mut alone = Host::new();
    assert_eq!(alone.run(api, engine), OK);
    assert_eq!(run([1.0, 0.0]), (OK, alone.output.bytes.clone()));
    assert_eq!(run([3.0, 0.0]), (OK, alone.output.bytes.clone()), "only the ratio counts");
    let (mixed, second) = (run([1.0, 1.0]), run([0.0, 1.0]));
    assert!(mixed.0 == OK && mixed.1 != alone.output.bytes && mixed.1 != second.1);
    assert_eq!(run([0.0, 0.0]).0, PARAMETERS);
    api.engine_free(engine);
}

#[test]
fn styles_have_their_own_strokes_and_regions() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let (w, h) = (48, 36);
    let mut region = Pixels::new(w, h, 1, 1, 0);
    region.bytes.fill(0);
    for y in 0..h as usize {
        region.bytes[y * w as usize..][..w as usize / 2].fill(255);
    }
    let region = region.descriptor();
    let mut other = Pixels::rgb(40, 40);
    other.bytes.iter_mut().enumerate().for_each(|(i, b)| *b = if (i / 3) % 8 < 4 { 20 } else { 230 });
    let other = other.descriptor();
    let run = |change: &dyn Fn(&mut [Style; 2])| {
        let mut host = Host::new();
        let status = host.with(|job| {
            // SAFETY: the job's style is alive.
            let mut styles = [unsafe { *job.styles }, Style::new(other, 1.0)];
            change(&mut styles);
            (job.styles, job.style_count) = (styles.as_ptr(), 2);
            api.stylise(engine, job, null_mut())
        });
        (status, host.output.bytes)
    };
    let mixed = run(&|_| ());
    assert_eq!(mixed.0, OK);
    assert_eq!(run(&|styles| styles[1].scale = 1.0), mixed, "0 stands for 1");
    let broad = run(&|styles| styles[1].scale = 2.0);
    assert!(broad.0 == OK && broad.1 != mixed.1);
    let halves = run(&|styles| styles[1].region = &region);
    assert!(halves.0 == OK && halves.1 != mixed.1);
    assert_eq!(run(&|styles| styles[0].scale = 9.0).0, PARAMETERS);
    let mut small = Pixels::new(w - 1, h, 1, 1, 0);
    let small = small.descriptor();
    assert_eq!(run(&|styles| styles[0].region = &small).0, PICTURE);
    let mut black = Pixels::new(w, h, 1, 1, 0);
    black.bytes.fill(0);
    let black = black.descriptor();
    assert_eq!(run(&|styles| styles[0].region = &black).0, PICTURE);
    api.engine_free(engine);
}

#[test]
fn a_style_of_the_library_needs_no_picture() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut host = Host::new().params(r#"{"size": 48, "iterations": 3, "style": "woodcut"}"#);
    host.output.bytes.fill(0x5A);
    let status = host.with(|job| {
        (job.styles, job.style_count) = (std::ptr::null(), 0);
        api.stylise(engine, job, null_mut())
    });
    assert_eq!(status, OK);
    assert!(host.output.bytes.iter().any(|b| *b != 0x5A));
    let mut host = Host::new().params(r#"{"style": "no such style"}"#);
    assert_eq!(host.run(api, engine), PARAMETERS);
    api.engine_free(engine);
}

#[test]
fn styles_of_the_library_are_named_one_by_one() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let run = |params: &str, names: &[&CStr]| {
        let mut host = Host::new().params(params);
        let styles: Vec<Style> =
            names.iter().map(|name| Style { name: name.as_ptr(), weight: 1.0, ..Style::zeroed() }).collect();
        let status = host.with(|job| {
            (job.styles, job.style_count) = (styles.as_ptr(), styles.len());
            assert_eq!(api.plan(engine, job, null_mut()), OK, "{}", api.error());
            api.stylise(engine, job, null_mut())
        });
        assert_eq!(status, OK, "{}", api.error());
        host.output.bytes
    };
    let params = r#"{"size": 48, "iterations": 6}"#;
    let woodcut = run(params, &[c"woodcut"]);
    assert!(woodcut == run(r#"{"size": 48, "iterations": 6, "style": "woodcut"}"#, &[]));
    let (both, mosaic) = (run(params, &[c"woodcut", c"mosaic"]), run(params, &[c"mosaic"]));
    assert!(both != woodcut && both != mosaic && woodcut != mosaic);
    api.engine_free(engine);
}
