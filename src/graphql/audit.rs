//! The audit trail, for auditors.

use ::entity::audit_event;
use async_graphql::{Context, Description, Enum, ID, InputObject, Object, SimpleObject, connection::PageInfo};

use super::{
    connection::{Edge, edges},
    context::reading,
    decision::Rule,
    history::Reason,
    in_turn::InTurn,
    node::{Node, Together, any_row_id, global_id},
    scalars::{DateTime, Json},
};
use crate::{
    access::Role,
    audit::{self, Wanted},
    error::{Code, Error, Result, check_text},
    listing::Window,
};

/// Longest text of a filter, in characters.
const LONGEST_TEXT: usize = 255;

/// Whether something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "audit_event::Outcome")]
pub enum AuditOutcome {
    /// It was done.
    Committed,
    /// It was refused by a rule.
    Refused,
}

/// Who did or tried something: never a name.
#[derive(SimpleObject)]
pub struct AuditActor<'s> {
    /// Who vouches for the subject; `itkatalog` for the service itself.
    issuer: &'s str,
    /// The subject of the token.
    subject: &'s str,
    /// The roles that the token named, in upper case.
    roles: Vec<String>,
    /// Ids of the organisations that the token named, separated by spaces.
    organisation: Option<&'s str>,
}

/// Something that was done or refused (Protokolleintrag). Append-only; chained by hash.
#[derive(Description)]
pub struct AuditEvent {
    row: audit_event::Model,
    together: Together,
}

#[Object(use_type_description)]
impl AuditEvent {
    /// Opaque id, the same for ever.
    async fn id(&self) -> ID {
        ID(format!("audit-{}", self.row.sequence))
    }

    /// Place in the trail, from 1, without gaps.
    async fn sequence(&self) -> i64 {
        self.row.sequence
    }

    /// When.
    async fn at(&self) -> DateTime {
        DateTime(self.row.at)
    }

    /// Who.
    async fn actor(&self) -> AuditActor<'_> {
        AuditActor {
            issuer: &self.row.issuer,
            subject: &self.row.subject,
            roles: serde_json::from_str(&self.row.roles).unwrap_or_default(),
            organisation: self.row.organisation.as_deref(),
        }
    }

    /// What was done or tried: a `SubscriptionAction`, `LOAD_REFERENCE_DATA`, `LOAD_SAMPLE_DATA`,
    /// `ARCHIVE_AUDIT_EVENTS`: what was before was moved to a file.
    async fn action(&self) -> &str {
        &self.row.action
    }

    /// Whether it was done.
    async fn outcome(&self) -> AuditOutcome {
        self.row.outcome.into()
    }

    /// To what; null when it was done to nothing in particular, or to what is gone or not visible.
    async fn entity(&self, context: &Context<'_>) -> Result<Option<Node>> {
        let Some(id) = entity_id(&self.row) else { return Ok(None) };
        self.together.find(reading(context), &id).await
    }

    /// How that was before; null when it began, or when it was erased.
    async fn before(&self) -> Option<Json> {
        self.row.before.as_ref().and_then(|text| serde_json::from_str(text).ok()).map(Json)
    }

    /// How it is since; of a refusal what was asked. Null when it was erased.
    async fn after(&self) -> Option<Json> {
        self.row.after.as_ref().and_then(|text| serde_json::from_str(text).ok()).map(Json)
    }

    /// Why.
    async fn reason(&self) -> Option<Reason<'_>> {
        let code = self.row.reason_code.as_ref()?;
        let code: ::entity::subscription_history::ReasonCode = sea_orm::ActiveEnum::try_from_value(code).ok()?;
        Some(Reason {
            code: code.into(),
            text: self.row.reason_text.as_deref(),
            reference: self.row.reason_reference.as_deref(),
        })
    }

    /// The rule that allowed or refused it; null where no rule was asked.
    async fn rule(&self, context: &Context<'_>) -> Option<Rule> {
        Some(Rule(reading(context).desk.engine.rule(self.row.rule.as_ref()?)))
    }

    /// Fingerprint of the set of rules that decided: SHA-256 over all policies in force, in hexadecimal. Null in events
    /// from before it was recorded.
    async fn policies(&self) -> Option<&str> {
        self.row.policies.as_deref()
    }

    /// The request that it came with.
    async fn request_id(&self) -> Option<&str> {
        self.row.request_id.as_deref()
    }

    /// SHA-256 over the event and the hash before, in hexadecimal.
    async fn hash(&self) -> &str {
        &self.row.hash
    }

    /// Hash of the event before; zeros for the first.
    async fn previous_hash(&self) -> &str {
        &self.row.previous_hash
    }
}

/// A page of the audit trail, after Relay's connection specification.
#[derive(SimpleObject)]
pub struct AuditEventConnection {
    /// The events of this page, each with its cursor.
    edges: Vec<InTurn<Edge<AuditEvent>>>,
    /// Whether there is more, and the cursors to go on with.
    page_info: PageInfo,
}

/// Which events. All parts that are given must hold.
#[derive(Default, InputObject)]
pub struct AuditFilter {
    /// Subject of the actor's token.
    pub subject: Option<String>,
    /// What was done or tried, as in `action`.
    pub action: Option<String>,
    /// Whether it was done.
    pub outcome: Option<AuditOutcome>,
    /// Global id of what it was done to.
    pub entity: Option<ID>,
    /// Id of the rule that allowed or refused it.
    pub rule: Option<String>,
    /// At this moment or later.
    pub from: Option<DateTime>,
    /// Before this moment.
    pub before: Option<DateTime>,
}

/// Root fields for the audit trail.
#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// The audit trail, newest first, without what is archived. For the role auditor; an auditor of one municipality sees
    /// what was done to its subscriptions.
    async fn audit_events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only these events.")] filter: Option<AuditFilter>,
    ) -> Result<AuditEventConnection> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        if !caller.is(Role::Auditor) {
            return Err(for_auditors());
        }
        let wanted = Wanted { municipality: caller.municipality, ..wanted(filter.unwrap_or_default())? };
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let page = audit::page(reading.db(), &wanted, &window).await?;
        let ids = page.rows.iter().filter_map(|(_, row)| entity_id(row)).collect();
        let together = Together::new(ids);
        let (edges, page_info) = edges(page, |row| AuditEvent { row, together: together.clone() });
        Ok(AuditEventConnection { edges, page_info })
    }
}

fn wanted(filter: AuditFilter) -> Result<Wanted> {
    for (field, text) in
        [("where.subject", &filter.subject), ("where.action", &filter.action), ("where.rule", &filter.rule)]
    {
        text.as_ref().map_or(Ok(()), |text| check_text(field, text, LONGEST_TEXT))?;
    }
    Ok(Wanted {
        subject: filter.subject,
        action: filter.action,
        outcome: filter.outcome.map(Into::into),
        entity: filter.entity.map(|id| any_row_id("where.entity", &id)).transpose()?,
        rule: filter.rule,
        from: filter.from.map(|moment| moment.0),
        before: filter.before.map(|moment| moment.0),
        municipality: None,
    })
}

fn entity_id(row: &audit_event::Model) -> Option<ID> {
    Some(global_id(row.entity_type.as_deref()?, row.entity_id?))
}

fn for_auditors() -> Error {
    Error::new(
        Code::Forbidden,
        "Das Protokoll liest nur die Revision (Rolle auditor).",
        "The audit trail is read by auditors only (role auditor).",
    )
    .with("rule", "no-rule-permits")
}
