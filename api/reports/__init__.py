"""Reports: fixed SQL in Athena's dialect over two tables, run by Athena or, locally, by DuckDB.

tables.py      the tables and views: invoices_raw, invoices, invoices_tail, expenses, line_items
queries.py     every report: its name, parameters, SQL and columns
report.py      Report, its parameters made literals, the Engine that runs its text
literals.py    Python values -> SQL literals, the only way a value gets into a text
athena.py      Engine: Amazon Athena
duck.py        Engine: DuckDB in this process, for local mode and the tests
raw.py         the CSV objects as one Arrow table, for duck.py
compaction.py  many small objects into few, the same statements on both engines
formats.py     a result as table, CSV, JSON or XLSX
"""
