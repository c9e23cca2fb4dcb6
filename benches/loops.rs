//! The loops outside of ONNX Runtime that take the most time: the optimiser's passes, resizing, colours.
//!
//!     cargo bench --features benchmarks

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use impasto::Picture;
use impasto::benchmarks::{Step, Variables, latent, match_colour_moments};
use ndarray::Array3;

/// One megapixel.
const SIZE: [usize; 2] = [768, 1360];
const VALUES: usize = 3 * SIZE[0] * SIZE[1];

fn waves(step: usize) -> Array3<f32> {
    Array3::from_shape_fn((3, SIZE[0], SIZE[1]), |(c, y, x)| {
        ((c * 31 + y * step + x * 7) % 251) as f32 / 250.0
    })
}

fn optimiser(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("optimiser");
    group.throughput(Throughput::Elements(VALUES as u64)).sample_size(20);
    let (step, mut out) = (Step::new(VALUES, 10), vec![0.0; VALUES]);
    group.bench_function("direction of ten pairs", |b| b.iter(|| step.combine(black_box(&mut out))));
    group.bench_function("dots with ten pairs", |b| b.iter(|| black_box(step.dots())));
    let variables: Vec<f32> = (0..VALUES).map(|n| (n % 300) as f32 / 100.0 - 1.5).collect();
    group.bench_function("pixels and gradient of latent variables", |b| {
        b.iter(|| latent(&variables, black_box(&mut out)))
    });
    let change = Variables::new(SIZE).expect("threads");
    group.bench_function("the preconditioner", |b| b.iter(|| change.apply(black_box(&mut out))));
    group.finish();
}

fn pictures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pictures");
    group.throughput(Throughput::Elements(VALUES as u64)).sample_size(20);
    let picture = Picture::new(waves(3), None).expect("a picture");
    group.bench_function("to half the size", |b| {
        b.iter(|| black_box(picture.resized(SIZE[0] / 2, SIZE[1] / 2).expect("a picture")));
    });
    let like = waves(5);
    group.bench_function("colours of another", |b| {
        b.iter(|| black_box(match_colour_moments(picture.rgb(), &like)))
    });
    group.bench_function("a PNG file and back", |b| {
        b.iter(|| {
            let bytes = picture.encode(impasto::picture::Format::Png).expect("a file");
            black_box(Picture::decode(&bytes, "bench.png").expect("a picture"))
        });
    });
    group.finish();
}

criterion_group!(benches, optimiser, pictures);
criterion_main!(benches);
