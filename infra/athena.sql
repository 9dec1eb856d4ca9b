-- The tables and views of Athena. Put your destination bucket's name for DESTINATION_BUCKET.
-- Written by `python -m api.reports.schema`; docs/athena.md says how they work.
-- `manage.py create_tables` runs the same statements; run `manage.py compact` next.

CREATE EXTERNAL TABLE IF NOT EXISTS invoices_raw (
    customer_id string,
    invoice_id string,
    issue_date string,
    seller_name string,
    buyer_name string,
    net_amount string,
    tax_amount string,
    total_amount string,
    amount_in_words string,
    currency string,
    cgst_amount string,
    sgst_amount string,
    utgst_amount string,
    igst_amount string,
    cess_amount string,
    items string,
    findings string,
    status string,
    rev string,
    source_key string,
    stored_at string,
    schema_version string
)
PARTITIONED BY (ingest string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
WITH SERDEPROPERTIES ('separatorChar' = ',', 'quoteChar' = '"', 'escapeChar' = '\u0001')
STORED AS TEXTFILE
LOCATION 's3://DESTINATION_BUCKET/csv/v1/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.ingest.type' = 'date',
    'projection.ingest.format' = 'yyyy-MM-dd-HH',
    'projection.ingest.range' = '2026-01-01-00,NOW+1HOURS',
    'projection.ingest.interval' = '1',
    'projection.ingest.interval.unit' = 'HOURS',
    'storage.location.template' = 's3://DESTINATION_BUCKET/csv/v1/ingest=${ingest}/'
);

CREATE TABLE IF NOT EXISTS invoices (
    customer_id string,
    invoice_id string,
    issue_date date,
    seller_name string,
    buyer_name string,
    net_amount decimal(18,2),
    tax_amount decimal(18,2),
    total_amount decimal(18,2),
    amount_in_words string,
    currency string,
    cgst_amount decimal(18,2),
    sgst_amount decimal(18,2),
    utgst_amount decimal(18,2),
    igst_amount decimal(18,2),
    cess_amount decimal(18,2),
    items string,
    findings string,
    status string,
    rev int,
    source_key string,
    stored_at string,
    schema_version int
)
PARTITIONED BY (month(issue_date))
LOCATION 's3://DESTINATION_BUCKET/iceberg/invoices/'
TBLPROPERTIES (
    'table_type' = 'ICEBERG',
    'format' = 'parquet',
    'write_compression' = 'zstd',
    'vacuum_max_snapshot_age_seconds' = '86400',
    'vacuum_max_metadata_files_to_keep' = '20'
);

CREATE OR REPLACE VIEW invoices_tail AS
SELECT
    customer_id,
    invoice_id,
    CAST(nullif(issue_date, '') AS date) AS issue_date,
    seller_name,
    buyer_name,
    CAST(nullif(net_amount, '') AS decimal(18,2)) AS net_amount,
    CAST(nullif(tax_amount, '') AS decimal(18,2)) AS tax_amount,
    CAST(nullif(total_amount, '') AS decimal(18,2)) AS total_amount,
    amount_in_words,
    currency,
    CAST(nullif(cgst_amount, '') AS decimal(18,2)) AS cgst_amount,
    CAST(nullif(sgst_amount, '') AS decimal(18,2)) AS sgst_amount,
    CAST(nullif(utgst_amount, '') AS decimal(18,2)) AS utgst_amount,
    CAST(nullif(igst_amount, '') AS decimal(18,2)) AS igst_amount,
    CAST(nullif(cess_amount, '') AS decimal(18,2)) AS cess_amount,
    items,
    findings,
    status,
    CAST(nullif(rev, '') AS integer) AS rev,
    source_key,
    stored_at,
    CAST(nullif(schema_version, '') AS integer) AS schema_version
FROM (
    SELECT *,
        row_number() OVER (PARTITION BY customer_id, invoice_id ORDER BY CAST(rev AS integer) DESC) AS place
    FROM invoices_raw
    WHERE ingest >= '2026-01-01-00'
) AS placed
WHERE place = 1;

CREATE OR REPLACE VIEW expenses AS
SELECT
    i.customer_id,
    i.invoice_id,
    i.issue_date,
    i.seller_name,
    i.buyer_name,
    i.net_amount,
    i.tax_amount,
    i.total_amount,
    i.amount_in_words,
    i.currency,
    i.cgst_amount,
    i.sgst_amount,
    i.utgst_amount,
    i.igst_amount,
    i.cess_amount,
    i.items,
    i.findings,
    i.status,
    i.rev,
    i.source_key,
    i.stored_at,
    i.schema_version
FROM invoices AS i
LEFT JOIN invoices_tail AS t ON t.customer_id = i.customer_id AND t.invoice_id = i.invoice_id
WHERE i.status = 'active' AND t.invoice_id IS NULL
UNION ALL
SELECT
    t.customer_id,
    t.invoice_id,
    t.issue_date,
    t.seller_name,
    t.buyer_name,
    t.net_amount,
    t.tax_amount,
    t.total_amount,
    t.amount_in_words,
    t.currency,
    t.cgst_amount,
    t.sgst_amount,
    t.utgst_amount,
    t.igst_amount,
    t.cess_amount,
    t.items,
    t.findings,
    t.status,
    t.rev,
    t.source_key,
    t.stored_at,
    t.schema_version
FROM invoices_tail AS t
WHERE t.status = 'active';

CREATE OR REPLACE VIEW line_items AS
SELECT
    customer_id,
    invoice_id,
    issue_date,
    seller_name,
    buyer_name,
    currency,
    CAST(json_extract_scalar(item, '$.line_number') AS integer) AS line_number,
    json_extract_scalar(item, '$.description') AS description,
    CAST(json_extract_scalar(item, '$.net_amount') AS decimal(18,2)) AS net_amount,
    CAST(json_extract_scalar(item, '$.tax_amount') AS decimal(18,2)) AS tax_amount
FROM expenses
CROSS JOIN UNNEST(CAST(json_parse(coalesce(nullif(items, ''), '[]')) AS array(json))) AS listed (item);

CREATE OR REPLACE VIEW compaction AS
SELECT CAST(NULL AS varchar) AS compacted_at, CAST('2026-01-01-00' AS varchar) AS tail_from;

-- expenses-by-day: What was invoiced on each issue date.
SELECT issue_date,
    currency, count(*) AS invoices, sum(net_amount) AS net_amount,
    sum(tax_amount) AS tax_amount, sum(total_amount) AS total_amount
FROM expenses
WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
GROUP BY issue_date, currency
ORDER BY issue_date, currency;

-- expenses-by-week: What was invoiced in each week, named by its Monday.
SELECT CAST(date_trunc('week', issue_date) AS date) AS week,
    currency, count(*) AS invoices, sum(net_amount) AS net_amount,
    sum(tax_amount) AS tax_amount, sum(total_amount) AS total_amount
FROM expenses
WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
GROUP BY date_trunc('week', issue_date), currency
ORDER BY week, currency;

-- expenses-by-month: What was invoiced in each month, named by its first day.
SELECT CAST(date_trunc('month', issue_date) AS date) AS month,
    currency, count(*) AS invoices, sum(net_amount) AS net_amount,
    sum(tax_amount) AS tax_amount, sum(total_amount) AS total_amount
FROM expenses
WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
GROUP BY date_trunc('month', issue_date), currency
ORDER BY month, currency;

-- expenses-by-seller: What each seller stands for, the largest first, and between which issue dates.
SELECT seller_name,
    currency, count(*) AS invoices, sum(net_amount) AS net_amount,
    sum(tax_amount) AS tax_amount, sum(total_amount) AS total_amount,
    min(issue_date) AS first_date, max(issue_date) AS last_date
FROM expenses
WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
GROUP BY seller_name, currency
ORDER BY total_amount DESC, seller_name, currency;

-- expenses-by-customer: What each customer stands for, the largest first, and between which issue dates.
SELECT customer_id,
    currency, count(*) AS invoices, sum(net_amount) AS net_amount,
    sum(tax_amount) AS tax_amount, sum(total_amount) AS total_amount,
    min(issue_date) AS first_date, max(issue_date) AS last_date
FROM expenses
WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
GROUP BY customer_id, currency
ORDER BY total_amount DESC, customer_id, currency;

-- tax-summary: Each month's taxes by their kind, and the net amounts that they were paid on.
SELECT CAST(date_trunc('month', issue_date) AS date) AS month, currency, count(*) AS invoices,
    sum(net_amount) AS net_amount, sum(cgst_amount) AS cgst_amount, sum(sgst_amount) AS sgst_amount,
    sum(utgst_amount) AS utgst_amount, sum(igst_amount) AS igst_amount,
    sum(cess_amount) AS cess_amount, sum(tax_amount) AS tax_amount
FROM expenses
WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
GROUP BY date_trunc('month', issue_date), currency
ORDER BY month, currency;

-- running-total: Each month's total and the total of all months up to it, from the first one asked for.
SELECT month, currency, total_amount,
    sum(total_amount) OVER (PARTITION BY currency ORDER BY month) AS running_amount
FROM (
    SELECT CAST(date_trunc('month', issue_date) AS date) AS month, currency,
        sum(total_amount) AS total_amount
    FROM expenses
    WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
    GROUP BY date_trunc('month', issue_date), currency
) AS months
ORDER BY month, currency;

-- top-invoices: The largest invoices of each currency; equal ones share a place.
SELECT currency, place, total_amount, issue_date, customer_id, invoice_id, seller_name
FROM (
    SELECT currency, total_amount, issue_date, customer_id, invoice_id, seller_name,
        rank() OVER (PARTITION BY currency ORDER BY total_amount DESC) AS place
    FROM expenses
    WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
) AS ranked
WHERE place <= 10
ORDER BY currency, place, customer_id, invoice_id;

-- invoices: The invoices one by one, the latest first.
SELECT issue_date, customer_id, invoice_id, seller_name, buyer_name, currency,
    net_amount, tax_amount, total_amount, findings
FROM expenses
WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
ORDER BY issue_date DESC, customer_id, invoice_id
LIMIT 1000;

-- line-items: The items of the invoices one by one, the latest invoice first.
SELECT issue_date, customer_id, invoice_id, seller_name, line_number, description, currency,
    net_amount, tax_amount
FROM line_items
WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
ORDER BY issue_date DESC, customer_id, invoice_id, line_number
LIMIT 1000;

-- findings: How many invoices the parser had which doubt about, the commonest first.
SELECT finding, count(*) AS invoices, count(DISTINCT seller_name) AS sellers,
    min(issue_date) AS first_date, max(issue_date) AS last_date
FROM expenses CROSS JOIN UNNEST(split(findings, ' ')) AS codes (finding)
WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
    AND finding <> ''
GROUP BY finding
ORDER BY invoices DESC, finding;

-- suspected-duplicates: Invoices of one seller, date, currency and total under different ids; `excess_amount` is what all but one of them come to.
SELECT min(seller_name) AS seller_name, issue_date, currency, total_amount, count(*) AS invoices,
    sum(total_amount) - total_amount AS excess_amount,
    array_join(array_agg(customer_id || ' ' || invoice_id ORDER BY customer_id, invoice_id), ', ') AS ids
FROM expenses
WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
GROUP BY lower(seller_name), issue_date, currency, total_amount
HAVING count(*) > 1
ORDER BY excess_amount DESC, issue_date, seller_name
LIMIT 1000;

-- outliers: Invoices far above or below the median of their seller, currency by currency, among the invoices asked for.
SELECT seller_name, currency, issue_date, customer_id, invoice_id, total_amount, median_amount,
    round(CAST(total_amount AS double) / CAST(median_amount AS double), 2) AS times
FROM (
    SELECT seller_name, currency, issue_date, customer_id, invoice_id, total_amount, invoices,
        max(CASE WHEN 2 * place BETWEEN invoices AND invoices + 1 THEN total_amount END)
            OVER (PARTITION BY seller_name, currency) AS median_amount
    FROM (
        SELECT seller_name, currency, issue_date, customer_id, invoice_id, total_amount,
            row_number() OVER (
                PARTITION BY seller_name, currency ORDER BY total_amount, customer_id, invoice_id
            ) AS place,
            count(*) OVER (PARTITION BY seller_name, currency) AS invoices
        FROM expenses
        WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
    ) AS placed
) AS compared
WHERE invoices >= 5 AND median_amount > 0
    AND (total_amount >= CAST('10' AS decimal(2,0)) * median_amount OR CAST('10' AS decimal(2,0)) * total_amount <= median_amount)
ORDER BY seller_name, currency, total_amount DESC, customer_id, invoice_id
LIMIT 1000;
