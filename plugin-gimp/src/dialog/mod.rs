// SPDX-License-Identifier: GPL-3.0-or-later
//! The dialog: GIMP's own procedure dialog, which brings presets, last values and reset, with the settings on
//! one side and the picture before and after on the other.

mod preview;
mod worker;

use gimp::prelude::*;
use gimp_ui::gtk;
use gimp_ui::prelude::*;

use crate::library::Library;
use crate::text::tr;
use crate::{PROCEDURE, style};

/// What is seen at once, and what an expander holds.
const MAIN: [&str; 9] = [
    "style-from",
    "style-file",
    "style-layer",
    "style-image",
    "preset",
    "strength",
    "stroke-size",
    "colours",
    "output",
];
const ADVANCED: [&str; 6] = ["size", "iterations", "seed", "model", "device", "memory"];

/// Shows the dialog. True if the picture is to be painted; the settings are in `config` then.
pub fn run(
    procedure: &gimp::ImageProcedure,
    config: &gimp::ProcedureConfig,
    image: &gimp::Image,
    drawable: &gimp::Drawable,
    library: &'static Library,
) -> bool {
    gimp_ui::init(PROCEDURE);
    if config.property::<Option<gimp::gio::File>>("style-file").is_none()
        && let Some(file) = style::first()
    {
        config.set_property("style-file", &file);
    }
    let dialog = gimp_ui::ProcedureDialog::new(procedure, config, Some(&tr("Neural Style Transfer")));
    dialog.set_ok_label(&tr("_Paint"));

    let settings = settings(&dialog, config, library);
    let preview = preview::Preview::new(config, image, drawable, library);
    let sides = gtk::Box::new(gtk::Orientation::Horizontal, 12);
    sides.set_border_width(12);
    sides.pack_start(preview.widget(), true, true, 0);
    sides.pack_start(&settings, false, true, 0);
    let content = dialog.content_area();
    content.pack_start(&sides, true, true, 0);
    content.reorder_child(&sides, 0);
    sides.show_all();
    only_the_chosen_style(&dialog, config);

    let ok = ProcedureDialogExt::run(&dialog);
    preview.stop();
    // SAFETY: nothing uses the widgets after this.
    unsafe { dialog.destroy() };
    ok
}

/// The settings, in a window that scrolls where the screen is small.
fn settings(
    dialog: &gimp_ui::ProcedureDialog,
    config: &gimp::ProcedureConfig,
    library: &Library,
) -> gtk::ScrolledWindow {
    for name in ["strength", "stroke-size"] {
        dialog.scale_entry(name, 1.0);
    }
    let column = gtk::Box::new(gtk::Orientation::Vertical, 6);
    let add = |id: &str, properties: &[&str], to: &gtk::Box| {
        if let Some(list) = dialog.fill_box_list(id, properties) {
            to.pack_start(&list, false, false, 0);
        }
    };
    add("main", &MAIN, &column);
    let advanced = gtk::Box::new(gtk::Orientation::Vertical, 6);
    advanced.set_margin_start(12);
    add("before-model", &ADVANCED[..3], &advanced);
    advanced.pack_start(&model(config, library), false, false, 0);
    add("after-model", &ADVANCED[4..], &advanced);
    let expander = gtk::Expander::with_mnemonic(&tr("_Advanced"));
    expander.add(&advanced);
    column.pack_start(&expander, false, false, 0);

    let scrolled = gtk::ScrolledWindow::new(gtk::Adjustment::NONE, gtk::Adjustment::NONE);
    scrolled.set_policy(gtk::PolicyType::Never, gtk::PolicyType::Automatic);
    scrolled.set_propagate_natural_height(true);
    scrolled.add(&column);
    scrolled
}

/// Names of models to choose from; a file's path can be typed.
fn model(config: &gimp::ProcedureConfig, library: &Library) -> gtk::Box {
    let row = gtk::Box::new(gtk::Orientation::Horizontal, 6);
    let combo = gtk::ComboBoxText::with_entry();
    let label = gtk::Label::with_mnemonic(&tr("_Model"));
    label.set_mnemonic_widget(Some(&combo));
    let models = library.models().unwrap_or_default();
    for name in &models {
        combo.append_text(name);
    }
    if let Some(entry) = combo.child().and_then(|c| c.downcast::<gtk::Entry>().ok()) {
        entry.set_placeholder_text(models.first().map(String::as_str));
        let tip = tr("The name of a model, or a .safetensors or .onnx file; empty: the built-in one");
        entry.set_tooltip_text(Some(&tip));
        if let Some(accessible) = entry.accessible() {
            gtk::atk::prelude::AtkObjectExt::set_name(&accessible, &tr("Model"));
        }
        config
            .bind_property("model", &entry, "text")
            .flags(glib::BindingFlags::BIDIRECTIONAL | glib::BindingFlags::SYNC_CREATE)
            .build();
    }
    row.pack_start(&label, false, false, 0);
    row.pack_start(&combo, true, true, 0);
    row
}

/// Shows the chooser of the kind of style that is chosen, and hides the others.
fn only_the_chosen_style(dialog: &gimp_ui::ProcedureDialog, config: &gimp::ProcedureConfig) {
    let choosers: Vec<(&str, gtk::Widget)> =
        [("file", "style-file"), ("layer", "style-layer"), ("image", "style-image")]
            .into_iter()
            .filter_map(|(nick, name)| Some((nick, dialog.widget(name, glib::Type::INVALID)?)))
            .collect();
    let show = move |config: &gimp::ProcedureConfig| {
        let chosen = config.property::<Option<String>>("style-from").unwrap_or_default();
        for (nick, widget) in &choosers {
            widget.set_visible(*nick == chosen);
        }
    };
    show(config);
    config.connect_notify_local(Some("style-from"), move |config, _| show(config));
}
