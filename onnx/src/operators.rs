//! The ONNX operators that graphs are made of, one row each: how many inputs and outputs there are, which attributes
//! with which values, what shape comes out, and which rule gives the gradient. Operator set 17. Other files ask this
//! table and match no names.

use crate::error::{Error, Result};
use crate::graph::{Attr, Node};

/// A row of the table.
pub(crate) struct Operator {
    name: &'static str,
    /// The smallest and the largest number of inputs.
    inputs: [usize; 2],
    /// The largest number of outputs; there is always one.
    outputs: usize,
    attributes: &'static [(&'static str, Values)],
    /// What shape comes out.
    pub shape: Shape,
    /// The rule that gives its gradient.
    pub gradient: Gradient,
    /// Whether ONNX Runtime may write the output over an input of the same size.
    pub in_place: bool,
}

/// The values that an attribute may have. Ranges include both ends.
enum Values {
    Flag,
    Int(i64, i64),
    /// As many integers, each in the range.
    Ints(usize, i64, i64),
    /// Any number of integers; which of them are right depends on the shape of an input.
    Axes,
    Float,
    Text(&'static [&'static str]),
    Tensor,
}

/// How the shape of the first output follows from the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The first input's.
    Same,
    /// All inputs', broadcast.
    Broadcast,
    /// A convolution of the first input with the second.
    Convolution,
    /// Windows of the first input.
    Pooling,
    Pad,
    Transpose,
    /// The second input's values.
    Reshape,
    Flatten,
    Squeeze,
    Unsqueeze,
    /// The product of the last two axes.
    MatMul,
    /// The product of two matrices, each transposed or not.
    Gemm,
    Reduction,
    Slice,
    Expand,
    Resize,
    /// A list of numbers.
    List,
    /// One number.
    Scalar,
    /// It cannot be known from the shapes of the inputs alone.
    Unknown,
}

/// The rule for the gradient; `rules` has one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gradient {
    /// There is no rule.
    Missing,
    /// The output does not depend on the values of the inputs.
    Zero,
    Identity,
    Neg,
    Add,
    Sub,
    Mul,
    Div,
    Sqrt,
    Sigmoid,
    Sin,
    Relu,
    Clip,
    Conv,
    MaxPool,
    AveragePool,
    /// The same values in another shape.
    View,
    Pad,
    Transpose,
    MatMul,
    Gemm,
    Sum,
    Mean,
}

/// The longest side of a kernel, and the largest stride and dilation.
const KERNEL: i64 = 1024;
const PADDING: i64 = 1 << 16;
const MOST: i64 = i32::MAX as i64;
/// More operands than any graph has.
const MANY: usize = 1 << 16;

const AUTO_PAD: (&str, Values) = ("auto_pad", Values::Text(&["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]));
const KERNEL_SHAPE: (&str, Values) = ("kernel_shape", Values::Ints(2, 1, KERNEL));
const STRIDES: (&str, Values) = ("strides", Values::Ints(2, 1, KERNEL));
const DILATIONS: (&str, Values) = ("dilations", Values::Ints(2, 1, KERNEL));
const PADS: (&str, Values) = ("pads", Values::Ints(4, 0, PADDING));
const CEIL_MODE: (&str, Values) = ("ceil_mode", Values::Flag);
const KEEPDIMS: (&str, Values) = ("keepdims", Values::Flag);
const AXIS: (&str, Values) = ("axis", Values::Int(-MOST, MOST));

const fn unary(name: &'static str, gradient: Gradient) -> Operator {
    row(name, [1, 1], &[], Shape::Same, gradient).in_place()
}

const fn binary(name: &'static str, gradient: Gradient) -> Operator {
    row(name, [2, 2], &[], Shape::Broadcast, gradient)
}

const fn row(
    name: &'static str,
    inputs: [usize; 2],
    attributes: &'static [(&'static str, Values)],
    shape: Shape,
    gradient: Gradient,
) -> Operator {
    Operator { name, inputs, outputs: 1, attributes, shape, gradient, in_place: false }
}

impl Operator {
    const fn in_place(self) -> Self {
        Operator { in_place: true, ..self }
    }

    const fn outputs(self, outputs: usize) -> Self {
        Operator { outputs, ..self }
    }

    /// Whether the operator has an attribute of that name.
    pub fn has_attribute(&self, name: &str) -> bool {
        self.attributes.iter().any(|(known, _)| *known == name)
    }
}

static OPERATORS: &[Operator] = &[
    row(
        "Conv",
        [2, 3],
        &[AUTO_PAD, KERNEL_SHAPE, STRIDES, DILATIONS, PADS, ("group", Values::Int(1, MOST))],
        Shape::Convolution,
        Gradient::Conv,
    ),
    row(
        "MaxPool",
        [1, 1],
        &[AUTO_PAD, KERNEL_SHAPE, STRIDES, DILATIONS, PADS, CEIL_MODE, ("storage_order", Values::Flag)],
        Shape::Pooling,
        Gradient::MaxPool,
    )
    .outputs(2),
    row(
        "AveragePool",
        [1, 1],
        &[AUTO_PAD, KERNEL_SHAPE, STRIDES, PADS, CEIL_MODE, ("count_include_pad", Values::Flag)],
        Shape::Pooling,
        Gradient::AveragePool,
    ),
    unary("Relu", Gradient::Relu),
    unary("Neg", Gradient::Neg),
    unary("Sqrt", Gradient::Sqrt),
    unary("Sigmoid", Gradient::Sigmoid),
    unary("Sin", Gradient::Sin),
    unary("Cos", Gradient::Missing),
    row(
        "HardSigmoid",
        [1, 1],
        &[("alpha", Values::Float), ("beta", Values::Float)],
        Shape::Same,
        Gradient::Missing,
    )
    .in_place(),
    row("Clip", [1, 3], &[], Shape::Same, Gradient::Clip).in_place(),
    row("Identity", [1, 1], &[], Shape::Same, Gradient::Identity),
    row("Cast", [1, 1], &[("to", Values::Int(1, 23))], Shape::Same, Gradient::Missing),
    row("Not", [1, 1], &[], Shape::Same, Gradient::Missing),
    binary("Add", Gradient::Add).in_place(),
    binary("Sub", Gradient::Sub).in_place(),
    binary("Mul", Gradient::Mul).in_place(),
    binary("Div", Gradient::Div).in_place(),
    binary("And", Gradient::Missing),
    binary("Equal", Gradient::Missing),
    binary("Greater", Gradient::Missing),
    binary("GreaterOrEqual", Gradient::Missing),
    binary("LessOrEqual", Gradient::Missing),
    row("Where", [3, 3], &[], Shape::Broadcast, Gradient::Missing),
    row("Sum", [1, MANY], &[], Shape::Broadcast, Gradient::Missing),
    row(
        "Pad",
        [2, 3],
        &[("mode", Values::Text(&["constant", "reflect", "edge"]))],
        Shape::Pad,
        Gradient::Pad,
    ),
    row("Transpose", [1, 1], &[("perm", Values::Axes)], Shape::Transpose, Gradient::Transpose),
    row("Reshape", [2, 2], &[("allowzero", Values::Flag)], Shape::Reshape, Gradient::View),
    row("Flatten", [1, 1], &[AXIS], Shape::Flatten, Gradient::View),
    row("Squeeze", [1, 2], &[], Shape::Squeeze, Gradient::View),
    row("Unsqueeze", [2, 2], &[], Shape::Unsqueeze, Gradient::View),
    row("MatMul", [2, 2], &[], Shape::MatMul, Gradient::MatMul),
    row(
        "Gemm",
        [2, 3],
        &[
            ("alpha", Values::Float),
            ("beta", Values::Float),
            ("transA", Values::Flag),
            ("transB", Values::Flag),
        ],
        Shape::Gemm,
        Gradient::Gemm,
    ),
    row(
        "ReduceSum",
        [1, 2],
        &[KEEPDIMS, ("noop_with_empty_axes", Values::Flag)],
        Shape::Reduction,
        Gradient::Sum,
    ),
    row("ReduceMean", [1, 1], &[KEEPDIMS, ("axes", Values::Axes)], Shape::Reduction, Gradient::Mean),
    row("Slice", [3, 5], &[], Shape::Slice, Gradient::Missing),
    row("Expand", [2, 2], &[], Shape::Expand, Gradient::Missing),
    row(
        "Resize",
        [1, 4],
        &[
            ("mode", Values::Text(&["nearest", "linear", "cubic"])),
            (
                "coordinate_transformation_mode",
                Values::Text(&["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]),
            ),
            ("nearest_mode", Values::Text(&["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])),
        ],
        Shape::Resize,
        Gradient::Missing,
    ),
    row("Concat", [1, MANY], &[AXIS], Shape::Unknown, Gradient::Missing),
    row("Gather", [2, 2], &[AXIS], Shape::Unknown, Gradient::Missing),
    row("NonZero", [1, 1], &[], Shape::Unknown, Gradient::Missing),
    row("ConstantOfShape", [1, 1], &[("value", Values::Tensor)], Shape::Unknown, Gradient::Missing),
    row(
        "Shape",
        [1, 1],
        &[("start", Values::Int(-MOST, MOST)), ("end", Values::Int(-MOST, MOST))],
        Shape::List,
        Gradient::Zero,
    ),
    row("Size", [1, 1], &[], Shape::Scalar, Gradient::Zero),
];

/// The row of a node's operator; None for an operator that Impasto has no use for.
pub(crate) fn lookup(node: &Node) -> Option<&'static Operator> {
    named(&node.op)
}

/// The row of the operator of that name.
pub(crate) fn named(name: &str) -> Option<&'static Operator> {
    OPERATORS.iter().find(|operator| operator.name == name)
}

/// How the shape of a node's output follows from those of its inputs.
pub(crate) fn shape(node: &Node) -> Shape {
    lookup(node).map_or(Shape::Unknown, |operator| operator.shape)
}

/// The rule for a node's gradient.
pub(crate) fn gradient(node: &Node) -> Gradient {
    lookup(node).map_or(Gradient::Missing, |operator| operator.gradient)
}

/// The row of a node's operator, if the node is as the row says: its inputs are there, and its attributes have values
/// that the operator takes. What depends on shapes is not looked at.
pub(crate) fn check(node: &Node) -> Result<&'static Operator> {
    let bad = |problem: String| Error::bad_node(node, problem);
    let operator = lookup(node).ok_or_else(|| bad("there is no rule for this operator".to_string()))?;
    let [least, most] = operator.inputs;
    let count = node.inputs.len();
    if !(least..=most).contains(&count) {
        let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
        return Err(bad(format!("has {count} inputs, expected {expected}")));
    }
    if let Some(missing) = (0..least).find(|&i| node.input(i).is_none()) {
        return Err(bad(format!("its input {} is left out", missing + 1)));
    }
    let outputs = node.outputs.len();
    if outputs > operator.outputs || node.output().is_none() {
        return Err(bad(format!("has {outputs} outputs, expected {} with a name", operator.outputs)));
    }
    for (name, value) in &node.attrs {
        let values = operator.attributes.iter().find(|(known, _)| known == name).map(|(_, values)| values);
        let values = values.ok_or_else(|| {
            let set = crate::graph::OPSET;
            bad(format!("has no attribute '{name}' in operator set {set}; export the model with opset {set}"))
        })?;
        values.check(value).map_err(|expected| bad(format!("attribute '{name}' must be {expected}")))?;
    }
    Ok(operator)
}

impl Values {
    /// What is expected, if the value is not that.
    fn check(&self, value: &Attr) -> std::result::Result<(), String> {
        let right = match (self, value) {
            (Values::Flag, Attr::Int(v)) => (0..=1).contains(v),
            (Values::Int(from, to), Attr::Int(v)) => (from..=to).contains(&v),
            (Values::Ints(count, from, to), Attr::Ints(v)) => {
                v.len() == *count && v.iter().all(|v| (from..=to).contains(&v))
            }
            (Values::Axes, Attr::Ints(_)) | (Values::Tensor, Attr::Tensor(_)) => true,
            (Values::Float, Attr::Float(v)) => v.is_finite(),
            (Values::Text(texts), Attr::Text(v)) => texts.contains(&v.as_str()),
            _ => false,
        };
        if right { Ok(()) } else { Err(self.expected()) }
    }

    fn expected(&self) -> String {
        match self {
            Values::Flag => "0 or 1".to_string(),
            Values::Int(from, to) => format!("an integer from {from} to {to}"),
            Values::Ints(count, from, to) => format!("{count} integers from {from} to {to}"),
            Values::Axes => "a list of integers".to_string(),
            Values::Float => "a finite number".to_string(),
            Values::Text(texts) => format!("one of {}", texts.join(", ")),
            Values::Tensor => "a tensor".to_string(),
        }
    }
}
