use super::{fits::Fit, *};

/// Names, contexts and prose of products, in an index.
fn index(products: &[(&str, &str, &str)]) -> Index {
    let mut collector = Collector::default();
    products.iter().for_each(|(name, context, prose)| collector.add(&fold(name), [*context], [*prose]));
    collector.finish()
}

fn found(index: &Index, question: &str) -> Vec<u32> {
    let mut found = index.find(&Question::new(question).unwrap());
    found.sort_by_key(|(product, rank)| (std::cmp::Reverse(*rank), *product));
    found.into_iter().map(|(product, _)| product).collect()
}

fn rank(question: &str, name: &str, context: &str, prose: &str) -> Option<i32> {
    index(&[(name, context, prose)]).find(&Question::new(question).unwrap()).first().map(|(_, rank)| *rank)
}

fn finds(question: &str, name: &str) -> bool {
    rank(question, name, "", "").is_some()
}

#[test]
fn umlauts_case_and_sharp_s_do_not_matter() {
    assert!(finds("BUERGERBUERO", "Bürgerbüro"));
    assert!(finds("Straße", "Strassenverkehr"));
}

#[test]
fn better_places_rank_higher() {
    let places = [
        rank("akte", "E-Akte enaio", "", ""),
        rank("akten", "E-Akte enaio", "", ""),
        rank("akte", "Aktenplan", "", ""),
        rank("akte", "Personalakte", "", ""),
        rank("eakte", "E-Akte", "", ""),
        rank("akte", "DMS", "E-Akte", ""),
        rank("eakte", "DMS", "E-Akte", ""),
        rank("akte", "DMS", "", "führt Akten"),
        rank("aktenpaln", "Aktenplan", "", ""),
    ];
    assert!(places.is_sorted_by(|one, next| one > next && next.is_some()), "{places:?}");
}

#[test]
fn every_word_must_be_found() {
    assert!(finds("akte enaio", "E-Akte enaio"));
    assert_eq!(rank("akte d3", "E-Akte enaio", "", ""), None);
}

#[test]
fn little_words_need_not_be_found_unless_there_are_no_others() {
    assert!(finds("Bearbeitung von Rechnungen", "Rechnungsbearbeitung"));
    assert!(finds("zu", "Zu- und Abgänge") && !finds("zu", "Akte"));
}

#[test]
fn a_part_finds_the_compound_and_the_compound_its_parts() {
    for name in ["Rechnungsbearbeitung", "Eingangsrechnung", "Rechnung", "Eingangsrechnungen"] {
        assert!(finds("Rechnung", name) && finds("Rechnungen", name), "{name}");
    }
    assert!(finds("Rechnungsbearbeitung", "Bearbeitung von Rechnungen"));
    assert!(finds("Aktenplanverwaltung", "Verwaltung von Plänen und Akten"));
    assert!(!finds("Rechnungsbearbeitung", "Bearbeitung von Anträgen"));
}

#[test]
fn other_forms_are_found() {
    for (question, name) in [
        ("Akten", "E-Akte"),
        ("Akten", "Personalakte"),
        ("Akte", "Aktenverwaltung"),
        ("Bürgerbüros", "Bürgerbüro"),
        ("Verträge", "Vertragsmanagement"),
        ("Bäume", "Baumkataster"),
        ("Vertrag", "Verwaltung der Verträge"),
        ("Wahlen", "Wahlergebnis"),
        ("kommunale", "Kommunales Netz"),
    ] {
        assert!(finds(question, name), "{question}: {name}");
    }
}

#[test]
fn the_beginning_of_a_word_is_enough() {
    for length in 1.."buergerbuero".len() {
        assert!(finds(&"buergerbuero"[..length], "Bürgerbüro"), "{length}");
    }
    assert!(finds("Kfzzul", "Kfz-Zulassung / i-Kfz") && finds("ikfz", "Kfz-Zulassung / i-Kfz"));
}

#[test]
fn one_mistake_is_forgiven_in_words_of_five_letters_or_more() {
    for question in
        ["Bürgerburo", "Bürgerbro", "Burgerburo", "Bürgerbüor", "Bürgerrbüro", "Bürgebüro", "Dürgerbüro", "Bürgetb"]
    {
        assert!(finds(question, "Bürgerbüro"), "{question}");
    }
    assert!(!finds("Bürxerbxro", "Bürgerbüro"));
    assert!(!finds("Akze", "Akte") && finds("Akzen", "Akten"));
    assert!(finds("Rechnug", "Eingangsrechnungen und Rechnungen"));
}

#[test]
fn mistakes_are_looked_for_only_when_nothing_else_is_found() {
    let index = index(&[("Wohngeld", "", ""), ("Wohnfeld", "", ""), ("Fachverfahren Wohngeld", "", "")]);
    assert_eq!(found(&index, "wohngeld"), [0, 2]);
    assert_eq!(found(&index, "wohnfeld"), [1]);
    assert_eq!(found(&index, "wohnfeld fachverfahren"), [2], "both words are known, but no product has both");
    assert_eq!(found(&index, "wohneld fachverfahren"), [2]);
}

#[test]
fn nothing_and_too_much_find_nothing() {
    let catalogue = index(&[("E-Akte", "DMS", "führt Akten")]);
    assert!(Question::new(" \t").is_none());
    for question in ["%", "-", "\0", "😀", "\u{308}", "/ & -"] {
        assert_eq!(found(&catalogue, question), [0; 0], "{question:?}");
    }
    let thousand: Vec<String> = (0..1_000).map(|number| format!("wort{number}")).collect();
    assert_eq!(found(&catalogue, &thousand.join(" ")), [0; 0]);
    assert_eq!(found(&catalogue, &["akte"; 1_000].join(" ")), [0]);
    assert_eq!(found(&catalogue, &"a".repeat(100_000)), [0; 0]);
    assert_eq!(found(&catalogue, "\0akte\0"), [0]);
    assert_eq!(found(&index(&[]), "akte"), [0; 0]);
}

#[test]
fn words_of_other_scripts_are_found_and_break_nothing() {
    let index = index(&[("Ελληνικά ≈ 日本語", "", "łódź İstanbul")]);
    for question in ["ελληνικα", "日本", "本語", "lodz", "łód", "ниνι"] {
        index.find(&Question::new(question).unwrap());
    }
    assert_eq!(found(&index, "日本"), [0]);
}

#[test]
fn a_name_is_what_is_asked_for_without_its_spaces() {
    let question = Question::new("eAkte").unwrap();
    assert!(question.is("e akte") && !question.is("e akten"));
}

/// Words of few letters, so that many are inside of others.
fn random_texts(seed: u64, count: usize) -> Vec<String> {
    use rand::{RngExt, SeedableRng};
    let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut word = || {
        (0..chance.random_range(1..7)).map(|_| ['a', 'b', 'n', 'ü', 'ß'][chance.random_range(0..5)]).collect::<String>()
    };
    (0..count).map(|_| [word(), word(), word()].join(" ")).collect()
}

#[test]
fn the_index_finds_what_a_scan_finds() {
    for seed in 0..20 {
        let texts = random_texts(seed, 60);
        let products: Vec<_> = texts.chunks(3).map(|texts| (&*texts[0], &*texts[1], &*texts[2])).collect();
        let index = index(&products);
        for question in random_texts(seed + 1_000, 40) {
            let question = fold(&question);
            for word in question.split(' ').filter(|word| !word.is_empty()) {
                let has = |text: &str| {
                    fold(text)
                        .split(' ')
                        .any(|other| other.starts_with(word) || word.len() >= 3 && other.contains(word))
                };
                let scanned =
                    (0..).zip(&products).filter(|(_, (name, context, prose))| has(name) || has(context) || has(prose));
                let scanned: Vec<u32> = scanned.map(|(product, _)| product).collect();
                let meaning = index.meaning(word, Spelling::AsGiven);
                let direct: Vec<_> = meaning
                    .fits
                    .into_iter()
                    .filter(|(_, fit)| matches!(fit, Fit::Whole | Fit::Start | Fit::Inside))
                    .collect();
                let direct = Meaning { fits: direct, ..Meaning::default() };
                let mut indexed: Vec<(u32, i32)> = index.ranks(&direct, None).into_iter().collect();
                indexed.sort_unstable();
                assert_eq!(
                    indexed.iter().map(|(product, _)| *product).collect::<Vec<_>>(),
                    scanned,
                    "{word} (seed {seed})"
                );
                let everything: Vec<u32> = (0..products.len() as u32).collect();
                let mut looked_up: Vec<(u32, i32)> = index.ranks(&direct, Some(&everything)).into_iter().collect();
                looked_up.sort_unstable();
                assert_eq!(looked_up, indexed, "{word} (seed {seed})");
            }
        }
    }
}
