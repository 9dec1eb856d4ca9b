"""Reports: fixed SQL in Athena's dialect over a few tables, run by Athena or, locally, by DuckDB.

queries/        every report: its name, parameters, SQL and columns
report.py       Report, Result, and the Engine that runs a report's text
parameters.py   what a report may be told; literals.py: how it gets into the text
tables.py       the views over raw and compacted invoices, and the MERGE
schema.py       infra/athena.sql, and the statements that make the tables
compaction.py   many small objects into one table, by the same statements on both engines
athena.py       Engine and Tables: Amazon Athena; prices.py: what it costs
duck.py         Engine and Tables: DuckDB in this process, over raw.py's objects
formats.py      a result as table, CSV, JSON or XLSX; spreadsheet.py: the last
"""
