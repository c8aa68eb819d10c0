//! Archives of the audit trail: old events go to a file, the chain goes on, and neither can be changed unnoticed.

use std::path::{Path, PathBuf};

use entity::audit_event;
use itkatalog::{
    audit::{Actor, Event, Fault},
    records,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    NOW, TestApp,
    acts::{AACHEN, INITIAL, KLEVE},
    auditor, breaks_at, fingerprint, municipality, nodes,
};

/// After all events of `some_events`, before those of `one_more_event`.
const BETWEEN: &str = "2026-12-31T23:00:00Z";
/// After all events.
const FUTURE: &str = "2030-01-01T00:00:00Z";

/// A refusal in January 2027.
async fn one_more_event(app: &TestApp) {
    let event = Event {
        actor: Actor::service("test"),
        action: "FREEZE",
        outcome: audit_event::Outcome::Refused,
        entity: None,
        before: None,
        after: Some(json!({ "asked": "something" }).to_string()),
        reason: None,
        rule: Some("no-rule-permits"),
        policies: &fingerprint(),
        request_id: None,
    };
    records::append_refusal(app.server.database(), event, "2027-01-15T09:00:00Z".parse().unwrap()).await.unwrap();
}

/// Five events are archived, and two are left: one more, and the one that tells of the archive.
async fn archived(app: &TestApp, folder: &TempDir) -> PathBuf {
    app.some_events().await;
    one_more_event(app).await;
    let file = folder.path().join("one.jsonl");
    assert_eq!(app.archive(BETWEEN, &file).await.unwrap().unwrap().sequence, 5);
    file
}

fn files(folder: &TempDir) -> usize {
    std::fs::read_dir(folder.path()).unwrap().count()
}

fn write(path: &Path, lines: &[String]) {
    std::fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

on_both_databases! {
    async fn old_events_go_to_a_file_and_the_chain_goes_on(app: TestApp) {
        let folder = TempDir::new().unwrap();
        app.some_events().await;
        let before = app.events().await;
        let kept = app.head().await;
        one_more_event(app).await;
        let file = folder.path().join("one.jsonl");
        let anchor = app.archive(BETWEEN, &file).await.unwrap().unwrap();
        assert_eq!((anchor.sequence, &anchor.hash, anchor.events), (5, &before[4].hash, 5));
        assert_eq!(app.anchors().await, std::slice::from_ref(&anchor));
        // The file: a header, the events as they were, a footer, and nothing else in the folder.
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0], json!({ "header": { "format": "itkatalog-audit-archive", "version": 1, "from": 1, "previousHash": "0".repeat(64) } }));
        let told: Vec<Value> = before.iter().map(|event| json!({ "event": event })).collect();
        assert_eq!(lines[1..6], told);
        assert_eq!(lines[6..], [json!({ "footer": { "to": 5, "hash": before[4].hash, "events": 5 } })]);
        assert_eq!(files(&folder), 1);
        // What is left, and who told.
        let events = app.events().await;
        assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [6, 7]);
        assert_eq!(events[0].previous_hash, before[4].hash);
        assert_eq!((events[1].action.as_str(), events[1].issuer.as_str(), events[1].subject.as_str()), ("ARCHIVE_AUDIT_EVENTS", "itkatalog", "archive"));
        assert_eq!(serde_json::from_str::<Value>(events[1].after.as_ref().unwrap()).unwrap(), serde_json::to_value(&anchor).unwrap());
        let query = "{ auditEvents(first: 10) { edges { node { sequence action previousHash } } } }";
        let seen = nodes(&app.data_as(&auditor(), query, json!({})).await["auditEvents"]);
        assert_eq!((seen.len(), &seen[1]["previousHash"]), (2, &json!(before[4].hash)));
        // It holds without the file, and with it from the very beginning.
        let (without, with) = (app.verify().await.unwrap(), app.verify_with(&[&file]).await.unwrap());
        assert_eq!((without.archived, with.archived), (5, 0));
        assert_eq!((&without.head, &with.head), (&app.head().await, &app.head().await));
        // A head that was kept before: the anchor is known, what lies before it only with the file.
        app.verify_head(&kept, &[]).await.unwrap();
        let third = itkatalog::audit::Head { sequence: 3, hash: before[2].hash.clone() };
        assert!(matches!(app.verify_head(&third, &[]).await, Err(Fault::Failed(why)) if why.contains("--archive")));
        app.verify_head(&third, &[&file]).await.unwrap();
    }

    async fn what_is_not_archived_stays_protected(app: TestApp) {
        let folder = TempDir::new().unwrap();
        archived(app, &folder).await;
        for (table, statement) in [
            ("audit_events", "DELETE FROM audit_events WHERE sequence = 6"),
            ("audit_events", "DELETE FROM audit_events"),
            ("audit_events", "UPDATE audit_events SET after = '{}' WHERE sequence = 7"),
            ("audit_anchors", "UPDATE audit_anchors SET sequence = 7"),
            ("audit_anchors", "DELETE FROM audit_anchors"),
        ] {
            let error = app.execute(statement).await.unwrap_err().to_string();
            assert!(error.contains(&format!("{table} is append-only")), "{statement}: {error}");
        }
        assert_eq!(app.events().await.len(), 2);
    }

    async fn where_nothing_is_old_enough_nothing_is_written(app: TestApp) {
        let folder = TempDir::new().unwrap();
        app.some_events().await;
        let events = app.events().await;
        for before in ["2020-01-01T00:00:00Z", NOW] {
            assert_eq!(app.archive(before, &folder.path().join("one.jsonl")).await.unwrap(), None);
        }
        assert_eq!((files(&folder), app.anchors().await.len(), app.events().await), (0, 0, events));
    }

    async fn everything_can_be_archived_and_its_telling_again(app: TestApp) {
        let folder = TempDir::new().unwrap();
        app.some_events().await;
        let [one, two, three] = ["one.jsonl", "two.jsonl", "three.jsonl"].map(|name| folder.path().join(name));
        assert_eq!(app.archive(FUTURE, &one).await.unwrap().unwrap().events, 5);
        assert_eq!(app.archive(FUTURE, &two).await.unwrap().unwrap().events, 1);
        assert_eq!(app.archive(FUTURE, &three).await.unwrap().unwrap().sequence, 7);
        assert_eq!(app.events().await.len(), 1);
        assert_eq!(app.verify().await.unwrap().archived, 7);
        assert_eq!(app.verify_with(&[&three, &one, &two]).await.unwrap().archived, 0);
        for (archives, missing) in [(vec![&*one, &*three], 6), (vec![&*two, &*three], 1), (vec![&*one, &*two], 7), (vec![&*one, &*one, &*two, &*three], 6)] {
            assert_eq!(breaks_at(app.verify_with(&archives).await), missing, "{archives:?}");
        }
    }

    async fn a_file_that_was_changed_is_found(app: TestApp) {
        let folder = TempDir::new().unwrap();
        let file = archived(app, &folder).await;
        let lines: Vec<String> = std::fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
        let changed = |line: usize, from: &str, to: &str| {
            assert!(lines[line].contains(from), "{}", lines[line]);
            let mut lines = lines.clone();
            lines[line] = lines[line].replacen(from, to, 1);
            lines
        };
        let without = |line: usize| [&lines[..line], &lines[line + 1..]].concat();
        let mut swapped = lines.clone();
        swapped.swap(3, 4);
        for (what, lines, at) in [
            ("a letter of an event", changed(3, "municipality-05334002", "municipality-05334003"), 3),
            ("a letter of a text", changed(3, "Probe", "Prosa"), 3),
            ("an erased text", changed(3, "\"reason_text\":\"Probe\"", "\"reason_text\":null"), 5),
            ("a space", changed(3, ":", ": "), 5),
            ("no JSON", changed(3, "{", ""), 3),
            ("another previous hash", changed(0, "0000", "0001"), 1),
            ("another count", changed(6, "\"events\":5", "\"events\":6"), 6),
            ("a removed event", without(3), 3),
            ("the last event removed", without(5), 5),
            ("no footer", without(6), 6),
            ("swapped events", swapped, 3),
            ("something after the end", [&lines[..], &lines[3..4]].concat(), 6),
            ("nothing but a header", lines[..1].to_vec(), 1),
        ] {
            let tampered = folder.path().join("tampered.jsonl");
            write(&tampered, &lines);
            assert_eq!(breaks_at(app.verify_with(&[&tampered]).await), at, "{what}");
        }
        for (what, lines) in [("another format", changed(0, "itkatalog", "x")), ("a later version", changed(0, "\"version\":1", "\"version\":2")), ("no header", without(0)), ("nothing", Vec::new())] {
            let tampered = folder.path().join("tampered.jsonl");
            write(&tampered, &lines);
            assert!(matches!(app.verify_with(&[&tampered]).await, Err(Fault::Failed(why)) if why.contains("header")), "{what}");
        }
        write(&file, &lines);
        app.verify_with(&[&file]).await.unwrap();
    }

    async fn an_anchor_that_no_event_tells_of_is_found(app: TestApp) {
        app.some_events().await;
        let fifth = app.events().await[4].hash.clone();
        let insert = |sequence: i64, hash: &str| format!("INSERT INTO audit_anchors (sequence, hash, events, file_digest, archived_at) VALUES ({sequence}, '{hash}', 5, 'x', '{NOW}')");
        // It does not even need to be believed: the events that it stands for may still be there.
        app.execute(&insert(4, &app.events().await[3].hash)).await.unwrap();
        assert_eq!(breaks_at(app.verify().await), 5, "what it stands for is still there");
        app.execute("DELETE FROM audit_events WHERE sequence <= 4").await.unwrap();
        assert_eq!(breaks_at(app.verify().await), 4);
        app.execute(&insert(5, &fifth)).await.unwrap();
        app.execute("DELETE FROM audit_events").await.unwrap();
        assert_eq!(breaks_at(app.verify().await), 5, "all of it");
    }

    async fn an_anchor_that_was_changed_or_removed_is_found(app: TestApp) {
        let folder = TempDir::new().unwrap();
        let file = archived(app, &folder).await;
        app.unprotect().await;
        for (change, back, at) in [
            ("events = 6", "events = 5", 5),
            ("file_digest = 'x' || file_digest", "file_digest = substr(file_digest, 2)", 5),
            ("hash = 'x' || hash", "hash = substr(hash, 2)", 6),
            ("sequence = 4", "sequence = 5", 5),
        ] {
            app.execute(&format!("UPDATE audit_anchors SET {change}")).await.unwrap();
            assert_eq!(breaks_at(app.verify().await), at, "{change}");
            breaks_at(app.verify_with(&[&file]).await);
            app.execute(&format!("UPDATE audit_anchors SET {back}")).await.unwrap();
            app.verify_with(&[&file]).await.unwrap();
        }
        app.execute("DELETE FROM audit_anchors").await.unwrap();
        assert_eq!(breaks_at(app.verify().await), 1);
        breaks_at(app.verify_with(&[&file]).await);
    }

    async fn nothing_is_put_back_before_an_anchor_unnoticed(app: TestApp) {
        let folder = TempDir::new().unwrap();
        app.some_events().await;
        let third = app.events().await[2].clone();
        app.archive(BETWEEN, &folder.path().join("one.jsonl")).await.unwrap().unwrap();
        app.unprotect().await;
        app.replace_events(&[&[third][..], &app.events().await].concat()).await;
        assert_eq!(breaks_at(app.verify().await), 6);
    }

    async fn a_chain_that_does_not_hold_is_not_archived(app: TestApp) {
        let folder = TempDir::new().unwrap();
        app.some_events().await;
        one_more_event(app).await;
        app.unprotect().await;
        // Also behind the part that is to be archived.
        for sequence in [3, 6] {
            app.execute(&format!("UPDATE audit_events SET subject = subject || 'x' WHERE sequence = {sequence}")).await.unwrap();
            let archived = app.archive(BETWEEN, &folder.path().join("one.jsonl")).await;
            assert!(matches!(archived, Err(Fault::BreaksAt { sequence: at, .. }) if at == sequence), "{archived:?}");
            app.execute(&format!("UPDATE audit_events SET subject = substr(subject, 1, length(subject) - 1) WHERE sequence = {sequence}")).await.unwrap();
        }
        assert_eq!((files(&folder), app.anchors().await.len(), app.events().await.len()), (0, 0, 6));
    }

    async fn a_file_that_exists_is_not_overwritten(app: TestApp) {
        let folder = TempDir::new().unwrap();
        app.some_events().await;
        let file = folder.path().join("one.jsonl");
        std::fs::write(&file, "precious").unwrap();
        assert!(matches!(app.archive(BETWEEN, &file).await, Err(Fault::Failed(why)) if why.contains("exists already")));
        assert!(app.archive(BETWEEN, &folder.path().join("no/folder/one.jsonl")).await.is_err());
        assert_eq!((std::fs::read_to_string(&file).unwrap().as_str(), files(&folder), app.events().await.len()), ("precious", 1, 5));
    }

    async fn what_was_erased_stays_erased_in_the_archive(app: TestApp) {
        let folder = TempDir::new().unwrap();
        app.some_events().await;
        app.execute("UPDATE audit_events SET reason_text = NULL, salt = NULL, before = NULL, after = NULL WHERE sequence = 3").await.unwrap();
        let erased = app.events().await[2].clone();
        let file = folder.path().join("one.jsonl");
        app.archive(BETWEEN, &file).await.unwrap().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let line: Value = serde_json::from_str(text.lines().nth(3).unwrap()).unwrap();
        assert_eq!(line, json!({ "event": erased }));
        assert!(["before", "after", "reason_text", "salt"].iter().all(|column| line["event"][column].is_null()));
        app.verify_with(&[&file]).await.unwrap();
    }

    async fn of_two_archives_at_once_one_wins_and_the_other_finds_nothing_left(app: TestApp) {
        let folder = TempDir::new().unwrap();
        app.some_events().await;
        let [one, two] = ["one.jsonl", "two.jsonl"].map(|name| folder.path().join(name));
        let (first, second) = tokio::join!(app.archive(BETWEEN, &one), app.archive(BETWEEN, &two));
        let won: Vec<_> = [first.unwrap(), second.unwrap()].into_iter().flatten().collect();
        assert_eq!((won.len(), won[0].events, files(&folder)), (1, 5, 1));
        app.verify_with(&[if one.exists() { &one } else { &two }]).await.unwrap();
    }

    async fn others_write_while_events_are_archived(app: TestApp) {
        let folder = TempDir::new().unwrap();
        app.some_events().await;
        let file = folder.path().join("one.jsonl");
        let town = municipality(AACHEN);
        let input = app.request_of(KLEVE, INITIAL).await;
        let writing = async {
            for _ in 0..20 {
                let mut input = input.clone();
                input["idempotencyKey"] = json!(uuid::Uuid::new_v4().to_string());
                app.refused(&town, "requestSubscription", input).await;
            }
        };
        let (archived, ()) = tokio::join!(app.archive(BETWEEN, &file), writing);
        let archived = archived.unwrap().unwrap();
        let events = app.events().await;
        assert_eq!(events[0].sequence, archived.sequence + 1);
        assert_eq!(events.last().unwrap().sequence, 5 + 20 + 1, "nothing was lost, nothing twice");
        app.verify_with(&[&file]).await.unwrap();
    }
}
