//! Portfolios as files: how they are read, and what the command line makes of them.

use std::{path::Path, process::Output};

use itkatalog::{
    portfolios::file::{File, Format, template},
    text::Language,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{command, run, serve, text};

const HEADER: &str = "externalId;name;category;deliveryMode;prices.unit;prices.period;prices.amount";

fn row(key: &str) -> Value {
    json!({ "externalId": key, "name": format!("Bürgerbüro {key}"), "category": "bur", "deliveryMode": "REGIONAL",
        "prices": [{ "unit": "INHABITANT", "period": "YEAR", "amount": "0,35" }, { "unit": "FLAT", "period": "ONCE", "amount": "1200" }] })
}

/// The same products as a table, with a price on each line.
fn table(keys: &[&str], delimiter: &str) -> String {
    let lines = keys.iter().map(|key| {
        let first = format!("{key};Bürgerbüro {key};bur;REGIONAL;INHABITANT;YEAR;\"0,35\"\r\n");
        format!("{first}{key};;;;FLAT;ONCE;1200\r\n")
    });
    (HEADER.to_owned() + "\r\n" + &lines.collect::<String>()).replace(';', delimiter)
}

fn windows_1252(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}

fn message(content: &[u8], format: Format) -> String {
    File::read(content, format).map(|file| file.rows.len()).unwrap_err().message(Language::En)
}

#[test]
fn the_same_products_are_the_same_rows_however_they_are_written() {
    let keys = ["B-1", "B-2"];
    let rows: Vec<Value> = keys.iter().map(|key| row(key)).collect();
    let expected = File::read(json!(rows).to_string().as_bytes(), Format::Json).unwrap().rows;
    assert_eq!((expected.len(), expected[0].prices.len()), (2, 2));
    let semicolons = table(&keys, ";");
    let lines: String = rows.iter().map(|row| format!("{row}\n\n")).collect();
    let shouting = json!(rows).to_string().replace("externalId", "EXTERNALID").replace("\"1200\"", "1200");
    let utf_16: Vec<u8> =
        "\u{feff}".chars().chain(semicolons.chars()).flat_map(|letter| (letter as u16).to_le_bytes()).collect();
    for (content, format) in [
        (semicolons.clone().into_bytes(), Format::Csv),
        (format!("\u{feff}{semicolons}").into_bytes(), Format::Csv),
        (windows_1252(&semicolons), Format::Csv),
        (utf_16, Format::Csv),
        (semicolons.replace("\r\n", "\n").trim_end().to_owned().into_bytes(), Format::Csv),
        (semicolons.replace("\r\n", "\r\n;;;;;;\r\n\r\n").into_bytes(), Format::Csv),
        (table(&keys, ",").into_bytes(), Format::Csv),
        (semicolons.replace("externalId", "ExternalID").into_bytes(), Format::Csv),
        (lines.into_bytes(), Format::JsonLines),
        (shouting.into_bytes(), Format::Json),
    ] {
        assert_eq!(File::read(&content, format).unwrap().rows, expected, "{}", String::from_utf8_lossy(&content));
    }
}

#[test]
fn numbers_and_booleans_are_taken_as_they_are_written() {
    let file = br#"[{"externalId": 4711, "name": "x", "category": "bur", "deliveryMode": "CENTRAL", "baseService": true, "summary": null,
        "leikaKeys": 99107023017000, "prices": [{"unit": "FLAT", "period": "ONCE", "amount": 10.50}]}]"#;
    let row = File::read(file, Format::Json).unwrap().rows.remove(0);
    assert_eq!((row.external_id.as_str(), row.base_service.as_deref(), row.summary), ("4711", Some("true"), None));
    assert_eq!((row.leika_keys, row.prices[0].amount.as_deref()), (vec!["99107023017000".to_owned()], Some("10.50")));
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_line_and_column() {
    let line = "A-1;Name;bur;REGIONAL;FLAT;ONCE;1";
    let unclosed = format!("{HEADER}\n{line}\nA-2;\"Name;bur;REGIONAL;FLAT;ONCE;1\nA-3;x;bur;REGIONAL;FLAT;ONCE;1\n");
    let unclosed_last =
        format!("{HEADER}\n{line}\nA-2;Name;bur;REGIONAL;FLAT;ONCE;\"1\nA-3;x;bur;REGIONAL;FLAT;ONCE;1\n");
    for (content, format, expected) in [
        (String::new(), Format::Csv, "The file holds no product"),
        (HEADER.to_owned(), Format::Csv, "The file holds no product"),
        (" \n".to_owned(), Format::Json, "The file holds no product"),
        ("[]".to_owned(), Format::Json, "The file holds no product"),
        ("\n\n".to_owned(), Format::JsonLines, "The file holds no product"),
        (
            HEADER.replace("category", "categry"),
            Format::Csv,
            "Line 1, column 3: there is no “categry”. The nearest is “category”",
        ),
        (
            HEADER.replace("prices.unit", "price.unit"),
            Format::Csv,
            "Line 1, column 5: there is no “price.unit”. The nearest is “prices.unit”",
        ),
        (format!("{HEADER};name"), Format::Csv, "Line 1, column 8: “name” stands in the header twice"),
        ("externalId;name;category\n".to_owned(), Format::Csv, "the column deliveryMode is missing"),
        (format!("{HEADER}\n\n{line}\nA-2;x\n"), Format::Csv, "Line 4, column 2: the line ends after 2 cells"),
        (format!("{HEADER}\r\n{line};more\r\n"), Format::Csv, "Line 2, column 8: this cell belongs to no column"),
        (unclosed, Format::Csv, "Line 3, column 1: a quotation mark of this line is not closed"),
        (unclosed_last, Format::Csv, "Line 3, column 1: a quotation mark of this line is not closed"),
        (
            "[{\"externalId\": \"A\"},\n {\"externalId\": }]".to_owned(),
            Format::Json,
            "Line 2, column 17: no valid JSON",
        ),
        ("{\"externalId\": \"A\"}".to_owned(), Format::Json, "Line 1"),
        (
            "[\n  {\"name\": \"x\",\n   \"noticeMonth\": 3}]".to_owned(),
            Format::Json,
            "Line 3, column 19: there is no “noticeMonth”. The nearest is “noticeMonths”",
        ),
        ("[{\"prices\": [{\"price\": 3}]}]".to_owned(), Format::Json, "there is no “price”"),
        ("[{\"name\": \"x\",\n \"Name\": \"y\"}]".to_owned(), Format::Json, "Line 2, column 10: name is given twice"),
        ("[{\"name\": {\"de\": \"x\"}}]".to_owned(), Format::Json, "Line 1, column 11: a text or a number is expected"),
        ("[7]".to_owned(), Format::Json, "Line 1, column 2: an object with fields is expected"),
        ("{\"name\": \"x\"}\n\n{\"name\"}".to_owned(), Format::JsonLines, "Line 3, column"),
    ] {
        let told = message(content.as_bytes(), format);
        assert!(told.contains(expected), "{content}\n{told}");
    }
    assert!(message(b"\xef\xbb\xbf\xff", Format::Csv).contains("no readable text"));
}

#[test]
fn an_error_of_a_price_leads_to_its_line() {
    let file = File::read(table(&["B-1", "B-2"], ";").as_bytes(), Format::Csv).unwrap();
    let path = |field: &str| field.split('.').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((file.line(1, &path("name")), file.line(1, &path("prices.1.amount"))), (Some(4), Some(5)));
    assert_eq!(file.line(2, &[]), None);
}

#[test]
fn a_product_that_is_there_twice_is_not_taken_for_a_further_price() {
    let twice = format!("{HEADER}\nA;x;bur;REGIONAL;FLAT;ONCE;1\nA;y;bur;REGIONAL;FLAT;YEAR;1\nA;;;;;;\n");
    assert_eq!(File::read(twice.as_bytes(), Format::Csv).unwrap().rows.len(), 3);
}

#[test]
fn the_template_passes_the_check_in_every_format() {
    let folder = TempDir::new().unwrap();
    for (format, name) in [("csv", "t.csv"), ("json", "t.json"), ("jsonl", "t.jsonl")] {
        let printed = run(folder.path(), &["portfolio", "template", "--format", format]);
        std::fs::write(folder.path().join(name), &printed.stdout).unwrap();
        let checked = run(folder.path(), &["portfolio", "check", name]);
        let told = text(&checked.stdout);
        assert_eq!(checked.status.code(), Some(0), "{told} {}", text(&checked.stderr));
        assert!(told.starts_with("2 rows: 2 new") && told.contains("Checked without a service"), "{told}");
    }
    assert!(template(Format::Csv).unwrap().starts_with("\u{feff}externalId;name;"), "Excel takes it for UTF-8");
    assert!(!folder.path().join("itkatalog.db").exists(), "no database is made");
}

#[test]
fn a_check_without_a_service_tells_what_is_wrong_and_exits_with_2() {
    let folder = TempDir::new().unwrap();
    let wrong = table(&["B-1", "B-2"], ";").replacen("REGIONAL", "pigeon", 1);
    std::fs::write(folder.path().join("p.csv"), windows_1252(&wrong)).unwrap();
    let checked = run(folder.path(), &["portfolio", "check", "p.csv", "--lang", "de", "--report", "wrong.jsonl"]);
    let told = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(2), "{told}");
    assert!(
        told.contains("2 Zeilen: 1 neu") && told.contains("1 abgelehnt") && told.contains("deliveryMode ist „pigeon“"),
        "{told}"
    );
    assert!(!told.contains(['│', '─', '┌']), "no frames where nobody watches: {told}");
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("wrong.jsonl")).unwrap()).unwrap();
    assert_eq!((&report["index"], &report["line"], &report["externalId"]), (&json!(0), &json!(2), &json!("B-1")));
    assert_eq!(report["path"], json!(["input", "products", "0", "deliveryMode"]));
    for (arguments, expected) in [
        (&["p.csv", "--provider", "nobody"][..], "“nobody” is not in the catalogue"),
        (&["absent.csv"], "can't be read"),
        (&["p.txt"], "--format"),
        (&["p.csv", "--endpoint", "http://127.0.0.1:1/graphql"], "--provider"),
        (&["p.csv", "--format", "json"], "Line 1, column"),
    ] {
        let output = run(folder.path(), &[&["portfolio", "check"], arguments].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}

/// A provider at its command line.
struct Provider<'a> {
    folder: &'a Path,
    address: String,
    token: String,
}

impl Provider<'_> {
    fn portfolio(&self, arguments: &[&str]) -> Output {
        let endpoint = format!("http://{}/graphql", self.address);
        let mut command = command(self.folder);
        command.arg("portfolio").args(arguments).args(["--provider", "itkr", "--endpoint", &endpoint, "--lang", "en"]);
        let output = command.env("ITKATALOG_TOKEN", &self.token).output().unwrap();
        for told in [&output.stdout, &output.stderr] {
            assert!(!text(told).contains(&self.token), "the token is never shown");
        }
        output
    }

    /// What is told; the exit must be as expected.
    fn told(&self, arguments: &[&str], code: i32) -> String {
        let output = self.portfolio(arguments);
        let told = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        told
    }

    fn write(&self, name: &str, rows: &[Value]) {
        std::fs::write(self.folder.join(name), json!(rows).to_string()).unwrap();
    }
}

#[test]
fn a_portfolio_is_registered_by_the_command_line_twice_with_fewer_rows_and_renamed() {
    let folder = TempDir::new().unwrap();
    let (mut server, address) = serve(folder.path());
    let token = text(&run(folder.path(), &["token", "--role", "provider", "--provider", "itkr"]).stdout);
    let itkr = Provider { folder: folder.path(), address, token: token.trim().to_owned() };
    let keys: Vec<String> = (0..20).map(|place| format!("C-{place:02}")).collect();
    let mut rows: Vec<Value> = keys.iter().map(|key| row(key)).collect();
    itkr.write("all.json", &rows);
    let told = itkr.told(&["check", "all.json"], 0);
    assert!(told.contains("20 rows: 20 new") && told.contains("A dry run"), "{told}");
    assert!(itkr.told(&["register", "all.json", "--dry-run"], 0).contains("20 new"));
    let told = itkr.told(&["register", "all.json"], 0);
    assert!(told.contains("20 rows: 20 new") && told.contains("Written."), "{told}");
    assert!(itkr.told(&["register", "all.json"], 0).contains("20 rows: 0 new, 0 changed, 20 unchanged, 0 rejected"));

    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    std::fs::write(folder.path().join("old.csv"), windows_1252(&table(&names, ";"))).unwrap();
    assert!(itkr.told(&["register", "old.csv"], 0).contains("20 unchanged"), "a table of an old program is the same");

    itkr.write("fewer.json", &rows[3..]);
    let told = itkr.told(&["register", "fewer.json"], 0);
    assert!(told.contains("17 unchanged") && told.contains("C-00, C-01, C-02"), "{told}");
    let missing = told.split("Not in the file: ").nth(1).unwrap().trim().replace(", ", "\n");
    let phase_out = ["register", "fewer.json", "--missing", "phase-out", "--confirm-missing"];
    let refused = itkr.told(&[&phase_out[..], &["C-00"]].concat(), 1);
    assert!(refused.contains("All of it was refused") && refused.contains("CONFLICT"), "{refused}");
    std::fs::write(folder.path().join("missing.txt"), missing).unwrap();
    assert!(itkr.told(&[&phase_out[..], &["@missing.txt"]].concat(), 0).contains("Written."));

    for row in &mut rows[5..8] {
        row["name"] = json!("Neuer Name");
    }
    itkr.write("renamed.json", &rows);
    let told = itkr.told(&["register", "renamed.json"], 0);
    assert!(told.contains("3 changed, 17 unchanged") && told.contains("C-06") && told.contains("name"), "{told}");

    rows[0]["category"] = json!("nope");
    rows[1]["name"] = json!("Noch ein Name");
    itkr.write("wrong.json", &rows);
    let told = itkr.told(&["register", "wrong.json", "--report", "wrong.jsonl"], 2);
    assert!(
        told.contains("1 rejected") && told.contains("Nothing was written") && told.contains("there is no “nope”"),
        "{told}"
    );
    assert_eq!(std::fs::read_to_string(folder.path().join("wrong.jsonl")).unwrap().lines().count(), 1);
    let told = itkr.told(&["register", "wrong.json", "--on-error", "accept-valid"], 2);
    assert!(told.contains("1 changed, 18 unchanged, 1 rejected") && told.contains("Written."), "{told}");

    let mut usual = command(folder.path());
    usual.args(["portfolio", "register", "renamed.json", "--provider", "itkr"]);
    let usual = usual.env("ITKATALOG_LISTEN", &itkr.address).env("ITKATALOG_TOKEN", &itkr.token).output().unwrap();
    assert_eq!(usual.status.code(), Some(0), "sent to the address that is configured: {}", text(&usual.stderr));

    let stranger = Provider { token: "nonsense".to_owned(), ..itkr };
    assert!(stranger.told(&["register", "all.json"], 1).contains("UNAUTHENTICATED"));
    let nobody = Provider { token: String::new(), ..stranger };
    assert!(
        String::from_utf8(
            command(folder.path())
                .args(["portfolio", "register", "all.json", "--provider", "itkr"])
                .output()
                .unwrap()
                .stderr
        )
        .unwrap()
        .contains("ITKATALOG_TOKEN")
    );
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(
        Provider { token: "x".to_owned(), ..nobody }.told(&["register", "all.json"], 1).contains("refused"),
        "nobody is there"
    );
}
