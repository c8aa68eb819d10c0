//! Questions with the products that they should find, judged by people: the sample's products and some of town halls.

use std::collections::BTreeMap;

use super::{Collector, Index, Question};
use crate::text::fold;

/// Names and descriptions.
const OF_TOWN_HALLS: [(&str, &str); 20] = [
    ("Rechnungsbearbeitung", "Prüfung und Freigabe mit Anbindung an das Finanzwesen"),
    ("Eingangsrechnung", "Scannen und Auslesen"),
    ("Bearbeitung von Rechnungen", "Workflow für Kreditoren"),
    ("Bürgerbüro", "Arbeitsplatz mit Kasse"),
    ("Terminvergabe für Bürgerbüros", "Online-Kalender"),
    ("Vertragsmanagement", "Fristen und Kündigungen"),
    ("Verwaltung der Verträge", "Ablage mit Suche"),
    ("Personalakte", "Digitale Führung"),
    ("Aktenplan", "Pflege des kommunalen Aktenplans"),
    ("Hundesteuer", "Veranlagung und Marken"),
    ("Straßenreinigung", "Satzung und Gebühren"),
    ("Sitzungsdienst", "Mandatsträger und Vorlagen"),
    ("Baumkataster", "Kontrolle von Bäumen an Straßen"),
    ("Elternbeiträge", "Berechnung für Kindertagesstätten"),
    ("Kontaktverwaltung", "Adressen und Verteiler"),
    ("Musikschule", "Anmeldung und Entgelte"),
    ("Bücherei", "Ausleihe und Mahnung"),
    ("Anmeldung von Gewerben", "Annahme und Weitergabe"),
    ("Schülerbeförderung", "Fahrkarten und Touren"),
    ("Wohnungsbindung", "Belegungsrechte"),
];

/// Questions that search was made with, and the names that must be among the first ten.
const JUDGED: [(&str, &[&str]); 49] = [
    ("E-Akte", &["E-Akte / DMS d.3", "E-Akte / DMS enaio", "E-Akte / DMS nscale"]),
    ("eAkte", &["E-Akte / DMS d.3", "E-Akte / DMS enaio", "E-Akte / DMS nscale"]),
    ("Wohngeld", &["Wohngeld-Fachverfahren", "EfA-Onlinedienst Wohngeld"]),
    ("Videokonferenz", &["Videokonferenz"]),
    ("BigBlueButton", &["Videokonferenz"]),
    ("moodle", &["Lernplattform"]),
    ("i-Kfz", &["Kfz-Zulassung / i-Kfz"]),
    ("ikfz", &["Kfz-Zulassung / i-Kfz"]),
    ("Kfzzulassung", &["Kfz-Zulassung / i-Kfz"]),
    ("Wohngeldfachverfahren", &["Wohngeld-Fachverfahren"]),
    ("ISB as a Service", &["ISB-as-a-Service"]),
    ("STRASSENREINIGUNG", &["Straßenreinigung"]),
    ("Buergerbuero", &["Bürgerbüro", "Terminvergabe für Bürgerbüros"]),
    (
        "Rechnung",
        &[
            "Rechnungsbearbeitung",
            "Eingangsrechnung",
            "Bearbeitung von Rechnungen",
            "E-Rechnungseingang",
            "E-Rechnungsworkflow",
        ],
    ),
    (
        "Rechnungen",
        &[
            "Rechnungsbearbeitung",
            "Eingangsrechnung",
            "Bearbeitung von Rechnungen",
            "E-Rechnungseingang",
            "E-Rechnungsworkflow",
        ],
    ),
    ("Rechnungsbearbeitung", &["Rechnungsbearbeitung", "Bearbeitung von Rechnungen"]),
    ("Bearbeitung von Rechnungen", &["Rechnungsbearbeitung", "Bearbeitung von Rechnungen"]),
    ("Vertragsverwaltung", &["Verwaltung der Verträge"]),
    ("Steuer", &["Hundesteuer", "Grundsteuer-Massenverfahren", "Steuern & Abgaben"]),
    ("Steuern", &["Hundesteuer", "Grundsteuer-Massenverfahren", "Steuern & Abgaben"]),
    ("Zulassung", &["Kfz-Zulassung / i-Kfz"]),
    ("Abrechnung", &["Personalabrechnung"]),
    ("Gewerbeanmeldung", &["Anmeldung von Gewerben"]),
    ("Kataster", &["Liegenschaftskataster ALKIS", "Baumkataster"]),
    ("Akten", &["E-Akte / DMS d.3", "E-Akte / DMS enaio", "E-Akte / DMS nscale", "Personalakte", "Aktenplan"]),
    ("Akte", &["E-Akte / DMS d.3", "E-Akte / DMS enaio", "E-Akte / DMS nscale", "Personalakte", "Aktenplan"]),
    ("Verträge", &["Vertragsmanagement", "Verwaltung der Verträge"]),
    ("Vertrag", &["Vertragsmanagement", "Verwaltung der Verträge"]),
    ("Bürgerbüros", &["Bürgerbüro", "Terminvergabe für Bürgerbüros"]),
    ("Wahl", &["Wahlergebnisdarstellung", "Wählerverzeichnis & Wahlschein"]),
    ("Wahlen", &["Wahlergebnisdarstellung", "Wählerverzeichnis & Wahlschein"]),
    ("Führerscheine Fahrerlaubnis", &[]),
    ("Baum", &["Baumkataster"]),
    ("Ordnungswidrigkeit", &["Ordnungswidrigkeiten"]),
    ("Bürgerb", &["Bürgerbüro", "Terminvergabe für Bürgerbüros"]),
    ("Liegensch", &["Liegenschaftskataster ALKIS"]),
    ("wohngeld fachv", &["Wohngeld-Fachverfahren"]),
    ("Personalab", &["Personalabrechnung"]),
    ("Bürgerburo", &["Bürgerbüro", "Terminvergabe für Bürgerbüros"]),
    ("Bürgerbro", &["Bürgerbüro", "Terminvergabe für Bürgerbüros"]),
    ("Burgerburo", &["Bürgerbüro", "Terminvergabe für Bürgerbüros"]),
    ("Wohngled", &["Wohngeld-Fachverfahren", "EfA-Onlinedienst Wohngeld"]),
    ("Viedokonferenz", &["Videokonferenz"]),
    ("Strasenreinigung", &["Straßenreinigung"]),
    ("Hundesteur", &["Hundesteuer"]),
    ("Rechnug", &["Rechnungsbearbeitung", "Eingangsrechnung", "Bearbeitung von Rechnungen"]),
    ("Friedhofsverwatlung", &["Friedhofsverwaltung"]),
    ("gibtesnicht", &[]),
    ("Wasserstoffauto", &[]),
];

/// Questions that were written afterwards.
const AFTERWARDS: [(&str, &[&str]); 25] = [
    ("Friedhof", &["Friedhofsverwaltung"]),
    ("Friedhöfe", &["Friedhofsverwaltung"]),
    ("Überwachung Verkehr", &["Verkehrsüberwachung"]),
    ("Verkehrsüberwachungen", &["Verkehrsüberwachung"]),
    ("Fundbüros", &["Fundbüro & Parkausweise"]),
    ("Parkausweis", &["Fundbüro & Parkausweise"]),
    ("Waffenwesen", &["Waffen- & Jagdwesen"]),
    ("Jugendämter", &["Jugendamt"]),
    ("Gesundheitsämter", &["Gesundheitsamt"]),
    ("Schulen", &["Schulserver / Lernplattform", "Schulverwaltungsverfahren"]),
    ("Schulverwaltung", &["Schulverwaltungsverfahren"]),
    ("Servermanagement", &["Managed Server (IaaS)"]),
    ("Bauleitpläne", &["XPlanung & Bauleitplanung"]),
    ("Wählerverzeichniss", &["Wählerverzeichnis & Wahlschein"]),
    ("Ausländerwesn", &["Ausländerwesen"]),
    ("Persnalabrechnung", &["Personalabrechnung"]),
    ("Zeiterfasung", &["Zeiterfassung"]),
    ("Datenbanken", &["Datenbankbetrieb"]),
    ("Notfälle", &["Notfallmanagement / BCM", "Backup & Notfall-RZ"]),
    ("Beschaffung von IT", &["IT-Beschaffung"]),
    ("Informationssicherheitsbeauftragte", &["ISB-as-a-Service"]),
    ("Steuerverwaltung Hund", &["Hundesteuer"]),
    ("Einbürgerungen", &["EfA-Onlinedienst Einbürgerung"]),
    ("Bücher", &["Bücherei"]),
    ("Schülerbeforderung", &["Schülerbeförderung"]),
];

/// Folded names, and the index.
fn catalogue() -> (Vec<String>, Index) {
    let mut sample = csv::Reader::from_reader(include_bytes!("../../../data/product_taxonomy.csv").as_slice());
    let sample = sample.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
    let (mut names, mut collector) = (Vec::new(), Collector::default());
    for row in sample {
        names.push(fold(&row["product_name"]));
        let context =
            [&*row["category"], "Kommunales Rechenzentrum Niederrhein", "KRZN", &row["product_id"], &row["leika_ids"]];
        let software = format!("Übliche Verfahren: {}.", row["example_software"]);
        collector.add(&names[names.len() - 1], context, ["Einführung, Betrieb und Unterstützung", &software]);
    }
    for (name, prose) in OF_TOWN_HALLS {
        names.push(fold(name));
        collector.add(&fold(name), ["Fachverfahren", "Südwestfalen-IT", "SIT"], [prose]);
    }
    (names, collector.finish())
}

/// How many expected names are among the first ten, and how many are not.
fn judge(questions: &[(&str, &[&str])]) -> (usize, Vec<String>) {
    let (names, index) = catalogue();
    let (mut count, mut missed) = (0, Vec::new());
    for (question, expected) in questions {
        let mut found = index.find(&Question::new(question).unwrap());
        found.sort_by_key(|(product, rank)| (-rank, &names[*product as usize]));
        let first: Vec<&String> = found.iter().take(10).map(|(product, _)| &names[*product as usize]).collect();
        if expected.is_empty() && !first.is_empty() {
            missed.push(format!("{question} finds {first:?}"));
        }
        for name in *expected {
            match first.contains(&&fold(name)) {
                true => count += 1,
                false => missed.push(format!("{question}: {name}")),
            }
        }
    }
    (count, missed)
}

#[test]
fn judged_questions_find_what_they_should() {
    let (count, missed) = judge(&JUDGED);
    assert!(count == 87 && missed.is_empty(), "{missed:?}");
}

#[test]
fn questions_that_were_written_afterwards_find_most_of_it() {
    let (count, missed) = judge(&AFTERWARDS);
    assert!(count >= 24, "{missed:?}");
}
