// SPDX-License-Identifier: GPL-3.0-or-later
//! A picture that is as large as there is room for.

use std::cell::{Cell, RefCell};

use gimp_ui::gtk;
use gtk::cairo::{Context, Filter};
use gtk::gdk::prelude::GdkContextExt;
use gtk::gdk_pixbuf::Pixbuf;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

mod imp {
    use super::*;

    #[derive(Default)]
    pub struct View {
        picture: RefCell<Option<Pixbuf>>,
        /// The width and height that it asks for.
        least: Cell<(i32, i32)>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for View {
        const NAME: &'static str = "ImpastoView";
        type Type = super::View;
        type ParentType = gtk::DrawingArea;
    }

    impl ObjectImpl for View {}
    impl DrawingAreaImpl for View {}

    impl WidgetImpl for View {
        fn request_mode(&self) -> gtk::SizeRequestMode {
            gtk::SizeRequestMode::HeightForWidth
        }

        fn preferred_width(&self) -> (i32, i32) {
            (self.least.get().0, self.least.get().0)
        }

        fn preferred_height(&self) -> (i32, i32) {
            (self.least.get().1, self.least.get().1)
        }

        /// As high as the picture is where it is so wide, if there is room.
        fn preferred_height_for_width(&self, width: i32) -> (i32, i32) {
            let (least_width, least) = self.least.get();
            let natural = f64::from(width) * f64::from(least) / f64::from(least_width.max(1));
            (least, (natural.round() as i32).max(least))
        }

        fn draw(&self, context: &Context) -> glib::Propagation {
            if let Some(picture) = self.picture.borrow().as_ref() {
                // Nothing is drawn where this fails.
                let _ = self.draw_picture(context, picture);
            }
            glib::Propagation::Stop
        }
    }

    impl View {
        /// The factor from the picture's pixels to the screen's logical ones.
        fn factor(&self, picture: &Pixbuf) -> f64 {
            let room = self.obj().allocation();
            let factor = |room: i32, side: i32| f64::from(room) / f64::from(side.max(1));
            factor(room.width(), picture.width()).min(factor(room.height(), picture.height()))
        }

        fn draw_picture(&self, context: &Context, picture: &Pixbuf) -> Result<(), gtk::cairo::Error> {
            let factor = self.factor(picture);
            let beside = f64::from(self.obj().allocated_width()) - factor * f64::from(picture.width());
            context.translate((beside / 2.0).floor(), 0.0);
            context.scale(factor, factor);
            context.set_source_pixbuf(picture, 0.0, 0.0);
            context.source().set_filter(Filter::Good);
            context.paint()
        }

        pub fn set(&self, picture: Pixbuf) {
            self.picture.replace(Some(picture));
            self.obj().queue_draw();
        }

        pub fn set_least(&self, least: (i32, i32)) {
            self.least.set(least);
        }

        pub fn longer_side(&self) -> f64 {
            let picture = self.picture.borrow();
            let side = |p: &Pixbuf| self.factor(p) * f64::from(p.width().max(p.height()));
            picture.as_ref().map_or(0.0, side)
        }
    }
}

glib::wrapper! {
    pub struct View(ObjectSubclass<imp::View>) @extends gtk::DrawingArea, gtk::Widget, @implements gtk::Buildable;
}

impl View {
    /// Shows a picture whose longer side takes at least `side` of the screen's logical pixels. It keeps its shape.
    pub fn new(picture: Pixbuf, side: i32) -> Self {
        let view: View = glib::Object::new();
        let longer = f64::from(picture.width().max(picture.height()).max(1));
        let least = |length: i32| (f64::from(length) * f64::from(side) / longer).round().max(1.0) as i32;
        view.imp().set_least((least(picture.width()), least(picture.height())));
        view.imp().set(picture);
        if let Some(accessible) = view.accessible() {
            gtk::atk::prelude::AtkObjectExt::set_role(&accessible, gtk::atk::Role::Image);
        }
        view
    }

    /// Shows another picture of the same shape.
    pub fn set(&self, picture: Pixbuf) {
        self.imp().set(picture);
    }

    /// The longer side of the picture on the screen, in its logical pixels; 0 before it has been laid out.
    pub fn longer_side(&self) -> f64 {
        self.imp().longer_side()
    }
}
