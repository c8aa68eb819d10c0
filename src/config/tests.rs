//! Which setting wins, and what is refused.

use std::collections::HashMap;

use super::*;

fn load(file: &str, environment: &[(&str, &str)], plain_url: Option<&str>, flags: &Flags) -> Result<Config, String> {
    let source: HashMap<String, String> =
        environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let environment = config::Environment::with_prefix("ITKATALOG")
        .prefix_separator("_")
        .separator("__")
        .try_parsing(true)
        .source(Some(source));
    let file = config::File::from_str(file, config::FileFormat::Toml);
    Config::build(file, plain_url.map(str::to_owned), environment, flags)
}

#[test]
fn flags_beat_environment_beats_file_beats_defaults() {
    let none = Flags::default();
    assert_eq!(load("", &[], None, &none).unwrap().listen.port(), 8080);
    assert_eq!(load("listen = '127.0.0.1:1'", &[], None, &none).unwrap().listen.port(), 1);
    let environment = [("ITKATALOG_LISTEN", "127.0.0.1:2"), ("ITKATALOG_LIMITS__DEPTH", "7")];
    let config = load("listen = '127.0.0.1:1'", &environment, None, &none).unwrap();
    assert_eq!((config.listen.port(), config.limits.depth), (2, 7));
    let flags = Flags { listen: Some("127.0.0.1:3".into()), ..Flags::default() };
    assert_eq!(load("listen = '127.0.0.1:1'", &environment, None, &flags).unwrap().listen.port(), 3);
}

#[test]
fn a_demo_counts_no_requests_unless_a_setting_says_so() {
    let flags = Flags { demo: true, ..Flags::default() };
    assert!(load("", &[], None, &Flags::default()).unwrap().rate_limit > 0);
    assert_eq!(load("", &[], None, &flags).unwrap().rate_limit, 0);
    assert_eq!(load("rate_limit = 7", &[], None, &flags).unwrap().rate_limit, 7);
}

#[test]
fn a_client_can_have_a_limit_of_its_own() {
    let file = "[rate_limits]\nland-script = 12000\n\"portal.Example\" = 0";
    let limits = load(file, &[], None, &Flags::default()).unwrap().rate_limits;
    let of = |client: &str| limits.get(client).copied();
    assert_eq!((limits.len(), of("land-script"), of("portal.Example")), (2, Some(12_000), Some(0)));
    assert!(load("[rate_limits]\nx = -1", &[], None, &Flags::default()).is_err());
}

#[test]
fn a_plain_database_url_counts_and_the_own_one_beats_it() {
    let none = Flags::default();
    let config = load("", &[], Some("postgres://plain/db"), &none).unwrap();
    assert_eq!(config.database_url.secret(), "postgres://plain/db");
    let own = [("ITKATALOG_DATABASE_URL", "postgres://own/db")];
    assert_eq!(load("", &own, Some("postgres://plain/db"), &none).unwrap().database_url.secret(), "postgres://own/db");
}

#[test]
fn an_unknown_key_is_an_error_that_names_it() {
    let error = load("lisssten = 'x'", &[], None, &Flags::default()).unwrap_err();
    assert!(error.contains("lisssten"), "{error}");
    let error = load("", &[("ITKATALOG_COLOUR", "red")], None, &Flags::default()).unwrap_err();
    assert!(error.contains("colour"), "{error}");
}

#[test]
fn a_value_out_of_range_is_an_error_that_names_the_range() {
    for (file, name) in
        [("refresh_interval_ms = 0", "refresh_interval_ms"), ("database_connections = 2000", "1 to 1000")]
    {
        let error = load(file, &[], None, &Flags::default()).unwrap_err();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn allowed_origins_are_a_list_or_a_text_with_commas_and_nothing_but_origins() {
    let none = Flags::default();
    let expected = ["https://a.example", "http://b.example:81"];
    let file = "allowed_origins = ['https://a.example', 'http://b.example:81']";
    assert_eq!(load(file, &[], None, &none).unwrap().allowed_origins, expected);
    let environment = [("ITKATALOG_ALLOWED_ORIGINS", "https://a.example, http://b.example:81")];
    assert_eq!(load("", &environment, None, &none).unwrap().allowed_origins, expected);
    for wrong in ["*", "a.example", "https://a.example/path", "file:///x"] {
        let error = load(&format!("allowed_origins = ['{wrong}']"), &[], None, &none).unwrap_err();
        assert!(error.contains(wrong), "{error}");
    }
}
