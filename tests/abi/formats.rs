//! Every format and stride, in and out.

use crate::host::{Host, Pixels, linear};
use crate::library::*;

fn formats() -> impl Iterator<Item = (u32, u32, u32)> {
    (1..=4).flat_map(|layout| {
        [1, 2, 4].into_iter().flat_map(move |sample| [0, 1].map(|encoding| (layout, sample, encoding)))
    })
}

/// The picture as sRGB-encoded RGB.
fn colours(p: &Pixels) -> Vec<f32> {
    let encode = |v: f32| if v <= 0.0031308 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
    let mut out = Vec::new();
    for y in 0..p.height {
        for x in 0..p.width {
            for c in 0..3 {
                let v = p.get(x, y, if p.layout < 3 { 0 } else { c });
                out.push(if p.encoding == 1 { encode(v) } else { v });
            }
        }
    }
    out
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

/// Whatever the content's format, the same colours give nearly the same result.
#[test]
fn every_format_is_read_and_written() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let result = |layout, sample, encoding| {
        let mut host = Host::new();
        host.content = Pixels::new(48, 36, layout, sample, encoding);
        host.output = Pixels::padded(48, 36, layout, sample, encoding, 13, 1);
        let padding: Vec<u8> = host.output.bytes.clone();
        assert_eq!(host.run(api, engine), OK, "{}", api.error());
        let out = host.output;
        for y in 0..36usize {
            let end = 1 + (y + 1) * out.stride();
            assert_eq!(out.bytes[end - 13..end], padding[end - 13..end], "the padding was written to");
        }
        if layout % 2 == 0 {
            assert!((0..48).all(|x| out.get(x, 20, layout - 1) == 1.0));
        }
        colours(&out)
    };
    let (rgb, grey) = (result(3, 1, 0), result(1, 1, 0));
    assert!(difference(&rgb, &colours(&Pixels::rgb(48, 36))) > 0.02, "nothing was painted");
    for (layout, sample, encoding) in formats() {
        let expected = if layout < 3 { &grey } else { &rgb };
        let got = result(layout, sample, encoding);
        // An 8-bit linear sample near black is a coarse one. (What is rounded in another way is optimised in another way, too:
        // 0.028 was measured.)
        let tolerance = if (sample, encoding) == (1, 1) { 0.06 } else { 0.04 };
        let off = difference(&got, expected);
        assert!(off < tolerance, "layout {layout}, sample {sample}, encoding {encoding}: {off}");
    }
    api.engine_free(engine);
}

#[test]
fn strides_and_addresses_that_are_not_aligned_make_no_difference() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut plain = Host::new();
    plain.content = Pixels::new(48, 36, 4, 4, 0);
    assert_eq!(plain.run(api, engine), OK);
    let mut crooked = Host::new();
    crooked.content = Pixels::padded(48, 36, 4, 4, 0, 5, 3);
    crooked.style = Pixels::padded(40, 40, 3, 1, 0, 7, 1);
    assert_eq!(crooked.run(api, engine), OK);
    assert_eq!(plain.output.bytes, crooked.output.bytes);
    api.engine_free(engine);
}

#[test]
fn values_that_are_no_colours_are_brought_into_range() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut host = Host::new();
    host.content = Pixels::new(48, 36, 3, 4, 1);
    host.output = Pixels::new(48, 36, 3, 4, 1);
    for (x, value) in [(0, f32::NAN), (1, f32::INFINITY), (2, -5.0), (3, 1e30)] {
        host.content.set(x, 5, 1, value);
    }
    assert_eq!(host.run(api, engine), OK);
    assert!((0..48).all(|x| (0.0..=1.0).contains(&host.output.get(x, 5, 1))));
    api.engine_free(engine);
}

#[test]
fn another_output_size_gets_the_result_resized() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut host = Host::new();
    assert_eq!(host.run(api, engine), OK);
    let small = colours(&host.output);
    host.output = Pixels::rgb(96, 72);
    assert_eq!(host.run(api, engine), OK);
    let large = host.output;
    let mut halved = Vec::new();
    for y in 0..36 {
        for x in 0..48 {
            for c in 0..3 {
                let quad = [(0, 0), (1, 0), (0, 1), (1, 1)];
                let light: f32 =
                    quad.iter().map(|(i, j)| linear(large.get(2 * x + i, 2 * y + j, c))).sum::<f32>() / 4.0;
                halved.push(if light <= 0.0031308 {
                    light * 12.92
                } else {
                    1.055 * light.powf(1.0 / 2.4) - 0.055
                });
            }
        }
    }
    let off = difference(&halved, &small);
    assert!(off < 0.03, "{off}");
    api.engine_free(engine);
}

#[test]
fn what_the_mask_or_transparency_keeps_stays_byte_by_byte() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    for (layout, sample, encoding) in formats() {
        for in_place in [false, true] {
            let mut host = Host::new();
            host.in_place = in_place;
            host.content = Pixels::new(48, 36, layout, sample, encoding);
            host.output = host.content.clone();
            host.output.bytes.fill(0x5A);
            let mut mask = Pixels::new(48, 36, 1, 4, 0);
            for y in 0..36 {
                for x in 0..48 {
                    let soft = ((x as f32 - 14.0) / 8.0).clamp(0.0, 1.0);
                    mask.set(x, y, 0, if y < 30 { soft } else { 0.0 });
                }
            }
            host.mask = Some(mask);
            if layout % 2 == 0 {
                for x in 0..48 {
                    host.content.set(x, 3, layout - 1, 0.0);
                }
            }
            let before = host.content.clone();
            assert_eq!(host.run(api, engine), OK, "{}", api.error());
            let after = if in_place { &host.content } else { &host.output };
            let mut painted = 0;
            for y in 0..36 {
                for x in 0..48 {
                    if x <= 14 || y >= 30 || (layout % 2 == 0 && y == 3) {
                        assert_eq!(after.pixel(x, y), before.pixel(x, y), "at {x}, {y}");
                    } else {
                        painted += (after.pixel(x, y) != before.pixel(x, y)) as usize;
                    }
                }
            }
            assert!(painted > 600, "{painted} of what is selected was painted");
        }
    }
    api.engine_free(engine);
}
