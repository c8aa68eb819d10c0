//! The command line. What it prints goes to standard output; what happens meanwhile is logged to standard error.
#![allow(clippy::print_stdout)]

mod audit;
mod documents;
mod export;
mod policy;
mod portfolio;
mod progress;

use std::{io::IsTerminal, net::SocketAddr, process::ExitCode};

use clap::{
    Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use futures_util::future::BoxFuture;
use strum::VariantArray;

use crate::{
    access::Role,
    changes,
    clock::{Clock, beginning_of},
    config::{self, Config, Flags},
    database::Database,
    graphql,
    identity::demo::DemoKey,
    policies,
    seed::{self, Content},
    server::Server,
    subscriptions::tick,
    text::Language,
};

/// The IT catalogue of North Rhine-Westphalia.
#[derive(Debug, Parser)]
#[command(name = "itkatalog", version, after_long_help = help_of_settings())]
pub struct Arguments {
    /// Database: sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME.
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the catalogue over HTTP.
    #[command(after_long_help = help_of_settings())]
    Serve {
        /// Address and port to listen on.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
        /// Load sample data into an empty database; listens on a loopback address only.
        #[arg(long)]
        demo: bool,
    },
    /// Bring the database schema up, take steps back, or show where it stands.
    Migrate {
        #[command(subcommand)]
        direction: Direction,
    },
    /// Load reference data (municipalities, providers, groups, phases) into a new database.
    Seed {
        /// Also load invented portfolios, contacts and subscriptions, all marked as sample.
        #[arg(long)]
        demo: bool,
    },
    /// Sign a token with the demo key, for trying out: `serve --demo` creates the key and accepts the token.
    Token(TokenArguments),
    /// The rules of who may do what.
    Policy(policy::Arguments),
    /// Write down what is due: terminations that end, requests and changes that expire. `serve` does it every hour; safe to
    /// run twice and beside it.
    Tick {
        /// As of the beginning of this day (Europe/Berlin) instead of now.
        #[arg(long, value_name = "DATE")]
        on: Option<chrono::NaiveDate>,
    },
    /// The audit trail.
    Audit {
        #[command(subcommand)]
        what: audit::Audit,
    },
    /// Documents that callers ask for by their SHA-256.
    Documents {
        #[command(subcommand)]
        what: documents::Command,
    },
    /// Portfolios as files: a template, a check, a registration.
    Portfolio {
        #[command(subcommand)]
        what: portfolio::Portfolio,
    },
    /// Write everything of one kind into a file, straight from the database.
    Export(export::Arguments),
    /// Print the GraphQL schema.
    Schema,
    /// Exit 0 when a running instance is ready, for health checks of containers.
    Health,
}

#[derive(Debug, clap::Args)]
struct TokenArguments {
    /// Role: municipality, provider, account_manager, steward, transformation_office, land, auditor. Can be given several times.
    #[arg(long = "role", required = true, value_name = "ROLE")]
    roles: Vec<String>,
    /// AGS of the municipality that the token acts for.
    #[arg(long, value_name = "AGS")]
    municipality: Option<String>,
    /// Key of the provider that the token acts for.
    #[arg(long, value_name = "KEY")]
    provider: Option<String>,
    /// Key of a customer group that the token looks after. Can be given several times.
    #[arg(long = "customer-group", value_name = "KEY")]
    customer_groups: Vec<String>,
    /// Who it is, as an issuer would know it: another subject is another person.
    #[arg(long, value_name = "S", default_value = "demo")]
    subject: String,
    /// How long it holds, as in 30m, 1h, 7d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    ttl: std::time::Duration,
}

#[derive(Debug, Subcommand)]
enum Direction {
    /// All steps up.
    Up,
    /// Take back the last steps, with their data.
    Down {
        /// How many steps.
        #[arg(default_value_t = 1)]
        steps: u32,
    },
    /// Every step, and whether the database has it.
    Status,
}

fn help_of_settings() -> String {
    format!("Settings (file {}, environment ITKATALOG_*):\n\n{}", config::FILE, config::DEFAULTS)
}

/// Does what the arguments say, and tells the exit code. The error is for a person at a terminal.
///
/// Boxed, so that the program does not compile all of it once more.
pub fn run(arguments: Arguments) -> BoxFuture<'static, Result<ExitCode, String>> {
    Box::pin(run_here(arguments))
}

async fn run_here(arguments: Arguments) -> Result<ExitCode, String> {
    if let Command::Portfolio { what } = arguments.command {
        return portfolio::run(what).await;
    }
    run_other(arguments).await.map(|()| ExitCode::SUCCESS)
}

async fn run_other(arguments: Arguments) -> Result<(), String> {
    let listen = if let Command::Serve { listen, .. } = &arguments.command { listen.clone() } else { None };
    let policies = if let Command::Policy(policy) = &arguments.command { policy.folder() } else { None };
    let demo = matches!(arguments.command, Command::Serve { demo: true, .. });
    let flags = Flags { listen, database_url: arguments.database_url, policies, demo };
    if matches!(arguments.command, Command::Schema) {
        print!("{}", graphql::sdl(&graphql::schema()));
        return Ok(());
    }
    let config = Config::load(&flags)?;
    if let Command::Policy(arguments) = arguments.command {
        return policy::run(&arguments, config.policies.as_deref());
    }
    start_logging(&config)?;
    match arguments.command {
        Command::Serve { demo, .. } => serve(config, demo).await,
        Command::Migrate { direction } => migrate(&config, &direction).await,
        Command::Seed { demo } => load(&config, if demo { Content::Demo } else { Content::Reference }).await,
        Command::Health => health(&config).await,
        Command::Token(arguments) => token(&config, &arguments),
        Command::Audit { what } => audit::run(&config, what).await,
        Command::Documents { what } => documents::run(&config, what).await,
        Command::Export(arguments) => export::run(&config, arguments).await,
        Command::Tick { on } => tick_once(&config, on).await,
        Command::Schema | Command::Policy(_) | Command::Portfolio { .. } => Ok(()),
    }
}

async fn serve(config: Config, is_demo: bool) -> Result<(), String> {
    let server = Server::build(config, Clock::System, is_demo).await?;
    let tell = |address| tracing::info!("listening on http://{address}/graphql");
    server.run(asked_to_stop(), tell).await
}

async fn asked_to_stop() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "no signal handler; stop with a kill");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

async fn migrate(config: &Config, direction: &Direction) -> Result<(), String> {
    let database = Database::connect(config).await?;
    match direction {
        Direction::Up => database.migrate_up().await?,
        Direction::Down { steps } => database.migrate_down(*steps).await?,
        Direction::Status => {}
    }
    let steps = database.migration_status().await?;
    database.close().await?;
    for step in steps {
        println!("{} {}", if step.applied { "applied" } else { "pending" }, step.name);
    }
    Ok(())
}

async fn load(config: &Config, content: Content) -> Result<(), String> {
    let engine = policies::load(config.policies.as_deref())?;
    let database = Database::connect(config).await?;
    database.migrate_up().await?;
    let report = seed::run(&database, engine.fingerprint(), Clock::System, content).await?;
    database.close().await?;
    if report.is_empty() {
        println!(
            "Nothing to load: the database holds municipalities{} already.",
            if content == Content::Demo { " and products" } else { "" }
        );
    }
    for (table, rows) in report {
        println!("{rows:>6} {table}");
    }
    Ok(())
}

async fn tick_once(config: &Config, on: Option<chrono::NaiveDate>) -> Result<(), String> {
    let engine = policies::load(config.policies.as_deref())?;
    let now = Clock::System.now();
    let due_at = match on {
        Some(day) => beginning_of(day).ok_or("--on: there is no such day")?,
        None => now,
    };
    let database = Database::connect_existing(config).await?;
    let report = tick::run(&database, engine.fingerprint(), due_at, now).await;
    let report = report.map_err(|error| format!("the tick failed: {error}"))?;
    let removed = changes::remove_before(&database, now - config.feed_retention()).await;
    let removed = removed.map_err(|error| format!("old entries of the change feed could not be removed: {error}"))?;
    database.close().await?;
    let tick::Report { ended, begun, expired } = report;
    println!("{ended} ended, {begun} begun, {expired} expired; {removed} old entries of the change feed removed.");
    Ok(())
}

fn token(config: &Config, arguments: &TokenArguments) -> Result<(), String> {
    let mut claims = serde_json::Map::new();
    for name in &arguments.roles {
        let role: Role = name.parse().map_err(|_| {
            let known: Vec<String> = Role::VARIANTS.iter().map(|role| <&str>::from(role).to_lowercase()).collect();
            format!("--role {name}: there is no such role. Roles: {}", known.join(", "))
        })?;
        let missing = match role {
            Role::Municipality => arguments.municipality.is_none().then_some("--municipality AGS"),
            Role::Provider => arguments.provider.is_none().then_some("--provider KEY"),
            Role::AccountManager => arguments.customer_groups.is_empty().then_some("--customer-group KEY"),
            _ => None,
        };
        if let Some(missing) = missing {
            tracing::warn!(role = name, missing, "the role gives no right without its organisation");
        }
    }
    let roles: Vec<String> = arguments.roles.iter().map(|role| role.to_lowercase()).collect();
    claims.insert("sub".into(), arguments.subject.as_str().into());
    claims.insert(config.claims.roles.clone(), roles.into());
    let mut organisation =
        |name: &str, value: Option<&String>| value.map(|value| claims.insert(name.into(), value.as_str().into()));
    organisation(&config.claims.municipality, arguments.municipality.as_ref());
    organisation(&config.claims.provider, arguments.provider.as_ref());
    if !arguments.customer_groups.is_empty() {
        claims.insert(config.claims.customer_groups.clone(), arguments.customer_groups.clone().into());
    }
    let key = DemoKey::read(&DemoKey::path(&config.database_url))?;
    println!("{}", key.sign(claims, &config.jwt_audience, Clock::System.now(), arguments.ttl)?);
    Ok(())
}

async fn health(config: &Config) -> Result<(), String> {
    use http_body_util::Empty;
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let address = own_address(config);
    let uri = format!("http://{address}/readyz");
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<axum::body::Bytes>>();
    let uri = uri.parse().map_err(|error| format!("{uri}: {error}"))?;
    let answer = tokio::time::timeout(std::time::Duration::from_secs(5), client.get(uri)).await;
    match answer {
        Ok(Ok(response)) if response.status().is_success() => Ok(()),
        Ok(Ok(response)) => Err(format!("not ready: {}", response.status())),
        Ok(Err(error)) => Err(format!("no instance answers on {address}: {error}")),
        Err(_) => Err(format!("no answer from {address} within 5 s")),
    }
}

/// Where an instance with these settings can be reached on this machine.
fn own_address(config: &Config) -> SocketAddr {
    let mut address = config.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// The language of the terminal: German where it says so, else English.
fn language_of_terminal() -> Language {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
    match set.into_iter().find(|value| !value.is_empty()) {
        Some(value) if value.starts_with("de") => Language::De,
        _ => Language::En,
    }
}

/// `de` or `en`.
fn languages() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(["de", "en"]).map(|name| if name == "de" { Language::De } else { Language::En })
}

/// JSON lines for machines, readable text for a person at a terminal.
fn start_logging(config: &Config) -> Result<(), String> {
    std::panic::set_hook(Box::new(|panic| {
        // The place only: a message could hold what must not be logged.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log).map_err(|error| format!("log: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.init()
    } else {
        builder.json().init()
    }
    Ok(())
}
