// SPDX-License-Identifier: GPL-3.0-or-later
//! Rows of the settings, in the looks of those that GIMP makes.

use gimp_ui::gtk;
use gimp_ui::prelude::*;

/// How long GTK has for what an expander shows to get its size.
const UNFOLDING: std::time::Duration = std::time::Duration::from_millis(50);

/// A row with a label and what it belongs to.
pub fn labelled(combo: &gtk::ComboBoxText, text: &str) -> gtk::Box {
    let label = gtk::Label::with_mnemonic(text);
    label.set_mnemonic_widget(Some(combo));
    label.set_xalign(0.0);
    let row = gtk::Box::new(gtk::Orientation::Horizontal, 6);
    row.pack_start(&label, false, false, 0);
    row.pack_start(combo, true, true, 0);
    row
}

/// Makes the label of a row as wide as that of another one, and so as those of all rows with it.
pub fn align(row: &gtk::Widget, other: Option<gtk::Widget>) {
    let label = |row: &gtk::Widget| {
        let children = row.downcast_ref::<gtk::Container>().map(|row| row.children()).unwrap_or_default();
        children.into_iter().find(|child| child.is::<gtk::Label>())
    };
    if let (Some(label), Some(other)) = (label(row), other.as_ref().and_then(label)) {
        let same_width = gtk::SizeGroup::new(gtk::SizeGroupMode::Horizontal);
        same_width.add_widget(&label);
        same_width.add_widget(&other);
    }
}

/// Makes the button of GIMP's row for a file as wide as those of the other rows.
pub fn fill_with_button(row: &gtk::Widget) {
    if let Some(row) = row.downcast_ref::<gtk::Box>() {
        for child in row.children().iter().filter(|child| !child.is::<gtk::Label>()) {
            row.set_child_packing(child, true, true, 0, gtk::PackType::Start);
            child.set_halign(gtk::Align::Fill);
        }
    }
}

/// A screen reader takes the label of such an entry for its number only; this gives it to the slider too.
pub fn name_sliders(widget: &gtk::Widget, name: &str) {
    if widget.is::<gtk::Range>()
        && let Some(accessible) = widget.accessible()
    {
        gtk::atk::prelude::AtkObjectExt::set_name(&accessible, name);
    }
    if let Some(container) = widget.downcast_ref::<gtk::Container>() {
        for child in container.children() {
            name_sliders(&child, name);
        }
    }
}

/// Adds what is seen when its title is opened. Where the window scrolls, it is scrolled to.
pub fn folded(column: &gtk::Box, title: &str, widgets: &gtk::Widget) {
    widgets.set_margin_start(12);
    let expander = gtk::Expander::with_mnemonic(title);
    expander.add(widgets);
    column.pack_start(&expander, false, false, 0);
    expander.connect_expanded_notify(|expander| {
        let expander = expander.downgrade();
        // When it has its new size.
        glib::timeout_add_local_once(UNFOLDING, move || {
            if let Some(expander) = expander.upgrade().filter(|expander| expander.is_expanded()) {
                scroll_to(expander.upcast_ref());
            }
        });
    });
}

/// Scrolls the window around a widget so that as much of it is seen as there is room for.
fn scroll_to(widget: &gtk::Widget) {
    let view = widget.ancestor(gtk::Viewport::static_type()).and_then(|v| v.downcast::<gtk::Viewport>().ok());
    let Some((view, inside)) = view.and_then(|view| Some((view.clone(), view.child()?))) else { return };
    if let (Some(adjustment), Some((_, top))) =
        (view.vadjustment(), widget.translate_coordinates(&inside, 0, 0))
    {
        let (top, height) = (f64::from(top), f64::from(widget.allocated_height()));
        adjustment.clamp_page(top, top + height.min(adjustment.page_size()));
    }
}
