//! Charts as pure functions: numbers in, shapes out. A template beside each draws the shapes as SVG with a title and a
//! description that say what is found, without any script and without `style=`, and gives the same numbers as a table.

pub(crate) mod age_bar;
pub(crate) mod changed_bars;
pub(crate) mod growth;
pub(crate) mod heat;
pub(crate) mod in_and_out;
pub(crate) mod lanes;
pub(crate) mod path;
pub(crate) mod scale;
pub(crate) mod strip;
