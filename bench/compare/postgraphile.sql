-- What PostGraphile needs beside the tables of the service to give the same answers: an order by folded name, a search, a sum, a write.
\set ON_ERROR_STOP on
BEGIN;
CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT trim(regexp_replace(replace(replace(replace(replace(lower(translate($1, 'ÄÖÜ', 'äöü')), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ß', 'ss'),
        '[^a-z0-9]+', ' ', 'g'))
$$;
ALTER TABLE products
    ADD name_key text COLLATE "C" GENERATED ALWAYS AS (fold(name)) STORED,
    ADD prose_key text COLLATE "C" GENERATED ALWAYS AS (fold(summary || ' ' || coalesce(description, ''))) STORED,
    ADD context_key text COLLATE "C" NOT NULL DEFAULT '';
UPDATE products SET context_key = fold(concat_ws(' ', standard.name, categories.name, providers.name, providers.short_name,
        products.external_id, (SELECT string_agg(value, ' ') FROM product_keys WHERE product_id = products.id)))
    FROM products AS same LEFT JOIN standard_products AS standard ON standard.id = same.standard_product_id, categories, providers
    WHERE same.id = products.id AND categories.id = products.category_id AND providers.id = products.provider_id;
CREATE INDEX ON products (lifecycle, name_key, id);
CREATE INDEX ON products (name_key, id);

-- The key is unique by an index; PostGraphile looks for constraints only.
COMMENT ON TABLE municipalities IS '@unique ags';

-- Best match first, by the same places and ranks as the service; an index finds the candidates.
CREATE EXTENSION pg_trgm;
ALTER TABLE products ADD search_key text COLLATE "C" NOT NULL DEFAULT '';
UPDATE products SET search_key = concat_ws(' | ', name_key, replace(name_key, ' ', ''), context_key, replace(context_key, ' ', ''), prose_key);
CREATE INDEX ON products USING gin (search_key gin_trgm_ops);
CREATE FUNCTION rank_of(product products, word text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN product.name_key = word THEN 200 ELSE 0 END + CASE
        WHEN ' ' || product.name_key || ' ' LIKE '% ' || word || ' %' THEN 100
        WHEN ' ' || product.name_key LIKE '% ' || word || '%' THEN 80
        WHEN product.name_key LIKE '%' || word || '%' THEN 60
        WHEN replace(product.name_key, ' ', '') LIKE '%' || word || '%' THEN 50
        WHEN product.context_key LIKE '%' || word || '%' THEN 20
        WHEN replace(product.context_key, ' ', '') LIKE '%' || word || '%' THEN 15
        WHEN product.prose_key LIKE '%' || word || '%' THEN 10 END
$$;
COMMENT ON FUNCTION rank_of(products, text) IS '@behavior -*';
CREATE FUNCTION search_products(search text, lifecycle text) RETURNS SETOF products LANGUAGE sql STABLE AS $$
    SELECT products FROM products
    WHERE search_key LIKE '%' || fold($1) || '%' AND products.lifecycle = $2
    ORDER BY rank_of(products, fold($1)) DESC, name_key, products.id
$$;
CREATE FUNCTION municipalities_annual_cost(municipality municipalities) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(price_amount_cents * CASE price_unit WHEN 'FLAT' THEN 1 ELSE quantity END
        * CASE price_period WHEN 'MONTH' THEN 12 ELSE 1 END), 0)::bigint
    FROM product_subscriptions WHERE municipality_id = municipality.id AND state IN ('ACTIVE', 'TERMINATING')
        AND price_period IN ('YEAR', 'MONTH')
$$;

-- Requests go into a table of their own: the service keeps records of its own that would not know of them.
CREATE TABLE plain_requests (LIKE product_subscriptions INCLUDING DEFAULTS INCLUDING INDEXES INCLUDING CONSTRAINTS,
    FOREIGN KEY (municipality_id) REFERENCES municipalities, FOREIGN KEY (product_id) REFERENCES products);
CREATE FUNCTION request_plainly(ags text, product uuid, quantity bigint, day date, key text) RETURNS plain_requests LANGUAGE sql VOLATILE AS $$
    INSERT INTO plain_requests (id, municipality_id, product_id, state, version, quantity, origin, requested_from, notice_months,
        price_unit, price_period, price_amount_cents, price_vat_basis_points, open_matter, awaits, expires_at, asked_by_subject,
        created_at, updated_at, sample)
    SELECT gen_random_uuid(), municipalities.id, products.id, 'REQUESTED', 1, $3, 'REQUESTED', $4, products.notice_months,
        prices.unit, prices.period, prices.amount_cents, prices.vat_basis_points, 'REQUEST', 'APPROVAL', now() + interval '90 days',
        'demo', now(), now(), false
    FROM municipalities, products JOIN LATERAL (SELECT * FROM prices WHERE product_id = products.id ORDER BY valid_from, id LIMIT 1) AS prices ON true
    WHERE municipalities.ags = $1 AND products.id = $2
    RETURNING *
$$;
COMMIT;
ANALYZE;
