// SPDX-License-Identifier: GPL-3.0-or-later
//! The dialog: GIMP's own procedure dialog, which brings presets, last values and reset, with the settings on
//! one side and the picture before and after on the other.

mod drawing;
mod estimate;
mod inputs;
mod left;
mod preview;
mod recent;
mod rows;
mod styles;
mod view;
mod worker;

use gimp::prelude::*;
use gimp_ui::gtk;
use gimp_ui::prelude::*;

use rows::{align, fill_with_button, folded, labelled, name_sliders};

use crate::PROCEDURE;
use crate::library::Library;
use crate::text::tr;

/// What is seen at once, and what an expander holds.
const MAIN: [&str; 9] = [
    "style-from",
    "style-file",
    "style-layer",
    "preset",
    "strength",
    "stroke-size",
    "colours",
    "output",
    "on-canvas",
];
const ADVANCED: [&str; 5] = ["size", "iterations", "seed", "device", "memory"];
const SECOND: [&str; 5] = ["blend-from", "blend-file", "blend-share", "blend-size", "blend-region"];
const METHOD: [&str; 9] = [
    "style-loss",
    "colour-strength",
    "start",
    "start-layer",
    "smoothness",
    "style-fit",
    "border",
    "pooling",
    "tap-weights",
];
/// Where in these lists the rows stand that are our own.
const STYLE_NAME: i32 = 1;
const STYLE_IMAGE: i32 = 4;
const RECENT: i32 = 5;
const BLEND_NAME: i32 = 1;
const MODEL: i32 = 3;

/// Shows the dialog. True if the picture is to be painted; the settings are in `config` then.
pub fn run(
    procedure: &gimp::ImageProcedure,
    config: &gimp::ProcedureConfig,
    image: &gimp::Image,
    drawable: &gimp::Drawable,
    library: &'static Library,
) -> bool {
    gimp_ui::init(PROCEDURE);
    // SAFETY: the line before has initialised GTK on this thread, which is the main one.
    unsafe { gtk::set_initialized() };
    left::bring_back(config);
    // Who has not chosen a file yet begins with a style of ours, and without a second one.
    for (from, file, instead) in
        [("style-from", "style-file", "built-in"), ("blend-from", "blend-file", "none")]
    {
        if config.property::<Option<gimp::gio::File>>(file).is_none()
            && config.property::<Option<String>>(from).as_deref() == Some("file")
        {
            config.set_property(from, instead);
        }
    }
    let dialog = gimp_ui::ProcedureDialog::new(procedure, config, Some(&tr("Neural Style Transfer")));
    dialog.set_ok_label(&tr("_Paint"));

    let style_image = style_image(config);
    align(&style_image, dialog.widget("preset", glib::Type::UNIT));
    let scale = dialog.scale_factor();
    let style_name = styles::chooser(config, "style-name", &tr("Included style"), scale);
    let blend_name = styles::chooser(config, "blend-name", &tr("Included second style"), scale);
    let recent = recent::chooser(config, scale);
    let mut ours = vec![(STYLE_NAME, &style_name), (STYLE_IMAGE, &style_image)];
    ours.extend(recent.iter().map(|recent| (RECENT, recent)));
    let settings = settings(&dialog, config, library, &ours, &blend_name);
    let paint = dialog.downgrade();
    let preview = preview::Preview::new(config, image, drawable, library, scale, move |is_there| {
        if let Some(dialog) = paint.upgrade() {
            dialog.set_response_sensitive(gtk::ResponseType::Ok, is_there);
        }
    });
    let sides = gtk::Box::new(gtk::Orientation::Horizontal, 12);
    sides.set_border_width(12);
    sides.pack_start(preview.widget(), true, true, 0);
    sides.pack_start(&settings, false, true, 0);
    let content = dialog.content_area();
    content.pack_start(&sides, true, true, 0);
    content.reorder_child(&sides, 0);
    sides.show_all();
    only_the_chosen(&dialog, config, &style_name, &style_image, &blend_name);

    let ok = ProcedureDialogExt::run(&dialog);
    preview.stop();
    left::keep(config);
    // SAFETY: nothing uses the widgets after this.
    unsafe { dialog.destroy() };
    ok
}

/// The settings, in a window that scrolls where the screen is small.
fn settings(
    dialog: &gimp_ui::ProcedureDialog,
    config: &gimp::ProcedureConfig,
    library: &Library,
    style_choosers: &[(i32, &gtk::Widget)],
    blend_name: &gtk::Widget,
) -> gtk::ScrolledWindow {
    for (name, label) in [
        ("strength", tr("Stre_ngth")),
        ("stroke-size", tr("Stro_ke size")),
        ("blend-share", tr("Share")),
        ("blend-size", tr("Stroke size")),
        ("colour-strength", tr("Picture's colours")),
    ] {
        if let Some(entry) = dialog.scale_entry(name, 1.0) {
            name_sliders(&entry, &label.replace('_', ""));
        }
    }
    for name in ["style-file", "blend-file"] {
        if let Some(chooser) = dialog.widget(name, glib::Type::INVALID) {
            fill_with_button(&chooser);
        }
    }
    let column = gtk::Box::new(gtk::Orientation::Vertical, 6);
    column.set_size_request(360, -1);
    let [second, method, advanced] = [(); 3].map(|()| gtk::Box::new(gtk::Orientation::Vertical, 6));
    let model = model(config, library);
    align(model.upcast_ref(), dialog.widget("device", glib::Type::UNIT));
    for (id, properties, to, ours) in [
        ("main", &MAIN[..], &column, style_choosers),
        ("second", &SECOND[..], &second, &[(BLEND_NAME, blend_name)]),
        ("method", &METHOD[..], &method, &[]),
        ("advanced", &ADVANCED[..], &advanced, &[(MODEL, model.upcast_ref())]),
    ] {
        if let Some(list) = dialog.fill_box_list(id, properties).and_then(|l| l.downcast::<gtk::Box>().ok()) {
            for (position, widget) in ours {
                list.pack_start(*widget, false, false, 0);
                list.reorder_child(*widget, *position);
            }
            to.pack_start(&list, false, false, 0);
        }
    }
    for (title, rows) in [(tr("S_econd style"), second), (tr("Metho_d"), method), (tr("_Advanced"), advanced)]
    {
        folded(&column, &title, rows.upcast_ref());
    }

    let scrolled = gtk::ScrolledWindow::new(gtk::Adjustment::NONE, gtk::Adjustment::NONE);
    scrolled.set_policy(gtk::PolicyType::Never, gtk::PolicyType::Automatic);
    // Else the bar lies over the buttons.
    scrolled.set_overlay_scrolling(false);
    scrolled.set_propagate_natural_height(true);
    // All that a larger window has more is for the pictures.
    scrolled.set_hexpand(false);
    scrolled.add(&column);
    scrolled
}

/// The images that are open, to choose from. GIMP 3.0's procedure dialog has no widget for such an argument.
fn style_image(config: &gimp::ProcedureConfig) -> gtk::Widget {
    let combo = gtk::ComboBoxText::new();
    let row = labelled(&combo, &tr("Style ima_ge"));
    for image in gimp::images() {
        combo.append(Some(&image.id().to_string()), &image.name().unwrap_or_default());
    }
    let show = |combo: &gtk::ComboBoxText, config: &gimp::ProcedureConfig| {
        let image = config.property::<Option<gimp::Image>>("style-image");
        combo.set_active_id(image.map(|i| i.id().to_string()).as_deref());
    };
    show(&combo, config);
    let (shown, chosen) = (combo.downgrade(), config.downgrade());
    config.connect_notify_local(Some("style-image"), move |config, _| {
        if let Some(combo) = shown.upgrade() {
            show(&combo, config);
        }
    });
    combo.connect_changed(move |combo| {
        let image = combo.active_id().and_then(|id| id.parse().ok()).and_then(gimp::Image::by_id);
        if let (Some(config), Some(image)) = (chosen.upgrade(), image)
            && config.property::<Option<gimp::Image>>("style-image").as_ref() != Some(&image)
        {
            config.set_property("style-image", &image);
        }
    });
    row.upcast()
}

/// Names of models to choose from; a file's path can be typed.
fn model(config: &gimp::ProcedureConfig, library: &Library) -> gtk::Box {
    let combo = gtk::ComboBoxText::with_entry();
    let row = labelled(&combo, &tr("Model"));
    let models = library.models().unwrap_or_default();
    for name in &models {
        combo.append_text(name);
    }
    if let Some(entry) = combo.child().and_then(|c| c.downcast::<gtk::Entry>().ok()) {
        entry.set_placeholder_text(models.first().map(String::as_str));
        let tip = tr("The name of a model, or a .safetensors, .pth or .onnx file; empty: the built-in one");
        entry.set_tooltip_text(Some(&tip));
        if let Some(accessible) = entry.accessible() {
            gtk::atk::prelude::AtkObjectExt::set_name(&accessible, &tr("Model"));
        }
        config
            .bind_property("model", &entry, "text")
            .flags(glib::BindingFlags::BIDIRECTIONAL | glib::BindingFlags::SYNC_CREATE)
            .build();
    }
    row
}

/// Shows what belongs to the kinds of styles and of start that are chosen, and hides the rest.
fn only_the_chosen(
    dialog: &gimp_ui::ProcedureDialog,
    config: &gimp::ProcedureConfig,
    style_name: &gtk::Widget,
    style_image: &gtk::Widget,
    blend_name: &gtk::Widget,
) {
    let of = |name: &str| dialog.widget(name, glib::Type::INVALID);
    let a_second: &[&str] = &["file", "built-in"];
    for (choice, nicks, widget) in [
        ("style-from", &["built-in"][..], Some(style_name.clone())),
        ("style-from", &["file"], of("style-file")),
        ("style-from", &["layer"], of("style-layer")),
        ("style-from", &["image"], Some(style_image.clone())),
        ("blend-from", &["built-in"], Some(blend_name.clone())),
        ("blend-from", &["file"], of("blend-file")),
        ("blend-from", a_second, of("blend-share")),
        ("blend-from", a_second, of("blend-size")),
        ("blend-from", a_second, of("blend-region")),
        ("start", &["layer"], of("start-layer")),
    ] {
        let Some(widget) = widget else { continue };
        let show = move |config: &gimp::ProcedureConfig| {
            let chosen = config.property::<Option<String>>(choice).unwrap_or_default();
            widget.set_visible(nicks.contains(&chosen.as_str()));
        };
        show(config);
        config.connect_notify_local(Some(choice), move |config, _| show(config));
    }
}
