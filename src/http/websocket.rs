//! `graphql-transport-ws`: the protocol's states, its close codes, and an end for everybody who stays too long, asks too
//! much or reads too slowly. Queries and mutations come over it too.

use std::{borrow::Cow, collections::HashMap, future::Future, pin::Pin};

use axum::{
    extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::{
    sync::mpsc,
    time::{Duration, Instant, Interval, interval_at, timeout},
};

use super::{
    App,
    answer::{MediaType, refusal, refused},
    bearer::Bearer,
    body,
    connections::{Place, Transport},
    graphql::{count, unauthenticated},
    operation::{Operation, Said, What},
    origin,
    request::Info,
};
use crate::error::{Code, Error};

/// The one protocol that is spoken.
const PROTOCOL: &str = "graphql-transport-ws";
/// Results of all operations that wait for a connection: more wait where they come from.
const WAITING_RESULTS: usize = 16;
/// Longest time for saying goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// Unanswered pings after which a peer counts as gone.
const UNANSWERED_PINGS: u32 = 3;
/// Longest text of a reason that is shown, in characters: a close frame holds 123 bytes.
const LONGEST_SHOWN: usize = 30;

/// Why a connection ends.
enum End {
    /// The peer is gone, or said goodbye.
    Gone,
    /// It is closed with a code and a reason.
    Close(u16, Cow<'static, str>),
}

impl End {
    const STOPPING: Self = Self::Close(1001, Cow::Borrowed("The service stops"));
    const BAD_REQUEST: Self = Self::Close(4400, Cow::Borrowed("Invalid message"));
    const UNAUTHORIZED: Self = Self::Close(4401, Cow::Borrowed("Unauthorized"));
    const FORBIDDEN: Self = Self::Close(4403, Cow::Borrowed("Forbidden"));
    const OTHER_PROTOCOL: Self = Self::Close(4406, Cow::Borrowed("Subprotocol not acceptable"));
    const NO_INIT: Self = Self::Close(4408, Cow::Borrowed("Connection initialisation timeout"));
    const TWO_INITS: Self = Self::Close(4429, Cow::Borrowed("Too many initialisation requests"));
    const EXPIRED: Self = Self::Close(4440, Cow::Borrowed("The token has expired"));
    const TOO_SLOW: Self = Self::Close(4441, Cow::Borrowed("Results are not read fast enough"));
    const TOO_MANY: Self = Self::Close(4442, Cow::Borrowed("Too many connections of this caller"));
}

/// What a client says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Incoming {
    ConnectionInit { payload: Option<Map<String, Value>> },
    Ping {},
    Pong {},
    Subscribe { id: String, payload: Value },
    Complete { id: String },
}

/// What happens to a connection.
enum Event {
    Came(Option<Result<Message, axum::Error>>),
    Said(Said),
    End(End),
    KeepAlive,
}

/// Opens a connection for pages of this host and allowed ones, and for whoever is no browser.
pub async fn upgrade(app: App, request: Info, headers: &HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if !origin::is_allowed(headers, &app.0.allowed_origins) {
        return refusal(StatusCode::FORBIDDEN, &foreign_origin(), &request, MediaType::Json);
    }
    let bearer = Bearer::of_request(&app, headers).await;
    if let Err(refused) = count(&app, bearer.as_ref().ok().and_then(|bearer| bearer.claims.as_deref()), &request) {
        return *refused;
    }
    let Ok(bearer) = bearer else { return unauthenticated(&request) };
    let place = match app.0.connections.enter(Transport::WebSocket) {
        Ok(place) => place,
        Err(error) => return refusal(StatusCode::TOO_MANY_REQUESTS, &error, &request, MediaType::Json),
    };
    // What is a little too long is read and refused with a code; what is far too long breaks the connection.
    let most = app.0.limits.body_bytes.saturating_mul(2);
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(most).max_frame_size(most);
    let is_spoken = upgrade.selected_protocol().is_some();
    upgrade.on_upgrade(move |socket| async move {
        let session = Session::new(app, request, bearer, socket, place);
        session.serve(is_spoken).await;
    })
}

struct Session {
    app: App,
    request: Info,
    bearer: Bearer,
    socket: WebSocket,
    operations: HashMap<String, Operation>,
    results: (mpsc::Sender<Said>, mpsc::Receiver<Said>),
    init: Option<Place>,
    expired: Pin<Box<dyn Future<Output = ()> + Send>>,
    unanswered: u32,
    _place: Place,
}

impl Session {
    fn new(app: App, request: Info, bearer: Bearer, socket: WebSocket, place: Place) -> Self {
        let expired = Box::pin(bearer.clone().expired(app.clone()));
        let results = mpsc::channel(WAITING_RESULTS);
        let operations = HashMap::new();
        Self { app, request, bearer, socket, operations, results, init: None, expired, unanswered: 0, _place: place }
    }

    async fn serve(mut self, is_spoken: bool) {
        let mut stop = self.app.0.connections.stop();
        let end = match is_spoken {
            true => tokio::select! {
                end = self.run() => end,
                () = stop.wait() => End::STOPPING,
            },
            false => End::OTHER_PROTOCOL,
        };
        self.operations.clear();
        if let End::Close(code, reason) = end {
            metrics::counter!("itkatalog_websocket_closed_total", "code" => code.to_string()).increment(1);
            tracing::debug!(request_id = self.request.id, code, "a websocket is closed");
            let frame = Message::Close(Some(CloseFrame { code, reason: reason.as_ref().into() }));
            let goodbye = async {
                // Read on: with something unread the connection would be reset, and the code lost.
                if self.socket.send(frame).await.is_ok() {
                    while let Some(Ok(_)) = self.socket.recv().await {}
                }
            };
            if timeout(GOODBYE, goodbye).await.is_err() {
                tracing::debug!(request_id = self.request.id, "the peer did not say goodbye");
            }
        }
        drop(stop);
    }

    async fn run(&mut self) -> End {
        let every = self.app.0.live.keep_alive();
        let mut pings = interval_at(Instant::now() + every, every);
        let too_late = Instant::now() + Duration::from_millis(self.app.0.live.init_timeout_ms);
        loop {
            let step = match self.wait(&mut pings, too_late).await {
                Event::Came(message) => self.hear(message).await,
                Event::Said(said) => self.pass_on(said).await,
                Event::KeepAlive => self.ping().await,
                Event::End(end) => Err(end),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn wait(&mut self, pings: &mut Interval, too_late: Instant) -> Event {
        let waits_for_init = self.init.is_none();
        tokio::select! {
            message = self.socket.recv() => Event::Came(message),
            // The session holds a sender itself: it never ends.
            Some(said) = self.results.1.recv() => Event::Said(said),
            () = &mut self.expired => Event::End(End::EXPIRED),
            () = tokio::time::sleep_until(too_late), if waits_for_init => Event::End(End::NO_INIT),
            _ = pings.tick() => Event::KeepAlive,
        }
    }

    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.unanswered = 0;
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Binary(_))) => return Err(End::BAD_REQUEST),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
        };
        let most = self.app.0.limits.body_bytes;
        if text.len() > most {
            return Err(End::Close(1009, format!("A message has at most {most} bytes").into()));
        }
        match serde_json::from_str(&text).map_err(|_| End::BAD_REQUEST)? {
            Incoming::ConnectionInit { payload } => self.initialise(payload.unwrap_or_default()).await,
            Incoming::Ping {} => self.say(json!({ "type": "pong" })).await,
            Incoming::Pong {} => Ok(()),
            Incoming::Subscribe { id, payload } => self.begin(id, payload).await,
            Incoming::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
        }
    }

    /// Takes the token of the payload, else that of the request that opened the connection.
    async fn initialise(&mut self, payload: Map<String, Value>) -> Result<(), End> {
        if self.init.is_some() {
            return Err(End::TWO_INITS);
        }
        match payload.get("authorization").or_else(|| payload.get("Authorization")) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => {
                self.bearer = Bearer::of_text(&self.app, text).await.map_err(|_| End::FORBIDDEN)?;
                self.expired = Box::pin(self.bearer.clone().expired(self.app.clone()));
            }
            Some(_) => return Err(End::FORBIDDEN),
        }
        let place = self.app.0.connections.enter_as(self.bearer.claims.as_deref()).map_err(|_| End::TOO_MANY)?;
        self.init = Some(place);
        self.say(json!({ "type": "connection_ack" })).await
    }

    async fn begin(&mut self, id: String, payload: Value) -> Result<(), End> {
        if self.init.is_none() {
            return Err(End::UNAUTHORIZED);
        }
        if id.is_empty() {
            return Err(End::BAD_REQUEST);
        }
        let parameters = body::from_value(&payload).map_err(|_| End::BAD_REQUEST)?;
        if self.operations.contains_key(&id) {
            let shown: String = id.chars().filter(|c| !c.is_control()).take(LONGEST_SHOWN).collect();
            return Err(End::Close(4409, format!("Subscriber for {shown} already exists").into()));
        }
        // Each operation is a request of its own in logs and errors.
        let request = Info { id: uuid::Uuid::now_v7().to_string(), ..self.request.clone() };
        let (most, running) = (self.app.0.live.operations, self.operations.len());
        if running >= most {
            let error = Error::limit("operations", most as u64, running as u64 + 1);
            return self.refuse(&id, &error, &request).await;
        }
        let caller = self.bearer.claims.clone();
        if let Err(error) = self.app.count(caller.as_deref(), &request) {
            return self.refuse(&id, &error, &request).await;
        }
        let operation =
            Operation::start(self.app.clone(), caller, request, parameters, id.clone(), self.results.0.clone());
        self.operations.insert(id, operation);
        Ok(())
    }

    /// Passes on what an operation says, if the client still wants it.
    async fn pass_on(&mut self, said: Said) -> Result<(), End> {
        let Said { id, operation, what } = said;
        if self.operations.get(&id).is_none_or(|running| running.number != operation) {
            return Ok(());
        }
        if !matches!(what, What::Next(_)) {
            self.operations.remove(&id);
        }
        self.say(match what {
            What::Next(told) => json!({ "id": id, "type": "next", "payload": told }),
            What::Error(errors) => json!({ "id": id, "type": "error", "payload": errors }),
            What::Complete => json!({ "id": id, "type": "complete" }),
        })
        .await
    }

    async fn refuse(&mut self, id: &str, error: &Error, request: &Info) -> Result<(), End> {
        self.say(json!({ "id": id, "type": "error", "payload": refused(error, request).errors })).await
    }

    async fn ping(&mut self) -> Result<(), End> {
        self.unanswered += 1;
        if self.unanswered > UNANSWERED_PINGS {
            return Err(End::Gone);
        }
        self.send(Message::Ping(Vec::new().into())).await
    }

    async fn say(&mut self, message: Value) -> Result<(), End> {
        self.send(Message::text(message.to_string())).await
    }

    /// Sends a message. Who does not read it in time is dropped: nothing is kept for slow readers.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        let patience = Duration::from_millis(self.app.0.live.slow_reader_ms);
        match timeout(patience, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::TOO_SLOW),
        }
    }
}

fn foreign_origin() -> Error {
    Error::new(
        Code::Forbidden,
        "Von dieser Seite (Origin) aus sind keine WebSockets erlaubt. Der Betrieb kann sie in allowed_origins aufnehmen.",
        "WebSockets are not allowed from this page (Origin). Operators can add it to allowed_origins.",
    )
}
