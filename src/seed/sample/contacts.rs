//! Function mailboxes under `.example` for the central desk, groups, two Kreise, and every provider.

use ::entity::{
    contact,
    contact_assignment::{self, Rank, Topic},
    customer_group, provider,
};
use sea_orm::{DbErr, EntityTrait};

use super::{super::municipalities::municipality_id, Writer, day, id_of};

/// What the invented persons are kept for.
const PURPOSE: &str = "Auskunft zu Leistungen und Verträgen (Beispiel)";

#[derive(Default)]
struct Contacts {
    contacts: Vec<contact::Model>,
    assignments: Vec<contact_assignment::Model>,
}

pub(super) async fn load(writer: &mut Writer<'_>, providers: &[provider::Model]) -> Result<(), DbErr> {
    let mut groups = customer_group::Entity::find().all(writer.db).await?;
    groups.sort_by(|one, other| one.key.cmp(&other.key));
    let mut contacts = Contacts::default();
    contacts.pair("zentrale", "Zentrale Ansprechstelle", "zentral-nrw", None, |row| row.central_desk = true)?;
    for group in &groups {
        let function = format!("Kundenbetreuung {}", group.name);
        contacts.pair(&group.key, &function, "zentral-nrw", None, |row| row.customer_group_id = Some(group.id))?;
        if group.key.starts_with("kgst-st") {
            let key = format!("einfuehrung-{}", group.key);
            let function = format!("Einführung {}", group.name);
            let to_group = |row: &mut contact_assignment::Model| row.customer_group_id = Some(group.id);
            contacts.pair(&key, &function, "zentral-nrw", Some(Topic::Onboarding), to_group)?;
        }
    }
    for (ags, name) in [("05154000", "Kreis Kleve"), ("05962000", "Märkischer Kreis")] {
        let of_district = |row: &mut contact_assignment::Model| row.municipality_id = Some(municipality_id(ags));
        contacts.pair(ags, &format!("Beratung im {name}"), "zentral-nrw", None, of_district)?;
    }
    // The central provider's customers are looked after by group (S1), the others' by their provider.
    for provider in providers.iter().filter(|provider| provider.kind != provider::Kind::Central) {
        let function = format!("Kundenservice {}", provider.short_name.as_ref().unwrap_or(&provider.name));
        contacts.pair("service", &function, &provider.key, None, |row| row.provider_id = Some(provider.id))?;
    }
    writer.insert::<contact::Entity>("contacts", contacts.contacts).await?;
    writer.insert::<contact_assignment::Entity>("contact_assignments", contacts.assignments).await
}

impl Contacts {
    /// A contact and its deputy, both responsible for the same.
    fn pair(
        &mut self,
        mailbox: &str,
        function: &str,
        host: &str,
        topic: Option<Topic>,
        target: impl Fn(&mut contact_assignment::Model),
    ) -> Result<(), DbErr> {
        let deputy = (format!("vertretung-{mailbox}"), format!("{function} (Vertretung)"));
        let both = [(mailbox.to_owned(), function.to_owned(), Rank::Primary), (deputy.0, deputy.1, Rank::Deputy)];
        for (mailbox, function, rank) in both {
            let key = format!("{mailbox}@{host}");
            let number = self.contacts.len();
            let mut contact = contact::Model {
                id: id_of("contact", &key),
                email: format!("{key}.example"),
                function: format!("{function} (Beispiel)"),
                phone: Some(format!("+49 221 4710 {number:03}")),
                person_name: (rank == Rank::Primary).then(|| format!("Kim Beispiel-{number}")),
                person_email: (rank == Rank::Primary).then(|| format!("kim.beispiel-{number}@{host}.example")),
                person_phone: None,
                person_purpose: (rank == Rank::Primary).then(|| PURPOSE.to_owned()),
                confirmed_at: Some(day(2026, 10, 1)?),
                valid_until: None,
                sample: true,
                provider_id: None,
                customer_group_id: None,
                version: 1,
                key,
            };
            let mut assignment = contact_assignment::Model {
                id: id_of("assignment", &contact.key),
                contact_id: contact.id,
                rank,
                topic,
                product_id: None,
                provider_id: None,
                customer_group_id: None,
                municipality_id: None,
                central_desk: false,
                valid_from: None,
                valid_until: None,
            };
            target(&mut assignment);
            (contact.provider_id, contact.customer_group_id) = (assignment.provider_id, assignment.customer_group_id);
            self.contacts.push(contact);
            self.assignments.push(assignment);
        }
        Ok(())
    }
}
