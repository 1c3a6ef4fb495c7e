//! The simulated shop of `demo` and `simulate`.

use gazelle_sim::ShopSpec;

use crate::cli::ShopFlags;

/// The shop that the flags describe.
pub fn spec(flags: &ShopFlags) -> ShopSpec {
    let size = flags.size();
    ShopSpec {
        users: size.users as usize,
        clients: size.clients as usize,
        pianos: size.pianos as usize,
        events: size.appointments as usize,
        ..ShopSpec::default_shop(flags.seed)
    }
}
