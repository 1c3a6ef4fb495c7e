//! Many rectangles as the one attribute `d` of a path, which takes a third of the bytes that as many elements do.

use std::fmt::Write as _;

use super::scale::rounded;

/// The attribute `d` of a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Path(String);

impl Path {
    /// Adds a rectangle: its upper left corner, width and height.
    pub(crate) fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64) {
        let [x, y, width, height] = [x, y, width, height].map(rounded);
        // Writing to a string cannot fail.
        let _ = write!(self.0, "M{x} {y}h{width}v{height}h-{width}z");
    }

    /// Adds a level stroke.
    pub(crate) fn level(&mut self, x: f64, y: f64, width: f64) {
        let [x, y, width] = [x, y, width].map(rounded);
        let _ = write!(self.0, "M{x} {y}h{width}");
    }

    /// Goes on to a point, or begins there.
    pub(crate) fn point(&mut self, x: f64, y: f64) {
        let [x, y] = [x, y].map(rounded);
        let _ = write!(self.0, "{}{x} {y}", if self.0.is_empty() { 'M' } else { 'L' });
    }

    /// Closes the shape that points make.
    pub(crate) fn close(&mut self) {
        self.0.push('z');
    }

    /// The text; empty where nothing was drawn.
    pub(crate) fn d(&self) -> &str {
        &self.0
    }

    /// Whether nothing was drawn.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rectangles again, for tests: x, y, width, height.
    #[cfg(test)]
    pub(crate) fn rectangles(&self) -> Vec<[f64; 4]> {
        let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
        let one = |text: &str| {
            let (place, size) = text.trim_end_matches('z').split_once('h').unwrap_or((text, ""));
            let (x, y) = place.split_once(' ').unwrap_or((place, ""));
            let (width, rest) = size.split_once('v').unwrap_or((size, ""));
            [number(x), number(y), number(width), number(rest.split('h').next().unwrap_or_default())]
        };
        self.0.split('M').skip(1).map(one).collect()
    }
}
