//! The audit trail as operators check it, and as somebody with all rights on the database could change it.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use entity::{audit_anchor, audit_event, record_head};
use itkatalog::audit::{self, Archiving, Evidence, Fault, Head, Whole};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder};
use serde_json::{Value, json};

use super::{
    Backend, TestApp,
    acts::{AACHEN, INITIAL, KLEVE, next},
    fingerprint, municipality, steward,
};

impl TestApp {
    /// A request that is approved, and one that is refused.
    pub async fn some_events(&self) -> Value {
        let town = municipality(AACHEN);
        let asked = self.done(&town, "requestSubscription", self.request_of(AACHEN, INITIAL).await).await;
        self.refused(&town, "requestSubscription", self.request_of(KLEVE, INITIAL).await).await;
        self.done(&steward(), "approveSubscription", next(&asked, json!({}))).await
    }

    pub async fn events(&self) -> Vec<audit_event::Model> {
        let events = audit_event::Entity::find().order_by_asc(audit_event::Column::Sequence);
        events.all(self.server.database().connection()).await.unwrap()
    }

    pub async fn anchors(&self) -> Vec<audit_anchor::Model> {
        let anchors = audit_anchor::Entity::find().order_by_asc(audit_anchor::Column::Sequence);
        anchors.all(self.server.database().connection()).await.unwrap()
    }

    pub async fn verify(&self) -> Result<Whole, Fault> {
        audit::verify(self.server.database(), Evidence::default(), |_, _| ()).await
    }

    pub async fn verify_with(&self, archives: &[&Path]) -> Result<Whole, Fault> {
        let archives = archives.iter().copied().map(PathBuf::from).collect();
        audit::verify(self.server.database(), Evidence { head: None, archives }, |_, _| ()).await
    }

    pub async fn verify_head(&self, head: &Head, archives: &[&Path]) -> Result<Whole, Fault> {
        let archives = archives.iter().copied().map(PathBuf::from).collect();
        audit::verify(self.server.database(), Evidence { head: Some(head.clone()), archives }, |_, _| ()).await
    }

    pub async fn head(&self) -> Head {
        audit::head(self.server.database()).await.unwrap()
    }

    /// Archives what is from before a moment, in January 2027.
    pub async fn archive(&self, before: &str, to: &Path) -> Result<Option<audit_anchor::Model>, Fault> {
        let now: DateTime<Utc> = "2027-01-31T09:00:00Z".parse().unwrap();
        let archiving = Archiving { before: before.parse().unwrap(), to };
        audit::archive(self.server.database(), archiving, &fingerprint(), now, |_, _| ()).await
    }

    pub async fn execute(&self, statement: &str) -> Result<sea_orm::ExecResult, sea_orm::DbErr> {
        self.server.database().connection().execute_unprepared(statement).await
    }

    /// Takes away what protects the trail.
    pub async fn unprotect(&self) {
        let statements: &[&str] = match self.database.backend {
            Backend::Sqlite => &[
                "DROP TRIGGER audit_events_no_update",
                "DROP TRIGGER audit_events_no_delete",
                "DROP TRIGGER audit_anchors_no_update",
                "DROP TRIGGER audit_anchors_no_delete",
            ],
            Backend::Postgres => {
                &["ALTER TABLE audit_events DISABLE TRIGGER ALL", "ALTER TABLE audit_anchors DISABLE TRIGGER ALL"]
            }
        };
        for statement in statements {
            self.execute(statement).await.unwrap();
        }
    }

    /// Replaces the whole trail.
    pub async fn replace_events(&self, events: &[audit_event::Model]) {
        let db = self.server.database().connection();
        audit_event::Entity::delete_many().exec(db).await.unwrap();
        let rows = events.iter().cloned().map(IntoActiveModel::into_active_model);
        audit_event::Entity::insert_many(rows).exec_without_returning(db).await.unwrap();
    }

    /// Makes the last event the head that every write keeps.
    pub async fn rewrite_head(&self) {
        let last = self.events().await.pop().unwrap();
        let (audit_sequence, audit_hash) = (Set(last.sequence), Set(last.hash));
        let head = record_head::ActiveModel { id: Set(1), audit_sequence, audit_hash, ..Default::default() };
        head.update(self.server.database().connection()).await.unwrap();
    }
}

/// Where a trail breaks.
pub fn breaks_at(verdict: Result<Whole, Fault>) -> i64 {
    match verdict {
        Err(Fault::BreaksAt { sequence, .. }) => sequence,
        other => panic!("expected a break: {other:?}"),
    }
}
