//! From settings to a running service. Tests start it the same way.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use futures_util::future::BoxFuture;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower_http::add_extension::AddExtension;

use crate::{
    catalogue::Live,
    changes,
    clock::Clock,
    config::Config,
    database::Database,
    desk::Desk,
    exports,
    feed_watch::Watch,
    http::{App, Peer, connections::Connections, metrics},
    idempotency,
    identity::{Identity, Source, demo::DemoKey},
    policies,
    portfolios::versions,
    seed::{self, Content},
    states,
    subscriptions::tick,
    usage::{self, Meter},
    webhooks::{self, Office},
};

/// Longest time for the headers of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often what is due is written down.
const TICK_INTERVAL: Duration = Duration::from_secs(3600);
/// How often the recorder of metrics is tidied up.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// A service that is ready to run.
pub struct Server {
    router: Router,
    connections: Arc<Connections>,
    desk: Arc<Desk>,
    config: Config,
}

impl Server {
    /// Connects, migrates, loads sample data into an empty database if wanted, and loads the catalogue.
    ///
    /// Boxed, like [`Server::run`]: whoever calls it would compile the whole service once more.
    pub fn build(config: Config, clock: Clock, is_demo: bool) -> BoxFuture<'static, Result<Self, String>> {
        Box::pin(Self::build_here(config, clock, is_demo))
    }

    async fn build_here(config: Config, clock: Clock, is_demo: bool) -> Result<Self, String> {
        if is_demo && !config.listen.ip().is_loopback() {
            return Err(format!(
                "serve --demo listens on a loopback address only, not on {}: the sample data is for trying out",
                config.listen
            ));
        }
        let engine = policies::load(config.policies.as_deref())?;
        let database = Database::connect(&config).await?;
        database.migrate_up().await?;
        let is_empty = seed::is_empty(&database).await.map_err(|error| error.to_string())?;
        if is_demo {
            // Does nothing where products are already.
            seed::run(&database, engine.fingerprint(), clock, Content::Demo).await?;
        } else if is_empty {
            tracing::warn!("the catalogue is empty; load the reference data with `itkatalog seed`");
        }
        let live = Arc::new(Live::load(database.clone()).await.map_err(|error| error.to_string())?);
        keep_first_versions(&database, &live).await.map_err(|error| error.to_string())?;
        let stated = states::keep_missing(&database).await.map_err(|error| error.to_string())?;
        if stated > 0 {
            tracing::info!(stated, "what stood here before states were kept is written down");
        }
        let feed = Watch::start(database.clone(), live.clone()).await.map_err(|error| error.to_string())?;
        let webhooks = Arc::new(Office::new(&config, is_demo)?);
        let exports = Arc::new(exports::Writer::new(&config.exports));
        let usage = Arc::new(Meter::new(&config));
        let desk = Arc::new(Desk { database, live, feed, clock, engine, webhooks, exports, usage });
        let identity = Identity::new(&config, keys_of(&config, is_demo)?, clock.now()).await?;
        let app = App::new(&config, desk.clone(), identity)?;
        let connections = app.connections();
        Ok(Self { router: app.router(&config)?, connections, desk, config })
    }

    /// All routes, for tests that need no network.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The catalogue that is served.
    pub fn live(&self) -> &Arc<Live> {
        &self.desk.live
    }

    /// The connections that stay.
    pub fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    /// The database behind it.
    pub fn database(&self) -> &Database {
        &self.desk.database
    }

    /// What every change and every delivery shares.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Listens, tells the address, and serves until `stop`; requests that run then may finish.
    pub fn run<'t>(
        self,
        stop: impl Future<Output = ()> + Send + 't,
        tell: impl FnOnce(SocketAddr) + Send + 't,
    ) -> BoxFuture<'t, Result<(), String>> {
        self.run_until(Box::pin(stop), Box::new(tell))
    }

    fn run_until<'t>(
        self,
        stop: BoxFuture<'t, ()>,
        tell: Box<dyn FnOnce(SocketAddr) + Send + 't>,
    ) -> BoxFuture<'t, Result<(), String>> {
        Box::pin(self.run_here(stop, tell))
    }

    async fn run_here<'t>(
        self,
        stop: BoxFuture<'t, ()>,
        tell: Box<dyn FnOnce(SocketAddr) + Send + 't>,
    ) -> Result<(), String> {
        let listener = TcpListener::bind(self.config.listen)
            .await
            .map_err(|error| format!("can't listen on {}: {error}", self.config.listen))?;
        tell(listener.local_addr().map_err(|error| error.to_string())?);
        let interval = Duration::from_millis(self.config.refresh_interval_ms);
        let desk = &self.desk;
        let mut refreshing = tokio::spawn(desk.live.clone().keep_fresh(interval));
        let retention = self.config.feed_retention();
        let beside = [
            tokio::spawn(keep_tidy()),
            tokio::spawn(keep_ticking(desk.clone(), retention)),
            tokio::spawn(desk.feed.clone().keep_looking(interval)),
            tokio::spawn(desk.database.clone().keep_listening(self.config.database_url.clone())),
            tokio::spawn(webhooks::keep_delivering(desk.clone(), interval)),
            tokio::spawn(exports::keep_writing(desk.clone(), interval)),
            tokio::spawn(desk.usage.clone().keep_flushing(desk.database.clone())),
        ];
        let served = tokio::select! {
            () = stop => Ok(()),
            () = accept(&listener, &self.router, &self.connections) => Ok(()),
            // It never ends by itself: a catalogue that would silently grow old is worse than a restart.
            ended = &mut refreshing => Err(format!("the catalogue is no longer refreshed: {ended:?}")),
        };
        drop(listener);
        tracing::info!("stopping: running requests may finish, connections that stay are closed");
        let grace = Duration::from_millis(self.config.shutdown_grace_ms);
        let finished = tokio::time::timeout(grace, self.connections.close()).await;
        refreshing.abort();
        beside.iter().for_each(tokio::task::JoinHandle::abort);
        if let Err(error) = self.desk.usage.flush(&self.desk.database).await {
            tracing::warn!(%error, "how often clients asked in the last seconds is lost");
        }
        self.desk.database.close().await?;
        finished.map_err(|_| "stopped with requests still running".to_owned()).and(served)
    }
}

/// Products that were there before versions were kept get the version that they have.
async fn keep_first_versions(database: &Database, live: &Live) -> crate::error::Result<()> {
    if !versions::is_any_missing(database.connection()).await? {
        return Ok(());
    }
    let db = database.begin_exclusive().await?;
    let count = versions::keep_missing(&*db, &live.snapshot()).await?;
    if count > 0 {
        tracing::info!(count, "products that had no version have one now");
    }
    Ok(db.commit().await?)
}

/// Where the keys of tokens come from: what is configured; else, for a demo, a key beside the database.
fn keys_of(config: &Config, is_demo: bool) -> Result<Source, String> {
    match Source::parse(config.jwks.as_deref())? {
        Source::None if is_demo => {
            let key = DemoKey::read_or_create(&DemoKey::path(&config.database_url))?;
            Ok(Source::Demo(Box::new(key.jwk().clone())))
        }
        Source::None => {
            tracing::warn!(
                "no keys are configured (jwks): no token is accepted, only the public catalogue can be read"
            );
            Ok(Source::None)
        }
        source => {
            if config.jwt_issuer.is_none() {
                tracing::warn!("jwt_issuer is not set: every issuer that signs with these keys is believed");
            }
            Ok(source)
        }
    }
}

/// Accepts connections for ever. A client that does not finish its headers in time is cut off.
async fn accept(listener: &TcpListener, router: &Router, connections: &Connections) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, for instance: the next moment may be better.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "answers may wait for acknowledgements");
        }
        let service = TowerToHyperService::new(AddExtension::new(router.clone(), Peer(peer.ip())));
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let mut stop = connections.stop();
        tokio::spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.wait() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
}

/// Writes down what is due and removes what is too old, every hour and at the start.
async fn keep_ticking(desk: Arc<Desk>, retention: chrono::TimeDelta) {
    let Desk { database, engine, clock, .. } = &*desk;
    let mut ticks = tokio::time::interval(TICK_INTERVAL);
    loop {
        ticks.tick().await;
        match tick::run(database, engine.fingerprint(), clock.now(), clock.now()).await {
            Ok(report) if report == tick::Report::default() => {}
            Ok(report) => {
                tracing::info!(
                    ended = report.ended,
                    begun = report.begun,
                    expired = report.expired,
                    "what was due is written down"
                )
            }
            Err(error) => tracing::error!(%error, "what is due could not be written down; tried again in an hour"),
        }
        match changes::remove_before(database, clock.now() - retention).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old entries of the change feed are removed"),
            Err(error) => tracing::error!(%error, "old entries of the change feed could not be removed"),
        }
        if let Err(error) = usage::prune(database, *clock).await {
            tracing::error!(%error, "old counts of requests could not be removed");
        }
        if let Err(error) = idempotency::prune(database, clock.now()).await {
            tracing::error!(%error, "old keys of changes could not be removed");
        }
        if let Err(error) = webhooks::prune(database, clock.now()).await {
            tracing::error!(%error, "old attempts at webhooks could not be removed");
        }
        if let Err(error) = exports::prune(database, clock.now()).await {
            tracing::error!(%error, "exports that have expired could not be removed");
        }
    }
}

async fn keep_tidy() {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        ticks.tick().await;
        metrics::upkeep();
    }
}
