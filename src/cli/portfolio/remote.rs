//! A registration at a service, over http or https.

use std::{io::IsTerminal, time::Duration};

use clap::ValueEnum;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, Uri, body::Bytes, header};
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
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
    /// Nobody answers at all.
    Nobody(String),
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
        self.warn(language);
        let (body, client) = (self.body(rows)?, https(true));
        let _progress = progress(rows.len(), &self.endpoint);
        let (mut pauses, mut was_sent) = (PAUSES.into_iter(), false);
        loop {
            let why = match self.attempt(&client, body.clone(), language).await {
                Ok(report) => return Ok(report),
                Err(Failure::Lasting(why)) => return Err(why),
                Err(Failure::Nobody(why)) if !was_sent => return Err(why),
                Err(Failure::Nobody(why) | Failure::Passing(why)) => why,
            };
            was_sent = true;
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None if self.dry_run => return Err(why),
                None => {
                    let next = say(
                        "Ob geschrieben wurde, ist offen. Derselbe Befehl kann wiederholt werden: Was schon da ist, ändert sich nicht.",
                        "Whether it was written is not known. The same command can be repeated: what is there already does not change.",
                    );
                    return Err(format!("{why} {next}"));
                }
            }
        }
    }

    /// Says so when others on the way could read the token.
    #[allow(clippy::print_stderr)]
    fn warn(&self, language: Language) {
        let warning = Text::new(
            "Warnung: Das Token geht unverschlüsselt über das Netz; bitte https verwenden.",
            "Warning: the token crosses the network unencrypted; please use https.",
        );
        if !self.is_private() {
            eprintln!("{}", warning.in_language(language));
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
        let token = self.token.as_ref().map_or("", |token| token.0.trim());
        let request = Request::post(endpoint)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/graphql-response+json")
            .header(header::ACCEPT_LANGUAGE, if language == Language::De { "de" } else { "en" })
            .body(Full::new(body))
            .map_err(|error| Failure::Lasting(format!("{endpoint}: {error}")))?;
        let seconds = PATIENCE.as_secs();
        let late =
            Text::new(format!("keine Antwort innerhalb von {seconds} s"), format!("no answer within {seconds} s"));
        let answered = tokio::time::timeout(PATIENCE, exchange(client, request)).await;
        let (status, body) = answered
            .unwrap_or_else(|_| Err(Failure::Passing(late.in_language(language))))
            .map_err(|failure| failure.at(endpoint))?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| {
            let what = Text::new(
                format!("Status {status}, und die Antwort ist keine dieses Dienstes ({error})"),
                format!("status {status}, and the answer is none of this service ({error})"),
            );
            let what = what.in_language(language);
            let failure = if status.is_server_error() { Failure::Passing(what) } else { Failure::Lasting(what) };
            failure.at(endpoint)
        })?;
        answer.report(language)
    }
}

async fn exchange(client: &Https<Full<Bytes>>, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
    let response = client.request(request).await.map_err(|error| match error.is_connect() {
        true => Failure::Nobody(causes(&error)),
        false => Failure::Passing(causes(&error)),
    })?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
    let body = body.map_err(|error| Failure::Passing(error.to_string()))?;
    Ok((status, body.to_bytes()))
}

impl Failure {
    /// Names the service that it is about.
    fn at(self, endpoint: &Uri) -> Self {
        match self {
            Self::Nobody(why) => Self::Nobody(format!("{endpoint}: {why}.")),
            Self::Passing(why) => Self::Passing(format!("{endpoint}: {why}.")),
            Self::Lasting(why) => Self::Lasting(format!("{endpoint}: {why}.")),
        }
    }
}

impl Answer {
    fn report(self, language: Language) -> Result<Report, Failure> {
        if let Some(error) = self.errors.first() {
            let Extensions { code, request_id } = &error.extensions;
            let why = format!("{} ({code}, requestId {request_id})", error.message);
            let passes = ["UNAVAILABLE", "RATE_LIMITED"].contains(&code.as_str());
            return Err(if passes { Failure::Passing(why) } else { Failure::Lasting(why) });
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
    progress.with_finish(ProgressFinish::AndClear)
}
