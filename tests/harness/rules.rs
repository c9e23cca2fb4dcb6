//! Each rule of the differentiator alone, against central differences.
//!
//! A graph computes y from x by the operator; the loss is ½Σy². The numeric derivative sums y² in
//! float64, so that its error comes from float32 in y alone: with a step of 1/128 that is near 1e-5 of
//! the largest derivative, and the tolerance is 2e-3. Inputs keep further than a step from kinks and ties.

use impasto::onnx::differentiate;
use impasto::onnx::graph::{Attr, Graph, Port, Tensor};

use super::common::{Run, noise};

const STEP: f32 = 1.0 / 128.0;

/// Distinct values 0.1 apart around zero, in a scattered order.
fn scattered(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919) % count) as f32 * 0.1 - count as f32 * 0.05 + 0.03).collect()
}

fn positive(count: usize) -> Vec<f32> {
    noise(count, 5).into_iter().map(|v| 0.5 + v).collect()
}

fn gradient_of(dims: &[usize], x: &[f32], build: impl Fn(&mut Graph, &str) -> String) -> (Run, Vec<f32>) {
    let mut graph = Graph::default();
    let names: Vec<String> = dims.iter().map(usize::to_string).collect();
    let input = graph.input(Port::new("x", &names.iter().map(String::as_str).collect::<Vec<_>>()));
    let y = build(&mut graph, &input);
    let square = graph.add("Mul", "square", &[&y, &y]);
    let sum = graph.add_with("ReduceSum", "sum", &[&square], [("keepdims", Attr::Int(0))]);
    let half = graph.scalar(0.5);
    let loss = graph.add("Mul", "loss", &[&sum, &half]);
    let gradient = differentiate::gradient(&mut graph, &loss, "x").expect("a gradient");
    let flat = graph.i64s(&[-1]);
    let y = graph.add("Reshape", "y", &[&y, &flat]);
    let gradient = graph.add("Reshape", "gradient/out", &[&gradient, &flat]);
    graph.output(&y, &["n"]);
    graph.output(&gradient, &["m"]);
    graph.prune();
    let mut run = Run::new(&graph);
    let gradient = run.with(&[("x", dims, x)])["gradient/out"].1.clone();
    (run, gradient)
}

fn check(dims: &[usize], x: Vec<f32>, build: impl Fn(&mut Graph, &str) -> String) {
    let (mut run, gradient) = gradient_of(dims, &x, build);
    assert_eq!(gradient.len(), x.len());
    let mut loss = |x: &[f32]| -> f64 {
        run.with(&[("x", dims, x)])["y"].1.iter().map(|&y| 0.5 * (y as f64).powi(2)).sum()
    };
    let mut numeric = Vec::new();
    for i in 0..x.len() {
        let moved = |by: f32| {
            let mut moved = x.clone();
            moved[i] += by;
            moved
        };
        let (up, down) = (moved(STEP), moved(-STEP));
        numeric.push((loss(&up) - loss(&down)) / (up[i] as f64 - down[i] as f64));
    }
    let largest = numeric.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    assert!(largest > 0.0, "the test moves nothing");
    for (i, (&n, &g)) in numeric.iter().zip(&gradient).enumerate() {
        assert!((n - g as f64).abs() <= 2e-3 * largest, "at {i}: {g}, numerically {n} (largest {largest})");
    }
}

fn ints(values: &[i64]) -> Attr {
    Attr::Ints(values.to_vec())
}

#[test]
fn of_one_input() {
    for op in ["Identity", "Neg", "Relu"] {
        check(&[2, 3, 4], scattered(24), |g, x| g.add(op, "op", &[x]));
    }
    check(&[24], positive(24), |g, x| g.add("Sqrt", "op", &[x]));
    check(&[24], positive(24), |g, x| g.add("Sigmoid", "op", &[x]));
    check(&[24], scattered(24), |g, x| g.add("Sin", "op", &[x]));
}

#[test]
fn arithmetic_with_and_without_broadcasting() {
    let constants: [(&[usize], usize); 4] = [(&[], 1), (&[4], 4), (&[3, 1], 3), (&[2, 3, 4], 24)];
    for op in ["Add", "Sub", "Mul", "Div"] {
        for (dims, count) in constants {
            for constant_first in [false, true] {
                check(&[2, 3, 4], positive(24), |g, x| {
                    let values = noise(count, 8).into_iter().map(|v| 0.7 + v).collect::<Vec<_>>();
                    let c = g.constant("c", Tensor::f32(dims, values));
                    if constant_first { g.add(op, "op", &[&c, x]) } else { g.add(op, "op", &[x, &c]) }
                });
            }
        }
        // x is the smaller operand, so its gradient is summed; and on both sides.
        check(&[3, 1], positive(3), |g, x| {
            let c = g.constant("c", Tensor::f32(&[2, 3, 4], positive(24)));
            g.add(op, "op", &[&c, x])
        });
        check(&[5], positive(5), |g, x| {
            let twice = g.add("Mul", "twice", &[x, x]);
            g.add(op, "op", &[&twice, x])
        });
    }
}

#[test]
fn clip_inside_outside_and_with_one_bound() {
    for bounds in [[Some(-0.5f32), Some(0.7)], [Some(-0.5), None], [None, Some(0.7)], [None, None]] {
        check(&[30], scattered(30), |g, x| {
            let names = bounds.map(|b| b.map(|v| g.scalar(v)).unwrap_or_default());
            g.add("Clip", "op", &[x, &names[0], &names[1]])
        });
    }
}

#[test]
fn convolutions_of_many_kernels() {
    let cases: [([usize; 2], [i64; 4], [i64; 2]); 6] = [
        ([3, 3], [1, 1, 1, 1], [1, 1]),
        ([3, 3], [0, 0, 0, 0], [1, 1]),
        ([1, 1], [0, 0, 0, 0], [1, 1]),
        ([5, 3], [2, 1, 2, 1], [1, 1]),
        ([2, 2], [0, 0, 1, 1], [1, 1]),
        ([3, 3], [2, 2, 2, 2], [2, 2]),
    ];
    for (kernel, pads, dilations) in cases {
        for bias in [false, true] {
            check(&[1, 2, 6, 5], scattered(60), |g, x| {
                let dims = [3, 2, kernel[0], kernel[1]];
                let values = noise(dims.iter().product(), 9).into_iter().map(|v| v - 0.4).collect::<Vec<_>>();
                let w = g.constant("w", Tensor::f32(&dims, values));
                let b = g.constant("b", Tensor::f32(&[3], vec![0.1, -0.2, 0.3]));
                let inputs = if bias { vec![x, &w, &b] } else { vec![x, &w] };
                g.add_with("Conv", "op", &inputs, [("pads", ints(&pads)), ("dilations", ints(&dilations))])
            });
        }
    }
}

#[test]
fn pooling_of_even_and_odd_sizes() {
    for op in ["MaxPool", "AveragePool"] {
        for (h, w) in [(4, 6), (5, 7), (2, 2), (3, 4)] {
            for kernel in [[2, 2], [3, 2]] {
                if h < kernel[0] as usize || w < kernel[1] as usize {
                    continue;
                }
                check(&[1, 2, h, w], scattered(2 * h * w), |g, x| {
                    g.add_with(op, "op", &[x], [("kernel_shape", ints(&kernel)), ("strides", ints(&kernel))])
                });
            }
        }
    }
}

#[test]
fn equal_maxima_share_the_gradient() {
    let pool = |g: &mut Graph, x: &str| {
        g.add_with("MaxPool", "op", &[x], [("kernel_shape", ints(&[2, 2])), ("strides", ints(&[2, 2]))])
    };
    // Four equal values; two; three below one; and a window of zeros, whose derivative is zero.
    let x = [1.0, 1.0, 3.0, 3.0, 1.0, 1.0, 2.0, 0.0, 4.0, 5.0, 0.0, 0.0, 4.0, 4.0, 0.0, 0.0];
    let (_, gradient) = gradient_of(&[1, 1, 4, 4], &x, pool);
    let wanted = [0.25, 0.25, 1.5, 1.5, 0.25, 0.25, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(gradient, wanted);
}

#[test]
fn shapes() {
    check(&[2, 3, 4], scattered(24), |g, x| {
        let shape = g.i64s(&[4, -1]);
        g.add("Reshape", "op", &[x, &shape])
    });
    check(&[2, 3, 4], scattered(24), |g, x| g.add_with("Flatten", "op", &[x], [("axis", Attr::Int(1))]));
    check(&[2, 1, 3], scattered(6), |g, x| {
        let axes = g.i64s(&[1]);
        let squeezed = g.add("Squeeze", "squeezed", &[x, &axes]);
        let axes = g.i64s(&[0]);
        g.add("Unsqueeze", "op", &[&squeezed, &axes])
    });
    check(&[2, 3, 4], scattered(24), |g, x| {
        g.add_with("Transpose", "op", &[x], [("perm", ints(&[1, 2, 0]))])
    });
    check(&[2, 3, 4], scattered(24), |g, x| {
        let transposed = g.add("Transpose", "transposed", &[x]);
        // A factor that is not the same everywhere, so that a wrong order shows.
        let c = g.constant("c", Tensor::f32(&[4, 3, 2], positive(24)));
        g.add("Mul", "op", &[&transposed, &c])
    });
}

#[test]
fn products_of_matrices() {
    let matrix = |g: &mut Graph, dims: &[usize]| {
        let count = dims.iter().product();
        g.constant("c", Tensor::f32(dims, noise(count, 3).into_iter().map(|v| v - 0.5).collect::<Vec<_>>()))
    };
    check(&[3, 4], scattered(12), |g, x| {
        let c = matrix(g, &[4, 5]);
        g.add("MatMul", "op", &[x, &c])
    });
    check(&[4, 5], scattered(20), |g, x| {
        let c = matrix(g, &[3, 4]);
        g.add("MatMul", "op", &[&c, x])
    });
    // Batched, and broadcast over the batch.
    check(&[2, 3, 4], scattered(24), |g, x| {
        let c = matrix(g, &[4, 2]);
        g.add("MatMul", "op", &[x, &c])
    });
    check(&[3, 4], scattered(12), |g, x| {
        let c = matrix(g, &[2, 4, 3]);
        g.add("MatMul", "op", &[x, &c])
    });
    check(&[3, 4], scattered(12), |g, x| {
        let transposed = g.add("Transpose", "transposed", &[x]);
        g.add("MatMul", "op", &[x, &transposed])
    });
    for (trans_a, trans_b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        for first in [true, false] {
            let flag = if first { trans_a } else { trans_b };
            let own = if (flag == 0) == first { [3, 4] } else { [4, 3] };
            let other_flag = if first { trans_b } else { trans_a };
            let other = if (other_flag == 0) == first { [4, 2] } else { [2, 4] };
            check(&own, scattered(12), |g, x| {
                let c = matrix(g, &other);
                let inputs = if first { [x, &c] } else { [&c, x] };
                let flags = [
                    ("transA", Attr::Int(trans_a)),
                    ("transB", Attr::Int(trans_b)),
                    ("alpha", Attr::Float(0.5)),
                ];
                g.add_with("Gemm", "op", &inputs, flags)
            });
        }
    }
    // The Gram matrix has a rule of its own.
    check(&[3, 4], scattered(12), |g, x| g.add_with("Gemm", "op", &[x, x], [("transB", Attr::Int(1))]));
}

#[test]
fn reductions() {
    for op in ["ReduceSum", "ReduceMean"] {
        for keep in [0, 1] {
            check(&[2, 3, 4], scattered(24), |g, x| {
                g.add_with(op, "op", &[x], [("keepdims", Attr::Int(keep))])
            });
        }
    }
    for keep in [0, 1] {
        check(&[2, 3, 4], scattered(24), |g, x| {
            let axes = g.i64s(&[0, 2]);
            g.add_with("ReduceSum", "op", &[x, &axes], [("keepdims", Attr::Int(keep))])
        });
        check(&[2, 3, 4], scattered(24), |g, x| {
            g.add_with("ReduceMean", "op", &[x], [("keepdims", Attr::Int(keep)), ("axes", ints(&[1]))])
        });
    }
}

#[test]
fn a_node_without_a_rule_is_named() {
    let refuse = |build: &dyn Fn(&mut Graph) -> String, wanted: &[&str]| {
        let mut graph = Graph::default();
        graph.input(Port::new("x", &["1", "2", "4", "4"]));
        let y = build(&mut graph);
        let loss = graph.add_with("ReduceSum", "loss", &[&y], [("keepdims", Attr::Int(0))]);
        let e = differentiate::gradient(&mut graph, &loss, "x").expect_err("no rule").to_string();
        for part in wanted {
            assert!(e.contains(part), "{e}");
        }
    };
    refuse(&|g| g.add("Erf", "my_node", &["x"]), &["my_node", "Erf"]);
    refuse(
        &|g| {
            let w = g.constant("w", Tensor::f32(&[1, 2, 1, 1], vec![1.0; 2]));
            g.add_with("Conv", "wide", &["x", &w], [("strides", ints(&[2, 2]))])
        },
        &["wide", "strides"],
    );
    refuse(
        &|g| {
            let attrs = [("kernel_shape", ints(&[3, 3])), ("strides", ints(&[1, 1]))];
            g.add_with("MaxPool", "overlapping", &["x"], attrs)
        },
        &["overlapping", "strides"],
    );
}

#[test]
fn a_node_that_its_operator_does_not_allow_is_named() {
    type Build = &'static dyn Fn(&mut Graph) -> String;
    let cases: [(Build, &str); 9] = [
        (&|g| g.add("Add", "bad", &["x"]), "has 1 inputs, expected 2"),
        (&|g| g.add("Mul", "bad", &["x", ""]), "input 2 is left out"),
        (&|g| g.add("Relu", "bad", &["x", "x"]), "has 2 inputs, expected 1"),
        (&|g| g.add("Conv", "bad", &["x"]), "expected 2 to 3"),
        (&|g| g.add("Pad", "bad", &["x"]), "expected 2 to 3"),
        (&|g| g.add_with("Transpose", "bad", &["x"], [("perm", ints(&[0, 1, 2, 9]))]), "perm"),
        (&|g| g.add_with("Relu", "bad", &["x"], [("alpha", Attr::Float(1.0))]), "no attribute 'alpha'"),
        (&|g| g.add_with("ReduceSum", "bad", &["x"], [("keepdims", Attr::Int(2))]), "0 or 1"),
        (
            &|g| {
                let w = g.constant("w", Tensor::f32(&[1, 2, 1, 1], vec![1.0; 2]));
                g.add_with("Conv", "bad", &["x", &w], [("pads", ints(&[1]))])
            },
            "4 integers",
        ),
    ];
    for (build, wanted) in cases {
        let mut graph = Graph::default();
        graph.input(Port::new("x", &["1", "2", "4", "4"]));
        let y = build(&mut graph);
        let loss = graph.add_with("ReduceSum", "loss", &[&y], [("keepdims", Attr::Int(0))]);
        let e = differentiate::gradient(&mut graph, &loss, "x").expect_err("no gradient").to_string();
        assert!(e.contains("'bad'") && e.contains(wanted), "{e}");
    }
}
