//! The variables of OpenTelemetry that decide whether and where traces are sent. Its
//! crates read the others, such as those of the batches and the resource.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use url::Url;

const DISABLED: &str = "OTEL_SDK_DISABLED";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const PROTOCOLS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];
const TIMEOUTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
];
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
const DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
const SPANS: [&str; 2] = ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_MAX_QUEUE_SIZE"];

/// Most spans that wait or are sent at once: the space for all of them is taken at the
/// start.
const MAX_SPANS: u64 = 65_536;

/// The default of the specification.
const TIMEOUT: Duration = Duration::from_secs(10);

const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

/// Where traces are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Only its origin matters here: the exporter makes the same URL of the variables.
    pub endpoint: Url,
    /// Timeout of the collector.
    pub timeout: Duration,
}

impl Settings {
    /// None: traces are not wanted. An empty variable counts as unset.
    ///
    /// # Errors
    ///
    /// Names the variable that cannot be used, without its value.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> anyhow::Result<Option<Self>> {
        let value = |name| get(name).filter(|value| !value.is_empty());
        let first = |names: [&'static str; 2]| {
            let mut found = names.into_iter();
            found.find_map(|name| Some((name, value(name)?)))
        };
        let is_disabled = value(DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let endpoint = first([TRACES_ENDPOINT, ENDPOINT]);
        let Some((variable, endpoint)) = endpoint.filter(|_| !is_disabled) else {
            return Ok(None);
        };
        match value(EXPORTER).as_deref() {
            None | Some("otlp") => {}
            Some("none") => return Ok(None),
            Some(_) => bail!("{EXPORTER} has to be otlp or none"),
        }
        // The exporter reads the variable by stricter rules, and would quote it.
        let is_uri = endpoint.parse::<http::Uri>().is_ok();
        let endpoint = Url::parse(&endpoint).ok().filter(|_| is_uri);
        let endpoint = endpoint.filter(|url| matches!(url.scheme(), "http" | "https"));
        let endpoint =
            endpoint.with_context(|| format!("{variable} has to be an http or https URL"))?;
        if let Some((variable, protocol)) = first(PROTOCOLS)
            && protocol != "http/protobuf"
        {
            bail!("{variable} has to be http/protobuf");
        }
        let timeout = match first(TIMEOUTS) {
            None => TIMEOUT,
            Some((variable, text)) => positive(variable, &text).map(Duration::from_millis)?,
        };
        if let Some(text) = value(DELAY) {
            positive(DELAY, &text)?;
        }
        for name in SPANS {
            if let Some(text) = value(name)
                && positive(name, &text)? > MAX_SPANS
            {
                bail!("{name} has to be at most {MAX_SPANS}");
            }
        }
        if let Some(sampler) = value(SAMPLER) {
            if !SAMPLERS.contains(&sampler.as_str()) {
                bail!("{SAMPLER} is not the name of a known sampler");
            }
            let ratio = value(SAMPLER_ARGUMENT).and_then(|text| f64::from_str(&text).ok());
            let has_ratio = ratio.is_some_and(|ratio| (0.0..=1.0).contains(&ratio));
            if sampler.ends_with("ratio") && !has_ratio {
                bail!("{SAMPLER_ARGUMENT} has to be from 0 to 1");
            }
        }
        Ok(Some(Self { endpoint, timeout }))
    }
}

fn positive(variable: &str, text: &str) -> anyhow::Result<u64> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.with_context(|| format!("{variable} has to be a positive whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> anyhow::Result<Option<Settings>> {
        let get = |name: &str| {
            let mut found = variables.iter().filter(|(set, _)| *set == name);
            found.next().map(|(_, value)| (*value).to_owned())
        };
        Settings::read(get)
    }

    #[test]
    fn traces_are_sent_only_where_a_collector_is_named() {
        for (name, variables, is_on) in [
            ("nothing", &[][..], false),
            ("only a name", &[("OTEL_SERVICE_NAME", "x")][..], false),
            ("an empty endpoint", &[(ENDPOINT, "")], false),
            ("an endpoint", &[(ENDPOINT, "http://collector:4318")], true),
            (
                "one for traces",
                &[(TRACES_ENDPOINT, "https://collector/v1/traces")],
                true,
            ),
            (
                "disabled",
                &[(ENDPOINT, "http://collector:4318"), (DISABLED, "TRUE")],
                false,
            ),
            (
                "no exporter",
                &[(ENDPOINT, "http://collector:4318"), (EXPORTER, "none")],
                false,
            ),
            (
                "disabled and wrong",
                &[(ENDPOINT, "x"), (DISABLED, "true")],
                false,
            ),
        ] {
            let settings = read(variables);
            assert_eq!(settings.unwrap().is_some(), is_on, "{name}");
        }
    }

    #[test]
    fn the_more_specific_variable_counts() {
        let settings = read(&[
            (ENDPOINT, "http://one:4318"),
            (TRACES_ENDPOINT, "http://other:4318/traces"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ]);
        let settings = settings.unwrap().unwrap();
        assert_eq!(settings.endpoint.as_str(), "http://other:4318/traces");
        assert_eq!(settings.timeout, Duration::from_millis(2500));
    }

    #[test]
    fn an_unusable_value_is_named() {
        for (variable, value) in [
            (ENDPOINT, "collector:4318"),
            (ENDPOINT, "unix:///run/collector"),
            (EXPORTER, "zipkin"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "65537"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1000000000"),
            ("OTEL_BSP_SCHEDULE_DELAY", "often"),
            (SAMPLER, "xray"),
        ] {
            let unusable = read(&[(variable, value), (ENDPOINT, "http://collector")]);
            let unusable = unusable.unwrap_err().to_string();
            assert!(unusable.starts_with(variable), "{unusable}");
        }
        for ratio in ["", "2", "-0.1", "all"] {
            let unusable = read(&[
                (ENDPOINT, "http://collector"),
                (SAMPLER, "parentbased_traceidratio"),
                (SAMPLER_ARGUMENT, ratio),
            ]);
            assert!(unusable.is_err(), "{ratio}");
        }
    }
}
