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

/// A button with a thumbnail for each style, of which one is pressed: the one that `argument` names. `scale` is the
/// screen's: device pixels for one logical pixel.
pub fn chooser(
    config: &gimp::ProcedureConfig,
    argument: &'static str,
    title: &str,
    scale: i32,
) -> gtk::Widget {
    let grid = gtk::Grid::new();
    let mut first: Option<gtk::RadioButton> = None;
    for (number, (id, title)) in parameters::styles().into_iter().enumerate() {
        let button = gtk::RadioButton::new();
        button.join_group(first.as_ref());
        first.get_or_insert_with(|| button.clone());
        button.set_mode(false);
        button.set_relief(gtk::ReliefStyle::None);
        show(button.upcast_ref(), thumbnail(id, SIDE * scale), &tr(title), scale);
        button.set_tooltip_text(Some(&tr(title)));
        follow(&button, config, argument, id);
        let number = number as i32;
        grid.attach(&button, number % COLUMNS, number / COLUMNS, 1, 1);
    }
    // GTK complains if a screen reader asks for the relations of a radio button that has a label beside its group.
    let label = gtk::Label::new(Some(title));
    label.set_xalign(0.0);
    let column = gtk::Box::new(gtk::Orientation::Vertical, 3);
    column.pack_start(&label, false, false, 0);
    column.pack_start(&grid, false, false, 0);
    column.upcast()
}

/// A style's thumbnail, which lies beside the program, at most `side` pixels long.
pub fn thumbnail(id: &str, side: i32) -> Option<Pixbuf> {
    let file = std::env::current_exe().ok()?.parent()?.join("thumbnails").join(format!("{id}.jpg"));
    Pixbuf::from_file_at_scale(file, side, side, true).ok()
}

/// A style's picture where it is there, else its title. The title is the name for screen readers.
pub fn show(button: &gtk::Button, picture: Option<Pixbuf>, title: &str, scale: i32) {
    match picture {
        Some(picture) => button.set_image(Some(&drawn(&picture, scale))),
        None => button.set_label(title),
    }
    if let Some(accessible) = button.accessible() {
        gtk::atk::prelude::AtkObjectExt::set_name(&accessible, title);
    }
}

/// Keeps the button and the argument the same.
fn follow(
    button: &gtk::RadioButton,
    config: &gimp::ProcedureConfig,
    argument: &'static str,
    id: &'static str,
) {
    let show = move |button: &gtk::RadioButton, config: &gimp::ProcedureConfig| {
        if config.property::<Option<String>>(argument).as_deref() == Some(id) {
            button.set_active(true);
        }
    };
    show(button, config);
    let shown = button.downgrade();
    config.connect_notify_local(Some(argument), move |config, _| {
        if let Some(button) = shown.upgrade() {
            show(&button, config);
        }
    });
    let chosen = config.downgrade();
    button.connect_toggled(move |button| {
        if let Some(config) = chosen.upgrade()
            && button.is_active()
            && config.property::<Option<String>>(argument).as_deref() != Some(id)
        {
            config.set_property(argument, id);
        }
    });
}
