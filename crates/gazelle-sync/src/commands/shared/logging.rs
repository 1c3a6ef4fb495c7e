//! Sets up logs on stderr, and traces to an OpenTelemetry collector if one is configured. `serve` has no other
//! output, and programs read its log: level `info`, JSON unless stderr is a terminal. Other commands print a
//! report, and log only warnings, as text. Settings override this for any command.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use reqwest::{blocking, redirect};
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::{LogFormat, Settings};
use crate::display::{Line, LogFields, LogLine, Progress};
use crate::loopback;

/// How long to wait for the collector, at each export and at the end of the program.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The running logging; dropping it sends the traces that are still buffered.
pub struct Logging {
    traces: Option<SdkTracerProvider>,
}

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces {
            // That the collector cannot be reached was logged before.
            let _ = traces.shutdown_with_timeout(EXPORT_TIMEOUT);
        }
    }
}

/// Starts logging for `serve` or another command; nothing finer than `max_log_level` is logged. Only one global
/// subscriber can be set; a test that set its own keeps it.
pub fn start(settings: &Settings, serves: bool, max_log_level: LevelFilter, progress: &Progress) -> Logging {
    let (traces, problem) = match settings.otlp_endpoint.as_ref().map(|url| traces(url.as_str())) {
        None => (None, None),
        Some(Ok(provider)) => (Some(provider), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let to_collector = traces.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("gazelle-sync"))
            .with_location(false)
            .with_threads(false)
            .with_filter(filter_fn(|metadata| is_ours(metadata) && *metadata.level() <= LevelFilter::INFO))
    });
    let as_json = match settings.log_format {
        LogFormat::Json => true,
        LogFormat::Human => false,
        LogFormat::Auto => serves && !std::io::stderr().is_terminal(),
    };
    let unasked = if serves { "info" } else { "warn" };
    let levels = settings.log_level.as_deref().unwrap_or(unasked);
    let levels = EnvFilter::try_new(levels).unwrap_or_else(|_| EnvFilter::new(unasked));
    let shown = levels.and(max_log_level).and(filter_fn(may_be_written));
    let is_terminal = std::io::stderr().is_terminal();
    let line = match (as_json, is_terminal) {
        (true, _) => LogLine::Json,
        (false, false) => LogLine::Text,
        (false, true) => LogLine::Coloured,
    };
    let writer = progress.clone();
    let lines = fmt::layer().with_writer(move || writer.log_writer(line));
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if as_json {
        lines.json().with_filter(shown).boxed()
    } else {
        lines.with_target(false).fmt_fields(LogFields).with_ansi(is_terminal).with_filter(shown).boxed()
    };
    let _ = tracing_subscriber::registry().with(lines).with(to_collector).try_init();
    if let Some(problem) = problem {
        tracing::warn!("no traces are made: {problem}");
    }
    Logging { traces }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    let krate = metadata.target().split("::").next().unwrap_or_default();
    matches!(krate, "gazelle_sync" | "gazelle_sim" | "embedded_postgres")
}

/// Applies at any configured level: libraries log headers, statements and parameters in their finer levels, and the
/// database's notices quote what we sent. None of that may be in a log.
fn may_be_written(metadata: &Metadata<'_>) -> bool {
    let coarse = match metadata.target().starts_with("tokio_postgres") {
        true => LevelFilter::WARN,
        false => LevelFilter::INFO,
    };
    is_ours(metadata) || *metadata.level() <= coarse
}

/// The HTTP client for the collector: it follows no redirects, and bypasses any proxy for a collector on this
/// machine.
fn client(endpoint: &str) -> Result<blocking::Client, String> {
    let builder = blocking::Client::builder().timeout(EXPORT_TIMEOUT).redirect(redirect::Policy::none());
    let builder = if loopback::is_text(endpoint) { builder.no_proxy() } else { builder };
    // The blocking client creates a runtime of its own, which must not happen on a runtime's thread.
    let made = std::thread::spawn(move || builder.build()).join();
    match made {
        Ok(client) => client.map_err(|error| error.to_string()),
        Err(_) => Err("no HTTP client could be made".to_owned()),
    }
}

/// Exports spans to a collector in batches, from a separate thread.
fn traces(endpoint: &str) -> Result<SdkTracerProvider, String> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(EXPORT_TIMEOUT)
        .with_http_client(client(endpoint)?)
        .build()
        .map_err(|error| error.to_string())?;
    let resource = Resource::builder()
        .with_service_name("gazelle-sync")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let exporter = LoggedRefusals { exporter, has_complained: AtomicBool::new(false) };
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Removes control characters from text in a span, as for the log.
fn harmless(span: &mut SpanData) {
    let line = |text: &str| Line::from(text).as_str().to_owned();
    let clean = |attributes: &mut Vec<KeyValue>| {
        for KeyValue { value, .. } in attributes {
            match value {
                Value::String(text) => *value = line(text.as_str()).into(),
                Value::Array(Array::String(texts)) => {
                    texts.iter_mut().for_each(|text| *text = StringValue::from(line(text.as_str())));
                }
                _ => {}
            }
        }
    };
    span.name = line(&span.name).into();
    clean(&mut span.attributes);
    for event in &mut span.events.events {
        event.name = line(&event.name).into();
        clean(&mut event.attributes);
    }
    if let Status::Error { description } = &mut span.status {
        *description = line(description).into();
    }
}

/// Logs once that the collector refuses traces, and again only after it accepted some; refused spans are dropped.
#[derive(Debug)]
struct LoggedRefusals<E> {
    exporter: E,
    has_complained: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for LoggedRefusals<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(harmless);
        let result = self.exporter.export(batch).await;
        let complains = result.is_err();
        if complains && !self.has_complained.swap(complains, Ordering::Relaxed) {
            tracing::warn!("the OpenTelemetry collector takes no traces; runs go on without");
        }
        self.has_complained.store(complains, Ordering::Relaxed);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::{Span as _, Tracer as _};

    use super::*;

    #[derive(Debug, Clone, Default)]
    struct KeptSpans(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for KeptSpans {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    #[test]
    fn nothing_in_a_span_acts_on_the_screen_of_who_reads_it() {
        let kept = KeptSpans::default();
        let exporter = LoggedRefusals { exporter: kept.clone(), has_complained: AtomicBool::new(false) };
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
        let hostile = "a\u{1b}[2J\u{202e}b\nc\u{9b}d";
        let mut span = provider.tracer("test").start(hostile);
        span.set_attribute(KeyValue::new("reason", hostile));
        span.set_attribute(KeyValue::new("reasons", Value::Array(vec![StringValue::from(hostile)].into())));
        span.add_event(hostile, vec![KeyValue::new("error", hostile), KeyValue::new("count", 3)]);
        span.set_status(Status::error(hostile));
        span.end();
        // For control characters, Debug prints an escape; for their replacement, the character itself or an escaped
        // backslash.
        let text = format!("{:?}", kept.0.lock().unwrap()).replace("\\\\", "");
        for raw in ["\\u{1b}", "\\u{202e}", "\\u{9b}", "b\\nc"] {
            assert!(!text.contains(raw), "{raw} in {text}");
        }
        assert_eq!(text.matches("b␊c").count(), 6, "{text}");
        assert!(text.contains("I64(3)"), "{text}");
    }
}
