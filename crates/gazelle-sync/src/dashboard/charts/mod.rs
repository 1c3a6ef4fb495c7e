//! Charts as pure functions: numbers in, shapes out. A template beside each draws the shapes as SVG with a title and a
//! description that say what is found, without any script and without `style=`, and gives the same numbers as a table.

pub(crate) mod age_bar;
pub(crate) mod scale;
pub(crate) mod strip;
