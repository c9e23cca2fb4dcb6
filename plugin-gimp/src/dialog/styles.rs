// SPDX-License-Identifier: GPL-3.0-or-later
//! The style pictures that come with the filter, to choose from by their looks.

use gimp::prelude::*;
use gimp_ui::gtk;
use gimp_ui::prelude::*;
use gtk::gdk_pixbuf::Pixbuf;

use super::drawing::drawn;
use crate::parameters;
use crate::text::tr;

/// The side of a thumbnail, in the screen's logical pixels.
const SIDE: i32 = 52;
/// Thumbnails in a row.
const COLUMNS: i32 = 5;
/// The argument that holds the choice.
const ARGUMENT: &str = "style-name";

/// A button with a thumbnail for each style, of which one is pressed. `scale` is the screen's: device pixels for one
/// logical pixel.
pub fn chooser(config: &gimp::ProcedureConfig, scale: i32) -> gtk::Widget {
    let grid = gtk::Grid::new();
    let mut first: Option<gtk::RadioButton> = None;
    for (number, (id, title)) in parameters::styles().into_iter().enumerate() {
        let button = gtk::RadioButton::new();
        button.join_group(first.as_ref());
        first.get_or_insert_with(|| button.clone());
        button.set_mode(false);
        button.set_relief(gtk::ReliefStyle::None);
        show_thumbnail(&button, id, &tr(title), scale);
        follow(&button, config, id);
        let number = number as i32;
        grid.attach(&button, number % COLUMNS, number / COLUMNS, 1, 1);
    }
    // GTK complains if a screen reader asks for the relations of a radio button that has a label beside its group.
    let label = gtk::Label::new(Some(&tr("Inclu_ded style").replace('_', "")));
    label.set_xalign(0.0);
    let column = gtk::Box::new(gtk::Orientation::Vertical, 3);
    column.pack_start(&label, false, false, 0);
    column.pack_start(&grid, false, false, 0);
    column.upcast()
}

/// The file of a style's thumbnail beside the program.
fn thumbnail(id: &str) -> Option<std::path::PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.join("thumbnails").join(format!("{id}.jpg")))
}

/// The style's picture where it is there, else its title. The title is the tooltip and the name for screen readers.
fn show_thumbnail(button: &gtk::RadioButton, id: &str, title: &str, scale: i32) {
    let side = SIDE * scale;
    match thumbnail(id).and_then(|file| Pixbuf::from_file_at_scale(file, side, side, true).ok()) {
        Some(picture) => button.set_image(Some(&drawn(&picture, scale))),
        None => button.set_label(title),
    }
    button.set_tooltip_text(Some(title));
    if let Some(accessible) = button.accessible() {
        gtk::atk::prelude::AtkObjectExt::set_name(&accessible, title);
    }
}

/// Keeps the button and the argument the same.
fn follow(button: &gtk::RadioButton, config: &gimp::ProcedureConfig, id: &'static str) {
    let show = move |button: &gtk::RadioButton, config: &gimp::ProcedureConfig| {
        if config.property::<Option<String>>(ARGUMENT).as_deref() == Some(id) {
            button.set_active(true);
        }
    };
    show(button, config);
    let shown = button.downgrade();
    config.connect_notify_local(Some(ARGUMENT), move |config, _| {
        if let Some(button) = shown.upgrade() {
            show(&button, config);
        }
    });
    let chosen = config.downgrade();
    button.connect_toggled(move |button| {
        if let Some(config) = chosen.upgrade()
            && button.is_active()
            && config.property::<Option<String>>(ARGUMENT).as_deref() != Some(id)
        {
            config.set_property(ARGUMENT, id);
        }
    });
}
