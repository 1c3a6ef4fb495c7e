//! What people read, in English and French. `sentence` declares sentences, `locale` speaks one language with its numbers,
//! dates and hours, and `amounts` its durations and sizes. The pages (`dashboard/words/`) and the command line (`commands/words/`) hold the sentences that they say.

mod amounts;
pub(crate) mod locale;
#[cfg(test)]
pub(crate) mod rules;
pub(crate) mod sentence;
mod times;
