-- Fills a database that `serve --demo` has made up to a size: psql -v products=5000 -v subscriptions=100000 -v municipalities=427.
-- Everything follows from numbers, nothing from chance: the same size gives the same rows. Names of every twentieth product contain "akte".
\set ON_ERROR_STOP on
BEGIN;

-- The sample's own subscriptions are in states that depend on the day; these are not.
DELETE FROM entity_states;
DELETE FROM subscription_history;
DELETE FROM product_subscriptions;
UPDATE record_heads SET states_from = -1;

-- More towns: copies of the real ones, with numbers that no real one has.
CREATE TEMP TABLE towns AS
    SELECT *, row_number() OVER (ORDER BY ags) - 1 AS place FROM municipalities WHERE type <> 'KREIS';
CREATE TEMP TABLE copies AS
    SELECT n, (n - 1) / (SELECT count(*) FROM towns) + 2 AS part, towns.*
    FROM generate_series(1, :municipalities - (SELECT count(*) FROM municipalities)::int) AS n
    JOIN towns ON place = (n - 1) % (SELECT count(*) FROM towns);
INSERT INTO municipalities (id, ags, ars, name, official_name, type, special_status, district_id, government_district,
        landschaftsverband_id, population, population_date, area_hectares, postcode, longitude, latitude, kgst_size_class, go_nrw_status)
    SELECT md5('town ' || n)::uuid, '050' || lpad(n::text, 5, '0'), '0500000' || lpad(n::text, 5, '0'), name || ' ' || part,
        official_name || ' ' || part, type, special_status, district_id, government_district, landschaftsverband_id,
        population, population_date, area_hectares, postcode, longitude, latitude, kgst_size_class, go_nrw_status
    FROM copies;
INSERT INTO provider_coverage (id, provider_id, municipality_id, basis, valid_from, valid_to, source, confidence)
    SELECT md5('coverage ' || n || covered.id)::uuid, covered.provider_id, md5('town ' || n)::uuid, covered.basis,
        covered.valid_from, covered.valid_to, covered.source, covered.confidence
    FROM copies JOIN provider_coverage AS covered ON covered.municipality_id = copies.id;

CREATE TEMP TABLE offering AS
    SELECT id, key, row_number() OVER (ORDER BY key) - 1 AS place FROM providers
    WHERE id IN (SELECT provider_id FROM provider_coverage);
CREATE TEMP TABLE subjects AS SELECT id, row_number() OVER (ORDER BY key) - 1 AS place FROM categories WHERE parent_id IS NOT NULL;
CREATE TEMP TABLE drafts AS
    SELECT n, md5('product ' || n)::uuid AS id,
        (ARRAY['Bau','Bürger','Einwohner','Finanz','Fahrzeug','Fischerei','Friedhofs','Gewerbe','Haushalts','Jugend','Kassen','Kita',
            'Melde','Personal','Pflege','Schul','Sozial','Steuer','Vergabe','Wohngeld'])[1 + n / 20 % 20]
        || (ARRAY['akte','abrechnung','antrag','archiv','auskunft','ausweis','cockpit','dienst','formular','karte','konto','meldung',
            'planung','portal','prüfung','register','statistik','termin','verfahren','verwaltung'])[1 + n % 20]
        || (ARRAY['',' Basis',' Komfort',' Plus',' online',' mobil'])[1 + n / 400 % 6] AS name
    FROM generate_series(1, :products - (SELECT count(*) FROM products WHERE lifecycle NOT IN ('DRAFT', 'IN_REVIEW'))::int) AS n;
INSERT INTO products (id, provider_id, external_id, name, summary, description, category_id, lifecycle, available_from, phase_out_from,
        retired_from, delivery_mode, base_service, mandated_task, initial_portfolio, service_area, organisational_conditions,
        technical_conditions, lead_time_days, notice_months, term_months, version, created_at, updated_at, sample)
    SELECT drafts.id, offering.id, 'G-' || lpad(n::text, 6, '0'), name, name || ' für Städte, Gemeinden und Kreise: Einführung, Betrieb und Hilfe',
        'Läuft im Rechenzentrum des Anbieters. ' || repeat('Näheres regelt die Leistungsbeschreibung. ', 1 + n % 3), subjects.id,
        CASE n % 50 WHEN 11 THEN 'PLANNED' WHEN 31 THEN 'PHASE_OUT' WHEN 49 THEN 'RETIRED' ELSE 'AVAILABLE' END,
        CASE n % 50 WHEN 11 THEN date '2035-01-01' END, CASE n % 50 WHEN 31 THEN date '2026-10-01' END,
        CASE n % 50 WHEN 31 THEN date '2035-12-31' WHEN 49 THEN date '2026-06-30' END,
        (ARRAY['CENTRAL','REGIONAL','DECENTRAL'])[1 + n % 3], n % 9 = 0, (ARRAY['NO','PARTLY','YES'])[1 + n % 3], false,
        CASE WHEN n % 10 = 7 THEN 'STATE_WIDE' ELSE 'PROVIDER_COVERAGE' END, 'Dienstanweisung; Beteiligung des Personalrats',
        'Anschluss an das Landesverwaltungsnetz', n % 120, 3 + n % 6, 12 * (1 + n % 3), 1,
        timestamptz '2026-11-01 08:00:00Z', timestamptz '2026-11-01 08:00:00Z', true
    FROM drafts
    JOIN offering ON offering.place = n % (SELECT count(*) FROM offering)
    JOIN subjects ON subjects.place = n / 7 % (SELECT count(*) FROM subjects);
INSERT INTO prices (id, product_id, unit, period, amount_cents, vat_basis_points, valid_from, sample)
    SELECT md5('price ' || n)::uuid, id, (ARRAY['INHABITANT','WORKPLACE','FLAT'])[1 + n % 3], (ARRAY['YEAR','MONTH','YEAR'])[1 + n % 3],
        (ARRAY[20 + n % 180, 250 + n % 3000, 50000 + n % 9000000])[1 + n % 3], 1900, date '2026-01-01', true
    FROM drafts;
INSERT INTO prices (id, product_id, unit, period, amount_cents, vat_basis_points, valid_from, sample)
    SELECT md5('setup ' || n)::uuid, id, 'FLAT', 'ONCE', 100000 + 1000 * (n % 900), 1900, date '2026-01-01', true
    FROM drafts WHERE n % 2 = 0;

-- Each municipality has as many subscriptions as any other, spread over products that can be had.
CREATE TEMP TABLE takers AS SELECT id, population, row_number() OVER (ORDER BY ags) - 1 AS place FROM municipalities;
CREATE TEMP TABLE taken AS
    SELECT drafts.id, drafts.n, row_number() OVER (ORDER BY drafts.n) - 1 AS place
    FROM drafts JOIN products ON products.id = drafts.id WHERE lifecycle = 'AVAILABLE';
CREATE INDEX ON taken (place);
CREATE INDEX ON takers (place);
ANALYZE taken, takers;
INSERT INTO product_subscriptions (id, municipality_id, product_id, state, version, quantity, origin, legal_basis, requested_from,
        agreed_from, active_since, ends_on, notice_months, term_end, price_unit, price_period, price_amount_cents,
        price_vat_basis_points, asked_by_issuer, asked_by_subject, asked_in, created_at, updated_at, sample)
    SELECT md5('subscription ' || i)::uuid, takers.id, taken.id,
        CASE i % 20 WHEN 3 THEN 'APPROVED' WHEN 11 THEN 'TERMINATING' ELSE 'ACTIVE' END, 1,
        CASE prices.unit WHEN 'FLAT' THEN 1 WHEN 'INHABITANT' THEN takers.population ELSE 1 + i % 50 END, 'REPORTED', 'PUBLIC_LAW_AGREEMENT',
        date '2024-01-01' + i % 700, CASE i % 20 WHEN 3 THEN date '2035-01-01' ELSE date '2024-01-01' + i % 700 END,
        CASE i % 20 WHEN 3 THEN NULL ELSE date '2024-01-01' + i % 700 END, CASE i % 20 WHEN 11 THEN date '2099-12-31' END,
        3 + i % 6, CASE i % 20 WHEN 11 THEN date '2099-12-31' ELSE date '2030-01-01' END, prices.unit, prices.period, prices.amount_cents,
        1900, 'itkatalog', 'sample', 'FOUNDATION', timestamptz '2026-01-01 00:00:00Z' + i * interval '7 seconds',
        timestamptz '2026-01-01 00:00:00Z' + i * interval '7 seconds', true
    FROM generate_series(1, :subscriptions) AS i
    JOIN takers ON takers.place = i % (SELECT count(*) FROM takers)
    JOIN taken ON taken.place = i::bigint * 7919 % (SELECT count(*) FROM taken)
    JOIN prices ON prices.id = md5('price ' || taken.n)::uuid;
INSERT INTO subscription_history (subscription_id, version, at, action, state, reason_code, reason_text)
    SELECT id, 1, created_at, 'REPORT_CONTRACT', state, 'OTHER', 'Messung' FROM product_subscriptions;
UPDATE catalogue_state SET version = version + 1;
COMMIT;
