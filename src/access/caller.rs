//! Who is asking, as a token told it.

use uuid::Uuid;

use super::Role;

/// Somebody with an accepted token. Nobody knows names here: a person is an issuer and a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who vouches for the subject.
    pub issuer: String,
    /// Who it is, as the issuer knows it.
    pub subject: String,
    /// What it may act as, each role once; empty for somebody with the rights of the public.
    pub roles: Vec<Role>,
    /// The municipality that it acts for; none when the token names none that exists.
    pub municipality: Option<Uuid>,
    /// The provider that it acts for; none when the token names none that exists.
    pub provider: Option<Uuid>,
    /// The customer groups that it looks after, those that exist.
    pub customer_groups: Vec<Uuid>,
}

/// A program that asks, whoever uses it: its requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Who vouches for it.
    pub issuer: String,
    /// The claim `azp` of its tokens, else `client_id`, else `sub`.
    pub client_id: String,
}

impl Caller {
    /// Nobody in particular: without a role, and not who asked for anything.
    pub fn nobody() -> Self {
        Self {
            issuer: String::new(),
            subject: String::new(),
            roles: Vec::new(),
            municipality: None,
            provider: None,
            customer_groups: Vec::new(),
        }
    }

    /// Whether it has a role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether it has a role, and the organisation that the role acts for.
    pub fn acts_as(&self, role: Role) -> bool {
        self.is(role) && self.has_organisation_for(role)
    }

    /// Whether it is the person that an issuer and subject name.
    pub fn is_person(&self, issuer: &str, subject: &str) -> bool {
        self.issuer == issuer && self.subject == subject
    }

    /// Whether the token named the organisation that a role needs, and the organisation exists.
    pub fn has_organisation_for(&self, role: Role) -> bool {
        match role {
            Role::Municipality => self.municipality.is_some(),
            Role::Provider => self.provider.is_some(),
            Role::AccountManager => !self.customer_groups.is_empty(),
            Role::Steward | Role::TransformationOffice | Role::Land | Role::Auditor => true,
        }
    }
}
