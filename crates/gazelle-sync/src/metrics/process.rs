//! Metrics of the process, with the names of the official Prometheus clients.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Resident memory and version.
pub(super) fn registry() -> Registry {
    let mut registry = Registry::default();
    if let Some(bytes) = resident_bytes() {
        let gauge: Gauge = Gauge::default();
        gauge.set(bytes);
        registry.register_with_unit("process_resident_memory", "Resident memory size", Unit::Bytes, gauge);
    }
    let build = Family::<super::labels::OneLabel, Gauge>::default();
    build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
    registry.register("gazelle_sync_build_info", "1, with the version of the program", build);
    registry
}

/// Resident memory in bytes; `None` without `/proc`.
fn resident_bytes() -> Option<i64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: i64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(i64::try_from(rustix::param::page_size()).ok()?)
}
