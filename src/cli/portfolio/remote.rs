//! A registration at a service, over http or https.

use std::{io::IsTerminal, time::Duration};

use clap::ValueEnum;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Uri, body::Bytes, header};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::json;

use super::{
    Secret,
    report::{Fault, Report},
};
use crate::{
    outbound::{Https, causes, https},
    portfolios::{Row, digest},
    text::{Language, Text},
};

const DOCUMENT: &str = "mutation($input: RegisterPortfolioInput!) { registerPortfolio(input: $input) {
    report { dryRun written total added changed unchanged missing rejected missingProducts
        rows { index externalId outcome changedFields errors { code path message nextStep } } }
    errors { code path message nextStep } } }";
/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(300);
/// Pauses before it is sent again, with the same key: what was written in spite of a lost answer is not written twice.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// Largest answer, in bytes.
const LARGEST_ANSWER: usize = 256 * 1024 * 1024;
/// How often the spinner turns.
const TURN: Duration = Duration::from_millis(100);

/// What becomes of the other rows when one is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OnError {
    /// Nothing is written.
    RejectAll,
    /// Rows that are right are written.
    AcceptValid,
}

/// What becomes of products that are not in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Missing {
    /// They stay as they are, and are listed.
    Keep,
    /// They are phased out.
    PhaseOut,
}

/// Where to send rows, as whom, and what for.
pub(super) struct Sending {
    pub(super) endpoint: Uri,
    pub(super) token: Option<Secret>,
    pub(super) provider: String,
    pub(super) dry_run: bool,
    pub(super) on_error: OnError,
    pub(super) missing: Missing,
    pub(super) confirm_missing: Vec<String>,
}

/// Why there is no report.
enum Failure {
    /// It may be otherwise when it is sent again.
    Passing(String),
    /// It would be the same again.
    Lasting(String),
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<RequestError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    register_portfolio: Option<Payload>,
}

#[derive(Deserialize)]
struct Payload {
    report: Option<Report>,
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct RequestError {
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Extensions {
    code: String,
    request_id: String,
}

impl Sending {
    /// A rehearsal that writes nothing.
    pub(super) fn rehearsal(endpoint: Uri, token: Option<Secret>, provider: String) -> Self {
        Self {
            endpoint,
            token,
            provider,
            dry_run: true,
            on_error: OnError::RejectAll,
            missing: Missing::Keep,
            confirm_missing: Vec::new(),
        }
    }

    /// Sends the rows and reads the report. Sent again where the answer was lost, with the same key.
    pub(super) async fn send(&self, rows: &[Row], language: Language) -> Result<Report, String> {
        let say = |de: &str, en: &str| Text::new(de, en).in_language(language);
        if self.token.is_none() {
            return Err(say(
                "Es fehlt ein Token: --token oder die Umgebungsvariable ITKATALOG_TOKEN.",
                "A token is missing: --token or the environment variable ITKATALOG_TOKEN.",
            ));
        }
        if !self.is_private() {
            #[allow(clippy::print_stderr)]
            {
                eprintln!(
                    "{}",
                    say(
                        "Warnung: Das Token geht unverschlüsselt über das Netz; bitte https verwenden.",
                        "Warning: the token crosses the network unencrypted; please use https."
                    )
                );
            }
        }
        let body = self.body(rows)?;
        let client = https(true);
        let progress = progress(rows.len(), &self.endpoint);
        let mut pauses = PAUSES.into_iter();
        loop {
            match (self.attempt(&client, body.clone(), language).await, pauses.next()) {
                (Ok(report), _) => return Ok(report),
                (Err(Failure::Passing(_)), Some(pause)) => tokio::time::sleep(pause).await,
                (Err(Failure::Lasting(why)), _) => return Err(why),
                (Err(Failure::Passing(why)), None) => {
                    progress.finish_and_clear();
                    let next = say(
                        "Ob geschrieben wurde, ist offen. Derselbe Befehl kann wiederholt werden: Was schon da ist, ändert sich nicht.",
                        "Whether it was written is not known. The same command can be repeated: what is there already does not change.",
                    );
                    return Err(format!("{why} {next}"));
                }
            }
        }
    }

    /// Whether nobody on the way reads the token: by TLS, or because it stays on this machine.
    fn is_private(&self) -> bool {
        let host = self.endpoint.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = host.parse().map_or(host == "localhost", |address: std::net::IpAddr| address.is_loopback());
        is_here || self.endpoint.scheme_str() == Some("https")
    }

    fn body(&self, rows: &[Row]) -> Result<Bytes, String> {
        let digest = digest(rows).map_err(|error| error.to_string())?;
        let input = json!({
            "provider": self.provider,
            "count": rows.len(),
            "digest": digest,
            "products": rows,
            "onError": match self.on_error { OnError::RejectAll => "REJECT_ALL", OnError::AcceptValid => "ACCEPT_VALID" },
            "missing": match self.missing { Missing::Keep => "KEEP", Missing::PhaseOut => "PHASE_OUT" },
            "confirmMissing": self.confirm_missing,
            "dryRun": self.dry_run,
            // A new one each time: one made of the content would take what was registered, replaced and is now wanted again
            // for a repetition.
            "idempotencyKey": uuid::Uuid::new_v4().to_string(),
        });
        Ok(json!({ "query": DOCUMENT, "variables": { "input": input } }).to_string().into())
    }

    async fn attempt(&self, client: &Https<Full<Bytes>>, body: Bytes, language: Language) -> Result<Report, Failure> {
        let endpoint = &self.endpoint;
        let lasting = |error: String| Failure::Lasting(format!("{endpoint}: {error}"));
        let passing = |error: String| Failure::Passing(format!("{endpoint}: {error}."));
        let seconds = PATIENCE.as_secs();
        let late =
            Text::new(format!("keine Antwort innerhalb von {seconds} s"), format!("no answer within {seconds} s"));
        let late = || passing(late.clone().in_language(language));
        let token = self.token.as_ref().map_or("", |token| token.0.trim());
        let request = Request::post(endpoint)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/graphql-response+json")
            .header(header::ACCEPT_LANGUAGE, if language == Language::De { "de" } else { "en" })
            .body(Full::new(body))
            .map_err(|error| lasting(error.to_string()))?;
        let sent = tokio::time::timeout(PATIENCE, client.request(request)).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            // Nobody is there: nothing can have been written.
            Ok(Err(error)) if error.is_connect() => return Err(lasting(causes(&error))),
            Ok(Err(error)) => return Err(passing(causes(&error))),
            Err(_) => return Err(late()),
        };
        let status = response.status();
        let body = tokio::time::timeout(PATIENCE, Limited::new(response.into_body(), LARGEST_ANSWER).collect()).await;
        let body = match body {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) => return Err(passing(error.to_string())),
            Err(_) => return Err(late()),
        };
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| {
            let what = Text::new(
                format!("Status {status}, und die Antwort ist keine dieses Dienstes ({error})"),
                format!("status {status}, and the answer is none of this service ({error})"),
            );
            let what = what.in_language(language);
            if status.is_server_error() { passing(what) } else { lasting(what) }
        })?;
        answer.report(language)
    }
}

impl Answer {
    fn report(self, language: Language) -> Result<Report, Failure> {
        if let Some(error) = self.errors.first() {
            let Extensions { code, request_id } = &error.extensions;
            let why = format!("{} ({code}, requestId {request_id})", error.message);
            return Err(if code == "UNAVAILABLE" { Failure::Passing(why) } else { Failure::Lasting(why) });
        }
        let payload = self.data.and_then(|data| data.register_portfolio);
        let Some(Payload { report, errors }) = payload else {
            let nothing = Text::new("Die Antwort enthält keinen Bericht.", "The answer holds no report.");
            return Err(Failure::Lasting(nothing.in_language(language)));
        };
        report.ok_or_else(|| {
            let refused = Text::new("Alles wurde abgelehnt.", "All of it was refused.").in_language(language);
            let errors: Vec<String> = errors.iter().map(Fault::sentence).collect();
            Failure::Lasting(format!("{refused} {}", errors.join("\n")))
        })
    }
}

/// Turns while a person waits.
fn progress(rows: usize, endpoint: &Uri) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
    let progress = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    progress.set_message(format!("{rows} → {}", endpoint.authority().map_or("", |authority| authority.as_str())));
    progress.enable_steady_tick(TURN);
    progress
}
