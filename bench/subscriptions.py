"""Subscriptions for measurements: written past the program, so that there are many at once."""
import sqlite3, subprocess

COPY = """INSERT INTO product_subscriptions ({columns})
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}),
    model AS (SELECT * FROM product_subscriptions WHERE municipality_id IS NOT NULL LIMIT 1)
    SELECT {values} FROM n, model"""


def statement(columns, count, is_postgres, own):
    """Subscriptions of one model row: to a product of krzn, or taken by krzn."""
    krzn = "(SELECT id FROM providers WHERE key = 'krzn')"
    product = f"(SELECT id FROM products WHERE provider_id = {krzn} ORDER BY external_id LIMIT 1)"
    put = {"id": "gen_random_uuid()" if is_postgres else "randomblob(16)", "predecessor_id": "NULL", "successor_id": "NULL"}
    put |= {"municipality_id": "NULL", "provider_id": krzn} if own else {"product_id": product}
    values = ", ".join(put.get(column, f"model.{column}") for column in columns)
    return COPY.format(columns=", ".join(columns), count=count, values=values)


def fill(url, folder, subscriptions):
    if url.startswith("sqlite:"):
        db = sqlite3.connect(f"{folder}/itkatalog.db", timeout=60)
        columns = [row[1] for row in db.execute("PRAGMA table_info(product_subscriptions)")]
        for count, own in [(subscriptions, False), (subscriptions // 10, True)]:
            db.execute(statement(columns, count, False, own))
        db.commit()
        db.close()
        return
    psql = lambda text: subprocess.run(["psql", url, "-qtAX", "-v", "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True, check=True).stdout
    columns = psql("SELECT column_name FROM information_schema.columns WHERE table_name = 'product_subscriptions' ORDER BY ordinal_position").split()
    for count, own in [(subscriptions, False), (subscriptions // 10, True)]:
        psql(statement(columns, count, True, own))
    psql("ANALYZE product_subscriptions")
