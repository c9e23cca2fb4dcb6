// SPDX-License-Identifier: GPL-3.0-or-later
//! The arguments of the procedure: what GIMP's database, presets and dialog know about them.

use gimp::prelude::*;

use crate::parameters;
use crate::text::tr;

/// A choice: nick, label.
type Nicks<'a> = &'a [(&'a str, &'a str)];

fn choice(nicks: Nicks) -> gimp::Choice {
    let choice = gimp::Choice::new();
    for (id, (nick, label)) in nicks.iter().enumerate() {
        choice.add(nick, id as i32, &tr(label), "");
    }
    choice
}

/// Declares all arguments, in the order in which scripts see them.
pub fn declare(procedure: &impl IsA<gimp::Procedure>) {
    let flags = glib::ParamFlags::READWRITE;
    let choose = |name: &str, nick: &str, blurb: &str, nicks: Nicks, default: &str| {
        procedure.add_choice_argument(name, &tr(nick), Some(&tr(blurb)), choice(nicks), default, flags);
    };
    let number = |name: &str, nick: &str, blurb: &str, low: f64, high: f64, default: f64| {
        procedure.add_double_argument(name, &tr(nick), Some(&tr(blurb)), low, high, default, flags);
    };
    // A parameter of the engine that is a number, in its range and with its default.
    let tuned = |name: &str, nick: &str, blurb: &str, parameter: &str| {
        let (low, high) = parameters::range(parameter);
        number(name, nick, blurb, low, high, parameters::default_number(parameter));
    };
    // One that is a choice.
    let choose_for = |name: &str, nick: &str, blurb: &str, parameter: &str, nicks: Nicks| {
        choose(name, nick, blurb, nicks, parameters::default_choice(parameter));
    };
    // One that is counted, where 0 leaves it to the preset.
    let count = |name: &str, nick: &str, blurb: &str, parameter: &str| {
        let (_, high) = parameters::range(parameter);
        procedure.add_int_argument(name, &tr(nick), Some(&tr(blurb)), 0, high as i32, 0, flags);
    };
    choose(
        "style-from",
        "Style fro_m",
        "Where the style picture comes from",
        &[
            ("file", "A file"),
            ("layer", "An open layer"),
            ("image", "An open image"),
            ("built-in", "One that comes with the filter"),
        ],
        "file",
    );
    let styles = parameters::styles();
    choose(
        "style-name",
        "Included style",
        "A style picture that comes with the filter",
        &styles,
        styles.first().map_or("", |(id, _)| id),
    );
    let none = None::<&gimp::gio::File>;
    procedure.add_file_argument(
        "style-file",
        &tr("Style _file"),
        Some(&tr("A picture in any format that GIMP opens")),
        gimp::FileChooserAction::Open,
        true,
        none,
        flags,
    );
    procedure.add_drawable_argument(
        "style-layer",
        &tr("Style la_yer"),
        Some(&tr("A layer of any open image; where it is transparent its style is not taken")),
        true,
        flags,
    );
    procedure.add_image_argument(
        "style-image",
        &tr("Style ima_ge"),
        Some(&tr("An open image, as it is seen")),
        true,
        flags,
    );
    choose_for(
        "preset",
        "_Quality",
        "How much detail the result has; better takes longer",
        "preset",
        &[("draft", "Draft"), ("standard", "Standard"), ("best", "Best")],
    );
    tuned(
        "strength",
        "Stre_ngth",
        "How much is painted: at 0 nearly all of the picture is kept, at 100 nearly all is style",
        "strength",
    );
    tuned(
        "stroke-size",
        "Stro_ke size",
        "The size of the style picture against the picture: below 1 the strokes are finer, above 1 broader",
        "style_scale",
    );
    choose_for(
        "colours",
        "Colo_urs",
        "Where the colours come from",
        "colours",
        &[
            ("style", "From the style"),
            ("matched", "Style in the picture's palette"),
            ("histogram", "Style in the picture's palette (closer)"),
            ("content", "The picture's own"),
        ],
    );
    choose(
        "output",
        "Resul_t",
        "Where the result goes",
        &[("new-layer", "New layer above"), ("in-place", "Replaces the pixels")],
        "new-layer",
    );
    procedure.add_boolean_argument(
        "on-canvas",
        &tr("Sho_w the picture while it is painted"),
        Some(&tr(
            "A layer above shows the picture so far, every few seconds; cancelling takes it away again",
        )),
        false,
        flags,
    );
    count(
        "size",
        "Working size",
        "The longer side of what is worked on, in pixels; the result is scaled to the layer. 0: as the quality has it",
        "size",
    );
    count(
        "iterations",
        "Iterations",
        "Evaluations of the objective at most. 0: as the quality has it",
        "iterations",
    );
    procedure.add_int_argument(
        "seed",
        &tr("Seed"),
        Some(&tr("The same seed gives the same picture")),
        0,
        i32::MAX,
        0,
        flags,
    );
    procedure.add_string_argument(
        "model",
        &tr("Model"),
        Some(&tr("The name of a model, or a .safetensors, .pth or .onnx file; empty: the built-in one")),
        "",
        flags,
    );
    choose(
        "device",
        "Device",
        "What computes",
        &[
            ("auto", "The fastest there is"),
            ("cpu", "Processor"),
            ("cuda", "Graphics card (CUDA)"),
            ("webgpu", "Graphics card (WebGPU)"),
        ],
        "auto",
    );
    number(
        "memory",
        "Memory limit in GiB",
        "How much may be used at most. 0: most of what is free",
        0.0,
        4096.0,
        0.0,
    );
    choose(
        "blend-from",
        "Second style from",
        "Where the picture of a second style comes from, which is painted too",
        &[("none", "No second style"), ("file", "A file"), ("built-in", "One that comes with the filter")],
        "file",
    );
    choose(
        "blend-name",
        "Included second style",
        "A style picture that comes with the filter",
        &styles,
        styles.first().map_or("", |(id, _)| id),
    );
    procedure.add_file_argument(
        "blend-file",
        &tr("Second style file"),
        Some(&tr("Another picture whose style is painted too; none for one style")),
        gimp::FileChooserAction::Open,
        true,
        none,
        flags,
    );
    number("blend-share", "Share", "How much of the style is the second's, in percent", 0.0, 100.0, 50.0);
    number(
        "blend-size",
        "Stroke size",
        "The size of the second style's strokes against the first's",
        0.1,
        4.0,
        1.0,
    );
    procedure.add_drawable_argument(
        "blend-region",
        &tr("Region"),
        Some(&tr("A layer or channel that is white where the second style is painted and black where the first is; none: both everywhere")),
        true,
        flags,
    );
    choose_for(
        "style-loss",
        "Style is by",
        "What of the network's activations is compared",
        "style_loss",
        &[("gram", "Gram matrices (the paper)"), ("moments", "Means and covariances")],
    );
    tuned(
        "colour-strength",
        "Picture's colours",
        "How much of the picture's colours is taken, in percent, where colours come from it",
        "colour_strength",
    );
    choose_for(
        "start",
        "Start from",
        "What the optimisation starts from",
        "init",
        &[
            ("content", "The picture"),
            ("recoloured", "The picture in the style's colours"),
            ("noise", "Noise"),
            ("layer", "A layer"),
        ],
    );
    procedure.add_drawable_argument(
        "start-layer",
        &tr("Start layer"),
        Some(&tr("A layer over the picture, such as an earlier result to go on from; where there is none of it, the picture is the start")),
        true,
        flags,
    );
    number("smoothness", "Smoothness", "Weight of the total variation, in millions", 0.0, 1e6, 0.0);
    choose_for(
        "style-fit",
        "Style part",
        "What is taken of a style picture of another shape",
        "style_fit",
        &[("whole", "All of it"), ("crop", "Its middle, in the picture's shape")],
    );
    choose_for(
        "border",
        "Border",
        "What the network sees beyond the picture's borders",
        "padding",
        &[("zero", "Grey"), ("replicate", "The border again")],
    );
    choose_for(
        "pooling",
        "Pooling",
        "How activations are pooled",
        "pooling",
        &[("max", "Maximum (as trained)"), ("average", "Average (smoother)")],
    );
    procedure.add_string_argument(
        "tap-weights",
        &tr("Layer weights"),
        Some(&tr(
            "Multiplies single terms of the loss, with commas between: style/relu1_1=2, content/relu4_2=0.5",
        )),
        "",
        flags,
    );
}
